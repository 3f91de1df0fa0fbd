// Small drawings beside words. They are hidden from screen readers: the word beside them says the same.

import { html } from "../vendor/preact.js";

const STROKES = {
  search: "M7 12.5a5.5 5.5 0 1 1 0-11 5.5 5.5 0 0 1 0 11Zm4-1.5 3.5 3.5",
  close: "m3.5 3.5 9 9m0-9-9 9",
  back: "M13 8H3m4.5-4.5L3 8l4.5 4.5",
  phone: "M4.5 1.5 2 3.2c0 6 4.8 10.8 10.8 10.8l1.7-2.5-3.5-2-1.5 1.5c-1.5-.7-3-2.2-3.7-3.7L7 5.5Z",
  note: "M3 1.5h7l3 3v10H3Zm2.5 6h5m-5 3h5",
  download: "M8 1.5v9m-3.5-3.5L8 10.5 11.5 7M2 14h12",
  refresh: "M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 1.5V5H10",
  check: "m2.5 8.5 3.5 4 7.5-9",
  warn: "M8 1.5 15 14H1Zm0 5v3.5m0 2v.2",
  info: "M8 14.5a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13Zm0-7v4m0-7v.2",
  clock: "M8 14.5a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13ZM8 4v4l2.5 2",
  up: "M8 13V3m-4 4 4-4 4 4",
  down: "M8 3v10m-4-4 4 4 4-4",
  left: "M10 3 5 8l5 5",
  right: "m6 3 5 5-5 5",
  open: "m3.5 6 4.5 4.5L12.5 6",
  pencil: "m2 14 .8-3.5L11 2.3l2.7 2.7-8.2 8.2Z",
  undo: "M3 6.5h7a3.5 3.5 0 0 1 0 7H6M6 3.5l-3 3 3 3",
  trash: "M2.5 4h11m-7.5 0V2h4v2m-5.5 0 .6 10h5.8l.6-10",
  mail: "M1.5 3.5h13v9h-13Zm0 .5L8 9l6.5-5",
  chat: "M2 2.5h12v8.5H7L3.5 14v-3H2Z",
  app: "M4.5 1.5h7v13h-7Zm2.5 10.8h2",
  quiz: "M5.5 5.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7m0 2.8v.2",
  stencil: "M2 2h5v5H2Zm7 7h5v5H9ZM9 2h5v5H9ZM2 9h5v5H2Z",
  wand: "m2 14 8-8m1.5-4v3M10 3.5h3M13 8v2m-1-1h2M6 2v2M5 3h2",
  sun: "M8 11a3 3 0 1 1 0-6 3 3 0 0 1 0 6Zm0-9.5v1m0 11v1M1.5 8h1m11 0h1M3.4 3.4l.7.7m7.8 7.8.7.7m0-9.2-.7.7m-7.8 7.8-.7.7",
  moon: "M13.5 9.5a6 6 0 0 1-7-7 6 6 0 1 0 7 7Z",
  screen: "M1.5 2.5h13v9h-13Zm4 12h5",
  people: "M6 7.5a2.5 2.5 0 1 1 0-5 2.5 2.5 0 0 1 0 5Zm-4.5 6c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4m0-10.5a2 2 0 0 1 0 4m1.5 2.5c1.5.5 2.5 1.8 2.5 3.5",
  login: "M9 2h5v12H9M2 8h8M7 4.5 10.5 8 7 11.5",
  calendar: "M2 3.5h12v10.5H2Zm0 3h12M5 1.5v3m6-3v3",
};

export function Icon({ name, size = 16 }) {
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d=${STROKES[name]} />
  </svg>`;
}

// Each risk label has a shape of its own, so that no colour has to carry it.
const SHAPES = {
  high: html`<path d="M8 1.5 15 14H1Z" />`,
  medium: html`<path d="m8 1 7 7-7 7-7-7Z" />`,
  low: html`<circle cx="8" cy="8" r="6" />`,
  unknown: html`<circle cx="8" cy="8" r="5.5" class="hollow" />`,
};

export function LabelShape({ label, size = 10 }) {
  return html`<svg class=${`shape shape-${label}`} width=${size} height=${size} viewBox="0 0 16 16" aria-hidden="true">
    ${SHAPES[label] ?? SHAPES.unknown}
  </svg>`;
}
