// Tells the second of two people on one draft who was first, when, and what became of it.

import { ago } from "../shared/format.js";
import { Button, Note } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";

function sentence({ gone, actor, at, status, why }) {
  if (why) return refusal(why);
  if (gone) return words.draft.gone_now;
  if (!actor || !at) return words.draft.conflict_unknown;
  return words.draft.conflict(actor, ago(at), words.statuses[status] ?? status);
}

/** Why a text may not go out to the learner any more, or not now, as the server's code says. */
export const refusal = (code) => words.refusals[code] ?? words.warnings[code] ?? code;

/** Nobody was faster, but the learner may not be written to any more: said before somebody approves. */
export function Refused({ item }) {
  if (!item.refused) return null;
  return html`<${Note} tone="danger" testid="refused"><strong>${words.draft.refused}</strong> ${refusal(item.refused)}<//>`;
}

/**
 * `edit` (see unsaved.js) may hold words that were written over an older version: they are put over the newest one or
 * let go, by choice. `mine` shows them, `theirs` the newest text.
 */
export function Conflict({ conflict, edit, item, theirs, mine, onDone }) {
  if (!conflict && !edit.overtaken) return null;
  const told = conflict ?? { actor: item.changed_by, at: item.changed_at, status: item.status };
  const keep = () => (edit.rebase(), onDone());
  const leave = () => (edit.discard(), onDone());
  const choice = html`<${Button} size="small" onClick=${leave} testid="conflict-theirs">${words.draft.use_theirs}<//>
    <${Button} size="small" onClick=${keep} testid="conflict-mine">${words.draft.use_mine}<//>`;
  const shut = html`<${Button} size="small" onClick=${leave} testid="conflict-dismiss">${words.app.close}<//>`;
  const open = item.status === "draft";
  const overrule = told.overrule && html`<${Button} size="small" onClick=${told.overrule} testid="overrule">${words.draft.overrule}<//>`;
  return html`<${Note} tone="danger" role="alert" testid="conflict" actions=${edit.overtaken && open ? choice : [overrule, shut]}>
    <strong>${told.overrule ? words.draft.limited : told.why ? words.draft.refused : words.draft.conflict_title}</strong>
    <p>${sentence(told)}</p>
    ${edit.overtaken && open &&
    html`<p>${words.draft.conflict_newest}</p>
      <blockquote class="conflict-text">${theirs}</blockquote>
      <p>${words.draft.conflict_mine}</p>`}
    ${edit.overtaken && !open &&
    html`<p>${words.draft.conflict_lost}</p>
      <blockquote class="conflict-text">${mine}</blockquote>`}
  <//>`;
}
