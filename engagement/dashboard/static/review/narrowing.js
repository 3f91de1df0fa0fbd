// What narrows the queue: status, program, who wrote it, words; and the export of what is left.

import { useAction } from "../shared/actions.js";
import { download, useApp } from "../shared/calls.js";
import { Button, ErrorNote, Select } from "../shared/parts.js";
import { Search } from "../shared/search.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";

const STATUSES = ["draft", "approved", "rejected", "expired", "queued", "sent", "delivered", "failed"];

export function Narrowing({ asked, me, counts, set }) {
  const statuses = STATUSES.map((value) => {
    const said = words.statuses[value];
    return { value, label: counts ? words.queue.status_count(said, counts[value] ?? 0) : said };
  });
  const programs = [{ value: "", label: words.queue.all_programs }, ...me.programs.map((name) => ({ value: name, label: name }))];
  const writers = Object.entries(words.queue.writers).map(([value, label]) => ({ value, label }));
  return html`<div class="narrowing" role="search">
    <${Select}
      label=${words.queue.status}
      value=${asked.status}
      options=${statuses}
      onChange=${(status) => set({ status: status === "draft" ? null : status })}
      testid="queue-status"
    />
    <${Select}
      label=${words.learner.program}
      value=${asked.program ?? ""}
      options=${programs}
      onChange=${(program) => set({ program: program || null })}
      testid="queue-program"
    />
    <${Select}
      label=${words.queue.written_by}
      value=${asked.written_by}
      options=${writers}
      onChange=${(by) => set({ by: by === "any" ? null : by })}
      testid="queue-written-by"
    />
    <${Search} label=${words.queue.search} text=${asked.search} onSearch=${(text, how) => set({ q: text }, how)} testid="queue-search" />
    <${Exports} asked=${asked} />
  </div>`;
}

function Exports({ asked }) {
  const { announce } = useApp();
  const { run, busy, error } = useAction("queue-file");
  const get = async (format) => {
    const { page, ...args } = asked;
    const file = await run("export_queue", { ...args, format });
    if (!file) return;
    download(file);
    announce(words.queue.exported(file.filename));
  };
  return html`<div class="narrowing-exports">
      ${["xlsx", "json"].map(
        (format) => html`<${Button} key=${format} icon="download" busy=${busy !== null} onClick=${() => get(format)} testid=${`export-${format}`}>
          ${words.queue[`export_${format}`]}
        <//>`,
      )}
    </div>
    <${ErrorNote} error=${error} />`;
}
