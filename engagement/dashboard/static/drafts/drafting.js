// What can be done with one draft, a nudge or a quiz: save, write again, approve, reject, undo. Two people on one draft
// are told apart by its version: who comes second sees what the first one did, and loses no words of their own.

import { words } from "../shared/words.js";
import { useCallback, useEffect, useRef, useState } from "../vendor/preact.js";
import { isLimit } from "./limits.js";
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
 * {busy, error, conflict, said, save, move, rewrite, dismiss}. `busy` is the method under way; `conflict` is
 * {actor, at, status} of who was first, or {why} where the learner may not be written to any more, or not now: then
 * `overrule` approves all the same, where a person may. `onChange(item)` gets each newer version; `onMoved(item, before)` hears of a change of status, where a list around the draft takes it
 * from there.
 */
export function useDraft({ kind, item, call, me, onChange, onMoved }) {
  const [state, setState] = useState({ busy: null, error: null, conflict: null, said: "" });
  const mounted = useRef(true);
  useEffect(() => () => (mounted.current = false), []);
  const show = (change) => mounted.current && setState((before) => ({ ...before, ...change }));

  async function overtaken(first = {}, overrule) {
    const now = await newest(call, kind, item);
    const actor = first.actor ?? now?.changed_by ?? null;
    const at = first.at ?? now?.changed_at ?? null;
    show({ conflict: { gone: now === null, actor, at, status: now?.status ?? first.status, why: first.why, overrule } });
    if (now) onChange(now);
  }

  /** The method's result, or undefined where it failed; then the reason is on the page. */
  async function act(method, args) {
    show({ busy: method, error: null, conflict: null, said: "" });
    try {
      return await call(method, args);
    } catch (error) {
      if (error.code === "changed") await overtaken().catch((later) => show({ error: later }));
      else show({ error });
      return undefined;
    } finally {
      show({ busy: null });
    }
  }

  async function save(changes) {
    const saved = await act(METHODS[kind].edit, { id: item.id, version: item.version, ...changes });
    if (saved) {
      drop(item.id);
      show({ said: words.draft.saved });
      onChange(saved);
    }
    return saved;
  }

  async function move(to, { reason = "", version = item.version, from = item, known = [] } = {}) {
    const result = await act("move", { kind, items: [{ id: item.id, version }], to, reason, known });
    if (!result) return false;
    if (result.conflicts.length > 0) {
      const [first] = result.conflicts;
      const overrule = isLimit(first.why) ? () => move(to, { version, from, known: [...known, first.why] }) : undefined;
      await overtaken(first, overrule).catch((error) => show({ error }));
      return false;
    }
    drop(item.id);
    show({ said: SAID[to] });
    const moved = { ...from, ...result.moved[0], changed_by: me.viewer.name, changed_at: new Date().toISOString() };
    onChange(moved);
    onMoved?.(moved, item.status);
    return true;
  }

  async function rewrite() {
    const written = await act(METHODS[kind].rewrite, { id: item.id, version: item.version });
    if (written) {
      drop(item.id);
      show({ said: written.gpt_fallback ? words.learner.written_template[kind] : words.learner.written[kind] });
      onChange(written);
    }
    return written;
  }

  const dismiss = useCallback(() => show({ conflict: null, error: null }), []);
  return { ...state, save, move, rewrite, dismiss };
}
