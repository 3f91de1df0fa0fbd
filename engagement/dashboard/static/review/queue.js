// The Review page: what waits for a decision, one at a time or many at once, and the way back.

import { useAction } from "../shared/actions.js";
import { useApp, useCall } from "../shared/calls.js";
import { Button, Empty, ErrorNote, Note, Pager, Skeleton, Tabs } from "../shared/parts.js";
import { isLimit, told } from "../shared/refusals.js";
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

export function Review({ state, setState }) {
  const { actions, call, me, tick, changed, mayChange } = useApp();
  const asked = wanted(state);
  const { kind, status } = asked;
  const { data, of, error, busy, reload } = useCall(call, "queue", asked, { tick, typed: "search" });
  const [selected, setSelected] = useState(new Map()); // id -> row, also of other pages
  const action = useAction("queue");
  const heading = useRef(null);

  const filters = JSON.stringify({ ...asked, page: 1 });
  useEffect(() => setSelected(new Map()), [filters]);

  // The answer stays while the next one is on its way, and that may be of the other kind.
  const fits = data && of.kind === kind;
  const rows = fits && (data.rows.length || !data.total) ? data.rows.map(actions.seen) : null;
  const set = (patch, how) => setState({ page: null, ...patch }, how);

  /** Many at once. What moved can be taken back; what somebody else was faster with is told one by one. */
  const move = async (items, to, reason) => {
    const { moved, conflicts } = await actions.decide("queue", kind, items, to, { reason });
    const decided = [...moved, ...conflicts].map(({ id }) => id);
    setSelected((before) => new Map([...before].filter(([id]) => !decided.includes(id))));
    if (decided.length) come(decided);
  };
  /** Who decided goes on at the top of the list, unless they are elsewhere by then. */
  const come = (decided) => {
    const focused = heading.current?.getRootNode().activeElement;
    if (!focused || focused.closest(".batch") || decided.includes(focused.closest("[data-id]")?.dataset.id)) heading.current?.focus({ preventScroll: true });
  };
  /** One that was decided in its own card. */
  const moved = (item, before) => {
    actions.tell(kind, [item], item.status);
    if (before !== item.status) changed();
    heading.current?.focus({ preventScroll: true });
  };

  const panel = html`
    <${Narrowing} ...${{ asked, me, counts: data?.counts, set }} />
    <${ErrorNote} error=${error} onRetry=${reload} />
    <${ErrorNote} error=${action.error} />
    <${Conflicts} conflicts=${action.conflicts} overrule=${(those) => actions.overrule("queue", those)} onClose=${action.clear} />
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
          ...${{ kind, rows, selected, setSelected, move, moved }}
        />`}
      ${fits &&
      html`<${Pager}
        ...${{ page: data.page, pageSize: data.page_size, total: data.total }}
        onPage=${(page, how) => setState({ page: page === 1 ? null : String(page) }, how)}
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

function Conflicts({ conflicts, overrule, onClose }) {
  const note = useRef(null);
  const { limits } = useApp();
  useEffect(() => note.current?.scrollIntoView({ block: "nearest" }), [conflicts]);
  if (conflicts.length === 0) return null;
  const limited = conflicts.filter((conflict) => isLimit(conflict.why));
  const shut = html`<${Button} size="small" onClick=${onClose}>${words.app.close}<//>`;
  const all = limited.length > 0 && html`<${Button} size="small" onAct=${() => overrule(limited)} testid="overrule">${words.queue.overrule(limited.length)}<//>`;
  return html`<div ref=${note}><${Note} tone="danger" role="alert" testid="conflicts" actions=${[all, shut]}>
    <strong>${words.queue.conflicts(conflicts.length)}</strong>
    <ul>
      ${conflicts.map((conflict) => html`<li key=${conflict.id}>${told(conflict, limits)}</li>`)}
    </ul>
  <//></div>`;
}

function Nothing({ asked, set }) {
  const filtered = asked.program || asked.search || asked.written_by !== "any" || asked.status !== "draft" || asked.page > 1;
  if (!filtered) return html`<${Empty} icon="check" title=${words.queue.empty} testid="queue-empty"><p>${words.queue.empty_hint}</p><//>`;
  return html`<${Empty} title=${words.queue.empty_filtered} testid="queue-empty">
    <${Button} onClick=${() => set({ status: null, program: null, by: null, q: null })}>${words.queue.clear_filters}<//>
  <//>`;
}
