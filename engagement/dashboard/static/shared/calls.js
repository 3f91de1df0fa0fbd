// Questions to the server, as a hook. An answer that is no longer wanted is dropped. What changes something is in actions.js.

import { createContext, useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";

/** {call, me, actions, toast, announce, changed, openLearner}: what every view may use. See app.js. */
export const AppContext = createContext(null);
export const useApp = () => useContext(AppContext);

const NOTHING = { data: null, error: null, busy: false, answers: 0, of: null, settled: null };

const without = (key, name) => JSON.stringify({ ...JSON.parse(key), [name]: null });

/**
 * Ask, and ask again when the arguments or `tick` change or `reload` is called. `data` stays until the next answer, so that a
 * table does not blink; `busy` says that it is about to change; `of` are the arguments that were answered; `answers` counts.
 * Who types the argument `typed` faster than answers come is asked for the newest text once the one under way is there.
 */
export function useCall(call, method, args = {}, { when = true, tick = 0, typed } = {}) {
  const wanted = JSON.stringify(args);
  const [state, setState] = useState({ ...NOTHING, busy: when });
  const [turn, setTurn] = useState(0);
  const asked = useRef(wanted);
  const waits = typed && state.busy && without(asked.current, typed) === without(wanted, typed);
  if (!waits) asked.current = wanted;
  const key = asked.current;

  useLayoutEffect(() => {
    // before the browser paints: the server works meanwhile
    if (!when) return undefined;
    const controller = new AbortController();
    const settle = (change) => !controller.signal.aborted && setState((before) => ({ ...before, busy: false, settled: key, ...change(before) }));
    setState((before) => (before.busy ? before : { ...before, busy: true }));
    call(method, JSON.parse(key), { signal: controller.signal }).then(
      (data) => settle(({ answers }) => ({ data, of: JSON.parse(key), error: null, answers: answers + 1 })),
      (error) => settle(() => ({ error })),
    );
    return () => controller.abort();
  }, [call, method, key, turn, tick, when]);

  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const busy = state.busy || (when && state.settled !== wanted);
  return useMemo(() => ({ ...state, busy, reload }), [state, busy]);
}

/** Hand over a file {filename, mime, and text or bytes (in base 64)} to the browser. */
export function download({ filename, mime, text, bytes }) {
  const content = text ?? Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([content], { type: mime }));
  const link = document.createElement("a");
  link.href = address;
  link.download = filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
