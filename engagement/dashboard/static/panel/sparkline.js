// The score of one learner over time, small enough for a panel: a drawing of a few lines needs no library.

import { day, score } from "../shared/format.js";
import { LabelShape } from "../shared/icons.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";

const WIDTH = 300;
const HEIGHT = 84;

const instant = (text) => new Date(text).getTime();

/** history: [{as_of, day, risk_score, risk_label}], oldest or newest first. A score holds until the next one. */
export function ScoreHistory({ history, thresholds }) {
  const points = [...history].sort((one, other) => instant(one.as_of) - instant(other.as_of));
  const scored = points.filter((point) => point.risk_score !== null);
  if (!scored.length) return html`<p class="hint">${words.plots.no_scores}</p>`;
  const first = instant(points[0].as_of);
  const span = instant(points.at(-1).as_of) - first || 1;
  const x = (point) => (points.length === 1 ? WIDTH : ((instant(point.as_of) - first) / span) * WIDTH);
  const y = (value) => HEIGHT - value * HEIGHT;
  const last = scored.at(-1);
  return html`<figure class="spark">
    <div class="spark-frame">
      <svg class="spark-svg" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${words.plots.scores(scored, thresholds)}>
        ${Object.values(thresholds).map((value) => html`<line key=${value} class="spark-threshold" x1="0" x2=${WIDTH} y1=${y(value)} y2=${y(value)} />`)}
        <path class="spark-line" d=${steps(points, x, y)} />
      </svg>
      ${Object.entries({ high: thresholds.high_above, medium: thresholds.medium_above }).map(
        ([label, value]) => html`<span key=${label} class="spark-word" aria-hidden="true" style=${{ bottom: `${value * 100}%` }}>${words.plots.above(label, value)}</span>`,
      )}
      <span class="spark-end" aria-hidden="true" style=${{ left: `${(x(last) / WIDTH) * 100}%`, bottom: `${last.risk_score * 100}%` }}>
        <${LabelShape} label=${last.risk_label} size=${12} />
      </span>
    </div>
    <p class="spark-days hint" aria-hidden="true"><span>${day(points[0].day)}</span><span>${day(points.at(-1).day)}</span></p>
    <details class="plot-table">
      <summary>${words.plots.as_table}</summary>
      <table class="table">
        <caption class="unseen">${words.plots.score_history}</caption>
        <thead>
          <tr><th scope="col">${words.plots.day}</th><th scope="col" class="number">${words.plots.score}</th><th scope="col">${words.plots.label}</th></tr>
        </thead>
        <tbody>
          ${points.toReversed().map(
            (point) => html`<tr key=${point.as_of}>
              <th scope="row">${day(point.day)}</th>
              <td class="number">${score(point.risk_score, thresholds)}</td>
              <td><${LabelShape} label=${point.risk_label} /> ${words.labels[point.risk_label]}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </details>
  </figure>`;
}

// A gap where nothing was known: the pen is lifted.
function steps(points, x, y) {
  let path = "";
  let drawing = false;
  for (const point of points) {
    if (point.risk_score === null) {
      if (drawing) path += `H${x(point)}`;
      drawing = false;
    } else {
      path += drawing ? `H${x(point)}V${y(point.risk_score)}` : `M${points.length === 1 ? 0 : x(point)} ${y(point.risk_score)}`;
      if (points.length === 1) path += `H${WIDTH}`;
      drawing = true;
    }
  }
  return path;
}
