// The dashboard over invented data, in the browser alone: to look at it, and for its tests of accessibility.
// ?role=viewer&conflicts=1&slow=300&run=failed|running|back&fail=learners:busy&newer=5&drop=5&empty=1 plays what is rare.

import { mount } from "../../../engagement/dashboard/static/frame/main.js";
import { LEARNERS, NOW, PROGRAMS, THRESHOLDS, WEIGHTS, dayOf, iso, labelOf } from "./people.js";
import { draftsOf } from "./drafts.js";
import { HOSTILE, NUDGES, QUIZZES } from "./texts.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LABELS = ["high", "medium", "low", "unknown"];
const played = new URLSearchParams(location.search);
const failing = new Map((played.get("fail") ?? "").split(",").filter(Boolean).map((one) => one.split(":")));
const learners = played.get("empty") ? [] : LEARNERS;
let published = NOW - 6 * HOUR;

const find = (id) => learners.find((one) => one.id === id) ?? refuse("not_found");
function refuse(code, detail = null) {
  throw { code, detail, error_id: code === "internal" ? "7f3a91c2" : null };
}
const counts = (rows) => Object.fromEntries(LABELS.map((label) => [label, rows.filter((one) => one.risk_label === label).length]));

function chosen({ search, labels, program, contacted, capacity, sort, descending }) {
  const contactedLately = (one) => one.last_contact_at && NOW - Date.parse(one.last_contact_at) < 7 * DAY;
  let rows = learners.filter(
    (one) =>
      (!search || `${one.name ?? ""} ${one.id}`.toLowerCase().includes(search.toLowerCase())) &&
      (!labels.length || labels.includes(one.risk_label)) &&
      (!program || one.program === program) &&
      (contacted === "any" || !contactedLately(one)),
  );
  const worst = (one, other) => (other.risk_score ?? -1) - (one.risk_score ?? -1) || one.id.localeCompare(other.id);
  if (capacity) rows = rows.filter((one) => one.active && one.phone && !one.opted_out && !contactedLately(one)).sort(worst).slice(0, capacity);
  const value = (one) => (sort === "reason" ? one.reason?.term : sort === "risk_label" ? LABELS.indexOf(one.risk_label) : one[sort]) ?? null;
  const order = (one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    return (a > b ? 1 : a < b ? -1 : 0) * (descending ? -1 : 1);
  };
  return rows.sort((one, other) => order(one, other) || worst(one, other));
}

const EVENTS = new Map();
function recorded(id, type, text) {
  const event = { timestamp: iso(Date.now()), type, actor: "Dana Example", metadata: { text } };
  EVENTS.set(id, [event, ...(EVENTS.get(id) ?? [])]);
  return { event };
}

