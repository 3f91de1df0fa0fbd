// Which learners are wanted, as the address says it and as the server takes it.

import { LABELS } from "../shared/vocabulary.js";

export const CAPACITY = { offered: 20, most: 1000 };

// The order of a column's first click: what needs attention first.
export const COLUMNS = {
  name: { descending: false },
  program: { descending: false },
  risk_score: { descending: true },
  reason: { descending: false },
  completed_percent: { descending: false },
  avg_quiz_score: { descending: false },
  consecutive_missed_sessions: { descending: true },
  last_login: { descending: false },
  last_contact_at: { descending: false },
};
const FIRST_SORT = "-risk_score";

const whole = (text, most) => {
  const value = Number.parseInt(text ?? "", 10);
  return value >= 1 && value <= most ? value : null;
};

/** The arguments of `learners`. Whatever an address says, the answer is one that the server takes. */
export function wanted(state, programs = []) {
  const sort = state.sort ?? FIRST_SORT;
  const column = sort.replace(/^-/, "");
  const known = Object.hasOwn(COLUMNS, column) || column === "risk_label";
  return {
    search: (state.search ?? "").slice(0, 200),
    labels: LABELS.filter((label) => (state.labels ?? "").split(",").includes(label)),
    program: programs.includes(state.program) ? state.program : null,
    contacted: state.contacted === "no" ? "no" : "any",
    capacity: whole(state.top, CAPACITY.most),
    sort: known ? column : "risk_score",
    descending: known ? sort.startsWith("-") : true,
    page: whole(state.page, 1_000_000) ?? 1,
  };
}

/** How a sort is written in the address; null for the usual one. */
export function writtenSort(column, descending) {
  const text = `${descending ? "-" : ""}${column}`;
  return text === FIRST_SORT ? null : text;
}

export const withoutFilters = { search: null, labels: null, program: null, contacted: null, top: null, page: null };

export function narrowed(asked) {
  return Boolean(asked.search || asked.labels.length || asked.program || asked.contacted === "no" || asked.capacity);
}
