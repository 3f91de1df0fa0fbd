// What the page says in English of the data that the scores stand on: inputs.js.

import { day, number } from "./format.js";

const rows = (count) => `${number(count)} ${count === 1 ? "row" : "rows"}`;

export const inputs = {
  title: "What is missing in the data", caption: "Inputs that are missing, program by program", heads: ["Program", "Input", "Not known", "What is missing"],
  nothing: "Nothing is missing.", more: (count) => `and ${number(count)} more; engagement coverage lists them all`,
  names: { last_login: "Last login", done: "Work done", avg_quiz_score: "Quiz average", consecutive_missed_sessions: "Missed sessions", email: "E-mail address", events: "Events" },
  absent: {
    last_login: "no logins: load an export with the last access, or a log (engagement events --derive)",
    done: "nothing of what is done: completion tracking is off, or the export leaves it out",
    avg_quiz_score: "no scores: load the gradebook, or a log with quiz results",
    consecutive_missed_sessions: "no sessions: load the register of attendance, where there is one",
    email: "nobody has an address: load a list of participants that has them",
    events: "no events: load a log or an export that has them, to measure what helps",
  },
  gaps: {
    old_logins: "no logins since {day}: is the export still coming?",
    old_events: "no events since {day}: is the export still coming?",
    no_due_dates: "no due dates: what is done is of the whole course; activities with dates say what was due",
    mostly_unknown: "not known for most: does the export have everybody?",
  },
  gap: (row) => (row.gap === "absent" ? inputs.absent[row.input] : inputs.gaps[row.gap].replace("{day}", row.newest ? day(row.newest.slice(0, 10)) : "")),
  load: ({ load_id: id, source, quarantined, left_out: apart }) =>
    [`${source}:`, quarantined && `${rows(quarantined)} refused, which engagement quarantine --load ${id} lists`, quarantined && apart && "and", apart && `${rows(apart)} left out as nobody’s`].filter(Boolean).join(" "),
};
