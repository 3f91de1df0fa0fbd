// The charts. Labels are words, with a pattern, dash and symbol of their own; under each chart its numbers as a table.

import { useApp } from "../shared/calls.js";
import { day, number, separators, threshold } from "../shared/format.js";
import { useMedia } from "../shared/media.js";
import { Skeleton } from "../shared/parts.js";
import { LABELS } from "../shared/vocabulary.js";
import { words } from "../shared/words.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

const PATTERNS = { high: "", medium: "/", low: ".", unknown: "x" };
const DASHES = { high: "solid", medium: "dash", low: "dot", unknown: "dashdot" };
const SYMBOLS = { high: "triangle-up", medium: "diamond", low: "circle", unknown: "circle-open" };
const TOKENS = ["high", "medium", "low", "unknown", "text", "text-soft", "line", "line-strong", "raised"];
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const CONFIG = { displayModeBar: false, responsive: false, scrollZoom: false, doubleClick: false, showTips: false };

let plotly = null;

/** 1.2 MB, so only where a chart is drawn. Its own styles cannot reach a shadow root; layout.css has what is needed. */
function loadPlotly() {
  if (!plotly) {
    const refusal = document.createElement("meta");
    refusal.id = "plotly.js-style-global";
    refusal.className = "no-inline-styles"; // plotly's own sign for pages whose policy forbids them
    document.head.append(refusal);
    plotly = import("../vendor/plotly-basic.min.js").then(() => window.Plotly);
    plotly.catch(() => (plotly = null));
  }
  return plotly;
}

/** The tokens of base.css as colours that a chart can use, day or night. */
function colours(element) {
  const probe = document.createElement("span");
  element.append(probe);
  const found = TOKENS.map((token) => {
    probe.style.color = `var(--${token})`;
    return [token, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(found);
}

/** `figure(colours, width)` gives {data, layout}; `summary` is what a screen reader hears in place of the drawing. */
function Plot({ figure, height, summary, table }) {
  const box = useRef(null);
  const [state, setState] = useState("loading");
  const [width, setWidth] = useState(0);
  const { scheme } = useApp();
  const dark = useMedia("(prefers-color-scheme: dark)");

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (!width) return undefined;
    let over = false;
    const draw = async () => {
      try {
        const Plotly = await loadPlotly();
        if (over) return;
        const { data, layout } = figure(colours(box.current), width);
        await Plotly.react(box.current, data, { ...layout, width, height }, CONFIG);
        if (!over) setState("drawn");
      } catch {
        if (!over) setState("failed"); // the table says the same
      }
    };
    draw();
    return () => (over = true);
  }, [figure, width, height, scheme, dark]);

  useEffect(() => () => window.Plotly?.purge(box.current), []);

  return html`<figure class="plot">
    <div class="plot-frame" role="img" aria-label=${summary} data-state=${state}>
      ${state === "loading" && html`<${Skeleton} lines=${4} />`}
      <div class="plot-box" ref=${box} hidden=${state === "failed"}></div>
    </div>
    <figcaption>
      <details class="plot-table" open=${state === "failed"}>
        <summary>${words.plots.as_table}</summary>
        ${table}
      </details>
    </figcaption>
  </figure>`;
}

function base(colour, { x = {}, y = {}, margin = {}, ...rest }) {
  const axis = { fixedrange: true, color: colour["text-soft"], gridcolor: colour.line, linecolor: colour["line-strong"], zeroline: false };
  return {
    font: { family: FONT, size: 12, color: colour["text-soft"] },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 40, r: 6, t: 24, b: 34, ...margin },
    showlegend: false,
    dragmode: false,
    hoverlabel: { bgcolor: colour.raised, bordercolor: colour["line-strong"], font: { color: colour.text, family: FONT, size: 12 } },
    xaxis: { ...axis, showgrid: false, ...x },
    yaxis: { ...axis, rangemode: "tozero", nticks: 4, tickformat: ",d", automargin: true, ...y },
    separators,
    ...rest,
  };
}

// Two bins may begin at what is one number but for the last bits: 0.4 and 0.4000000001.
function binWidth(bins) {
  const starts = [...new Set(bins.map((bin) => Number(bin.score_from.toFixed(4))))].sort((one, other) => one - other);
  const steps = starts.slice(1).map((start, at) => start - starts[at]);
  return steps.length ? Math.min(...steps) : 0.05;
}

/** How many learners have which score, with the thresholds of the labels. */
export function Distribution({ bins: all, thresholds, labels }) {
  const bins = all.filter((bin) => bin.score_from !== null); // who has no score has no place on its axis
  const key = JSON.stringify([bins, thresholds]);
  const figure = useStable(() => (colour) => distribution(colour, { bins, thresholds, labels }), key);
  const rows = bins.map((bin) => [words.plots.range(bin.score_from, bin.score_from + binWidth(bins)), words.labels[bin.label], number(bin.learners)]);
  return html`<${Plot}
    figure=${figure}
    height=${190}
    summary=${words.plots.distribution(labels, thresholds)}
    table=${html`<${Numbers} caption=${words.glance.distribution} heads=${words.plots.distribution_heads} rows=${rows} />`}
  />`;
}

