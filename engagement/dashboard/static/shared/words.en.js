// All sentences of the page in English. Another language is one more file of the same shape, named in words.js.
// Codes of the server are keys; what counts something is a function. For a coordinator, not for a programmer.

import { ago, day, moment, number, part, percent, score, share, threshold, time, weekday } from "./format.js";
import { inputs } from "./words.data.en.js";

const spelled = (count) => ["no", "one", "two", "three", "four", "five", "six", "seven"][count] ?? number(count);
const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

const app = {
  title: "Learner engagement", skip: "Skip to the content", views: "Views", learners: "Learners", review: "Review", help: "Help",
  invented: "The invented cohort of the demo: none of these learners exists. The first load of your own data takes its place.",
  loading: "Loading…", close: "Close", cancel: "Cancel", dismiss: "Dismiss", retry: "Try again", reload: "Reload the page", undo: "Undo", notices: "Notices", panel: "Learner", not_done: (what, title, text) => `${what ? `${what}: ` : ""}${title} ${text}`, doing: { move: "Your decision", edit_nudge: "Your changes", edit_quiz: "Your changes", rewrite_nudge: "The new text", rewrite_quiz: "The new quiz", write_nudge: "The nudge", write_quiz: "The quiz", phoned: "The call", note: "The note", recalculate: "The recalculation", export_learners: "The file", export_queue: "The file", quiz_file: "The file" },
  scheme: { auto: "Colours as the system has them; switch to light", light: "Light colours; switch to dark", dark: "Dark colours; switch to the system’s" },
  roles: { viewer: "viewer", coordinator: "coordinator", admin: "administrator" },
  signed_in: (name, role) => `${name}, ${app.roles[role] ?? role}`, drafts: (count) => `, ${counted(count, "draft")}`, new_scores: "New scores are there.", show_them: "Show them", no_programs: "No program is assigned to you yet. Ask whoever runs this page to add one.",
};

// What the server's codes mean, for all views.
const labels = { high: "High", medium: "Medium", low: "Low", unknown: "Unknown" };
const changes = {
  worse: { short: "worse", since: " than in the run before", long: "At higher risk than in the run before" },
  better: { short: "better", since: " than in the run before", long: "At lower risk than in the run before" },
  new: { short: "new", since: " since the run before", long: "Not scored in the run before" },
};
const terms = { behind_pace: "Behind with the work", low_quiz: "Low quiz results", missed_session: "Missed sessions", inactivity: "Long away" };

/** A reason {term, value, never, basis} as a short phrase with its number. */
function reason(given) {
  const { term, value, never, basis } = given ?? {};
  if (never) return "Never logged in";
  if (!term) return given ? "No sign of risk" : "Too little is known";
  if (value === null || value === undefined) return terms[term] ?? term;
  const phrases = {
    behind_pace: () => `${percent(value)} of the ${basis === "course" ? "course" : "due work"} done`,
    low_quiz: () => `Quiz average ${percent(value)}`, missed_session: () => `Missed ${counted(Math.floor(value), "session")} in a row`,
    inactivity: () => (value < 1 ? "Last login less than a day ago" : `Last login ${counted(Math.floor(value), "day")} ago`),
  };
  return phrases[term]?.() ?? term;
}

const nudge_types = { welcome: "Welcome", support_referral: "A person should call", praise: "Praise", ...terms };
const channels = { in_app: "In the app", whatsapp: "WhatsApp", email: "E-mail" };
const statuses = { draft: "Draft", approved: "Approved", rejected: "Rejected", expired: "Expired", queued: "Ready to send", sent: "Sent", delivered: "Delivered", failed: "Not delivered" };

