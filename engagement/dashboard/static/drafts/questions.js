// A quiz as the learner meets it: choose an answer, read what it says about the choice, and why.

import { Icon } from "../shared/icons.js";
import { useId } from "../shared/ids.js";
import { Badge, Button } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useState } from "../vendor/preact.js";

const TONES = { easy: "good", medium: "info", hard: "warn" };
export const LETTERS = ["A", "B", "C", "D"];

export function Questions({ questions, language }) {
  const [chosen, setChosen] = useState({}); // question id -> index of the option
  const [told, setTold] = useState(false);
  const any = Object.keys(chosen).length > 0;
  return html`<div class="stack-tight" data-testid="quiz-preview">
    <div class="row row-between">
      <p class="hint">${words.quiz.choose}</p>
      <div class="row">
        ${any && html`<${Button} kind="quiet" size="small" icon="undo" onClick=${() => setChosen({})}>${words.quiz.again}<//>`}
        <${Button} kind="quiet" size="small" aria-pressed=${told ? "true" : "false"} testid="show-answers" onClick=${() => setTold(!told)}>
          ${words.quiz.show_answers}
        <//>
      </div>
    </div>
    ${questions.map(
      (question, at) => html`<${Question}
        key=${question.id}
        ...${{ question, language, place: at + 1, count: questions.length, told, chosen: chosen[question.id] }}
        onChoose=${(option) => setChosen({ ...chosen, [question.id]: option })}
      />`,
    )}
  </div>`;
}

function Question({ question, language, place, count, told, chosen, onChoose }) {
  const name = useId("answer");
  const answered = chosen !== undefined;
  const right = chosen === question.answer_index;
  return html`<fieldset class="question" data-testid=${`quiz-question-${place}`}>
    <legend>
      <span class="question-place">${words.quiz.question(place, count)}</span>
      <${Badge} tone=${TONES[question.difficulty] ?? "neutral"}>${words.quiz.difficulties[question.difficulty] ?? question.difficulty}<//>
      <span class="question-stem" lang=${language}>${question.stem}</span>
    </legend>
    ${question.options.map((option, at) => {
      const shown = told || chosen === at;
      const correct = at === question.answer_index;
      return html`<div key=${at} class=${`answer ${shown ? (correct ? "answer-right" : "answer-wrong") : ""}`}>
        <label class="choice">
          <input type="radio" name=${name} checked=${chosen === at} onChange=${() => onChoose(at)} data-testid=${`answer-${place}-${at + 1}`} />
          <span lang=${language}><span class="soft">${LETTERS[at]}</span> ${option.text}</span>
          ${told && correct && html`<${Badge} tone="good" icon="check">${words.quiz.right_answer}<//>`}
        </label>
        ${told && !(answered && chosen === at) && html`<p class="feedback" lang=${language}>${option.feedback}</p>`}
        ${chosen === at &&
        html`<p class="feedback">
          <${Icon} name=${right ? "check" : "info"} size=${14} /> <strong>${right ? words.quiz.right : words.quiz.wrong}</strong>${" "}
          <span lang=${language}>${option.feedback}</span>
        </p>`}
      </div>`;
    })}
    <p class="unseen" role="status">
      ${answered && `${right ? words.quiz.right : words.quiz.wrong} ${question.options[chosen]?.feedback}`}
    </p>
    ${(answered || told) && html`<p class="explanation"><strong>${words.quiz.explanation}:</strong> <span lang=${language}>${question.explanation}</span></p>`}
  </fieldset>`;
}
