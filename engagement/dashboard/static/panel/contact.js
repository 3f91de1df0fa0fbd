// Getting in touch with one learner: a nudge or a quiz that is written for them, a call that was made, a note.

import { useAction } from "../shared/actions.js";
import { useApp } from "../shared/calls.js";
import { Button, ErrorNote, Note, Select, TextField } from "../shared/parts.js";
import { refusal, within } from "../shared/refusals.js";
import { words } from "../shared/words.js";
import { Writing } from "../shared/writing.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

const CHANNELS = ["in_app", "whatsapp", "email"];
const LONGEST_TOPIC = 120;
const LONGEST_NOTE = 2000;

export function Contact({ learner, onWritten, onRecorded }) {
  return html`<div class="stack-tight" data-testid="contact">
    <${Warnings} contact=${learner.contact} />
    <${Nudge} ...${{ learner, onWritten }} />
    <${Quiz} ...${{ learner, onWritten }} />
    <${Records} ...${{ learner, onRecorded }} />
  </div>`;
}

/** One sentence that forbids everything is said once; what only warns leaves the buttons as they are. */
function Warnings({ contact }) {
  const { limits } = useApp();
  const refusals = new Set(Object.values(contact.refusals));
  if (refusals.size === 1 && !refusals.has(null)) {
    const [code] = refusals;
    return html`<${Note} tone="danger" testid="refusal">${refusal(code, limits)}<//>`;
  }
  return contact.warnings.map(
    (code) => html`<${Note} key=${code} tone="warn" testid=${`warning-${code}`}>${refusal(code, limits)}<//>`,
  );
}

function useWriting({ kind, learner, onWritten }) {
  const { actions, toast, openLearner } = useApp();
  const place = `write-${kind}-${learner.id}`;
  const action = useAction(place);
  const write = async (args) => {
    const item = await action.run(`write_${kind}`, { learner_id: learner.id, ...args });
    if (!item) return;
    onWritten(kind, item);
    const said = (item.gpt_fallback ? words.learner.written_template : words.learner.written)[kind];
    const show = { label: words.learner.back_to_it, onClick: () => openLearner(learner.id) };
    if (!actions.isShown(place)) toast({ text: `${learner.name ?? learner.id}: ${said}`, action: show }); // the panel was left
  };
  return { ...action, write };
}

function Nudge({ learner, onWritten }) {
  const { suggested_channel: suggested, refusals } = learner.contact;
  const [channel, setChannel] = useState(suggested ?? CHANNELS[0]);
  const writing = useWriting({ kind: "nudge", learner, onWritten });
  const names = [suggested, ...CHANNELS.filter((name) => name !== suggested)].filter(Boolean);
  const options = names.map((name) => ({
    value: name,
    label: name === suggested ? words.learner.suggested(words.channels[name]) : words.channels[name],
  }));
  const why = words.refusals[refusals[channel]] ?? refusals[channel] ?? undefined;
  const hint = why && new Set(Object.values(refusals)).size > 1 ? why : undefined;
  return html`<div class="ask">
      <${Select} label=${words.learner.channel} hint=${hint} value=${channel} options=${options} onChange=${setChannel} testid="channel-select" />
      <${Button}
        kind="primary"
        icon="pencil"
        testid="generate-nudge"
        why=${why}
        busy=${writing.busy !== null}
        onAct=${() => writing.write({ channel })}
      >
        ${words.learner.write_nudge}
      <//>
    </div>
    ${writing.busy && html`<${Writing} what=${words.learner.a_text.nudge} />`}
    <${ErrorNote} error=${writing.error} />`;
}

function Quiz({ learner, onWritten }) {
  const [topic, setTopic] = useState("");
  const writing = useWriting({ kind: "quiz", learner, onWritten });
  const code = learner.contact.refusals.quiz;
  return html`<div class="ask">
      <${TextField}
        label=${words.learner.quiz_topic}
        hint=${words.learner.quiz_topic_hint}
        placeholder=${learner.topic ?? words.quiz.reflective}
        maxlength=${LONGEST_TOPIC}
        value=${topic}
        onInput=${setTopic}
        testid="quiz-topic"
      />
      <${Button}
        icon="quiz"
        testid="generate-quiz"
        why=${code ? (words.refusals[code] ?? code) : undefined}
        busy=${writing.busy !== null}
        onAct=${() => writing.write({ topic: topic.trim() || null })}
      >
        ${words.learner.write_quiz}
      <//>
    </div>
    ${writing.busy && html`<${Writing} what=${words.learner.a_text.quiz} />`}
    <${ErrorNote} error=${writing.error} />`;
}

const ICONS = { phoned: "phone", note: "note" };

/** A call that was made, or a note: each button opens a text and a button that records it. */
function Records({ learner, onRecorded }) {
  const [open, setOpen] = useState(null); // "phoned" | "note"
  const [said, setSaid] = useState("");
  const row = useRef(null);
  const shut = () => {
    row.current.querySelector(`[data-testid=${open}]`).focus();
    setOpen(null);
  };
  const recorded = (event) => {
    setSaid(words.learner[`${open}_done`]);
    shut();
    onRecorded(event);
  };
  const toggle = (kind) => {
    setSaid("");
    setOpen(open === kind ? null : kind);
  };
  return html`<div class="row" ref=${row}>
      ${Object.entries(ICONS).map(
        ([kind, icon]) => html`<${Button}
          key=${kind}
          icon=${icon}
          testid=${kind}
          aria-expanded=${open === kind ? "true" : "false"}
          onClick=${() => toggle(kind)}
        >
          ${words.learner[kind]}
        <//>`,
      )}
    </div>
    ${open && html`<${Record} key=${open} kind=${open} learner=${learner} onDone=${recorded} onClose=${shut} />`}
    <p class=${said ? "record-said" : "unseen"} role="status">${said}</p>`;
}

function Record({ kind, learner, onDone, onClose }) {
  const [text, setText] = useState("");
  const [empty, setEmpty] = useState(false);
  const { run, busy, error } = useAction(`${kind}-${learner.id}`);
  const form = useRef(null);
  const { limits } = useApp();
  useEffect(() => form.current.querySelector("textarea").focus(), []);
  const save = async () => {
    if (kind === "note" && !text.trim()) {
      setEmpty(true);
      return;
    }
    const recorded = await run(kind, { learner_id: learner.id, text: text.trim() });
    if (recorded) onDone(recorded.event);
  };
  return html`<div class="record" ref=${form}>
    <${TextField}
      label=${words.learner[`${kind}_text`]}
      hint=${within(words.learner[`${kind}_hint`], limits)}
      error=${empty && !text.trim() ? words.learner.note_empty : undefined}
      rows=${3}
      maxlength=${LONGEST_NOTE}
      value=${text}
      onInput=${setText}
      testid=${`${kind}-text`}
    />
    <${ErrorNote} error=${error} />
    <div class="row row-end">
      <${Button} onClick=${onClose}>${words.app.cancel}<//>
      <${Button} kind="primary" busy=${busy !== null} onAct=${save} testid=${`${kind}-save`}>${words.learner[`${kind}_save`]}<//>
    </div>
  </div>`;
}
