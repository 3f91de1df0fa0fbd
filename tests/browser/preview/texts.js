// Invented drafts: messages and quizzes, some from templates, some hostile, in every status.

import { LEARNERS, NOW, iso } from "./people.js";

export const HOSTILE = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> {{7*7}} "' &lt;b&gt; ‮evil`;
const HOUR = 3_600_000;
const REASONS = ["deadline", "invalid_output", "no_key", "opted_out", "unconfirmed_topic", "budget", "error"];
const CHANNELS = ["in_app", "email", "whatsapp"];
const BY_TEMPLATE = {
  in_app: "Hi {first_name}, some of the planned work is still open, and that is fine. Pick the shortest open task and give it ten quiet minutes. That is enough for today.",
  whatsapp: "Hi {first_name}, your course plan and the past weeks have drifted a little apart. That happens to a lot of people. One small step is enough to begin with: choose the shortest open task and set aside ten minutes for it.\n\nIf the plan itself no longer fits your week, reply here and we can look at it together.",
  email: "Hi {first_name},\n\nSome of the work planned for the past weeks is still open in your course. Weeks fill up, and a plan drawn up in advance cannot know that.\n\nRather than catching up on everything at once, we suggest one small step: look at the open tasks, choose the shortest of them, and give it ten minutes.\n\nIf your week looks different from what the plan expects, reply to this message. We are glad to think with you about a rhythm that fits.\n\nYour learning team",
};
const byModel = (one) =>
  `Hi {first_name}, you have done ${one.completed_percent ?? 0}% of what was due in ${one.program}. Your next step is short: open the lesson you left and do the first exercise. We are here if something is in the way.`;

export const filled = (text, first) => text && text.replace(/(,? )?\{first_name\}/g, (_, before) => (first ? (before ?? "") + first : ""));
export const finished = (nudge) =>
  Object.assign(nudge, { subject_filled: filled(nudge.subject, nudge.first_name), content_filled: filled(nudge.content, nudge.first_name) });
const firstNameOf = ({ name, first }) => (name && name.startsWith(first) ? first : null);

export function nudgeOf(one, channel, { template = false, byHand = false, at = 0, hostile = false } = {}) {
  return finished({
    ...{ id: `n-${one.id}-${channel}-${at}`, learner_id: one.id, name: one.name, program: one.program, channel },
    ...{ type: one.reason?.term ?? "welcome", status: "draft", version: 1, risk_score: one.risk_score, risk_label: one.risk_label, thresholds: one.thresholds },
    ...{ subject: channel === "email" ? "One small step for this week" : null, content: hostile ? HOSTILE : template ? BY_TEMPLATE[channel] : byModel(one) },
    ...{ first_name: firstNameOf(one), gpt_fallback: template, reason: template ? REASONS[at % REASONS.length] : null, model: template ? null : "a-model-1" },
    ...{ by_hand: byHand, edited: false, created_at: iso(NOW - (6 + at / 9) * HOUR), created_by_run: byHand ? null : "nightly", changed_by: null, changed_at: null },
  });
}

const TEXTS = [
  ["Whenever there is a free hour and you happen to feel like studying", "Understandable, but free hours fill up by themselves. Reserving one beforehand protects it."],
  ["All of the lessons on Sunday, so that the whole week remains free", "One long day is tiring, and the memory gains from pauses. Two shorter times would help more."],
  ["Tuesday and Friday at seven, at the kitchen table, one lesson each", "A time, a place and a task together make it easy to begin."],
  ["<script>window.hacked=1</script>", "There is energy in this plan. A smaller, definite amount is <b>easier</b> to keep up."],
];
const STEMS = ["You want to study regularly next week. Which plan is most likely to work?", "What is a median?", "Which chart shows a distribution <b>best</b>?", "Why plan a week ahead?"];

export function quizOf(one, { template = false, topic = null, at = 0, byHand = false } = {}) {
  const questions = STEMS.map((stem, place) => ({
    ...{ id: `q${place + 1}`, stem, options: TEXTS.map(([text, feedback]) => ({ text, feedback })), answer_index: (place + 2) % 4 },
    ...{ explanation: "A plan that says when, where and what is carried out more often than a good intention, because the decision has already been made.", difficulty: ["easy", "medium", "hard", "easy"][place] },
  }));
  return {
    ...{ id: `z-${one.id}-${at}`, learner_id: one.id, name: one.name, program: one.program, topic, status: "draft", version: 1, questions },
    ...{ gpt_fallback: template, reason: template ? REASONS[at % REASONS.length] : null, model: template ? null : "a-model-1", by_hand: byHand, edited: false },
    ...{ risk_score: one.risk_score, risk_label: one.risk_label, thresholds: one.thresholds, created_at: iso(NOW - 6 * HOUR), changed_by: null, changed_at: null, language: "en" },
  };
}

const worst = LEARNERS.filter((one) => one.active && !one.opted_out && ["high", "medium"].includes(one.risk_label))
  .sort((one, other) => other.risk_score - one.risk_score)
  .slice(0, 110);
const settled = (item, status) => Object.assign(item, { status, changed_by: "maya.coordinator", changed_at: iso(NOW - HOUR) });

export const NUDGES = worst.map((one, at) => nudgeOf(one, CHANNELS[at % 3], { template: at % 5 < 3, at, byHand: at % 9 === 4, hostile: at === 6 }));
NUDGES.slice(60).forEach((nudge, at) => settled(nudge, ["approved", "rejected", "sent", "queued", "expired", "failed"][at % 6]));
Object.assign(NUDGES[4], { edited: true, changed_by: "maya.coordinator", changed_at: iso(NOW - 2 * HOUR), gpt_fallback: true, reason: "deadline" });
NUDGES[1].refused = "opted_out";
NUDGES.push(...worst.slice(0, 3).map((one, at) => settled(nudgeOf(one, "in_app", { at: 200 + at }), "sent")));
export const QUIZZES = worst.slice(0, 34).map((one, at) => quizOf(one, { template: at % 5 === 2, topic: at === 3 ? HOSTILE : at % 2 ? "Loops & functions" : null, at }));
QUIZZES.slice(28).forEach((quiz, at) => settled(quiz, ["approved", "rejected"][at % 2]));
for (const nudge of NUDGES) if (nudge.status === "draft") LEARNERS.find((one) => one.id === nudge.learner_id).draft = true;
