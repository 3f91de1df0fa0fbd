// The fields of one message: its text with the placeholder, characters left, and the rules it breaks while typing.

import { number } from "../shared/format.js";
import { useId } from "../shared/ids.js";
import { Button, Field } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { charactersLeft, withPlaceholder } from "./placeholder.js";

const PAUSE_MS = 250; // checked when typing pauses, not at each key
const NEAR = 20; // characters left from which a screen reader is told
const NO_PROBLEMS = { problems: [], checking: false };

/** {problems, checking} of a text that is being edited. */
export function useChecks(call, { channel, subject, content }, when) {
  const [state, setState] = useState(NO_PROBLEMS);
  useEffect(() => {
    if (!when) {
      setState(NO_PROBLEMS);
      return undefined;
    }
    const controller = new AbortController();
    setState((before) => ({ ...before, checking: true }));
    const timer = setTimeout(() => {
      call("check_nudge", { channel, subject, content }, { signal: controller.signal }).then(
        ({ problems }) => !controller.signal.aborted && setState({ problems, checking: false }),
        // Saving checks again and says what is wrong, so a check that failed may stay silent.
        () => !controller.signal.aborted && setState(NO_PROBLEMS),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [call, channel, subject, content, when]);
  return state;
}

function said({ rule, limit }) {
  const sentence = words.draft.problems[rule] ?? words.draft.problems.other;
  return typeof sentence === "function" ? sentence(number(limit)) : sentence;
}

const ofField = (problems, field) => problems.filter((problem) => problem.field === field).map(said);

function Problems({ sentences }) {
  if (sentences.length === 1) return sentences[0];
  return html`<span class="problems">${sentences.map((sentence) => html`<span key=${sentence}>${sentence}</span>`)}</span>`;
}

function Counter({ id, left, length, testid }) {
  const text = left < 0 ? words.draft.over(-left) : words.draft.left(left);
  return html`<p class=${`counter ${left < 0 ? "counter-over" : left <= NEAR ? "counter-near" : ""}`} id=${id} data-testid=${testid}>
    <span class="number">${text}</span> <span class="unseen">${words.draft.counted_with(length)}</span>
  </p>`;
}

/** `limits` is what the server said: {in_app, whatsapp, email, email_subject, name}. */
export function Editor({ nudge, value, onChange, problems, checking, limits }) {
  const area = useRef(null);
  const cursor = useRef(null);
  const ids = { text: useId("left"), subject: useId("left") };
  const [heard, setHeard] = useState("");
  const mail = nudge.channel === "email";
  const left = charactersLeft(value.content, limits[nudge.channel], limits.name);
  const leftOfSubject = mail ? charactersLeft(value.subject ?? "", limits.email_subject, limits.name) : limits.email_subject;
  const wrong = { subject: ofField(problems, "subject"), content: ofField(problems, "content") };

  useEffect(() => {
    if (cursor.current === null) return;
    area.current.focus();
    area.current.setSelectionRange(cursor.current, cursor.current);
    cursor.current = null;
  });
  // Said when the check is back, so while typing pauses.
  useEffect(() => {
    if (checking) return;
    const near = Math.min(left, leftOfSubject);
    const counted = near < 0 ? words.draft.over(-near) : near <= NEAR ? words.draft.left(near) : "";
    setHeard([counted, ...wrong.subject, ...wrong.content].filter(Boolean).join(" "));
  }, [checking, problems]);

  const insert = () => {
    const { text, cursor: at } = withPlaceholder(value.content, area.current.selectionStart, area.current.selectionEnd);
    cursor.current = at;
    onChange({ ...value, content: text });
  };
  const described = (given, counter) => [given, counter].filter(Boolean).join(" ");

  return html`<div class="editor-fields">
    ${mail &&
    html`<${Field} label=${words.draft.subject} error=${wrong.subject.length > 0 && html`<${Problems} sentences=${wrong.subject} />`}>
      ${(given) => html`<input
        class="input"
        ...${given}
        aria-describedby=${described(given["aria-describedby"], ids.subject)}
        data-testid="draft-subject"
        value=${value.subject ?? ""}
        onInput=${(event) => onChange({ ...value, subject: event.currentTarget.value })}
      />`}
    <//>
    <${Counter} id=${ids.subject} left=${leftOfSubject} length=${limits.name} testid="subject-counter" />`}
    <${Field}
      label=${words.draft.text}
      hint=${words.draft.text_hint}
      error=${wrong.content.length > 0 && html`<${Problems} sentences=${wrong.content} />`}
    >
      ${(given) => html`<textarea
        ref=${area}
        class="input"
        rows=${mail ? 12 : nudge.channel === "in_app" ? 5 : 8}
        ...${given}
        aria-describedby=${described(given["aria-describedby"], ids.text)}
        data-testid="draft-text"
        value=${value.content}
        onInput=${(event) => onChange({ ...value, content: event.currentTarget.value })}
      ></textarea>`}
    <//>
    <div class="row row-between">
      <${Button} kind="quiet" size="small" onClick=${insert} testid="insert-name">${words.draft.insert_name}<//>
      <${Counter} id=${ids.text} left=${left} length=${limits.name} testid="draft-counter" />
    </div>
    <p class="unseen" role="status">${heard}</p>
  </div>`;
}