function distribution(colour, { bins, thresholds, labels }) {
  const width = binWidth(bins);
  const data = LABELS.map((label) => {
    const own = bins.filter((bin) => bin.label === label);
    return {
      type: "bar",
      x: own.map((bin) => bin.score_from + width / 2),
      y: own.map((bin) => bin.learners),
      width: width * 0.9,
      text: own.map((bin) => words.plots.bar(bin, width)),
      textposition: "none",
      hovertemplate: "%{text}<extra></extra>",
      marker: { color: colour[label], pattern: { shape: PATTERNS[label], bgcolor: colour[label], fgcolor: colour.raised, size: 6, solidity: 0.22 } },
    };
  });
  const { medium_above: medium, high_above: high } = thresholds;
  const line = (x) => ({ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1.1, line: { color: colour["text-soft"], width: 1, dash: "dot" } });
  const word = (label, x) => ({
    text: words.labels[label],
    ...{ x, y: 1.15, yref: "paper", yanchor: "top", showarrow: false },
    font: { color: colour.text, size: 12, weight: 600 },
  });
  const ticks = [0, medium, high, 1];
  return {
    data: data.filter((trace) => trace.x.length),
    layout: base(colour, {
      barmode: "stack",
      shapes: [line(medium), line(high)],
      annotations: [word("low", medium / 2), word("medium", (medium + high) / 2), word("high", (high + 1) / 2)],
      x: { range: [0, 1], tickvals: ticks, ticktext: ticks.map(threshold), title: { text: words.plots.score, font: { size: 12 }, standoff: 6 } },
    }),
  };
}

/** The learners of each label by day. */
export function LabelHistory({ history }) {
  const key = JSON.stringify(history);
  const figure = useStable(() => (colour, width) => labelHistory(colour, history, width), key);
  const days = [...new Set(history.map((one) => one.day))].sort();
  const at = new Map(history.map((one) => [`${one.day} ${one.label}`, one.learners]));
  const rows = days.toReversed().map((date) => [day(date), ...LABELS.map((label) => number(at.get(`${date} ${label}`) ?? 0))]);
  return html`<${Plot}
    figure=${figure}
    height=${190}
    summary=${words.plots.history(days, at)}
    table=${html`<${Numbers} caption=${words.glance.history} heads=${[words.plots.day, ...LABELS.map((label) => words.labels[label])]} rows=${rows} />`}
  />`;
}

function labelHistory(colour, history, width) {
  const lines = LABELS.map((label) => ({ label, days: history.filter((one) => one.label === label) })).filter((line) => line.days.length);
  const highest = Math.max(1, ...history.map((one) => one.learners)) * 1.08;
  const data = lines.map(({ label, days }) => ({
    type: "scatter",
    mode: "lines+markers",
    x: days.map((one) => one.day),
    y: days.map((one) => one.learners),
    text: days.map((one) => words.plots.point(one)),
    hovertemplate: "%{text}<extra></extra>",
    line: { color: colour[label], width: 2, dash: DASHES[label] },
    marker: { color: colour[label], symbol: SYMBOLS[label], size: days.length > 15 ? 4 : 6 },
  }));
  // Each line is named at its end; names that would touch are moved apart.
  const GAP = 0.12;
  const ends = lines.map(({ label, days }) => ({ label, y: days.at(-1).learners / highest })).sort((one, other) => one.y - other.y);
  for (let at = 0; at < ends.length; at += 1) ends[at].y = Math.max(ends[at].y, at ? ends[at - 1].y + GAP : 0.02);
  const over = Math.max(0, (ends.at(-1)?.y ?? 0) - 1);
  const names = ends.map(({ label, y }) => ({
    text: words.labels[label],
    ...{ xref: "paper", x: 1.01, xanchor: "left", yref: "paper", y: y - over, yanchor: "middle", showarrow: false },
    font: { color: colour.text, size: 12 },
  }));
  const dates = [...new Set(history.map((one) => one.day))].sort();
  const wanted = Math.max(2, Math.floor(width / 110));
  const step = Math.max(1, Math.ceil((dates.length - 1) / wanted));
  const ticks = dates.filter((_, at) => (dates.length - 1 - at) % step === 0);
  return {
    data,
    layout: base(colour, {
      annotations: names,
      margin: { r: 62, t: 8, b: 26 },
      x: { type: "date", tickvals: ticks, ticktext: ticks.map((date) => day(date)) },
      y: { range: [0, highest] },
    }),
  };
}

export function Numbers({ caption, heads, rows }) {
  return html`<div class="plot-numbers" tabindex="0" role="group" aria-label=${caption}>
    <table class="table">
      <caption class="unseen">${caption}</caption>
      <thead><tr>${heads.map((head, at) => html`<th key=${at} scope="col" class=${at ? "number" : ""}>${head}</th>`)}</tr></thead>
      <tbody>
        ${rows.map(
          (row, line) => html`<tr key=${line}>
            ${row.map((cell, at) => (at ? html`<td key=${at} class="number">${cell}</td>` : html`<th key=${at} scope="row">${cell}</th>`))}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

// A figure of the same numbers is the same figure: a new answer with nothing new draws nothing.
function useStable(make, key) {
  const kept = useRef({ key: null, value: null });
  if (kept.current.key !== key) kept.current = { key, value: make() };
  return kept.current.value;
}
