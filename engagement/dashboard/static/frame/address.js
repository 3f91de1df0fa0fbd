// What is shown stands in the address, so that a link can be shared and the back button works:
// #/learners?search=..&labels=high,medium&sort=-last_login&page=2&learner=ID

import { useCallback, useEffect, useRef, useState } from "../vendor/preact.js";

const WRITTEN_AFTER_MS = 200; // typing changes it with every letter, and browsers allow only so many changes a minute

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
  const newest = useRef(location.hash); // the address bar may be behind
  const timer = useRef(null);

  const write = (how) => {
    clearTimeout(timer.current);
    timer.current = null;
    // Not location.hash = …: that would scroll, and a page inside a base address would leave it.
    history[how](history.state, "", location.pathname + location.search + newest.current);
  };

  useEffect(() => {
    const read = () => {
      clearTimeout(timer.current);
      timer.current = null;
      newest.current = location.hash;
      setNow(parsed(location.hash));
    };
    const leave = () => timer.current && write("replaceState");
    window.addEventListener("popstate", read);
    window.addEventListener("hashchange", read);
    window.addEventListener("pagehide", leave);
    return () => {
      leave();
      window.removeEventListener("popstate", read);
      window.removeEventListener("hashchange", read);
      window.removeEventListener("pagehide", leave);
    };
  }, []);

  const go = useCallback((view, state = {}, { replace = false } = {}) => {
    const address = written(view, state);
    if (address === newest.current) return;
    if (!replace && timer.current) write("replaceState");
    newest.current = address;
    if (!replace) write("pushState");
    else timer.current ??= setTimeout(write, WRITTEN_AFTER_MS, "replaceState");
    setNow(parsed(address));
  }, []);

  const set = useCallback((patch, options) => {
    const { view, state } = parsed(newest.current);
    go(view, { ...state, ...patch }, options);
  }, []);

  return { ...now, go, set };
}
