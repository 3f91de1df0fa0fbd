// A native <dialog>: the browser keeps the focus inside, closes on Escape and hides the rest from screen readers.

import { html, useContext, useLayoutEffect, useRef } from "../vendor/preact.js";
import { useId } from "./ids.js";
import { Button } from "./parts.js";
import { Messages, Toasts } from "./toasts.js";
import { words } from "./words.js";

/**
 * kind: "center" | "drawer" (from the right; the whole page on a phone). Mount it when it is to be open, or give `open`.
 * Without `title` the children bring their own heading and close button (`label` names the dialog then). The focus
 * goes back to where it was. `level` is that of the heading, where the dialog stands deeper in the page. `footer` is a row of buttons, the primary one last.
 */
export function Dialog({ open = true, ...rest }) {
  return open ? html`<${OpenDialog} ...${rest} />` : null;
}

function OpenDialog({ title, level = 2, label, onClose, children, footer, kind = "center", testid }) {
  const dialog = useRef(null);
  const headingId = useId("dialog");
  const messages = useContext(Messages);

  useLayoutEffect(() => {
    const opener = dialog.current.getRootNode().activeElement;
    const element = dialog.current;
    element.showModal();
    const leave = messages?.enter(headingId);
    return () => {
      leave?.();
      element.close();
      if (opener?.isConnected) opener.focus();
    };
  }, []);

  return html`<dialog
    ref=${dialog}
    class=${`dialog dialog-${kind}`}
    aria-labelledby=${title ? headingId : undefined}
    aria-label=${title ? undefined : label}
    data-testid=${testid}
    onCancel=${(event) => {
      if (event.target !== dialog.current) return;
      event.preventDefault();
      onClose();
    }}
    onKeyDown=${(event) => event.key === "Escape" && event.stopPropagation() /* what is around it stays open */}
    onMouseDown=${(event) => event.target === dialog.current && onClose()}
  >
    <div class="dialog-box">
      ${title &&
      html`<div class="dialog-head">
        <${`h${level}`} class="dialog-title" id=${headingId}>${title}<//>
        <${Button} kind="quiet" icon="close" hideLabel onClick=${onClose}>${words.app.close}<//>
      </div>`}
      <div class=${title ? "dialog-body" : "dialog-bare"}>${children}</div>
      ${footer && html`<div class="dialog-foot">${footer}</div>`}
    </div>
    ${messages?.dialogs.at(-1) === headingId && html`<${Toasts} ...${messages} />`}
  </dialog>`;
}
