// What narrows the queue: status, program, who wrote it, words; and the export of what is left.

import { download, useAction, useApp } from "../shared/calls.js";
import { Button, ErrorNote, Select, TextField } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

const STATUSES = ["draft", "approved", "rejected", "expired", "queued", "sent", "delivered", "failed"];
const PAUSE_MS = 250;

export function Narrowing({ asked, me, call, counts, set }) {
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
    <${Search} text=${asked.search} onSearch=${(text) => set({ q: text || null })} />
    <${Exports} asked=${asked} call=${call} />
  </div>`;
}

/** Asks when typing pauses. The address may change behind it, as by the back button. */
function Search({ text, onSearch }) {
  const [typed, setTyped] = useState(text);
  const timer = useRef(null);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (value) => {
    setTyped(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(value.trim()), PAUSE_MS);
  };
  return html`<${TextField}
    label=${words.queue.search}
    type="search"
    placeholder=${words.queue.search_hint}
    maxlength="200"
    value=${typed}
    onInput=${type}
    testid="queue-search"
  />`;
}

function Exports({ asked, call }) {
  const { announce } = useApp();
  const { run, busy, error } = useAction(call);
  const get = async (format) => {
    const { page, ...args } = asked;
    const file = !busy && (await run("export_queue", { ...args, format }));
    if (!file) return;
    download(file);
    announce(words.queue.exported(file.filename));
  };
  return html`<div class="narrowing-exports">
      ${["csv", "json"].map(
        (format) => html`<${Button} key=${format} icon="download" busy=${busy !== null} onClick=${() => get(format)} testid=${`export-${format}`}>
          ${words.queue[`export_${format}`]}
        <//>`,
      )}
    </div>
    <${ErrorNote} error=${error} />`;
}
