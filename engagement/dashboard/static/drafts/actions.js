// What may be done with a draft, a nudge or a quiz, as buttons; and the way back once it was decided.

import { Dialog } from "../shared/dialog.js";
import { ago } from "../shared/format.js";
import { Button } from "../shared/parts.js";
import { refusal } from "../shared/refusals.js";
import { words } from "../shared/words.js";
import { html, useState } from "../vendor/preact.js";
import { MAY_UNDO } from "./drafting.js";
import { RejectDialog } from "./rejection.js";

/**
 * `edit` and `draft` are what `useEdit` and `useDraft` gave; `changes` is what saving sends; `blocked` says why nothing
 * may be saved or approved now; `after(done)` moves the focus.
 */
export function DraftActions({ kind, item, edit, draft, changes, blocked, after }) {
  const [asking, setAsking] = useState(null); // "reject" | "again"
  const busy = draft.busy !== null;
  const save = () => draft.save(changes);
  const approve = async () => {
    const saved = edit.dirty ? await save() : item;
    if (saved) after(await draft.move("approved", { from: saved }));
  };
  const rewrite = async () => {
    setAsking(null);
    after(await draft.rewrite());
  };
  const reject = async (reason) => {
    const done = await draft.move("rejected", { reason });
    setAsking(null);
    after(done);
  };
  const label = edit.dirty ? words.draft.save_and_approve : item.gpt_fallback ? words.draft.approve_template : words.draft.approve;
  const unchanged = edit.dirty ? undefined : words.draft.nothing_to_save;
  const refused = item.refused ? refusal(item.refused) : undefined;
  const free = (action) => () => !busy && action();
  return html`${blocked && html`<p class="field-error">${blocked}</p>`}
    <div class="draft-actions">
      <${Button} kind="primary" icon="check" testid="approve" busy=${draft.busy === "move"} why=${blocked ?? refused} onAct=${free(approve)}>
        ${label}
      <//>
      <${Button} testid="save" busy=${draft.busy === `edit_${kind}`} why=${blocked ?? unchanged} onAct=${free(save)}>${words.draft.save}<//>
      ${edit.dirty &&
      !edit.overtaken &&
      html`<${Button} kind="quiet" testid="discard" onClick=${edit.discard}>${words.draft.let_go}<//>`}
      <span class="draft-actions-gap"></span>
      <${Button}
        icon="refresh"
        testid="rewrite"
        busy=${draft.busy === `rewrite_${kind}`}
        onAct=${free(() => (edit.dirty ? setAsking("again") : rewrite()))}
      >
        ${words.draft.again}
      <//>
      <${Button} kind="danger" testid="reject" onClick=${free(() => setAsking("reject"))}>${words.draft.reject}<//>
    </div>
    ${asking === "reject" && html`<${RejectDialog} level=${5} busy=${busy} onReject=${reject} onClose=${() => setAsking(null)} />`}
    ${asking === "again" && html`<${AgainDialog} onAgain=${rewrite} onClose=${() => setAsking(null)} />`}`;
}

function AgainDialog({ onAgain, onClose }) {
  const footer = html`<${Button} onClick=${onClose}>${words.app.cancel}<//>
    <${Button} kind="primary" icon="refresh" onAct=${onAgain} testid="rewrite-confirm">${words.draft.again}<//>`;
  return html`<${Dialog} level=${5} title=${words.draft.again_title} onClose=${onClose} footer=${footer}><p>${words.draft.again_body}</p><//>`;
}

/** What became of a draft that is none any more, and the way back while there is one. */
export function PastActions({ item, draft, mayChange, after }) {
  const said = words.draft.is_now[item.status];
  if (!said) return null;
  const who = item.changed_by && item.changed_at ? words.draft.by_whom(item.changed_by, ago(item.changed_at)) : "";
  const undo = async () => after(draft.busy === null && (await draft.move("draft")));
  return html`<div class="draft-past">
    <p><strong>${said}</strong> <span class="soft">${who}</span></p>
    ${mayChange &&
    MAY_UNDO.includes(item.status) &&
    html`<${Button} icon="undo" testid="undo" busy=${draft.busy === "move"} onAct=${undo}>${words.draft.undo}<//>`}
  </div>`;
}
