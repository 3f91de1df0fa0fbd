// Why a draft was left as it is: somebody was faster, or the learner may not be written to any more, or not now.

import { ago } from "./format.js";
import { words } from "./words.js";

/** A sentence as it stands, or with the numbers in it that the limits in use have. */
export const within = (sentence, limits) => (typeof sentence === "function" ? sentence(limits) : sentence);

/** Why a text may not go out to the learner any more, or not now, as the server's code says. */
export const refusal = (code, limits) =>
  within([words.refusals, words.warnings].find((known) => Object.hasOwn(known, code))?.[code] ?? code, limits);

/** Whether it is a limit, past which may go who was told; to who may not be written to nobody may write. */
export const isLimit = (code) => Object.hasOwn(words.warnings, code ?? "");

/** What became of one of many, in a sentence with its name. */
export function told({ name, status, actor, at, why, own }, limits) {
  if (why) return words.queue.conflict_refused(name, refusal(why, limits));
  if (!status) return words.queue.conflict_gone(name);
  const now = words.statuses[status] ?? status;
  if (own) return words.queue.conflict_own(name, now, ago(at));
  return actor && at ? words.queue.conflict(name, now, actor, ago(at)) : words.queue.conflict_no_one(name, now);
}
