// Numbers, dates and relative times as the viewer's locale writes them. Missing values are a dash, never "null".

import { language } from "./language.js";

const LOCALE = navigator.language || language;
// A relative time is made of words and stands in sentences, so it speaks the language of the page.
const SPOKEN = LOCALE.startsWith(language) ? LOCALE : language;
const MISSING = "–";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LONGEST_RELATIVE = 28 * DAY; // "5 weeks ago" is harder to place than a date

const cached = new Map();

function made(Kind, locale, options) {
  const key = Kind.name + locale + JSON.stringify(options);
  if (!cached.has(key)) cached.set(key, new Kind(locale, options));
  return cached.get(key);
}

const missing = (value) => value === null || value === undefined || Number.isNaN(value);

export function number(value, digits = 0) {
  return missing(value) ? MISSING : made(Intl.NumberFormat, LOCALE, { maximumFractionDigits: digits }).format(value);
}

/** The signs between the parts of a number, decimal first: ".," or ",.". */
export const separators = ["decimal", "group"]
  .map((type) => made(Intl.NumberFormat, LOCALE, { useGrouping: "always" }).formatToParts(1234567.8).find((part) => part.type === type)?.value ?? "")
  .join("");

/** A number with its sign: "+5", "−3", "±0". */
export function signed(value) {
  if (missing(value)) return MISSING;
  return made(Intl.NumberFormat, LOCALE, { signDisplay: "always" }).format(value).replace("-", "−");
}

/** 0 to 100 as "12%". */
export function percent(value, digits = 0) {
  if (missing(value)) return MISSING;
  return made(Intl.NumberFormat, LOCALE, { style: "percent", maximumFractionDigits: digits }).format(value / 100);
}

/** A share of a whole as "12%". */
export const share = (part, whole) => percent(whole ? (100 * part) / whole : null);

const TIE = 1e-9; // as the formula has it

/** A part of a score from 0 to 1 with two digits; a threshold with as many as it has. */
export function part(value, digits = 2) {
  if (missing(value)) return MISSING;
  return made(Intl.NumberFormat, LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: digits }).format(value);
}

export const threshold = (value) => part(value, 9);

/** A score with two digits, on its own side of every threshold {high_above, medium_above}; `shown_score` on the server. */
export function score(value, thresholds) {
  if (missing(value)) return MISSING;
  let hundredths = Math.round(100 * value);
  for (const limit of Object.values(thresholds)) {
    const edge = Number((100 * limit).toFixed(7));
    if (value > limit + TIE) hundredths = Math.max(hundredths, Math.floor(edge) + 1);
    else hundredths = Math.min(hundredths, value < limit - TIE ? Math.ceil(edge) - 1 : Math.floor(edge));
  }
  return part(hundredths / 100);
}

// "2026-11-26" is a day wherever the viewer is; `new Date` would read it as midnight in UTC.
function instant(text) {
  const day = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  return day ? new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3])) : new Date(text);
}

const onlyDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text);

export function day(text, now = Date.now()) {
  if (missing(text)) return MISSING;
  const date = instant(text);
  const year = date.getFullYear() === new Date(now).getFullYear() ? {} : { year: "numeric" };
  return made(Intl.DateTimeFormat, LOCALE, { day: "numeric", month: "short", ...year }).format(date);
}

export function weekday(text) {
  if (missing(text)) return MISSING;
  return made(Intl.DateTimeFormat, LOCALE, { weekday: "short", day: "numeric", month: "short" }).format(instant(text));
}

export function moment(text) {
  if (missing(text)) return MISSING;
  return made(Intl.DateTimeFormat, LOCALE, { dateStyle: "medium", timeStyle: "short" }).format(instant(text));
}

export function time(text) {
  return missing(text) ? MISSING : made(Intl.DateTimeFormat, LOCALE, { timeStyle: "short" }).format(instant(text));
}

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

/** "3 hours ago", "yesterday", "5 days ago"; a date once it is more than four weeks away. */
export function ago(text, now = Date.now()) {
  if (missing(text)) return MISSING;
  const date = instant(text);
  const away = date.getTime() - now;
  if (Math.abs(away) > LONGEST_RELATIVE) return day(text, now);
  const relative = made(Intl.RelativeTimeFormat, SPOKEN, { numeric: "auto" });
  const days = Math.round((midnight(date) - midnight(new Date(now))) / DAY);
  if (days !== 0 || onlyDay(text)) return relative.format(days, "day");
  if (Math.abs(away) < MINUTE) return relative.format(0, "second");
  return Math.abs(away) < HOUR
    ? relative.format(Math.trunc(away / MINUTE), "minute")
    : relative.format(Math.trunc(away / HOUR), "hour");
}

export function list(items) {
  return made(Intl.ListFormat, SPOKEN, { type: "conjunction" }).format(items);
}
