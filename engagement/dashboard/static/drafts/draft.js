// One nudge: what it says, how it came about, and what may be done with it. A draft is edited in place; what has left
// the house is only read.

import { useApp } from "../shared/calls.js";
import { ago } from "../shared/format.js";
import { useId } from "../shared/ids.js";
import { Badge, ErrorNote } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { Writing } from "../shared/writing.js";
import { html, useEffect, useRef } from "../vendor/preact.js";
import { DraftActions, PastActions } from "./actions.js";
import { Conflict, Refused } from "./conflict.js";
import { useDraft } from "./drafting.js";
import { Editor, useChecks } from "./editor.js";
import { Preview } from "./preview.js";
import { origin, TemplateMark } from "./template.js";
import { useEdit } from "./unsaved.js";

const TONES = { draft: "info", approved: "good", sent: "good", delivered: "good", rejected: "danger", failed: "danger" };

export function StatusBadge({ status }) {
  return html`<${Badge} tone=${TONES[status] ?? "neutral"} testid="status">${words.statuses[status] ?? status}<//>`;
}

/** `onChange(nudge)` gets each newer version; `focused` moves the focus to it, as after it was written. */
export function NudgeCard({ nudge, onChange, onMoved, focused = false }) {
  const { call, me, mayChange } = useApp();
  const card = useRef(null);
  const heading = useId("nudge");
  const original = { subject: nudge.subject, content: nudge.content };
  const edit = useEdit(nudge, original);
  const draft = useDraft({ kind: "nudge", item: nudge, onChange, onMoved });
  const open = nudge.status === "draft" && mayChange;
  const { problems, checking } = useChecks(call, { channel: nudge.channel, ...edit.value }, open && edit.dirty);

  useEffect(() => {
    if (focused) card.current.focus();
  }, [focused]);

  // The buttons change with the status, so the focus would fall to the page.
  const after = (done) => done && !onMoved && card.current?.focus();
  const blocked = edit.overtaken ? words.draft.choose_first : edit.dirty && problems.length > 0 ? words.draft.fix_first : undefined;
  const title = words.draft.heading(words.channels[nudge.channel] ?? nudge.channel, words.nudge_types[nudge.type] ?? nudge.type);
  return html`<article class="draft" ref=${card} tabindex="-1" aria-labelledby=${heading} data-testid="draft">
    <header class="draft-head">
      <h4 id=${heading}>${title}</h4>
      <${StatusBadge} status=${nudge.status} />
      ${edit.dirty && html`<${Badge} tone="warn" icon="pencil" testid="unsaved">${words.draft.unsaved}<//>`}
    </header>
    <p class="hint">${[...origin(nudge), words.draft.created(ago(nudge.created_at))].join(" · ")}</p>
    <${TemplateMark} item=${nudge} />
    ${open && html`<${Refused} item=${nudge} />`}
    <${Conflict}
      ...${{ conflict: draft.conflict, overrule: draft.overrule, edit, item: nudge, theirs: nudge.content, mine: edit.value.content, onDone: draft.dismiss }}
    />
    <div class="draft-columns">
      ${open &&
      html`<${Editor} ...${{ nudge, value: edit.value, onChange: edit.change, problems, checking, limits: me.limits }} />`}
      <${Preview} nudge=${nudge} ...${open ? edit.value : original} />
    </div>
    ${draft.busy === "rewrite_nudge" && html`<${Writing} what=${words.learner.a_text.nudge} />`}
    <${ErrorNote} error=${draft.error} />
    ${open
      ? html`<${DraftActions} ...${{ kind: "nudge", item: nudge, edit, draft, changes: edit.value, blocked, after }} />`
      : html`<${PastActions} ...${{ item: nudge, draft, mayChange, after }} />`}
    <p class=${open ? "draft-said" : "unseen"} role="status">${draft.said}</p>
  </article>`;
}
