// One learner, whole: why they are scored so, how to get in touch, what was written, and what happened.

import { NudgeCard, StatusBadge } from "../drafts/draft.js";
import { QuizCard } from "../drafts/quiz.js";
import { anyUnsaved, drop } from "../drafts/unsaved.js";
import { useApp, useCall } from "../shared/calls.js";
import { Dialog } from "../shared/dialog.js";
import { ago } from "../shared/format.js";
import { Badge, Button, ErrorNote, LabelBadge, Note, Skeleton } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { About, Flags, Reachable } from "./about.js";
import { Contact } from "./contact.js";
import { Levers, Reasons, ScoreParts } from "./score.js";
import { ScoreHistory } from "./sparkline.js";
import { Timeline } from "./timeline.js";

const LISTS = { nudge: "nudges", quiz: "quizzes" };
const JUMPS = ["contact", "messages", "quizzes", "why_score", "timeline"];

export function LearnerPanel({ id, onClose, onChanged }) {
  const { call, tick, toast, openLearner } = useApp();
  const { data, error, reload } = useCall(call, "learner", { id }, { tick });
  const [learner, setLearner] = useState(null);
  const [written, setWritten] = useState(null); // the id of what was just written: it gets the focus
  const [asking, setAsking] = useState(false);
  const known = useRef(null);
  known.current = learner;
  useEffect(() => data && setLearner(data), [data]);

  // However the panel is left, what was not saved stays at hand and the way back is one button.
  useEffect(
    () => () => {
      if (!known.current || !anyUnsaved(draftIds(known.current))) return;
      const name = known.current.name ?? known.current.id;
      toast({ tone: "info", text: words.learner.kept(name), action: { label: words.learner.back_to_it, onClick: () => openLearner(id) } });
    },
    [],
  );

  const change = (kind) => (item) => {
    setLearner((before) => ({ ...before, [LISTS[kind]]: before[LISTS[kind]].map((one) => (one.id === item.id ? item : one)) }));
    onChanged();
  };
  const insert = (kind, item) => {
    setLearner((before) => ({ ...before, [LISTS[kind]]: [item, ...before[LISTS[kind]].filter((one) => one.id !== item.id)] }));
    setWritten(item.id);
    onChanged();
  };
  const close = () => (learner && anyUnsaved(draftIds(learner)) ? setAsking(true) : onClose());
  const letGo = () => {
    draftIds(learner).forEach(drop);
    onClose();
  };

  if (!learner) return html`<${Waiting} ...${{ id, error, onClose, onRetry: reload }} />`;
  return html`<div class="learner">
    <${Head} learner=${learner} onClose=${close} />
    <div class="learner-body">
      <${ErrorNote} error=${error} onRetry=${reload} />
      <${Flags} learner=${learner} />
      <${Section} name="reasons"><${Reasons} learner=${learner} /><//>
      <${Reach} ...${{ learner, onWritten: insert, onRecorded: onChanged }} />
      <${Section} name="messages">
        <${Drafts} kind="nudge" ...${{ items: learner.nudges, written, onChange: change("nudge") }} />
      <//>
      <${Section} name="quizzes">
        <${Drafts} kind="quiz" ...${{ items: learner.quizzes, written, onChange: change("quiz") }} />
      <//>
      ${learner.risk_score !== null &&
      html`<${Section} name="why_score"><${ScoreParts} learner=${learner} /><//>
        <${Section} name="help"><${Levers} learner=${learner} /><//>`}
      <${Section} name="history"><${ScoreHistory} history=${learner.history} thresholds=${learner.thresholds} /><//>
      <${Section} name="about"><${About} learner=${learner} /><//>
      <${Section} name="timeline"><${Timeline} events=${learner.events} /><//>
    </div>
    ${asking && html`<${UnsavedDialog} onKeep=${() => setAsking(false)} onClose=${letGo} />`}
  </div>`;
}

const draftIds = ({ nudges, quizzes }) => [...nudges, ...quizzes].map(({ id }) => id);

function Waiting({ id, error, onClose, onRetry }) {
  return html`<div class="learner" aria-busy=${error ? "false" : "true"}>
    <div class="learner-head">
      <h2 class="breaks">${words.learner.nameless(id)}</h2>
      <${Button} kind="quiet" icon="close" hideLabel testid="close-learner" onClick=${onClose}>${words.learner.close}<//>
    </div>
    <div class="learner-body">
      ${error ? html`<${ErrorNote} error=${error} onRetry=${onRetry} />` : html`<p class="unseen" role="status">${words.learner.loading}</p>
        <${Skeleton} lines=${9} />`}
    </div>
  </div>`;
}

function Head({ learner, onClose }) {
  const scored = learner.risk_score !== null;
  const head = useRef(null);
  const jump = (name) => {
    const heading = head.current.parentNode.querySelector(`[data-section="${name}"]`);
    heading.focus({ preventScroll: true });
    heading.scrollIntoView({ block: "start" });
  };
  return html`<div class="learner-head" ref=${head}>
    <div class="learner-name">
      <h2 class="breaks">${learner.name ?? words.learner.nameless(learner.id)}</h2>
      <p class="soft breaks">${[learner.name && learner.id, learner.program, learner.cohort].filter(Boolean).join(" · ")}</p>
      <${LabelBadge} label=${learner.risk_label ?? "unknown"} score=${learner.risk_score} thresholds=${learner.thresholds} testid="learner-label" />
      ${learner.probability && html`<p class="chance" data-testid="chance">${words.learner.chance(learner.probability)}</p>`}
    </div>
    <${Button} kind="quiet" icon="close" hideLabel testid="close-learner" onClick=${onClose}>${words.learner.close}<//>
    <div class="jumps" role="group" aria-label=${words.learner.jumps}>
      ${JUMPS.filter((name) => name !== "why_score" || scored).map(
        (name) => html`<button key=${name} type="button" class="jump" onClick=${() => jump(name)}>${words.learner.jump[name]}</button>`,
      )}
    </div>
  </div>`;
}

function Section({ name, children }) {
  return html`<section class="learner-section" data-testid=${`section-${name}`}>
    <h3 tabindex="-1" data-section=${name}>${words.learner[name]}</h3>
    ${children}
  </section>`;
}

function Reach({ learner, onWritten, onRecorded }) {
  const { mayChange } = useApp();
  return html`<${Section} name="contact">
    <${Reachable} learner=${learner} />
    ${mayChange
      ? html`<${Contact} ...${{ learner, onWritten, onRecorded }} />`
      : html`<${Note} testid="viewer-only">${words.learner.viewer_only}<//>`}
  <//>`;
}

