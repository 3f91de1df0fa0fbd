// Light or dark: what the viewer chose, or what the system says.

import { useCallback, useState } from "../vendor/preact.js";

const SCHEME_KEY = "engagement.scheme";
export const SCHEMES = ["auto", "light", "dark"];

/** [scheme, setScheme]: what the viewer chose, remembered where the browser allows it. */
export function useScheme() {
  const [scheme, setScheme] = useState(() => {
    try {
      const kept = localStorage.getItem(SCHEME_KEY);
      return SCHEMES.includes(kept) ? kept : "auto";
    } catch {
      return "auto"; // storage may be forbidden
    }
  });
  const choose = useCallback((chosen) => {
    setScheme(chosen);
    try {
      localStorage.setItem(SCHEME_KEY, chosen);
    } catch {
      // it holds until the page is left
    }
  }, []);
  return [scheme, choose];
}