// Why nothing may be written to a learner, beside a button that cannot be pressed; and what only warns.
const refusals = {
  inactive: "This learner is no longer enrolled.", opted_out: "This learner asked not to be contacted.", no_address: "There is no address for this channel, or several persons have the same.",
  no_opt_in: "This learner has not agreed to WhatsApp.",
};
// Limits are told as the nightly run keeps to them; those of a past event, or not known yet, without their numbers.
const span = (hours) => (hours === undefined ? "few days" : hours % 24 ? counted(hours, "hour") : hours === 24 ? "day" : `${spelled(hours / 24)} days`);
const warnings = {
  recently_contacted: ({ recent_hours: hours }) => `A nudge to this person was sent or approved, or somebody phoned them, in the last ${span(hours)}.`, cap_reached: ({ cap_contacts: most }) => `In the last seven days ${most === undefined ? "as many contacts as are allowed" : `${spelled(most)} contact${most === 1 ? "" : "s"}`} with this person ${most === 1 ? "was" : "were"} made or approved.`, open_draft: "There is a draft for this person already.",
  held_out: "By chance, this person waits, so that the effect of nudges can be measured.",
};

// Why a template stood in for the language model; and after which of these it is worth trying again.
const template_reasons = {
  no_model: "Templates were asked for.", no_key: "No language model is set up here.", opted_out: "The learner does not want anything about them to go to a language model.",
  unconfirmed_topic: "Nobody has confirmed the title of this topic yet, so it may not go to a language model.",
  deadline: "The language model did not answer in time.", unavailable: "The language model could not be reached.",
  rate_limited: "The language model was too busy.", breaker_open: "The language model had just failed several times, so it was not asked again.",
  unauthorized: "The language model refused our key. Whoever runs this page has to look.", no_quota: "The account for the language model has nothing left to spend.",
  no_such_model: "The language model that is set up does not exist. Whoever runs this page has to look.",
  bad_request: "The language model refused the request. Whoever runs this page has to look.", refused: "The language model declined to write this.",
  invalid_output: "What the language model wrote broke our rules twice.", budget: "The budget for the language model was used up.",
  error: "Something went wrong while the language model was asked.",
};
const template_again = ["deadline", "unavailable", "rate_limited", "breaker_open", "invalid_output", "refused", "error"];
const outcomes = { left: "withdrew or failed later", quiet: "stayed away for the two weeks that followed" };
const events = {
  login: "Logged in", lesson_completed: "Completed a lesson", quiz_completed: "Completed a quiz", session_attended: "Attended a session", session_missed: "Missed a session", phone_call: "Phoned", note: "Note",
};

const errors = {
  invalid: { title: "That was not understood.", text: "Check what you entered." }, not_found: { title: "This is not there.", text: "It may have been removed, or it is not in your programs." },
  busy: { title: "The data is being written just now.", text: "What you saved is safe. Try again in a moment." },
  no_store: { title: "There is no data yet.", text: "Whoever runs this page has to load learners and run the scoring once." },
  damaged: { title: "The data cannot be read.", text: "Whoever runs this page has to look; nothing you did caused it." },
  full: { title: "The disk is full.", text: "What was saved before is safe, but nothing more can be saved until whoever runs this page makes room." },
  changed: { title: "Somebody else changed this first.", text: "Look at the new state, then decide again." },
  not_allowed: { title: "Your role may not do this.", text: "You may look at everything here." }, no_viewer: { title: "This page no longer knows who you are.", text: "Reload it." },
  lost: { title: "The connection was lost.", text: "What you saved is safe. Reload the page to go on." }, out_of_memory: { title: "The connection was lost.", text: "What you saved is safe. Reload the page to go on. Most likely this machine has run out of memory: if it happens again, tell whoever runs this page." }, unheard: { title: "The connection was interrupted.", text: "Look whether it was done, then try again." }, unknown_method: { title: "This page is older than the server.", text: "Reload it." },
  internal: { title: "Something went wrong.", text: "Try again. If it happens twice, tell whoever runs this page." }, number: (id) => `Number in the log: ${id}`,
};

const pager = {
  label: "Pages", range: (from, to, total) => `${number(from)}–${number(to)} of ${number(total)}`,
  page: (page, pages) => `Page ${number(page)} of ${number(pages)}`, previous: "Previous", next: "Next", first: "This is the first page.", last: "This is the last page.",
};

