// What is done with invented drafts: checked, edited, decided. The first change of two of them comes too late:
// somebody else was faster, as `?conflicts=1` plays it.

import { iso } from "./people.js";
import { NUDGES, QUIZZES, finished, nudgeOf, quizOf } from "./texts.js";

const LIMITS = { in_app: 280, whatsapp: 1024, email: 2000 };
const STATUSES = ["draft", "approved", "rejected", "expired", "queued", "sent", "delivered", "failed"];
let made = 1000; // tells the ids of new drafts from those of old ones
const now = () => iso(Date.now());
const listOf = (kind) => (kind === "quiz" ? QUIZZES : NUDGES);
const text = (one) => `${one.name} ${one.learner_id} ${one.content ?? one.topic}`.toLowerCase();

export function draftsOf({ refuse, find, conflicts }) {
  const taken = new Set(conflicts ? [NUDGES[2], NUDGES[5], QUIZZES[1]].map(({ id }) => id) : []);
  const known = (kind, id) => {
    const draft = listOf(kind).find((one) => one.id === id) ?? refuse("not_found");
    if (taken.delete(id)) Object.assign(draft, { status: "approved", version: draft.version + 1, changed_by: "maya.coordinator", changed_at: now() });
    return draft;
  };
  const guarded = (kind, { id, version }) => {
    const draft = known(kind, id);
    if (draft.version !== version) refuse("changed");
    return Object.assign(draft, { version: version + 1, changed_by: "Dana Example", changed_at: now() });
  };

  function problems({ channel, subject, content }) {
    const found = [];
    const check = (field, given, limit) => {
      const rule = (name, broken, bound = null) => broken && found.push({ field, rule: name, limit: bound });
      if (!given.trim()) return rule(field === "subject" ? "subject_missing" : "empty", true);
      rule("too_long", [...given.replaceAll("{first_name}", "x".repeat(40))].length > limit, limit);
      rule("braces", /[{}]/.test(given.replaceAll("{first_name}", "")));
      const placed = given.match(/(?<=[^\W_]) \{first_name\}(?=[,.!?:;])/gu) ?? [];
      rule("placeholder_place", placed.length !== given.split("{first_name}").length - 1 || (field === "content" && channel !== "in_app" && !placed.length));
      return rule("line_break", (channel === "in_app" || field === "subject") && given.includes("\n"));
    };
    if (channel === "email") check("subject", subject ?? "", 78);
    check("content", content, LIMITS[channel]);
    return { problems: found };
  }

  function move({ kind, items, to, reason }) {
    if (to === "rejected" && !reason.trim()) refuse("invalid", "reason: a rejection needs one");
    const moved = [];
    const conflicts = [];
    for (const { id, version } of items) {
      const draft = known(kind, id);
      const { status, changed_by: actor, changed_at: at, name } = draft;
      const why = to === "approved" ? (draft.refused ?? null) : null;
      if (draft.version !== version || why) conflicts.push({ id, status, version: draft.version, actor, at, name, why });
      else moved.push(Object.assign(draft, { status: to, version: version + 1, changed_by: "Dana Example", changed_at: now() }));
    }
    return { moved: moved.map(({ id, version, status }) => ({ id, version, status })), conflicts };
  }

  function queue({ kind, status, program, written_by: by, search, page }) {
    const fits = (one) => (!program || one.program === program) && (by === "any" || one.gpt_fallback === (by === "template")) && text(one).includes(search.toLowerCase());
    const all = listOf(kind).filter(fits);
    const rows = all.filter((one) => one.status === status);
    const counts = Object.fromEntries(STATUSES.map((name) => [name, all.filter((one) => one.status === name).length]));
    return { total: rows.length, page, page_size: 25, counts, rows: rows.slice((page - 1) * 25, page * 25) };
  }

  const put = (kind, draft) => (listOf(kind).unshift(draft), draft);
  return {
    write_nudge: ({ learner_id: id, channel }) => put("nudge", { ...nudgeOf(find(id), channel, { template: channel === "in_app", byHand: true, at: (made += 1) }), created_at: now(), warnings: [] }),
    write_quiz: ({ learner_id: id, topic }) => put("quiz", { ...quizOf(find(id), { topic, at: (made += 1), byHand: true }), created_at: now() }),
    rewrite_nudge: (asked) => {
      const draft = guarded("nudge", asked);
      return finished(Object.assign(draft, { content: draft.content.replace(/(ten|short)\b/, "one small"), gpt_fallback: false, reason: null, model: "a-model-1", edited: false }));
    },
    rewrite_quiz: (asked) => Object.assign(guarded("quiz", asked), { gpt_fallback: false, reason: null, model: "a-model-1" }),
    check_nudge: problems,
    edit_nudge: ({ subject, content, ...asked }) => {
      const { channel } = known("nudge", asked.id);
      if (problems({ channel, subject, content }).problems.length) refuse("invalid", "content: breaks a rule of the channel");
      return finished(Object.assign(guarded("nudge", asked), { subject, content, edited: true }));
    },
    edit_quiz: ({ questions, ...asked }) => Object.assign(guarded("quiz", asked), { questions, edited: true }),
    move,
    queue,
    export_queue: ({ kind, format }) => ({ filename: `${kind}s.${format}`, mime: "text/plain", text: "" }),
    quiz_file: ({ format }) => ({ filename: `quiz.${format === "gift" ? "gift" : "xml"}`, mime: "text/plain", text: "" }),
  };
}
