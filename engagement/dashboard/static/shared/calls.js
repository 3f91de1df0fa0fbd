// Questions to the server and actions on it, as hooks. An answer that is no longer wanted is dropped.

import { createContext, useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";

/** {call, me, toast, announce, changed, openLearner}: what every view may use. See app.js. */
export const AppContext = createContext(null);
export const useApp = () => useContext(AppContext);

const NOTHING = { data: null, error: null, busy: false, answers: 0 };

/**
 * Ask, and ask again when the arguments or `tick` change or `reload` is called. `data` stays until the next answer, so that a
 * table does not blink; `busy` says that it is about to change; `answers` counts.
 */
export function useCall(call, method, args = {}, { when = true, tick = 0 } = {}) {
  const key = JSON.stringify(args);
  const [state, setState] = useState({ ...NOTHING, busy: when });
  const [turn, setTurn] = useState(0);

  useLayoutEffect(() => {
    // before the browser paints: the server works meanwhile
    if (!when) return undefined;
    const controller = new AbortController();
    const wanted = (change) => !controller.signal.aborted && setState(change);
    setState((before) => (before.busy ? before : { ...before, busy: true }));
    call(method, JSON.parse(key), { signal: controller.signal }).then(
      (data) => wanted((before) => ({ data, error: null, busy: false, answers: before.answers + 1 })),
      (error) => wanted((before) => ({ ...before, error, busy: false })),
    );
    return () => controller.abort();
  }, [call, method, key, turn, tick, when]);

  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return useMemo(() => ({ ...state, reload }), [state]);
}

/**
 * For what changes something. `run(method, args)` gives the result, or undefined where it failed (`error` says why).
 * `busy` is the method that is under way, `progress` its newest message.
 */
export function useAction(call) {
  const [state, setState] = useState({ busy: null, error: null, progress: null });
  const mounted = useRef(true);
  useEffect(() => () => (mounted.current = false), []);

  const run = useCallback(
    async (method, args) => {
      const show = (change) => mounted.current && setState((before) => ({ ...before, ...change }));
      show({ busy: method, error: null, progress: null });
      try {
        const result = await call(method, args, { onProgress: (progress) => show({ progress }) });
        show({ busy: null, progress: null });
        return result;
      } catch (error) {
        show({ busy: null, progress: null, error });
        return undefined;
      }
    },
    [call],
  );
  const clear = useCallback(() => setState({ busy: null, error: null, progress: null }), []);
  return { ...state, run, clear };
}

/** Hand over a file {filename, mime, text} to the browser. */
export function download({ filename, mime, text }) {
  const address = URL.createObjectURL(new Blob([text], { type: mime }));
  const link = document.createElement("a");
  link.href = address;
  link.download = filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