// Banners and figures: banners.js, overview.js, glance.js, plots.js
const run = {
  running: (since) => (since ? `A run is under way since ${moment(since)}. ` : "A run is under way. ") + "You can go on working; new scores will be offered here.",
  failed: (when) => `The last run failed (${moment(when)}).`, failed_step: (step) => (step ? `It stopped at the step “${step}”.` : ""),
  looked_back: (of, newer) => `The last run looked back to ${day(of)}. The run for ${day(newer)} is published, and only the newest run drafts: it added nothing to review.`, older: "The scores shown are those of the run before. Whoever runs this page has to look.",
};
const overview = {
  title: "Figures", learners: "Learners", all_programs: "all your programs", label: (label) => (label === "unknown" ? labels.unknown : `${labels[label]} risk`),
  change: (change) => (change === 0 ? "no change" : `${number(Math.abs(change))} ${change > 0 ? "more" : "fewer"}`),
  drafts: "Drafts", none_drafted: "nothing to decide",
  review: (nudges, quizzes) => `Review ${[nudges && counted(nudges, "nudge"), quizzes && counted(quizzes, "quiz", "quizzes")].filter(Boolean).join(", ")}`,
  templates: "Templates", template_share: share, templates_of: (texts, of) => `${number(texts)} of ${number(of)} drafts: why`, no_templates: "no draft is a template",
  age: ({ published_at: published, newest_facts_at: facts, compared_with: before }) =>
    published ? [`Scores published ${ago(published)}, ${time(published)}`, facts && `newest facts ${ago(facts)}, ${time(facts)}`, before && `changes since ${weekday(before)}`].filter(Boolean).join(" · ") : "No scores have been published yet.",
};
const glance = {
  distribution: "How the risk is spread", history: "Learners by label, day by day", programs: "Programs, worst first",
  programs_caption: "Programs with their learners and how many are at high risk. A program’s name narrows the table to it.",
  share: "Share", more_programs: (count) => `and ${counted(count, "program")} more; choose one above the table`,
};
const plots = {
  as_table: "As a table", score: "Risk score", label: "Risk", day: "Day", failed: "The drawing could not be loaded.", score_history: "Risk score over time",
  range: (from, to) => `${part(from)}–${part(to)}`, distribution_heads: ["Risk score", "Label", "Learners"],
  bar: (bin, width) => `${labels[bin.label]}, ${plots.range(bin.score_from, bin.score_from + width)}: ${counted(bin.learners, "learner")}`,
  point: (one) => `${labels[one.label]}, ${weekday(one.day)}: ${counted(one.learners, "learner")}`,
  distribution: (counts, thresholds) =>
    `Bars of the learners by risk score from 0 to 1. High, above ${threshold(thresholds.high_above)}: ${number(counts.high.learners)}. Medium, above ` +
    `${threshold(thresholds.medium_above)}: ${number(counts.medium.learners)}. Low: ${number(counts.low.learners)}. Without a score: ${number(counts.unknown.learners)}.`,
  history: (days, at) =>
    `Lines of the learners by label from ${day(days[0])} to ${day(days.at(-1))}. ` +
    Object.keys(labels).map((one) => `${labels[one]}: ${number(at.get(`${days[0]} ${one}`) ?? 0)}, then ${number(at.get(`${days.at(-1)} ${one}`) ?? 0)}.`).join(" "),
  no_scores: "Not scored yet.", above: (label, value) => `${labels[label].toLowerCase()} above ${threshold(value)}`,
  scores: (points, thresholds) => `Risk score from ${score(points[0].risk_score, thresholds)} on ${day(points[0].day)} to ${score(points.at(-1).risk_score, thresholds)} on ${day(points.at(-1).day)}.`,
};

