// The figures at the top: how many, how that changed since the last run, what waits, and how old all of it is.

import { useApp } from "../shared/calls.js";
import { number } from "../shared/format.js";
import { Icon, LabelShape } from "../shared/icons.js";
import { Skeleton } from "../shared/parts.js";
import { LABELS } from "../shared/vocabulary.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";
import { Inputs } from "./inputs.js";
import { memo } from "./memo.js";

export const Overview = memo(({ overview, program }) => {
  const { data } = overview;
  if (!data) return overview.error ? null : html`<section class="card figures"><${Skeleton} lines=${2} /></section>`;
  return html`<section class="overview" aria-label=${words.overview.title} aria-busy=${overview.busy ? "true" : "false"}>
    <dl class="card figures">
      <${Figure} name=${words.overview.learners} value=${number(data.learners)} testid="overview-learners">
        ${program ?? words.overview.all_programs}
      <//>
      ${LABELS.map((label) => html`<${LabelFigure} key=${label} ...${{ label, data }} />`)}
      <${Waiting} data=${data} />
      <${Templates} templates=${data.templates} />
    </dl>
    <p class="age soft" data-testid="age">${words.overview.age(data)}</p>
    <${Inputs} program=${program} />
  </section>`;
});

function Figure({ name, value, shape, testid, children }) {
  return html`<div class="figure" data-testid=${testid}>
    <dt>${shape && html`<${LabelShape} label=${shape} />`} ${name}</dt>
    <dd class="figure-value">${value}</dd>
    <dd class="figure-more">${children}</dd>
  </div>`;
}

function LabelFigure({ label, data }) {
  const { learners, change } = data.labels[label];
  // More at high risk is bad news, more at low risk is good news; the others say nothing by themselves.
  const worse = (label === "high" && change > 0) || (label === "low" && change < 0);
  const better = (label === "high" && change < 0) || (label === "low" && change > 0);
  return html`<${Figure} name=${words.overview.label(label)} shape=${label} value=${number(learners)} testid=${`overview-${label}`}>
    ${change !== null &&
    html`<span class=${worse ? "change-worse" : better ? "change-better" : ""}>
      ${change !== 0 && html`<${Icon} name=${change > 0 ? "up" : "down"} size=${12} />`} ${words.overview.change(change)}
    </span>`}
  <//>`;
}

function Waiting({ data }) {
  const { review } = useApp();
  const waiting = data.nudges_waiting + data.quizzes_waiting;
  return html`<${Figure} name=${words.overview.drafts} value=${number(waiting)} testid="overview-waiting">
    ${waiting > 0
      ? html`<button type="button" class="link" onClick=${review}>${words.overview.review(data.nudges_waiting, data.quizzes_waiting)}</button>`
      : words.overview.none_drafted}
  <//>`;
}

function Templates({ templates: { texts, of, by_reason: reasons } }) {
  const sorted = Object.entries(reasons ?? {}).sort((one, other) => other[1] - one[1]);
  return html`<${Figure} name=${words.overview.templates} value=${of ? words.overview.template_share(texts, of) : number(0)} testid="overview-templates">
    ${texts > 0
      ? html`<details
          class="why"
          onFocusOut=${(event) => !event.currentTarget.contains(event.relatedTarget) && (event.currentTarget.open = false)}
          onKeyDown=${(event) => event.key === "Escape" && (event.currentTarget.open = false)}
        >
          <summary>${words.overview.templates_of(texts, of)}</summary>
          <ul class="why-list card">
            ${sorted.map(([code, count]) => html`<li key=${code}><strong>${number(count)}</strong> ${words.template_reasons[code] ?? code}</li>`)}
          </ul>
        </details>`
      : words.overview.no_templates}
  <//>`;
}
