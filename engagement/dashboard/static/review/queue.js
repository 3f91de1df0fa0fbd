// The Review page: what waits for a decision, one at a time or many at once, and the way back.

import { refusal } from "../drafts/conflict.js";
import { isLimit } from "../drafts/limits.js";
import { useAction, useApp, useCall } from "../shared/calls.js";
import { ago } from "../shared/format.js";
import { Button, Empty, ErrorNote, Note, Pager, Skeleton, Tabs } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Batch } from "./batch.js";
import { Narrowing } from "./narrowing.js";
import { Rows } from "./rows.js";

const KINDS = { nudge: "nudges", quiz: "quizzes" };

/** What the address says, with what it leaves out filled in. */
function wanted({ kind, status, program = null, by, q = "", page = "1" }) {
  const known = (value, choices, usual) => (Object.hasOwn(choices, value) ? value : usual);
  return {
    ...{ kind: known(kind, KINDS, "nudge"), status: known(status, words.statuses, "draft"), program },
    ...{ written_by: known(by, words.queue.writers, "any"), search: q, page: Math.max(1, Math.trunc(Number(page)) || 1) },
  };
}

export function Review({ call, me, state, setState }) {
  const { tick, toast, changed, mayChange } = useApp();
  const asked = wanted(state);
  const { kind, status } = asked;
  const { data, error, busy, reload } = useCall(call, "queue", asked, { tick });
  const [newer, setNewer] = useState({}); // id -> a version that is newer than the list
  const [selected, setSelected] = useState(new Map()); // id -> row, also of other pages
  const [conflicts, setConflicts] = useState([]);
  const action = useAction(call);
  const heading = useRef(null);

  useEffect(() => setNewer({}), [data]);
  const filters = JSON.stringify({ ...asked, page: 1 });
  useEffect(() => setSelected(new Map()), [filters]);

  // The answer stays while the next one is on its way, and that may be of the other kind.
  const fits = data && (data.rows.length === 0 ? !busy : "questions" in data.rows[0] === (kind === "quiz"));
  const rows = fits ? data.rows.map((row) => newer[row.id] ?? row) : null;
  const set = (patch) => setState({ page: null, ...patch });

  /** Many at once. What moved can be taken back; what somebody else was faster with is told one by one. */
  const move = async (items, to, reason = "", known = []) => {
    const names = new Map(items.map((item) => [item.id, item.name ?? item.learner_id]));
    const sent = items.map(({ id, version }) => ({ id, version }));
    const result = await action.run("move", { kind, items: sent, to, reason, known });
    if (!result) return;
    setSelected(new Map());
    setConflicts(result.conflicts.map((one) => ({ ...one, known, name: one.name ?? names.get(one.id) })));
    if (result.moved.length > 0) tell(result.moved, to, items);
    changed();
    heading.current?.focus();
  };
  /** What only a limit holds back, by who has been told of it. */
  const overrule = (items) => move(items, "approved", "", [...new Set(items.flatMap((item) => [...item.known, item.why]))]);
  const tell = (moved, to, items) => {
    const known = new Map(items.map((item) => [item.id, item]));
    const back = () => move(moved.map((one) => ({ ...known.get(one.id), ...one })), "draft");
    const undo = to === "draft" ? undefined : { label: words.app.undo, onClick: back };
    toast({ text: words.queue.moved[to](moved.length), action: undo });
  };
  /** One that was decided in its own card. */
  const moved = (item, before) => {
    tell([{ id: item.id, version: item.version }], item.status, [item]);
    if (before !== item.status) changed();
    heading.current?.focus();
  };

  const panel = html`
    <${Narrowing} ...${{ asked, me, call, counts: data?.counts, set }} />
    <${ErrorNote} error=${error} onRetry=${reload} />
    <${ErrorNote} error=${action.error} />
    <${Conflicts} ...${{ conflicts, overrule }} onClose=${() => setConflicts([])} />
    <div class="queue-found" ref=${heading} tabindex="-1" role="status" data-testid="queue-found">
      ${fits && words.queue.found[kind](data.total)}
    </div>
    <div aria-busy=${busy ? "true" : "false"}>
      ${!rows && !error && html`<${Skeleton} lines=${12} />`}
      ${rows && rows.length === 0 && html`<${Nothing} ...${{ asked, set }} />`}
      ${rows &&
      rows.length > 0 &&
      html`${mayChange
          ? html`<${Batch} ...${{ kind, status, rows, selected, setSelected, move, busy: action.busy !== null }} />`
          : html`<${Note} testid="viewer-only">${words.queue.viewer_only}<//>`}
        <${Rows}
          ...${{ kind, rows, call, selected, setSelected, move, moved }}
          onChange=${(item) => setNewer((before) => ({ ...before, [item.id]: item }))}
        />
        <${Pager}
          ...${{ page: asked.page, pageSize: data.page_size, total: data.total }}
          onPage=${(page) => setState({ page: page === 1 ? null : String(page) })}
        />`}
    </div>`;

  return html`<section class="review" aria-labelledby="review-title" data-testid="review">
    <div class="review-head">
      <h2 id="review-title">${words.queue.title}</h2>
      <p class="soft">${words.queue.intro}</p>
    </div>
    <${Tabs}
      name="review"
      label=${words.queue.kinds}
      tabs=${Object.entries(KINDS).map(([id, name]) => ({ id, label: words.queue[name] }))}
      current=${kind}
      onChange=${(id) => setState({ kind: id === "nudge" ? null : id, status: null, page: null })}
    />
    <div role="tabpanel" id="review-panel" aria-labelledby=${`review-${kind}`} tabindex="0" class="card review-panel">${panel}</div>
  </section>`;
}

function told({ name, status, actor, at, why }) {
  if (why) return words.queue.conflict_refused(name, refusal(why));
  if (!status) return words.queue.conflict_gone(name);
  const now = words.statuses[status] ?? status;
  return actor && at ? words.queue.conflict(name, now, actor, ago(at)) : words.queue.conflict_no_one(name, now);
}

function Conflicts({ conflicts, overrule, onClose }) {
  if (conflicts.length === 0) return null;
  const limited = conflicts.filter((conflict) => isLimit(conflict.why));
  const past = () => overrule(limited);
  const shut = html`<${Button} size="small" onClick=${onClose}>${words.app.close}<//>`;
  const all = limited.length > 0 && html`<${Button} size="small" onClick=${past} testid="overrule">${words.queue.overrule(limited.length)}<//>`;
  return html`<${Note} tone="danger" role="alert" testid="conflicts" actions=${[all, shut]}>
    <strong>${words.queue.conflicts(conflicts.length)}</strong>
    <ul>
      ${conflicts.map((conflict) => html`<li key=${conflict.id}>${told(conflict)}</li>`)}
    </ul>
  <//>`;
}

function Nothing({ asked, set }) {
  const filtered = asked.program || asked.search || asked.written_by !== "any" || asked.status !== "draft" || asked.page > 1;
  if (!filtered) return html`<${Empty} icon="check" title=${words.queue.empty} testid="queue-empty"><p>${words.queue.empty_hint}</p><//>`;
  return html`<${Empty} title=${words.queue.empty_filtered} testid="queue-empty">
    <${Button} onClick=${() => set({ status: null, program: null, by: null, q: null })}>${words.queue.clear_filters}<//>
  <//>`;
}
