// Why a learner has this score: its four parts, the reasons in words, and the changes that would lower it.

import { day, number, part, percent, score } from "../shared/format.js";
import { LabelBadge } from "../shared/parts.js";
import { TERMS } from "../shared/vocabulary.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";

const IN_PERCENT = ["behind_pace", "low_quiz"];

const FACTS = {
  behind_pace: "completed_percent",
  low_quiz: "avg_quiz_score",
  missed_session: "consecutive_missed_sessions",
  inactivity: "days_inactive",
};

function parts({ contributions, weights, facts, basis }) {
  // A part that is missing leaves its weight to the others, so they may add more than usual.
  const known = TERMS.filter((term) => contributions[term] !== null).reduce((sum, term) => sum + weights[term], 0);
  return TERMS.map((term, at) => {
    const value = contributions[term];
    const fact = facts[FACTS[term]];
    const never = term === "inactivity" && facts.last_login === null && !facts.login_is_unknown;
    const missing = fact === null && !never;
    return {
      ...{ term, value, at: at + 1 },
      most: value === null ? null : weights[term] / known,
      said: missing ? words.learner.not_known : words.reason({ term, value: fact, never, basis }),
    };
  });
}

function Bar({ shown }) {
  const known = shown.filter(({ value }) => value !== null);
  const text = known.map(({ term, value }) => words.learner.bar_part(words.terms[term], part(value))).join(", ");
  return html`<div class="score-bar" role="img" aria-label=${words.learner.bar(text)}>
    ${known.map(
      ({ term, value, at }) => html`<span key=${term} class=${`score-part part-${at}`} style=${{ width: `${100 * value}%` }}>
        ${value >= 0.04 && at}
      </span>`,
    )}
  </div>
  <div class="score-scale" aria-hidden="true">${[0, 0.5, 1].map((mark) => html`<span key=${mark}>${number(mark, 1)}</span>`)}</div>`;
}

export function ScoreParts({ learner }) {
  const shown = parts(learner);
  return html`<div class="stack-tight" data-testid="score-parts">
    <p class="hint">${words.learner.score_scale(day(learner.scored_on))}</p>
    <${Bar} shown=${shown} />
    <table class="table score-table">
      <thead>
        <tr>
          <th scope="col">${words.learner.part}</th>
          <th scope="col" class="number">${words.learner.value}</th>
          <th scope="col" class="number">${words.learner.most}</th>
          <th scope="col">${words.learner.fact}</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(
          ({ term, value, most, said, at }) => html`<tr key=${term} class=${value === null ? "score-missing" : ""}>
            <th scope="row"><span class=${`swatch part-${at}`} aria-hidden="true">${at}</span> ${words.terms[term]}</th>
            <td class="number">${part(value)}</td>
            <td class="number">${part(most)}</td>
            <td>${said}</td>
          </tr>`,
        )}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">${words.learner.total}</th>
          <td class="number"><strong>${score(learner.risk_score, learner.thresholds)}</strong></td>
          <td class="number">${part(1)}</td>
          <td></td>
        </tr>
      </tfoot>
    </table>
    ${learner.probability && html`<p class="hint" data-testid="chance-source">${words.learner.chance_source(learner.probability)}</p>`}
    ${shown.some(({ value }) => value === null) && html`<p class="hint">${words.learner.missing_note}</p>`}
  </div>`;
}

export function Reasons({ learner: { reasons, risk_score: total } }) {
  if (total === null) return html`<p>${words.learner.score_unknown}</p>`;
  if (reasons.length === 0) return html`<p class="soft">${words.learner.no_reasons}</p>`;
  return html`<ol class="reasons" data-testid="reasons">
    ${reasons.map((reason) => html`<li key=${reason.term}>${words.reason(reason)}</li>`)}
  </ol>`;
}

function amounts({ term, now, needed }) {
  if (IN_PERCENT.includes(term)) return [percent(now), words.learner.at_least(percent(needed))];
  const count = now === null ? words.learner.never : number(Math.floor(now));
  return [count, words.learner.at_most(number(needed))];
}

export function Levers({ learner }) {
  const { what_would_help: levers, risk_label: label } = learner;
  if (label === "unknown" || learner.risk_score === null) return null;
  if (levers.length === 0) return html`<p class="soft">${label === "low" ? words.learner.low_already : words.learner.no_help}</p>`;
  return html`<div class="stack-tight" data-testid="what-would-help">
    <p class="hint">${words.learner.help_intro}</p>
    <table class="table">
      <thead>
        <tr>
          ${["lever", "now", "needed", "then"].map((name) => html`<th scope="col" key=${name}>${words.learner[name]}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${levers.map((lever) => {
          const [now, needed] = amounts(lever);
          return html`<tr key=${lever.term}>
            <th scope="row">${words.learner.levers[lever.term] ?? lever.term}</th>
            <td>${now}</td>
            <td><strong>${needed}</strong></td>
            <td><${LabelBadge} label=${lever.label_then} /></td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}
