// Who looks, whether the server still answers, and whether there is anything newer than what is shown.

import { useCallback, useEffect, useRef, useState } from "../vendor/preact.js";

const PING_EVERY_MS = 20_000;
const MAY_CHANGE = ["coordinator", "admin"];

/**
 * {me, error, again, lost, running, newer, showNewer, tick, changed}. `tick` grows when everything shown should be
 * asked for anew; `newer` says that scores were published since; `lost` that only a reload helps.
 */
export function useSession(call, onDrop) {
  const [me, setMe] = useState(null);
  const [error, setError] = useState(null);
  const [turn, setTurn] = useState(0);
  const [lost, setLost] = useState(null); // or why
  const [tick, setTick] = useState(0);
  const [pinged, setPinged] = useState({ published_at: null, running: null });
  const [shown, setShown] = useState(undefined); // when what the page shows was published; undefined until known

  useEffect(() => onDrop?.(setLost), [onDrop]);

  useEffect(() => {
    let over = false;
    call("hello", {}).then(
      (answer) => !over && (setMe(answer), setError(null)),
      (failed) => !over && setError(failed),
    );
    return () => (over = true);
  }, [call, turn]);

  const asked = useRef(0); // one ping at a time; what asks meanwhile is answered by one more
  const ping = useCallback(async () => {
    if (document.hidden || asked.current++) return;
    try {
      do {
        asked.current = 1;
        const answer = await call("ping", {});
        setPinged(answer);
        setShown((before) => (before === undefined ? answer.published_at : before));
      } while (asked.current > 1);
    } catch (failed) {
      if (failed.code === "lost" || failed.code === "no_viewer") setLost((before) => before ?? "lost");
    } finally {
      asked.current = 0;
    }
  }, [call]);

  useEffect(() => {
    if (!me || lost) return undefined;
    ping();
    const timer = setInterval(ping, PING_EVERY_MS);
    document.addEventListener("visibilitychange", ping); // who comes back to the tab sees at once what is new
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", ping);
    };
  }, [me, lost, ping]);

  const changed = useCallback(() => setTick((before) => before + 1), []);
  const showNewer = useCallback(() => {
    setShown(pinged.published_at);
    changed();
  }, [pinged.published_at]);
  /** What was published then is on the page already, as after one's own recalculation. */
  const caughtUp = useCallback((published) => {
    setShown(published);
    changed();
  }, []);

  return {
    ...{ me, error, lost, tick, changed, showNewer, caughtUp },
    mayChange: MAY_CHANGE.includes(me?.viewer.role),
    again: useCallback(() => setTurn((before) => before + 1), []),
    running: pinged.running,
    newer: shown !== undefined && (pinged.published_at ?? "") > (shown ?? ""), // an answer may be older than the page
  };
}