function overview({ program }) {
  const rows = learners.filter((one) => !program || one.program === program);
  const now = counts(rows);
  const waiting = NUDGES.filter((one) => one.status === "draft");
  const templates = waiting.filter((one) => one.gpt_fallback);
  const status = { back: "published" }[played.get("run")] ?? played.get("run") ?? "published";
  const bins = Array.from({ length: 20 }, (_, at) => ({ score_from: at / 20, label: labelOf((at + 0.5) / 20), learners: 0 }));
  for (const one of rows) if (one.risk_score !== null) bins[Math.min(19, Math.ceil(one.risk_score * 20 - 1e-9) - 1)].learners += 1;
  const history = Array.from({ length: 21 }, (_, at) =>
    LABELS.map((label) => ({ day: dayOf(NOW - (20 - at) * DAY), label, learners: Math.round(now[label] * (1 + ((label === "low" ? 1 : -1) * (20 - at)) / 60)) })),
  ).flat();
  return {
    learners: rows.length,
    labels: Object.fromEntries(LABELS.map((label, at) => [label, { learners: now[label], change: learners.length ? [5, -3, 0, -2][at] : null }])),
    compared_with: dayOf(NOW - 3 * DAY),
    nudges_waiting: waiting.length,
    quizzes_waiting: QUIZZES.filter((one) => one.status === "draft").length,
    templates: { texts: templates.length, of: waiting.length + QUIZZES.length, by_reason: { deadline: templates.length - 3, unavailable: 2, opted_out: 1 } },
    is_invented: false,
    ...{ newest_facts_at: iso(NOW - 14 * HOUR), scored_as_of: iso(NOW - 8 * HOUR), scored_on: dayOf(NOW - 8 * HOUR), published_at: iso(published) },
    last_run: { run_id: "nightly-1", status, started_at: iso(NOW - 7 * HOUR), finished_at: iso(NOW - 6 * HOUR), failed_step: status === "failed" ? "score" : null, day: dayOf(NOW - 8 * DAY), newer_day: played.get("run") === "back" ? dayOf(NOW - DAY) : null },
    running: status === "running",
    limits: { recent_hours: 72, cap_contacts: 2 },
    policy: { weights: WEIGHTS, missed_sessions_cap: 7, recency_days: 30, high_above: 0.7, medium_above: 0.4, basis: "due" },
    bins: [...bins.filter((bin) => bin.learners), { score_from: null, label: "unknown", learners: now.unknown }],
    history: program || !learners.length ? [] : history,
    programs: PROGRAMS.map((name) => {
      const own = learners.filter((one) => one.program === name);
      return { program: name, learners: own.length, ...counts(own) };
    }).sort((one, other) => other.high / other.learners - one.high / one.learners),
  };
}

function profile({ id }) {
  const one = find(id);
  const past = (back, change) => ({ as_of: iso(NOW - back * DAY), day: dayOf(NOW - back * DAY), risk_score: Math.max(0, one.risk_score - change), risk_label: labelOf(Math.max(0, one.risk_score - change)) });
  const refusal = !one.active ? "inactive" : one.opted_out ? "opted_out" : null;
  return {
    ...one, person_id: one.id, email: `${one.first.toLowerCase()}@example.invalid`, phone: "+00 000 0000", cohort: "2026-09", locale: "en", timezone: "Europe/Berlin",
    enrolled_on: dayOf(NOW - 90 * DAY), topic: "Loops & functions", preferred_channel: "email", whatsapp_opt_in: false, contact_opt_out: one.opted_out, llm_opt_out: false,
    as_of: iso(NOW - 8 * HOUR), scored_on: dayOf(NOW - 8 * HOUR), weights: WEIGHTS, thresholds: THRESHOLDS, facts: one,
    probability: one.risk_score === null ? null : { risk_probability: one.risk_score * 0.8, week: 12, outcome: "left", cohorts: "Loops 2025-03, Loops 2025-09", learners: 1840, kept_on: dayOf(NOW - 40 * DAY) }, basis: "due",
    what_would_help: one.risk_label === "high" ? [{ term: "behind_pace", now: one.completed_percent, needed: Math.min(100, (one.completed_percent ?? 0) + 20), label_then: "medium" }] : [],
    history: one.risk_score === null ? [] : [past(0, 0), past(3, 0.08), past(8, 0.15), past(15, 0.2), past(22, 0.32)],
    events: [
      ...(EVENTS.get(id) ?? []),
      { timestamp: iso(NOW - 80 * HOUR), type: HOSTILE, actor: HOSTILE, metadata: { [HOSTILE]: HOSTILE, nested: { a: ["<b>", 1] } } },
      { timestamp: iso(NOW - 40 * HOUR), type: "nudge_rejected", actor: "maya.coordinator", metadata: { nudge_id: "n", from: "draft", version: 2, reason: "The tone does not fit" } },
      { timestamp: iso(NOW - 2 * HOUR), type: "note", actor: "coordinator", metadata: { text: "Works nights until <b>December</b>." } },
      { timestamp: iso(NOW - 30 * HOUR), type: "quiz_completed", actor: null, metadata: { score: 52 } },
      ...Array.from({ length: 14 }, (_, at) => ({ timestamp: iso(NOW - (2 + at) * DAY), type: ["login", "session_missed", "session_attended"][at % 3], actor: null, metadata: {} })),
    ].sort((one, other) => other.timestamp.localeCompare(one.timestamp)),
    nudges: NUDGES.filter((nudge) => nudge.learner_id === id), quizzes: QUIZZES.filter((quiz) => quiz.learner_id === id),
    contact: {
      refusals: { in_app: refusal, whatsapp: refusal ?? "no_opt_in", email: refusal, quiz: refusal },
      warnings: [one.draft && "open_draft", one.last_contact_at && "recently_contacted"].filter(Boolean), last_contact_at: one.last_contact_at, contacts_in_7_days: one.last_contact_at ? 1 : 0, open_drafts: one.draft ? 1 : 0,
      suggested_channel: "email", suggested_type: one.reason?.term ?? "welcome",
    },
  };
}

