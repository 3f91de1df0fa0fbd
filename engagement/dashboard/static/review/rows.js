// The rows of the queue: who it is for, what it says, how it came about, and what to do. One can be opened in place.

import { NudgeCard, StatusBadge } from "../drafts/draft.js";
import { MAY_UNDO } from "../drafts/drafting.js";
import { QuizCard } from "../drafts/quiz.js";
import { RejectDialog } from "../drafts/rejection.js";
import { origin, whyTemplate } from "../drafts/template.js";
import { anyUnsaved } from "../drafts/unsaved.js";
import { useApp } from "../shared/calls.js";
import { ago } from "../shared/format.js";
import { Icon } from "../shared/icons.js";
import { Badge, Button, LabelBadge } from "../shared/parts.js";
import { refusal } from "../shared/refusals.js";
import { words } from "../shared/words.js";
import { html, useState } from "../vendor/preact.js";

const LONG = 260; // characters: about three lines on a wide page

/** `move(items, to, reason)` decides; `moved(item, before)` hears of one that was decided in its own card. */
export function Rows({ kind, rows, selected, setSelected, move, moved }) {
  const [opened, setOpened] = useState(null);
  const [rejecting, setRejecting] = useState(null);
  const { actions, mayChange } = useApp();
  const select = (row) => {
    const next = new Map(selected);
    if (!next.delete(row.id)) next.set(row.id, row);
    setSelected(next);
  };
  const reject = (reason) => {
    setRejecting(null);
    move([rejecting], "rejected", reason);
  };
  const decided = (item, before) => {
    setOpened(null);
    moved(item, before);
  };
  const Card = kind === "nudge" ? NudgeCard : QuizCard;
  return html`<ul class="queue">
      ${rows.map((row) => {
        const selectable = mayChange && (row.status === "draft" || MAY_UNDO.includes(row.status));
        const open = opened === row.id;
        return html`<li
          key=${row.id}
          class=${`queue-row ${selected.has(row.id) ? "queue-row-selected" : ""} ${row.gpt_fallback ? "queue-row-template" : ""}`}
          data-testid="queue-row"
          data-id=${row.id}
        >
          <div class=${`queue-cells ${open ? "queue-cells-open" : ""}`}>
            <span class="queue-check">
              ${selectable &&
              html`<input
                type="checkbox"
                checked=${selected.has(row.id)}
                aria-label=${words.queue.select(nameOf(row))}
                onChange=${() => select(row)}
                data-testid="select-row"
              />`}
            </span>
            <${Who} row=${row} />
            ${!open && html`<${What} kind=${kind} row=${row} /><${How} row=${row} />`}
            <${Buttons} ...${{ row, open, mayChange, move, settling: actions.isSettling(row) }} onOpen=${() => setOpened(open ? null : row.id)} onReject=${() => setRejecting(row)} />
          </div>
          ${open && html`<${Card} ...${{ [kind]: row, onChange: actions.saw, onMoved: decided, focused: true }} />`}
        </li>`;
      })}
    </ul>
    ${rejecting && html`<${RejectDialog} level=${3} onReject=${reject} onClose=${() => setRejecting(null)} />`}`;
}

const nameOf = (row) => row.name ?? row.learner_id;

function Who({ row }) {
  const { openLearner } = useApp();
  return html`<div class="queue-who">
    <h3><button type="button" class="link" onClick=${() => openLearner(row.learner_id)} data-testid="queue-learner">${nameOf(row)}</button></h3>
    <p class="soft breaks">${row.program}</p>
    <${LabelBadge} label=${row.risk_label ?? "unknown"} score=${row.risk_score} thresholds=${row.thresholds} />
  </div>`;
}

const CHANNEL_ICONS = { in_app: "app", whatsapp: "chat", email: "mail" };

