// Edits that are not saved yet, kept while the page is open: turning a page or closing a panel loses none of them.

import { useEffect, useState } from "../vendor/preact.js";

const kept = new Map(); // draft id -> {value, version}; the version is the one that was on screen when typing began
const listeners = new Set();

// Closing the browser tab is the one way out that the page cannot stop by itself.
const askBeforeLeaving = (event) => event.preventDefault();

function tell() {
  const change = kept.size > 0 ? "addEventListener" : "removeEventListener";
  window[change]("beforeunload", askBeforeLeaving);
  for (const listener of listeners) listener();
}

function keep(id, edit) {
  kept.set(id, edit);
  tell();
}

export function drop(id) {
  if (kept.delete(id)) tell();
}

/** Whether one of these drafts has edits that are not saved. */
export const anyUnsaved = (ids) => ids.some((id) => kept.has(id));

/**
 * The value being edited of one draft. `overtaken` says that somebody else saved a newer version meanwhile:
 * `rebase()` puts the edit over that one, `discard()` lets it go.
 */
export function useEdit({ id, version }, original) {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = () => redraw((count) => count + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  const edit = kept.get(id);
  return {
    value: edit?.value ?? original,
    dirty: edit !== undefined,
    overtaken: edit !== undefined && edit.version !== version,
    change(value) {
      if (JSON.stringify(value) === JSON.stringify(original)) drop(id);
      else keep(id, { value, version: edit?.version ?? version });
    },
    rebase: () => keep(id, { value: edit.value, version }),
    discard: () => drop(id),
  };
}
