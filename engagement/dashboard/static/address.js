// What is shown stands in the address, so that a link can be shared and the back button works:
// #/learners?search=..&labels=high,medium&sort=-last_login&page=2&learner=ID

import { useCallback, useEffect, useState } from "./vendor/preact.js";

export const VIEWS = ["learners", "review", "help"];

export function parsed(hash) {
  const [path, query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const view = VIEWS.includes(path) ? path : VIEWS[0];
  return { view, state: Object.fromEntries(new URLSearchParams(query)) };
}

export function written(view, state) {
  const kept = Object.entries(state).filter(([, value]) => value !== null && value !== undefined && value !== "");
  // A comma needs no escape in a fragment, and links with readable lists are easier to check.
  const query = new URLSearchParams(kept).toString().replaceAll("%2C", ",");
  return `#/${view}${query && `?${query}`}`;
}

/** {view, state, set(patch, {replace}), go(view, state)}: `set` merges; a key of null is dropped. */
export function useAddress() {
  const [now, setNow] = useState(() => parsed(location.hash));

  useEffect(() => {
    const read = () => setNow(parsed(location.hash));
    window.addEventListener("popstate", read);
    window.addEventListener("hashchange", read);
    return () => {
      window.removeEventListener("popstate", read);
      window.removeEventListener("hashchange", read);
    };
  }, []);

  const go = useCallback((view, state = {}, { replace = false } = {}) => {
    const address = written(view, state);
    if (address === location.hash) return;
    // Not location.hash = …: that would scroll, and a page inside a base address would leave it.
    const whole = location.pathname + location.search + address;
    history[replace ? "replaceState" : "pushState"](history.state, "", whole);
    setNow(parsed(address));
  }, []);

  const set = useCallback((patch, options) => {
    const { view, state } = parsed(location.hash);
    go(view, { ...state, ...patch }, options);
  }, []);

  return { ...now, go, set };
}
