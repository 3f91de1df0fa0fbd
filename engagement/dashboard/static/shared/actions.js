// What somebody does that changes something or takes its time, above the views: it goes on when its view is left, a second
// click does nothing twice, and what came of it is told where it was begun, or wherever its author is by then.

import { useContext, useLayoutEffect, useMemo, useState } from "../vendor/preact.js";
import { AppContext } from "./calls.js";
import { isLimit, told } from "./refusals.js";
import { words } from "./words.js";

const MOST_AT_ONCE = 500; // drafts of one request, as the server takes them
const MOST_NAMED = 3; // conflicts that a short message tells one by one
const LONG_S = 60; // nobody looked for this message
const IDLE = { busy: null, error: null, progress: null, conflicts: [], pending: 0 };

/** What is under way, and what came of it, by the place where it was begun. */
export function actionsOf(call) {
  const states = new Map();
  const views = new Map(); // place -> how many views show what comes of it
  const moving = new Set(); // ids of drafts that are being decided
  const newest = new Map(); // id -> what one's own actions have made of a draft
  const listeners = new Set();

  const at = (place) => states.get(place) ?? IDLE;
  function put(place, change) {
    states.set(place, { ...at(place), ...change });
    for (const listener of listeners) listener();
  }
  const began = (place, name, change) => put(place, { ...change, busy: name, error: null, pending: at(place).pending + 1 });
  function ended(place, change, again) {
    const pending = at(place).pending - 1;
    put(place, { ...change, pending, ...(pending ? {} : { busy: null, progress: null }) });
    if (views.has(place) || pending) return;
    const { error, conflicts } = at(place);
    states.delete(place);
    if (error || conflicts.length) actions.onUntold({ error, conflicts, again });
  }

  const actions = {
    call,
    at,
    onUntold: () => {},
    isShown: (place) => views.has(place),
    /** Whether it was decided, or is being decided, and what is shown does not say so yet. */
    isSettling: (item) => moving.has(item.id) || (newest.get(item.id)?.version > item.version && newest.get(item.id).status !== item.status),
    /** The draft with one's own newer words; what was decided of it the next answer says. */
    seen: (item) => (actions.newest(item).status === item.status ? actions.newest(item) : item),
    /** The draft as one's own actions have left it, where the one that is given is older. */
    newest: (item) => (newest.get(item.id)?.version > item.version ? { ...item, ...newest.get(item.id) } : item),
    saw(item) {
      newest.set(item.id, { ...newest.get(item.id), ...item });
      for (const listener of listeners) listener();
    },
    clear: (place) => put(place, { error: null, conflicts: [] }),
    meets: (place, conflict) => put(place, { conflicts: [{ ...conflict, own: conflict.actor === actions.viewer }] }),

    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    show(place) {
      views.set(place, (views.get(place) ?? 0) + 1);
      return () => {
        if (views.get(place) > 1) views.set(place, views.get(place) - 1);
        else views.delete(place);
        if (!views.has(place) && !at(place).pending) states.delete(place);
      };
    },

    /** What `task` gives; undefined where it failed, or where something is under way in that place. */
    async run(place, name, task) {
      if (at(place).pending) return undefined;
      began(place, name, { progress: null, conflicts: [] });
      try {
        const result = await task((progress) => put(place, { progress }));
        ended(place, {});
        return result;
      } catch (error) {
        ended(place, { error: { ...error, what: name } });
        return undefined;
      }
    },

    /** Decide about drafts that nobody is deciding about; {moved, conflicts} of those that were asked about. */
    async move(place, kind, items, to, { reason = "", known = [] } = {}) {
      const free = items.filter(({ id }) => !moving.has(id));
      const names = new Map(free.map((item) => [item.id, item.name ?? item.learner_id]));
      const result = { moved: [], conflicts: [] };
      if (!free.length) return result;
      for (const { id } of free) moving.add(id);
      began(place, "move");
      let error = null;
      try {
        for (let from = 0; from < free.length; from += MOST_AT_ONCE) {
          const block = free.slice(from, from + MOST_AT_ONCE).map(actions.newest).map(({ id, version }) => ({ id, version }));
          const answer = await call("move", { kind, items: block, to, reason, known });
          answer.moved.forEach(actions.saw);
          result.moved.push(...answer.moved);
          result.conflicts.push(...answer.conflicts.map((one) => ({ ...one, kind, known, name: one.name ?? names.get(one.id), own: one.actor === actions.viewer })));
        }
      } catch (failed) {
        error = { ...failed, what: "move" };
      }
      for (const { id } of free) moving.delete(id);
      const others = at(place).conflicts.filter(({ id }) => !names.has(id));
      ended(place, { error, conflicts: [...others, ...result.conflicts] }, () => actions.overrule(place, result.conflicts));
      return result;
    },

    /** Approve all the same what only limits hold back, by who has been told of them. */
    overrule(place, conflicts) {
      const limited = conflicts.filter(({ why }) => isLimit(why));
      const known = [...new Set(limited.flatMap((one) => [...one.known, one.why]))];
      return actions.decide(place, limited[0].kind, limited, "approved", { known });
    },
  };
  return actions;
}

