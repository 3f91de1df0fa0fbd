// What can be done with one draft, a nudge or a quiz: save, write again, approve, reject, undo. Two people on one draft
// are told apart by its version: who comes second sees what the first one did, and loses no words of their own.

import { useAction } from "../shared/actions.js";
import { useApp } from "../shared/calls.js";
import { words } from "../shared/words.js";
import { useState } from "../vendor/preact.js";
import { drop } from "./unsaved.js";

const METHODS = {
  nudge: { edit: "edit_nudge", rewrite: "rewrite_nudge", list: "nudges" },
  quiz: { edit: "edit_quiz", rewrite: "rewrite_quiz", list: "quizzes" },
};
const SAID = { approved: words.draft.approved, rejected: words.draft.rejected, draft: words.draft.undone };

export const MAY_UNDO = ["approved", "rejected", "queued"];

/** The newest version of a draft, or null where it is no longer there. */
async function newest(call, kind, item) {
  const learner = await call("learner", { id: item.learner_id });
  return learner[METHODS[kind].list].find(({ id }) => id === item.id) ?? null;
}

/**
 * {busy, error, conflict, said, save, move, overrule, rewrite, dismiss}. `busy` is the method under way; `conflict` is
 * {actor, at, status} of who was first, or {why} where the learner may not be written to any more, or not now; past a limit
 * goes `overrule`. `onChange(item)` gets each newer version; `onMoved(item, before)` hears of a change of status, where a
 * list around the draft takes it from there.
 */
export function useDraft({ kind, item, onChange, onMoved }) {
  const { actions, call, me } = useApp();
  const { busy, error, conflicts, clear } = useAction(item.id);
  const [said, setSaid] = useState("");
  const [conflict] = conflicts;

  /** Look again at what somebody was faster with. */
  async function look() {
    const now = await newest(call, kind, item);
    if (now) onChange(now);
    return now;
  }

  /** The method's result, or undefined where it failed or somebody was faster; then the reason is on the page. */
  async function act(method, args) {
    setSaid("");
    const result = await actions.run(item.id, method, async () => {
      try {
        return await call(method, args);
      } catch (failed) {
        if (failed.code !== "changed") throw failed;
        const now = await look();
        actions.meets(item.id, { id: item.id, name: item.name, actor: now?.changed_by, at: now?.changed_at, status: now?.status });
        return undefined;
      }
    });
    if (result) actions.saw(result);
    return result;
  }

  async function save(changes) {
    const saved = await act(METHODS[kind].edit, { id: item.id, version: item.version, ...changes });
    if (saved) {
      drop(item.id);
      setSaid(words.draft.saved);
      onChange(saved);
    }
    return saved;
  }

  async function move(to, { reason = "", from = item, known = [] } = {}) {
    setSaid("");
    const result = await actions.move(item.id, kind, [from], to, { reason, known });
    if (result.conflicts.length) await look().catch(() => {}); // who was first is told in any case
    const [moved] = result.moved;
    if (!moved) return false;
    drop(item.id);
    setSaid(SAID[to]);
    const now = { ...from, ...moved, changed_by: me.viewer.name, changed_at: new Date().toISOString() };
    onChange(now);
    onMoved?.(now, item.status);
    return true;
  }

  async function rewrite() {
    const written = await act(METHODS[kind].rewrite, { id: item.id, version: item.version });
    if (written) {
      drop(item.id);
      setSaid(written.gpt_fallback ? words.learner.written_template[kind] : words.learner.written[kind]);
      onChange(written);
    }
    return written;
  }

  const overrule = () => move("approved", { known: [...conflict.known, conflict.why] });
  return { ...{ busy, error, conflict, said }, ...{ save, move, overrule, rewrite, dismiss: clear } };
}