// The table and what narrows it: learners.js, filters.js, table.js
const learners = {
  found: (count) => `${counted(count, "learner")} found`, clear: "Clear filters", export: "Export a spreadsheet", nothing_to_export: "There is nothing to export.",
  order: ({ sort, descending }) => (sort === "risk_score" && descending ? "worst first" : `sorted by ${table.columns[sort].toLowerCase()}`),
};
const filters = {
  title: "Filters", search: "Search learners", search_hint: "Name, id or e-mail", search_clear: "Clear the search", program: "Program", all_programs: "All programs",
  labels: "Risk labels", contacts: "Contacts", not_contacted: "Not contacted in 7 days", sort: "Sort", sort_by: (name) => `Sort by ${name.toLowerCase()}`,
  capacity: (count) => `Top ${number(count)} I can call today`, capacity_number: "How many I can call today",
  capacity_hint: (count) => `The ${counted(count, "learner")} at the highest risk, who can be reached by phone: without those who opted out, left, or were contacted in the last 7 days. Of whom too little is known for a score, those are among them in whom something known could not be worse.`,
};
const table = {
  caption: "Learners. Choose a name for the reasons, the history and the drafts.", region: "Table of learners, can be scrolled sideways",
  columns: {
    name: "Learner", program: "Program", risk_score: "Risk", risk_label: "Risk label", reason: "Main reason", completed_percent: "Done", avg_quiz_score: "Quiz",
    consecutive_missed_sessions: "Missed", last_login: "Last login", last_contact_at: "Contacted",
  },
  hints: {
    risk_score: "0 is safe, 1 is about to leave", completed_percent: "Share of the work that is done", avg_quiz_score: "Average of the quizzes",
    consecutive_missed_sessions: "Sessions missed in a row", last_contact_at: "The last time anybody wrote to them or phoned them",
  },
  never: "never", no_contact: "not yet", draft: "Draft", draft_long: "There is a draft for them to review", approved: "Approved", approved_long: "A nudge to them is approved and not sent yet", opted_out: "Opted out", inactive: "Left",
};
const empty = {
  no_learners: "No learners yet", no_learners_hint: "They appear once they are loaded and scored.", no_match: (text) => `No learner matches “${text}”`,
  no_filtered: "No learner matches these filters", hint: "Take a filter away to see more.", all_contacted: "Everybody who fits was contacted lately, opted out, left or cannot be reached.",
};
const recalculate = {
  open: "Recalculate", title: "Recalculate the risk", scope: "For which learners", start: "Recalculate now", background: "Close, go on in the background",
  what: "Scores everybody anew from the newest facts. The nightly run does the same; do it now when data was loaded since.",
  stages: { scoring: "Scoring…", publishing: "Publishing the new scores…" },
  done: ({ worse, better, after }) => {
    const all = Object.values(after).reduce((sum, count) => sum + count, 0);
    return worse + better ? `${counted(all, "learner")} scored: ${number(worse)} worse than before, ${number(better)} better.` : `${counted(all, "learner")} scored. Nobody changed the label.`;
  },
  caption: "Learners by label before and after", heads: ["Before", "After", "Change"], not_scored: "Not scored", worse: (count, shown) => `Worse than before (${shown < count ? `${number(shown)} of ` : ""}${number(count)})`,
};
const help = {
  title: "What the risk score says, and what it does not", lead: "The score sorts learners so that you know whom to look at first. It knows four numbers about a learner and nothing about their life. You decide whether to write, to call, or to leave somebody alone.",
  score_title: "How the score is made", parts_caption: "The four parts of the score and their weights", parts_heads: ["Part", "Weight", "What it looks at"],
  score: "The score goes from 0 (safe) to 1 (about to leave). It is the sum of four parts; each adds at most its weight.",
  parts: {
    behind_pace: () => "How much of the work that was due is not done; where no due dates are known, of the whole course.", low_quiz: () => "How far the quiz average is from 100%.",
    missed_session: ({ missed_sessions_cap: most }) => `Sessions missed in a row, up to ${number(most)}.`, inactivity: ({ recency_days: most }) => `Days since the last login, up to ${number(most)}. Who never logged in counts from the day of enrolment.`,
  },
  example: ({ weights, basis, missed_sessions_cap: sessions, recency_days: days }) => {
    const adds = [0.5 * weights.behind_pace, 0.4 * weights.low_quiz, Math.min(2 / sessions, 1) * weights.missed_session, Math.min(3 / days, 1) * weights.inactivity];
    const [work, quiz, missed, away, together] = [...adds, adds.reduce((sum, one) => sum + one)].map((one) => part(one));
    return `Half of the ${basis === "course" ? "course" : "due work"} done adds ${work}; a quiz average of ${percent(60)} adds ${quiz}; two sessions missed add ${missed}; three days away add ${away}. Together ${together}. A learner’s page shows these parts, and what would lower the risk.`;
  },
  labels_title: "What the labels mean", labels: {
    high: (high) => `Above ${high}. Look at these first.`, medium: (high, medium) => `Above ${medium}, up to ${high}. Worth a nudge before it gets worse.`,
    low: (high, medium) => `${medium} or less. Nothing that is known points to a risk.`,
    unknown: () => "Less than half of what the score needs is known, so there is none. Unknown is not safe: it often means that data is missing or that somebody never began.",
  },
  not_title: "What it must not be used for", not_lead: "The score may only be used to offer help. Never use it for, or as a reason in:",
  not: ["grades or certificates", "sanctions, warnings or the end of an enrolment", "admissions, scholarships or any choice between people", "judging teachers or programs",
    "proof that somebody is lazy, unable or about to leave: a high score is often an illness, a job, a broken laptop or missing data"],
  who_title: "Who decides", who: ["A person. The nightly run only drafts; nothing is sent before a coordinator has approved it.", "Every approval, rejection, call and note is recorded with name and time.",
    "When the score contradicts what you know of a learner, believe what you know, and leave a note."],
  template_title: "What the mark “Template” means", template: "Nudges and quizzes are written by a language model for one learner. When it did not answer in time, was not allowed to see anything about the learner, or broke a rule, a template stands in: a text written in advance, the same for many. It is marked with the word and a dashed frame, and says why. Read it closely; often “Write again” brings a text of their own.",
  contact_title: "Contacts and limits", contact: ["Who opted out or left cannot be written to.", ({ recent_hours: hours, cap_contacts: most }) => `Who was contacted in the last ${span(hours)}, or had ${most === undefined ? "as many contacts in seven days as are allowed" : `${spelled(most)} contact${most === 1 ? "" : "s"} in seven`}, can be written to, but you are warned.`, "A call you record counts as a contact.", "“Contacted” in the table means the person, also through another enrolment."],
  keys_title: "Keyboard", keys: ["/ goes to the search.", "Tab and Enter reach everything; Escape closes a learner or a dialog.", "The address in the browser says what you see: copy it to share it with another coordinator."],
};