const METHODS = {
  hello: () => ({
    viewer: { name: "Dana Example", role: played.get("role") ?? "coordinator", all_programs: true }, programs: PROGRAMS, model: { name: "a-model-1", why_not: null },
    timezone: "UTC", limits: { in_app: 280, whatsapp: 1024, email: 2000, email_subject: 78, name: 40 }, placeholder: "{first_name}", page_size: 25, version: "0",
  }),
  ping: () => ({ published_at: iso(published), run_id: "nightly-1", running: played.get("run") === "running" ? "nightly" : null }),
  overview,
  coverage: ({ program }) => ({
    gaps: PROGRAMS.filter((name) => !program || name === program).map((name, at) => ({ program: name, input: ["email", "last_login"][at % 2], gap: ["absent", "old_logins"][at % 2], unknown_percent: 100 - 90 * (at % 2), newest: iso(NOW - 20 * DAY) })),
    loads: [{ load_id: "L000003", source: "learners.csv", quarantined: 2, left_out: 1 }],
  }),
  learners: (asked) => {
    const rows = chosen(asked);
    return { total: rows.length, page: asked.page, page_size: 25, rows: rows.slice((asked.page - 1) * 25, asked.page * 25) };
  },
  export_learners: (asked) => ({ filename: "learners.txt", mime: "text/plain", text: chosen(asked).map((one) => one.id).join("\n") }),
  learner: profile,
  ...draftsOf({ refuse, find, conflicts: played.get("conflicts") }),
  recalculate: () => {
    published = Date.now();
    const before = counts(learners);
    const worst = learners.slice(0, 6).map((one) => ({ ...one, from: "medium", to: "high" }));
    return { published_at: iso(published), thresholds: THRESHOLDS, before, after: { ...before, high: before.high + 6, medium: before.medium - 6 }, worse: 6, better: 3, worst };
  },
  phoned: ({ learner_id: id, text }) => ((find(id).last_contact_at = iso(Date.now())), recorded(id, "phone_call", text)),
  note: ({ learner_id: id, text }) => recorded(id, "note", text),
};
const SLOW = { write_nudge: 3000, write_quiz: 3000, rewrite_nudge: 3000, rewrite_quiz: 3000, recalculate: 2500 };

function call(method, given = {}, { onProgress, signal } = {}) {
  return new Promise((resolve, reject) => {
    signal?.addEventListener("abort", () => reject({ code: "aborted" }));
    onProgress?.({ stage: method === "recalculate" ? "scoring" : "asking" });
    setTimeout(() => {
      try {
        if (failing.has(method)) refuse(failing.get(method));
        resolve(structuredClone(METHODS[method](given)));
      } catch (error) {
        reject(error.code ? error : (console.error(error), { code: "internal", detail: null, error_id: "7f3a91c2" }));
      }
    }, SLOW[method] ?? Number(played.get("slow") ?? 20));
  });
}

if (played.get("newer")) setTimeout(() => ((published = Date.now()), document.dispatchEvent(new Event("visibilitychange"))), 1000 * played.get("newer"));
const element = document.createElement("div");
document.getElementById("host").attachShadow({ mode: "open" }).append(element);
mount(element, { call, onDrop: (tell) => void (played.get("drop") && setTimeout(tell, 1000 * played.get("drop"))) });