/** The actions of a page, for `AppContext`: `decide` is `move` that tells how many moved, with the way back. */
export function useActions(call, { toast, changed, viewer }) {
  const actions = useMemo(() => actionsOf(call), [call]);
  useLayoutEffect(() => {
    actions.viewer = viewer;
    actions.onUntold = (what) => toast({ tone: "danger", seconds: LONG_S, ...sentence(what) });
    actions.tell = (kind, items, to) => {
      const back = { label: words.app.undo, onClick: () => actions.decide("queue", kind, items, "draft") };
      toast({ text: words.queue.moved[to](items.length), action: to === "draft" ? undefined : back });
    };
    actions.decide = async (place, kind, items, to, told) => {
      const asked = new Map(items.map((item) => [item.id, item]));
      const result = await actions.move(place, kind, items, to, told);
      if (result.moved.length) actions.tell(kind, result.moved.map((one) => ({ ...asked.get(one.id), ...one })), to);
      if (result.moved.length || result.conflicts.length) changed();
      return result;
    };
  }, [actions, toast, changed, viewer]);
  return actions;
}

/** What nobody saw coming back, for a short message. */
function sentence({ error, conflicts, again }) {
  if (error) {
    const { title, text } = words.errors[error.code] ?? words.errors.internal;
    return { text: words.app.not_done(words.app.doing[error.what], title, text) };
  }
  const named = conflicts.slice(0, MOST_NAMED).map(told);
  const text = [words.queue.conflicts(conflicts.length), ...named, conflicts.length > MOST_NAMED && words.queue.conflicts_more(conflicts.length - MOST_NAMED)];
  const limited = conflicts.filter(({ why }) => isLimit(why));
  const past = { label: words.queue.overrule(limited.length), onClick: again };
  return { text: text.filter(Boolean).join(" "), action: again && limited.length ? past : undefined };
}

/** The method that is under way in one place, for who does not show what comes of it. */
export function useBusy(place) {
  const { actions } = useContext(AppContext);
  const [, redraw] = useState(0);
  useLayoutEffect(() => actions.listen(() => redraw((count) => count + 1)), [actions]);
  return actions.at(place).busy;
}

/**
 * What is under way in one place: {busy, progress, error, conflicts, run, clear}. `run(method, args)` gives the result,
 * or undefined where it failed (`error` says why) or where something is under way; `busy` is the method.
 */
export function useAction(place) {
  const { actions } = useContext(AppContext);
  useBusy(place);
  useLayoutEffect(() => actions.show(place), [actions, place]);
  const run = (method, args) => actions.run(place, method, (onProgress) => actions.call(method, args, { onProgress }));
  return { ...actions.at(place), run, clear: () => actions.clear(place) };
}