// The learner panel: learner.js, score.js, timeline.js, contact.js
const learner = {
  loading: "Loading the learner…", nameless: (id) => `Learner ${id}`, close: "Close the learner", email: "E-mail", phone: "Phone", program: "Program", cohort: "Cohort", topic: "Topic now",
  language: "Language", time_there: "Time there", enrolled: "Enrolled", last_contact: "Last contact", prefers: "Prefers", not_known: "not known", no_contact: "none recorded",
  contacts: (count) => `${counted(count, "contact")} in seven days`, opted_out: "Asked not to be contacted", llm_opted_out: "Nothing about them goes to a language model",
  inactive: "No longer enrolled", whatsapp_no: "Has not agreed to WhatsApp", about: "About", why_score: "Why this score",
  score_unknown: "Too little is known about this learner for a score. That does not mean they are safe.",
  score_scale: (day) => `From 0 (safe) to 1 (about to leave), as of ${day}. Four parts add up to it.`, part: "Part", value: "Adds", most: "At most", fact: "What is known", total: "Score",
  bar: (parts) => `The score as a bar: ${parts}.`, bar_part: (name, value) => `${name} ${value}`,
  chance: ({ risk_probability: chance, outcome }) => `${number(Math.round(100 * chance))} of 100 with a score like this ${outcomes[outcome] ?? outcome}`,
  chance_source: ({ risk_probability: chance, week, cohorts, kept_on: kept }) => `${number(Math.round(100 * chance))} of 100: for week ${number(week)} of a course, by the courses ${cohorts}, as known on ${day(kept)}. It changes neither score nor label.`,
  missing_note: "What is not known counts neither for nor against them; the other parts then weigh more.", reasons: "Main reasons", no_reasons: "Nothing that is known points to a risk.",
  help: "What would help", help_intro: "Each of these alone would lower the risk.", no_help: "No single change would lower the risk. Several together would, and a call may find out which.",
  low_already: "The risk is already low.", lever: "Change", now: "Now", needed: "Needed", then: "Risk then", levers: { behind_pace: "Work done", low_quiz: "Quiz average", missed_session: "Sessions missed in a row", inactivity: "Days since the last login" },
  at_least: (value) => `${value} or more`, at_most: (value) => `${value} or fewer`, never: "never", history: "Score over time", timeline: "Timeline", timeline_filter: "Kinds of events",
  no_events: "Nothing has been recorded yet.", kinds: { all: "All", activity: "Learning", contact: "Contacts", drafts: "Drafts", other: "Other" }, made: { nudge: "Nudge", quiz: "Quiz" },
  done: { edited: "Edited", rewritten: "Written again", drafted: "Written", draft: "Back to draft" }, happened: (what, how) => `${what}: ${how.toLowerCase()}`, by: (actor) => `by ${actor}`,
  details: { score: "score", sessions: "sessions", text: "text", reason: "reason", past: "past a limit" }, detail: (name, value) => `${name}: ${value}`, messages: "Nudges",
  no_nudges: "No nudges yet.", quizzes: "Quizzes", no_quizzes: "No quizzes yet.", older: (count) => `Show ${number(count)} more`, contact: "Get in touch", write_nudge: "Write a nudge",
  write_quiz: "Write a quiz", channel: "Channel", suggested: (channel) => `${channel} (suggested)`, quiz_topic: "Topic of the quiz",
  quiz_topic_hint: "Leave it empty for the topic they are on, or for how to study.", writing: (what, seconds) => `Writing ${what}: ${seconds} of at most 8 seconds`,
  writing_began: (what) => `Writing ${what}. This takes at most 8 seconds.`, a_text: { nudge: "a nudge", quiz: "a quiz" },
  written: { nudge: "The nudge is written. It is a draft until you approve it.", quiz: "The quiz is written. It is a draft until you approve it." },
  written_template: { nudge: "A template stands in: this nudge was not written for this learner.", quiz: "A template stands in: this quiz was not written for this learner." },
  phoned: "I phoned them", phoned_text: "What came of it (optional)", phoned_hint: ({ recent_hours: hours }) => `Counts as a contact, so no nudge is drafted for them in the next ${span(hours)}.`, phoned_save: "Record the call",
  phoned_done: "The call is recorded and counts as a contact.", note: "Add a note", note_text: "Note", note_hint: "Other coordinators read it. It does not count as a contact.",
  note_save: "Save the note", note_done: "The note is saved.", note_empty: "Write the note first.", viewer_only: "You may look at everything here. To write, approve or record a call you need the role of a coordinator.", unsaved_title: "Close without saving?",
  unsaved_body: "You changed a draft of this learner and have not saved it.", unsaved_close: "Close without saving", unsaved_keep: "Keep editing",
  kept: (name) => `Your changes to a draft for ${name} are kept, but not saved.`, back_to_it: "Back to it", jumps: "Jump to",
  jump: { contact: "Contact", messages: "Nudges", quizzes: "Quizzes", why_score: "Score", timeline: "Timeline" },
};

