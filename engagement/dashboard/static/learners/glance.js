// Beside the table while no learner is open: how the risk is spread, how it went, and which programs are worst off.

import { number, share } from "../shared/format.js";
import { LabelShape } from "../shared/icons.js";
import { useId } from "../shared/ids.js";
import { Boundary, Skeleton } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";
import { memo } from "./memo.js";
import { Distribution, LabelHistory } from "./plots.js";

const MOST_PROGRAMS = 12;

export const Glance = memo(({ overview: { data, error }, program, onProgram }) => {
  if (!data) return error ? null : html`<div class="glance"><section class="card"><${Skeleton} lines=${8} /></section></div>`;
  return html`<div class="glance">
    ${data.bins.length > 0 &&
    html`<${Card} title=${words.glance.distribution}><${Distribution} bins=${data.bins} thresholds=${data.policy} labels=${data.labels} /><//>`}
    ${days(data.history) > 1 && html`<${Card} title=${words.glance.history}><${LabelHistory} history=${data.history} /><//>`}
    ${data.programs.length > 1 && html`<${Programs} ...${{ programs: data.programs, program, onProgram }} />`}
  </div>`;
});

const days = (history) => new Set(history.map((one) => one.day)).size;

function Card({ title, children }) {
  const id = useId("glance");
  return html`<section class="card" aria-labelledby=${id}>
    <h2 class="glance-title" id=${id}>${title}</h2>
    <${Boundary}>${children}<//>
  </section>`;
}

function Programs({ programs, program, onProgram }) {
  const shown = programs.slice(0, MOST_PROGRAMS);
  return html`<${Card} title=${words.glance.programs}>
    <table class="table programs">
      <caption class="unseen">${words.glance.programs_caption}</caption>
      <thead>
        <tr>
          <th scope="col">${words.table.columns.program}</th>
          <th scope="col" class="number">${words.overview.learners}</th>
          <th scope="col" class="number"><${LabelShape} label="high" /> ${words.labels.high}</th>
          <th scope="col" class="number">${words.glance.share}</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(
          (one) => html`<tr key=${one.program} class=${one.program === program ? "chosen" : ""}>
            <th scope="row">
              <button type="button" class="link" aria-pressed=${one.program === program ? "true" : "false"} onClick=${() => onProgram(one.program === program ? null : one.program)}>
                ${one.program}
              </button>
            </th>
            <td class="number">${number(one.learners)}</td>
            <td class="number">${number(one.high)}</td>
            <td class="number">${share(one.high, one.learners)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
    ${programs.length > MOST_PROGRAMS && html`<p class="hint">${words.glance.more_programs(programs.length - MOST_PROGRAMS)}</p>`}
  <//>`;
}
