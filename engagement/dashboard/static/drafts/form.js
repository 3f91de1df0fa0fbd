// The questions of a quiz in a form: words, answers with what is read after each, which one is right, how hard it is.

import { useId } from "../shared/ids.js";
import { Button, Note, Select, TextField } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { LETTERS } from "./questions.js";

const FEWEST = 3;
const LONGEST = 2000; // characters of one text
const DIFFICULTIES = ["easy", "medium", "hard"];

const same = (text) => text.trim().toLowerCase().split(/\s+/).join(" ");

/** What is wrong with one question: {stem, explanation, "text-0", "feedback-0", ..} -> sentence. */
export function faults(question) {
  const found = {};
  const need = (field, text) => text.trim() === "" && (found[field] = words.quiz.empty);
  need("stem", question.stem);
  need("explanation", question.explanation);
  const seen = new Set();
  question.options.forEach(({ text, feedback }, at) => {
    need(`text-${at}`, text);
    need(`feedback-${at}`, feedback);
    if (text.trim() && seen.has(same(text))) found[`text-${at}`] = words.quiz.alike;
    seen.add(same(text));
  });
  return found;
}

export const countFaults = (questions) => questions.reduce((sum, question) => sum + Object.keys(faults(question)).length, 0);

export function Form({ questions, onChange }) {
  const [dropped, setDropped] = useState(null); // {question, at}
  const note = useRef(null);
  useEffect(() => dropped && note.current?.focus(), [dropped]);

  const put = (at, question) => onChange(questions.map((one, place) => (place === at ? question : one)));
  const remove = (at) => {
    setDropped({ question: questions[at], at });
    onChange(questions.filter((_, place) => place !== at));
  };
  const putBack = () => {
    onChange([...questions.slice(0, dropped.at), dropped.question, ...questions.slice(dropped.at)]);
    setDropped(null);
  };
  const gone = dropped && !questions.some(({ id }) => id === dropped.question.id);
  const back = html`<${Button} size="small" icon="undo" onClick=${putBack} testid="put-back">${words.quiz.put_back}<//>`;
  return html`<div class="stack" data-testid="quiz-form">
    ${gone &&
    html`<div tabindex="-1" ref=${note}><${Note} tone="warn" role="status" actions=${back}>${words.quiz.dropped(dropped.at + 1)}<//></div>`}
    ${questions.map(
      (question, at) => html`<${QuestionFields}
        key=${question.id}
        ...${{ question, place: at + 1, count: questions.length }}
        onChange=${(changed) => put(at, changed)}
        onRemove=${() => remove(at)}
      />`,
    )}
  </div>`;
}

function QuestionFields({ question, place, count, onChange, onRemove }) {
  const name = useId("right");
  const wrong = faults(question);
  const option = (at, changes) =>
    onChange({ ...question, options: question.options.map((one, other) => (other === at ? { ...one, ...changes } : one)) });
  return html`<fieldset class="question-fields" data-testid=${`quiz-question-${place}`}>
    <legend>${words.quiz.question(place, count)}</legend>
    <${TextField}
      label=${words.quiz.stem}
      rows=${2}
      maxlength=${LONGEST}
      value=${question.stem}
      error=${wrong.stem}
      onInput=${(stem) => onChange({ ...question, stem })}
      testid=${`stem-${place}`}
    />
    <p class="field-label">${words.quiz.options}</p>
    ${question.options.map(
      ({ text, feedback }, at) => html`<div key=${at} class=${`option-fields ${at === question.answer_index ? "option-right" : ""}`}>
        <label class="option-key">
          <input
            type="radio"
            name=${name}
            checked=${at === question.answer_index}
            aria-label=${words.quiz.is_right(LETTERS[at])}
            onChange=${() => onChange({ ...question, answer_index: at })}
            data-testid=${`right-${place}-${at + 1}`}
          />
          <span aria-hidden="true">${LETTERS[at]}</span>
        </label>
        <${TextField}
          label=${words.quiz.option(LETTERS[at])}
          rows=${2}
      maxlength=${LONGEST}
          value=${text}
          error=${wrong[`text-${at}`]}
          onInput=${(value) => option(at, { text: value })}
        />
        <${TextField}
          label=${words.quiz.feedback(LETTERS[at])}
          rows=${2}
      maxlength=${LONGEST}
          value=${feedback}
          error=${wrong[`feedback-${at}`]}
          onInput=${(value) => option(at, { feedback: value })}
        />
      </div>`,
    )}
    <${TextField}
      label=${words.quiz.explanation}
      rows=${3}
      maxlength=${LONGEST}
      value=${question.explanation}
      error=${wrong.explanation}
      onInput=${(explanation) => onChange({ ...question, explanation })}
    />
    <div class="row row-between question-end">
      <${Select}
        label=${words.quiz.difficulty}
        value=${question.difficulty}
        options=${DIFFICULTIES.map((value) => ({ value, label: words.quiz.difficulties[value] }))}
        onChange=${(difficulty) => onChange({ ...question, difficulty })}
      />
      <div class="stack-tight">
        ${count <= FEWEST && html`<p class="hint">${words.quiz.fewest}</p>`}
        <${Button} kind="danger" icon="trash" why=${count <= FEWEST ? words.quiz.fewest : undefined} onClick=${onRemove} testid=${`drop-question-${place}`}>
          ${words.quiz.drop(place)}
        <//>
      </div>
    </div>
  </fieldset>`;
}