// One draft: draft.js, editor.js, template.js, conflict.js, rejection.js
const draft = {
  heading: (channel, type) => `${channel}: ${type}`, template_badge: "Template", template_for: (name) => `Template: not written for ${name}`,
  template_edited: (who) => `Began as a template, then edited by ${who}`, this_learner: "this learner", why_label: "Why:", why_unknown: "The reason was not recorded.", broken_rule: (why, rule) => `${why} The last time: ${rule}.`, what_to_do: "What to do:",
  do_again: "Read it closely and edit it, or choose “Write again”: this time the language model may answer.",
  do_by_hand: "Read it closely and make it personal by hand. “Write again” would bring a template again.", do_read: "Somebody has worked on it since. Read it closely before it goes out.",
  written_by: (model) => `Written by ${model}`, written_by_model: "Written by the language model", edited_by: (who) => `edited by ${who}`, asked_by_hand: "asked for by hand",
  from_run: "from the nightly run", created: (when) => `created ${when}`, subject: "Subject", text: "Text", text_hint: "{first_name} becomes the learner’s first name when it is sent.",
  insert_name: "Insert the first name", left: (count) => `${counted(count, "character")} left`, over: (count) => `${counted(count, "character")} too many`,
  counted_with: (length) => `counted with a first name of ${length} characters`,
  preview_of: { in_app: "As they read it in the app", whatsapp: "As they read it in WhatsApp", email: "As they read it in their mail" },
  preview_no_name: "No first name is known that can be used, so the text does without.", preview_from: "Your learning team", preview_to: (name) => `to ${name}`, preview_now: "now",
  problems: {
    empty: "The text is empty.", subject_missing: "An e-mail needs a subject.", too_long: (limit) => `Longer than the ${limit} characters this channel allows.`,
    line_break: "Only one line is allowed here.", placeholder_place: "Greet by name with {first_name} after a word and a space, before a comma or full stop: “Hi {first_name},”.",
    braces: "Curly brackets are only allowed in {first_name}.", unsafe_character: "An invisible character could reorder or hide text. Delete that passage and type it anew.",
    other: "This breaks a rule of the channel.",
  },
  save: "Save", saved: "Saved.", unsaved: "Not saved yet", nothing_to_save: "Nothing has changed.", fix_first: "Solve the problem beside the text first.",
  choose_first: "Choose first which text to keep.", let_go: "Discard changes", again: "Write again", again_title: "Replace your text?",
  again_body: "You have changes that are not saved. Writing again replaces them.", approve: "Approve", approve_template: "Approve the template", save_and_approve: "Save and approve",
  reject: "Reject…", approved: "Approved. It may be sent.", rejected: "Rejected. It will not be sent.", undone: "It is a draft again.", undo: "Undo: back to draft",
  reject_title: (count) => (count === 1 ? "Why is it rejected?" : `Why are these ${number(count)} rejected?`), reject_hint: "A model's text that is rejected is offered to nobody again.",
  reject_reasons: { tone: "The tone does not fit", wrong: "Something in it is not true", timing: "This is not the moment", call: "A call is better", other: "Another reason" },
  reject_text: "In your words", reject_more: "More about it (optional)", reject_needed: "Choose a reason or write one.", reject_do: (count) => (count === 1 ? "Reject" : `Reject ${number(count)}`),
  refused: "It can no longer go out.", limited: "It should not go out now.", overrule: "Approve all the same", conflict_title: "Somebody else was first.", conflict: (who, when, status) => `${who} changed this ${when}. It is now “${status}”; you see the newest version.`,
  conflict_unknown: "It was changed meanwhile. You see the newest version.", conflict_newest: "The newest text:", conflict_mine: "Your own text is still in the fields. Which one shall stay?",
  conflict_lost: "Your own text was not saved. Copy it if you need it:", use_mine: "Keep mine", use_theirs: "Take the newest", conflict_own_title: "It was changed meanwhile.", conflict_own: (when, status) => `You changed this yourself ${when}, in another window. It is now “${status}”; you see the newest version.`, gone_now: "This draft is no longer there.",
  is_now: {
    approved: "Approved: it may be sent.", rejected: "Rejected: it will not be sent.", expired: "Expired: drafts older than three days are not sent.", queued: "On its way to be sent.",
    sent: "It was sent.", delivered: "It was delivered.", failed: "It could not be delivered.",
  },
  by_whom: (who, when) => `By ${who}, ${when}.`,
};

