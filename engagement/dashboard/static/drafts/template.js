// The mark that says a template stood in for the model. It has a frame, an icon, a heading and a reason in words, so
// that nobody approves a general text in the belief that it was written for this learner.

import { Icon } from "../shared/icons.js";
import { useId } from "../shared/ids.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";

/** Why a template stands there; with the rule that the model broke, where one item is meant. */
export const whyTemplate = (reason, rule) => {
  const why = words.template_reasons[reason] ?? words.draft.why_unknown;
  return rule ? words.draft.broken_rule(why, rule) : why;
};

export function advice({ reason, edited }) {
  if (edited) return words.draft.do_read;
  return words.template_again.includes(reason) ? words.draft.do_again : words.draft.do_by_hand;
}

/** The mark in full, above a text: what it is, why, and what to do. `item` is a nudge or a quiz. */
export function TemplateMark({ item }) {
  const heading = useId("template");
  if (!item.gpt_fallback) return null;
  const said = item.edited && item.changed_by
    ? words.draft.template_edited(item.changed_by)
    : words.draft.template_for(item.name ?? words.draft.this_learner);
  return html`<div class="template-mark" role="note" aria-labelledby=${heading} data-testid="template-mark">
    <span class="template-mark-icon"><${Icon} name="stencil" size=${20} /></span>
    <div>
      <p class="template-mark-title" id=${heading}>${said}</p>
      <p><strong>${words.draft.why_label}</strong> ${whyTemplate(item.reason, item.broken_rule)}</p>
      ${item.status === "draft" && html`<p><strong>${words.draft.what_to_do}</strong> ${advice(item)}</p>`}
    </div>
  </div>`;
}

/** How a text came about, in one line: "Written by the model gpt-4o-mini · asked for by hand". */
export function origin(item) {
  const said = item.model ? words.draft.written_by(item.model) : words.draft.written_by_model;
  return [
    !item.gpt_fallback && said,
    item.by_hand ? words.draft.asked_by_hand : words.draft.from_run,
    item.edited && item.changed_by && !item.gpt_fallback && words.draft.edited_by(item.changed_by),
  ].filter(Boolean);
}
