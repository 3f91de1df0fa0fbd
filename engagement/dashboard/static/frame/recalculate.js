// Scores anew from the newest facts, for one program or all, and what changed by that.

import { useAction } from "../shared/actions.js";
import { useApp } from "../shared/calls.js";
import { Dialog } from "../shared/dialog.js";
import { number, signed } from "../shared/format.js";
import { LabelShape } from "../shared/icons.js";
import { Button, ErrorNote, LabelBadge, Select, Spinner } from "../shared/parts.js";
import { LABELS } from "../shared/vocabulary.js";
import { words } from "../shared/words.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

export function Recalculate({ session, chosen, openLearner, onClose }) {
  const { me, caughtUp } = session;
  const { toast } = useApp();
  const [program, setProgram] = useState(chosen ?? "");
  const [result, setResult] = useState(null);
  const { run, busy, error, progress } = useAction("recalculation");
  const shown = useRef(true);
  useEffect(() => () => (shown.current = false), []);

  const start = async () => {
    const done = await run("recalculate", { program: program || null });
    if (!done) return;
    caughtUp(done.published_at);
    setResult(done);
    if (!shown.current) toast({ text: words.recalculate.done(done) }); // the dialog was closed meanwhile
  };
  const footer = result
    ? html`<${Button} kind="primary" onClick=${onClose}>${words.app.close}<//>`
    : html`<${Button} onClick=${onClose}>${busy ? words.recalculate.background : words.app.cancel}<//>
        <${Button} kind="primary" icon="refresh" busy=${busy} testid="recalculate-start" onAct=${start}>${words.recalculate.start}<//>`;

  return html`<${Dialog} title=${words.recalculate.title} testid="recalculate-dialog" onClose=${onClose} footer=${footer}>
    <div class="stack">
      ${result
        ? html`<${Changes} result=${result} openLearner=${(id) => (onClose(), openLearner(id))} />`
        : html`<p>${words.recalculate.what}</p>
            <${Scope} ...${{ me, program, setProgram, busy }} />
            ${busy && html`<${Spinner}>${words.recalculate.stages[progress?.stage] ?? words.recalculate.stages.scoring}<//>`}
            <${ErrorNote} error=${error} onRetry=${start} />`}
    </div>
  <//>`;
}

function Scope({ me, program, setProgram, busy }) {
  const options = [{ value: "", label: words.filters.all_programs }, ...me.programs.map((one) => ({ value: one, label: one }))];
  return html`<${Select} label=${words.recalculate.scope} value=${program} options=${options} disabled=${Boolean(busy)} onChange=${setProgram} />`;
}

function Changes({ result, openLearner }) {
  const { before, after, worse, worst, thresholds } = result;
  return html`<p role="status" data-testid="recalculated"><strong>${words.recalculate.done(result)}</strong></p>
    <table class="table">
      <caption class="unseen">${words.recalculate.caption}</caption>
      <thead>
        <tr>
          <th scope="col">${words.plots.label}</th>
          ${words.recalculate.heads.map((head) => html`<th key=${head} scope="col" class="number">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${LABELS.map((label) => {
          const [was, is] = [before[label] ?? 0, after[label] ?? 0];
          return html`<tr key=${label}>
            <th scope="row"><${LabelShape} label=${label} /> ${words.labels[label]}</th>
            <td class="number">${number(was)}</td>
            <td class="number">${number(is)}</td>
            <td class="number">${signed(is - was)}</td>
          </tr>`;
        })}
      </tbody>
    </table>
    ${worst.length > 0 &&
    html`<h3>${words.recalculate.worse(worse, worst.length)}</h3>
      <ul class="worse">
        ${worst.map(
          (one) => html`<li key=${one.id} class="row">
            <button type="button" class="link" onClick=${() => openLearner(one.id)}>${one.name ?? one.id}</button>
            <span class="soft">${one.program}</span>
            <span class="worse-labels">
              <span class="soft">${words.labels[one.from] ?? words.recalculate.not_scored}</span> → <${LabelBadge} label=${one.to} score=${one.risk_score} thresholds=${thresholds} />
            </span>
          </li>`,
        )}
      </ul>`}`;
}