/** Messages that wait are open; the rest are lines that open. What was open stays so when its status changes. */
function Drafts({ kind, items, written, onChange }) {
  const open = useRef(new Set());
  if (items.length === 0) return html`<p class="soft">${kind === "nudge" ? words.learner.no_nudges : words.learner.no_quizzes}</p>`;
  for (const item of items) if (item.id === written || (kind === "nudge" && item.status === "draft")) open.current.add(item.id);
  const Card = kind === "nudge" ? NudgeCard : QuizCard;
  return html`<div class="stack-tight">
    ${items.map((item) => {
      const card = html`<${Card} ...${{ [kind]: item, onChange, focused: item.id === written }} />`;
      if (open.current.has(item.id)) return html`<div key=${item.id}>${card}</div>`;
      return html`<details key=${item.id} class="past">
        <summary><${Summary} kind=${kind} item=${item} /></summary>
        ${card}
      </details>`;
    })}
  </div>`;
}

function Summary({ kind, item }) {
  const what = kind === "nudge"
    ? words.draft.heading(words.channels[item.channel] ?? item.channel, words.nudge_types[item.type] ?? item.type)
    : words.quiz.about(item.topic ?? words.quiz.reflective);
  return html`<span class="past-what breaks">${what}</span>
    <${StatusBadge} status=${item.status} />
    ${item.gpt_fallback && html`<${Badge} tone="template" icon="stencil">${words.draft.template_badge}<//>`}
    <span class="soft">${ago(item.created_at)}</span>`;
}

function UnsavedDialog({ onKeep, onClose }) {
  const footer = html`<${Button} kind="danger" onClick=${onClose} testid="close-unsaved">${words.learner.unsaved_close}<//>
    <${Button} kind="primary" onClick=${onKeep} testid="keep-editing">${words.learner.unsaved_keep}<//>`;
  return html`<${Dialog} title=${words.learner.unsaved_title} onClose=${onKeep} footer=${footer} testid="unsaved-dialog">
    <p>${words.learner.unsaved_body}</p>
  <//>`;
}
