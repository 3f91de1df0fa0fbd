// Deciding about many at once: what is selected, how many of them are templates, and a question before those go out.

import { MAY_UNDO } from "../drafts/drafting.js";
import { RejectDialog } from "../drafts/rejection.js";
import { whyTemplate } from "../drafts/template.js";
import { anyUnsaved } from "../drafts/unsaved.js";
import { useApp } from "../shared/calls.js";
import { Dialog } from "../shared/dialog.js";
import { Badge, Button } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

const untouched = (item) => item.gpt_fallback && !item.edited;

export function Batch({ kind, status, rows, selected, setSelected, move, busy }) {
  const { actions } = useApp();
  const [asking, setAsking] = useState(null); // "approve" | "reject"
  const all = useRef(null);
  const chosen = [...selected.values()].map(actions.newest);
  const here = rows.filter(({ id }) => selected.has(id)).length;
  const templates = chosen.filter(untouched);

  useEffect(() => {
    if (all.current) all.current.indeterminate = here > 0 && here < rows.length;
  }, [here, rows.length]);
  if (status !== "draft" && !MAY_UNDO.includes(status)) return null;

  const toggle = () => {
    const next = new Map(selected);
    for (const row of rows) here === rows.length ? next.delete(row.id) : next.set(row.id, row);
    setSelected(next);
  };
  const decide = (items, to, reason) => {
    setAsking(null);
    if (items.length > 0) move(items, to, reason);
  };
  const approve = () => (templates.length > 0 ? setAsking("approve") : decide(chosen, "approved"));
  const count = chosen.length;
  const why = status === "draft" && anyUnsaved([...selected.keys()]) ? words.queue.some_unsaved : undefined;
  return html`<div class=${`batch ${count > 0 ? "batch-some" : ""}`} data-testid="batch">
    <label class="choice">
      <input type="checkbox" ref=${all} checked=${here === rows.length} onChange=${toggle} data-testid="select-all" />
      <span>${words.queue.select_all}</span>
    </label>
    <p class="batch-count" role="status" data-testid="batch-count">
      ${count === 0 ? html`<span class="soft">${words.queue.none_selected}</span>` : html`<strong>${words.queue.selected(count)}</strong>`}
      ${templates.length > 0 && html` <${Badge} tone="template" icon="stencil">${words.queue.of_templates(templates.length)}<//>`}
    </p>
    ${count > 0 &&
    html`<${Button} kind="quiet" size="small" icon="close" testid="clear-selection" onClick=${() => setSelected(new Map())}>
      ${words.queue.clear}
    <//>`}
    ${count > 0 &&
    html`<div class="row">
      ${status === "draft"
        ? html`<${Button} kind="primary" icon="check" busy=${busy} why=${why} onAct=${approve} testid="approve-selected">${words.queue.approve(count)}<//>
            <${Button} kind="danger" busy=${busy} why=${why} onClick=${() => setAsking("reject")} testid="reject-selected">${words.queue.reject(count)}<//>`
        : html`<${Button} icon="undo" busy=${busy} onAct=${() => decide(chosen, "draft")} testid="undo-selected">${words.queue.undo(count)}<//>`}
    </div>`}
    ${why && html`<p class="field-error batch-why">${why}</p>`}
    ${asking === "approve" &&
    html`<${ConfirmTemplates} ...${{ kind, chosen, templates, onApprove: (items) => decide(items, "approved"), onClose: () => setAsking(null) }} />`}
    ${asking === "reject" &&
    html`<${RejectDialog} level=${3} count=${count} onReject=${(reason) => decide(chosen, "rejected", reason)} onClose=${() => setAsking(null)} />`}
  </div>`;
}

function ConfirmTemplates({ kind, chosen, templates, onApprove, onClose }) {
  const others = chosen.filter((item) => !untouched(item));
  const reasons = new Map();
  for (const { reason } of templates) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const often = [...reasons].sort((one, other) => other[1] - one[1]);
  const footer = html`<${Button} onClick=${onClose}>${words.app.cancel}<//>
    <${Button} onAct=${() => onApprove(chosen)} testid="confirm-all">${words.queue.confirm_all(chosen.length)}<//>
    ${others.length > 0 &&
    html`<${Button} kind="primary" onAct=${() => onApprove(others)} testid="confirm-others">${words.queue.confirm_others(others.length)}<//>`}`;
  return html`<${Dialog} level=${3} title=${words.queue.confirm_title[kind](chosen.length)} onClose=${onClose} footer=${footer} testid="confirm-templates">
    <div class="stack-tight">
      <div class="template-mark">
        <div>
          <p class="template-mark-title">${words.queue.confirm_templates(templates.length, chosen.length)}</p>
          <p>${words.queue.confirm_why}</p>
          <ul class="confirm-reasons">
            ${often.map(([reason, many]) => html`<li key=${reason}>${words.queue.because(many, whyTemplate(reason))}</li>`)}
          </ul>
        </div>
      </div>
      <p class="soft">${words.queue.confirm}</p>
    </div>
  <//>`;
}
