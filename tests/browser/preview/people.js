// Invented learners, the same ones every time, hostile names among them.

const FIRST = "Aisha Ben Chen Dana Eze Fatima Goran Hana Ivan Jo Kim Lin Mateo Nia Omar Priya Quinn Rosa Sven Tuan".split(" ");
const LAST = "Adeyemi Bose Chen Diaz Eze Fischer Gupta Haddad Ito Jones Khan Lopez Mensah Novak Okafor Patel".split(" ");
const HOSTILE = [
  "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", '"><svg onload=alert(1)>', "{{constructor.constructor('alert(1)')()}}",
  "=HYPERLINK(\"http://example.invalid\")", "‮evil gnihtyreve", "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaft", "李小龍 محمد 🦊",
];
export const PROGRAMS = ["Data", "Design", "Nursing", "Welding & Metal Work with an Extraordinarily Long Name"];
export const NOW = Date.now();
const DAY = 86_400_000;

let seed = 5;
export function random() {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
}
const pick = (list) => list[Math.floor(random() * list.length)];
export const iso = (time) => new Date(time).toISOString().replace(/\.\d+Z/, "Z");
export const dayOf = (time) => iso(time).slice(0, 10);

export const THRESHOLDS = { high_above: 0.7, medium_above: 0.4 };
export const WEIGHTS = { behind_pace: 0.5, low_quiz: 0.2, missed_session: 0.2, inactivity: 0.1 };

export function labelOf(score) {
  if (score === null) return "unknown";
  return score > 0.7 ? "high" : score > 0.4 ? "medium" : "low";
}

function invented(at) {
  const first = pick(FIRST);
  const bad = random() ** 0.8;
  const unknown = random() < 0.06;
  const never = !unknown && random() < 0.04;
  const facts = {
    completed_percent: unknown ? null : Math.round(100 * (1 - bad) * (0.7 + 0.3 * random())),
    avg_quiz_score: unknown || never ? null : Math.round(100 - 70 * bad * random() - 8),
    consecutive_missed_sessions: unknown ? null : Math.floor(9 * bad * random()),
    days_inactive: never ? null : Math.round(45 * bad * random() * 10) / 10,
  };
  const parts = {
    behind_pace: unknown ? null : 1 - facts.completed_percent / 100,
    low_quiz: facts.avg_quiz_score === null ? null : 1 - facts.avg_quiz_score / 100,
    missed_session: unknown ? null : Math.min(facts.consecutive_missed_sessions / 7, 1),
    inactivity: never ? 1 : Math.min(facts.days_inactive / 30, 1),
  };
  const known = Object.keys(WEIGHTS).reduce((sum, term) => sum + (parts[term] === null ? 0 : WEIGHTS[term]), 0);
  const contributions = Object.fromEntries(
    Object.keys(WEIGHTS).map((term) => [term, unknown || parts[term] === null ? null : (parts[term] * WEIGHTS[term]) / known]),
  );
  const score = unknown ? null : Object.values(contributions).reduce((sum, value) => sum + (value ?? 0), 0);
  const values = { ...facts, behind_pace: facts.completed_percent, low_quiz: facts.avg_quiz_score, missed_session: facts.consecutive_missed_sessions, inactivity: facts.days_inactive };
  const reasons = Object.entries(contributions)
    .filter(([, value]) => value > 0)
    .sort((one, other) => parts[other[0]] - parts[one[0]])
    .slice(0, 3)
    .map(([term]) => ({ term, value: values[term], never: term === "inactivity" && never, basis: "due" }));
  const drawn = random();
  return {
    id: `S-${String(at + 1).padStart(6, "0")}`,
    first,
    name: at < HOSTILE.length ? HOSTILE[at] : at % 41 === 0 ? null : `${first} ${pick(LAST)}`,
    program: PROGRAMS[drawn < 0.4 ? 0 : drawn < 0.6 ? 1 : drawn < 0.9 ? 2 : 3],
    risk_score: score,
    risk_label: labelOf(score),
    change: random() < 0.07 ? "worse" : random() < 0.06 ? "better" : random() < 0.02 ? "new" : null,
    reason: unknown ? null : (reasons[0] ?? { term: null, value: null, never: false, basis: "due" }),
    ...facts,
    last_login: never || unknown ? null : iso(NOW - facts.days_inactive * DAY),
    last_contact_at: random() < 0.25 ? iso(NOW - random() * 20 * DAY) : null,
    draft: false,
    approved: false,
    thresholds: THRESHOLDS,
    phone: at % 3 ? "+1-202-555-0100" : null,
    opted_out: random() < 0.05,
    active: random() > 0.04,
    contributions,
    reasons,
    never,
  };
}

export const LEARNERS = Array.from({ length: 412 }, (_, at) => invented(at));