// The Review page: queue.js, rows.js, batch.js
const queue = {
  title: "Review", intro: "Nothing is sent that a person has not approved.", nudges: "Nudges", quizzes: "Quizzes", kinds: "What to review", status: "Status",
  status_count: (status, count) => `${status} (${number(count)})`, all_programs: "All programs", written_by: "Written by", writers: { any: "All", template: "Templates", model: "Language model" },
  search: "Search", search_hint: "Name, id or e-mail", found: { nudge: (count) => counted(count, "nudge"), quiz: (count) => counted(count, "quiz", "quizzes") },
  select_all: "Select all on this page", select: (name) => `Select ${name}`, selected: (count) => `${number(count)} selected`, of_templates: (count) => `${counted(count, "template")} among them`,
  none_selected: "Select some to decide about many at once.", clear: "Clear", approve: (count) => `Approve ${number(count)}`, reject: (count) => `Reject ${number(count)}…`,
  undo: (count) => `Undo ${number(count)}: back to draft`, confirm: "What is approved may be sent. You can undo it until it has left.",
  confirm_title: { nudge: (count) => `Approve ${counted(count, "nudge")}?`, quiz: (count) => `Approve ${counted(count, "quiz", "quizzes")}?` },
  confirm_templates: (templates, count) =>
    count === 1 ? "It is a template." : `${number(templates)} of these ${number(count)} ${templates === 1 ? "is a template" : "are templates"}.`,
  confirm_why: "A template was not written for the learner. Read it closely first.", confirm_all: (count) => (count === 1 ? "Approve the template" : `Approve all ${number(count)}`),
  confirm_others: (count) => `Approve only the ${number(count)} without template`,
  moved: {
    approved: (count) => `${number(count)} approved.`, rejected: (count) => `${number(count)} rejected.`,
    draft: (count) => (count === 1 ? "1 is a draft again." : `${number(count)} are drafts again.`),
  },
  conflicts: (count) => `${number(count)} left as ${count === 1 ? "it is" : "they are"}:`, conflict: (name, status, who, when) => `${name}: ${who} was first; now “${status}” (${when}).`,
  conflict_no_one: (name, status) => `${name}: changed meanwhile; now “${status}”.`, conflict_refused: (name, why) => `${name}: not approved. ${why}`,
  overrule: (count) => (count === 1 ? "Approve it all the same" : `Approve ${number(count)} all the same`), conflict_gone: (name) => `${name}: no longer there.`, conflict_own: (name, status, when) => `${name}: you changed it yourself ${when}, in another window; now “${status}”.`, conflicts_more: (count) => `And ${number(count)} more.`, settling: "This was decided just now.", empty: "There is nothing to decide here.", empty_hint: "New drafts come with the nightly run, or when you write one for a learner.",
  empty_filtered: "Nothing matches these filters.", clear_filters: "Clear the filters", edit: "Edit", view: "Open", shut: "Close", about: (what, name) => `${what}: ${name}`,
  more: "Show the whole text", less: "Show less", export_xlsx: "Export a spreadsheet", export_json: "Export JSON", questions: (count) => counted(count, "question"),
  exported: (filename) => `${filename} was handed to your browser.`, viewer_only: "You may read all of this. To approve or reject you need the role of a coordinator.",
  because: (count, why) => `${number(count)}: ${why}`, template: "Template, not written for them", template_edited: "Template, edited since", unsaved_first: "Your changes to it are not saved. Open it to save or discard them.",
  some_unsaved: "Some of these have changes that you have not saved. Save or discard them first.",
};

