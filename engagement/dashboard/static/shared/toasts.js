// Short messages at the edge of the page, and the live region that says things to screen readers only.

import { createContext, html, useCallback, useEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "./icons.js";
import { Button } from "./parts.js";
import { words } from "./words.js";

const SECONDS = 6;
const SECONDS_WITH_ACTION = 15; // an undo must be within reach of slow hands
const MOST = 3;

/** The newest; what went wrong stays longer than what went well. */
function fitting(toasts) {
  if (toasts.length <= MOST) return toasts;
  const least = toasts.findIndex(({ tone }) => tone !== "danger");
  return toasts.filter((_, at) => at !== Math.max(least, 0));
}

/** What `useToasts` gives, for dialogs: while one is open, all outside it is out of reach, so messages appear in it. */
export const Messages = createContext(null);

/** {toasts, toast, dismiss, said, announce, dialogs, enter}. `toast({text, tone, action: {label, onClick}, seconds})`. */
export function useToasts() {
  const [toasts, setToasts] = useState([]);
  const [said, setSaid] = useState("");
  const [dialogs, setDialogs] = useState([]); // ids of those that are open, the topmost last
  const next = useRef(0);
  const dismiss = useCallback((id) => setToasts((before) => before.filter((one) => one.id !== id)), []);
  const toast = useCallback((given) => {
    const id = (next.current += 1);
    setToasts((before) => fitting([...before, { tone: "good", ...given, id }]));
    return id;
  }, []);
  // The same sentence twice is no change to a live region, so a space tells them apart.
  const announce = useCallback((text) => setSaid((before) => (before === text ? `${text} ` : text)), []);
  const enter = useCallback((id) => {
    setDialogs((before) => [...before, id]);
    return () => setDialogs((before) => before.filter((one) => one !== id));
  }, []);
  return { toasts, toast, dismiss, said, announce, dialogs, enter };
}

export function Toasts({ toasts, dismiss, said }) {
  return html`<div class="toasts" role="region" aria-label=${words.app.notices}>
    <div class="toast-list" aria-live="polite" aria-relevant="additions">
      ${toasts.map((one) => html`<${Toast} key=${one.id} ...${one} dismiss=${dismiss} />`)}
    </div>
    <p class="unseen" role="status" data-testid="live">${said}</p>
  </div>`;
}

function Toast({ id, text, tone, action, seconds, dismiss }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(() => dismiss(id), 1000 * (seconds ?? (action ? SECONDS_WITH_ACTION : SECONDS)));
    return () => clearTimeout(timer);
  }, [held]);
  const hold = { onMouseEnter: () => setHeld(true), onMouseLeave: () => setHeld(false) };
  const focused = { onFocusIn: () => setHeld(true), onFocusOut: () => setHeld(false) };
  return html`<div class=${`toast toast-${tone}`} data-testid="toast" ...${hold} ...${focused}>
    <${Icon} name=${tone === "good" ? "check" : tone === "info" ? "info" : "warn"} />
    <span class="toast-text">${text}</span>
    ${action &&
    html`<${Button}
      size="small"
      testid="toast-action"
      onAct=${() => {
        dismiss(id);
        action.onClick();
      }}
      >${action.label}<//
    >`}
    <${Button} kind="quiet" size="small" icon="close" hideLabel onClick=${() => dismiss(id)}>${words.app.dismiss}<//>
  </div>`;
}