function What({ kind, row }) {
  const [whole, setWhole] = useState(false);
  const title = kind === "quiz"
    ? words.quiz.about(row.topic ?? words.quiz.reflective)
    : words.draft.heading(words.channels[row.channel] ?? row.channel, words.nudge_types[row.type] ?? row.type);
  const text = kind === "quiz" ? row.questions.map(({ stem }, at) => `${at + 1}. ${stem}`).join("\n") : row.content_filled;
  const long = text.length > LONG || text.split("\n").length > 3;
  // Blank lines would take the room of words where only three lines are shown.
  const shown = long && !whole ? text.replace(kind === "quiz" ? /\n{2,}/g : /\n+/g, kind === "quiz" ? "\n" : " ") : text;
  return html`<div class="queue-what">
    <p class="queue-title">
      <span class="breaks"><${Icon} name=${CHANNEL_ICONS[row.channel] ?? "quiz"} size=${14} /> ${title}</span>
      ${row.status !== "draft" && html`<${StatusBadge} status=${row.status} />`}
      ${anyUnsaved([row.id]) && html`<${Badge} tone="warn" icon="pencil">${words.draft.unsaved}<//>`}
    </p>
    ${row.subject_filled && html`<p class="queue-subject">${row.subject_filled}</p>`}
    <p class=${`queue-text ${whole || !long ? "" : "queue-text-short"}`}>${shown}</p>
    ${long &&
    html`<button type="button" class="link" aria-expanded=${whole ? "true" : "false"} onClick=${() => setWhole(!whole)} data-testid="show-whole">
      ${whole ? words.queue.less : words.queue.more}<span class="unseen"> (${nameOf(row)})</span>
    </button>`}
  </div>`;
}

function How({ row }) {
  const facts = [...origin(row), words.draft.created(ago(row.created_at))];
  const who = row.status !== "draft" && row.changed_by && row.changed_at ? words.draft.by_whom(row.changed_by, ago(row.changed_at)) : null;
  return html`<div class="queue-how">
    ${row.gpt_fallback &&
    html`<div class="queue-template" data-testid="template-mark">
      <p class="queue-template-title"><${Icon} name="stencil" size=${15} /> ${row.edited ? words.queue.template_edited : words.queue.template}</p>
      <p>${whyTemplate(row.reason, row.broken_rule)}</p>
    </div>`}
    ${row.refused && html`<${Badge} tone="danger" icon="warn" testid="refused">${refusal(row.refused)}<//>`}
    <p class="hint">${facts.join(" · ")}</p>
    ${who && html`<p class="hint">${who}</p>`}
  </div>`;
}

/** `settling`: it was decided, and the list is about to say so. */
function Buttons({ row, open, mayChange, settling, onOpen, onReject, move }) {
  const draft = row.status === "draft" && mayChange;
  // What is decided is the saved text, so words that nobody else has seen come first.
  const unsaved = anyUnsaved([row.id]) ? words.queue.unsaved_first : undefined;
  const named = (label) => ({ "aria-label": words.queue.about(label, nameOf(row)) });
  const label = open ? words.queue.shut : draft ? words.queue.edit : words.queue.view;
  return html`<div class="queue-buttons">
    ${draft &&
    !open &&
    html`<${Button}
        size="small"
        icon="check"
        why=${unsaved ?? (row.refused ? refusal(row.refused) : undefined)}
        busy=${settling}
        onAct=${() => move([row], "approved")}
        testid="approve"
        ...${named(words.draft.approve)}
        >${words.draft.approve}<//
      >
      <${Button} size="small" kind="danger" why=${unsaved ?? (settling ? words.queue.settling : undefined)} onAct=${onReject} testid="reject" ...${named(words.draft.reject)}>${words.draft.reject}<//>`}
    ${!draft &&
    mayChange &&
    MAY_UNDO.includes(row.status) &&
    !open &&
    html`<${Button} size="small" icon="undo" busy=${settling} onAct=${() => move([row], "draft")} testid="undo" ...${named(words.draft.undo)}>${words.app.undo}<//>`}
    <${Button}
      size="small"
      icon=${open ? "close" : draft ? "pencil" : "open"}
      aria-expanded=${open ? "true" : "false"}
      onClick=${onOpen}
      testid="open-row"
      ...${named(label)}
    >
      ${label}
    <//>
  </div>`;
}
