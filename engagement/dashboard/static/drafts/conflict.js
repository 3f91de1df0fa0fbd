// Tells the second of two people on one draft who was first, when, and what became of it.

import { useApp } from "../shared/calls.js";
import { ago } from "../shared/format.js";
import { Button, Note } from "../shared/parts.js";
import { isLimit, refusal } from "../shared/refusals.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";

function sentence({ actor, at, status, why, own }, limits) {
  if (why) return refusal(why, limits);
  if (!status) return words.draft.gone_now;
  if (!actor || !at) return words.draft.conflict_unknown;
  const now = words.statuses[status] ?? status;
  return own ? words.draft.conflict_own(ago(at), now) : words.draft.conflict(actor, ago(at), now);
}

function heading({ why, own }) {
  if (why) return isLimit(why) ? words.draft.limited : words.draft.refused;
  return own ? words.draft.conflict_own_title : words.draft.conflict_title;
}

/** Nobody was faster, but the learner may not be written to any more: said before somebody approves. */
export function Refused({ item }) {
  if (!item.refused) return null;
  return html`<${Note} tone="danger" testid="refused"><strong>${words.draft.refused}</strong> ${refusal(item.refused)}<//>`;
}

/**
 * `edit` (see unsaved.js) may hold words that were written over an older version: they are put over the newest one or
 * let go, by choice. `mine` shows them, `theirs` the newest text. `overrule()` approves all the same, past a limit.
 */
export function Conflict({ conflict, overrule, edit, item, theirs, mine, onDone }) {
  const { limits } = useApp();
  if (!conflict && !edit.overtaken) return null;
  const told = conflict ?? { actor: item.changed_by, at: item.changed_at, status: item.status };
  const keep = () => (edit.rebase(), onDone());
  const leave = () => (edit.discard(), onDone());
  const choice = html`<${Button} size="small" onClick=${leave} testid="conflict-theirs">${words.draft.use_theirs}<//>
    <${Button} size="small" onClick=${keep} testid="conflict-mine">${words.draft.use_mine}<//>`;
  const shut = html`<${Button} size="small" onClick=${leave} testid="conflict-dismiss">${words.app.close}<//>`;
  const open = item.status === "draft";
  const past = isLimit(told.why) && html`<${Button} size="small" onAct=${overrule} testid="overrule">${words.draft.overrule}<//>`;
  return html`<${Note} tone="danger" role="alert" testid="conflict" actions=${edit.overtaken && open ? choice : [past, shut]}>
    <strong>${heading(told)}</strong>
    <p>${sentence(told, limits)}</p>
    ${edit.overtaken && open &&
    html`<p>${words.draft.conflict_newest}</p>
      <blockquote class="conflict-text">${theirs}</blockquote>
      <p>${words.draft.conflict_mine}</p>`}
    ${edit.overtaken && !open &&
    html`<p>${words.draft.conflict_lost}</p>
      <blockquote class="conflict-text">${mine}</blockquote>`}
  <//>`;
}