// One quiz: quiz.js, questions.js, form.js
const quiz = {
  about: (topic) => `Quiz: ${topic}`, reflective: "how to study", preview: "Preview", edit: "Edit questions", mode: "Preview or edit",
  question: (place, count) => `Question ${number(place)} of ${number(count)}`, difficulty: "Difficulty", difficulties: { easy: "Easy", medium: "Medium", hard: "Hard" }, right: "Right.",
  wrong: "Not quite.", right_answer: "Right answer", explanation: "Explanation", choose: "This is what the learner sees. Choose an answer to read what follows it.", again: "Clear the answers",
  show_answers: "Show all answers", stem: "Question", options: "Answers: mark the right one", option: (letter) => `Answer ${letter}`, is_right: (letter) => `Answer ${letter} is right`,
  feedback: (letter) => `Read after choosing ${letter}`, drop: (place) => `Remove question ${number(place)}`, dropped: (place) => `Question ${number(place)} is removed once you save.`,
  put_back: "Put it back", fewest: "A quiz keeps at least three questions.", empty: "This must not be empty.", alike: "Two answers are the same.", fix_first: (count) => `${counted(count, "field")} above must be filled or changed first.`, download: "Download", moodle: "Moodle XML", gift: "GIFT", qti: "QTI 2.1", saved_only: "The files hold what was saved last.",
};

export const words = {
  ...{ app, labels, changes, terms, reason, nudge_types, channels, statuses, refusals, warnings, template_reasons, template_again, events, errors, pager },
  ...{ run, overview, inputs, glance, plots, learners, filters, table, empty, recalculate, help, learner, draft, queue, quiz },
};
