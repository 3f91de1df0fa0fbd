// One quiz: seen as the learner sees it, edited while it is a draft, and downloaded for a learning platform.

import { useAction } from "../shared/actions.js";
import { download, useApp } from "../shared/calls.js";
import { ago } from "../shared/format.js";
import { useId } from "../shared/ids.js";
import { Badge, Button, ErrorNote, Tabs } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { Writing } from "../shared/writing.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { DraftActions, PastActions } from "./actions.js";
import { Conflict, Refused } from "./conflict.js";
import { StatusBadge } from "./draft.js";
import { useDraft } from "./drafting.js";
import { countFaults, Form } from "./form.js";
import { Questions } from "./questions.js";
import { origin, TemplateMark } from "./template.js";
import { useEdit } from "./unsaved.js";

const FORMATS = { moodle_xml: "moodle", gift: "gift", qti: "qti" };
const stems = (questions) => questions.map(({ stem }, at) => `${at + 1}. ${stem}`).join("\n");

/** As `NudgeCard`, for a quiz. */
export function QuizCard({ quiz, onChange, onMoved, focused = false }) {
  const { mayChange } = useApp();
  const card = useRef(null);
  const heading = useId("quiz");
  const [mode, setMode] = useState("preview");
  const edit = useEdit(quiz, quiz.questions);
  const draft = useDraft({ kind: "quiz", item: quiz, onChange, onMoved });
  const open = quiz.status === "draft" && mayChange;
  const questions = open ? edit.value : quiz.questions;

  useEffect(() => {
    if (focused) card.current.focus();
  }, [focused]);
  const after = (done) => done && !onMoved && card.current?.focus();
  const wrong = edit.dirty ? countFaults(edit.value) : 0;
  const blocked = edit.overtaken ? words.draft.choose_first : wrong > 0 ? words.quiz.fix_first(wrong) : undefined;
  const tabs = ["preview", "edit"].map((id) => ({ id, label: words.quiz[id] }));

  return html`<article class="draft" ref=${card} tabindex="-1" aria-labelledby=${heading} data-testid="quiz">
    <header class="draft-head">
      <h4 id=${heading} class="breaks">${words.quiz.about(quiz.topic ?? words.quiz.reflective)}</h4>
      <${StatusBadge} status=${quiz.status} />
      ${edit.dirty && open && html`<${Badge} tone="warn" icon="pencil" testid="unsaved">${words.draft.unsaved}<//>`}
    </header>
    <p class="hint">
      ${[words.queue.questions(questions.length), ...origin(quiz), words.draft.created(ago(quiz.created_at))].join(" · ")}
    </p>
    <${TemplateMark} item=${quiz} />
    ${open && html`<${Refused} item=${quiz} />`}
    <${Conflict}
      ...${{ conflict: draft.conflict, overrule: draft.overrule, edit, item: quiz, theirs: stems(quiz.questions), mine: stems(edit.value), onDone: draft.dismiss }}
    />
    ${open
      ? html`<${Tabs} name=${heading} label=${words.quiz.mode} tabs=${tabs} current=${mode} onChange=${setMode} />
          <div role="tabpanel" id=${`${heading}-panel`} aria-labelledby=${`${heading}-${mode}`} tabindex="0">
            ${mode === "edit"
              ? html`<${Form} questions=${questions} onChange=${edit.change} />`
              : html`<${Questions} questions=${questions} language=${quiz.language} />`}
          </div>`
      : html`<${Questions} questions=${questions} language=${quiz.language} />`}
    ${draft.busy === "rewrite_quiz" && html`<${Writing} what=${words.learner.a_text.quiz} />`}
    <${ErrorNote} error=${draft.error} />
    ${open
      ? html`<${DraftActions} ...${{ kind: "quiz", item: quiz, edit, draft, changes: { questions: edit.value }, blocked, after }} />`
      : html`<${PastActions} ...${{ item: quiz, draft, mayChange, after }} />`}
    <${Downloads} quiz=${quiz} dirty=${edit.dirty} />
    <p class=${open ? "draft-said" : "unseen"} role="status">${draft.said}</p>
  </article>`;
}

function Downloads({ quiz, dirty }) {
  const { run, busy, error } = useAction(`file-${quiz.id}`);
  const get = async (format) => {
    const file = await run("quiz_file", { id: quiz.id, format });
    if (file) download(file);
  };
  return html`<div class="downloads">
      <span class="soft">${words.quiz.download}</span>
      ${Object.entries(FORMATS).map(
        ([format, name]) => html`<${Button}
          key=${format}
          size="small"
          icon="download"
          testid=${`download-${name}`}
          busy=${busy !== null}
          onClick=${() => get(format)}
        >
          ${words.quiz[name]}
        <//>`,
      )}
      ${dirty && html`<span class="hint">${words.quiz.saved_only}</span>`}
    </div>
    <${ErrorNote} error=${error} />`;
}
