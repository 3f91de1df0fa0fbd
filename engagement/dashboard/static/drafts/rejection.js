// Why a draft is rejected: a usual reason, or words of one's own. It is kept; no prompt is told of it.

import { Dialog } from "../shared/dialog.js";
import { useId } from "../shared/ids.js";
import { Button, TextField } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useState } from "../vendor/preact.js";

const LONGEST = 500;

export function RejectDialog({ count = 1, level = 2, busy, onReject, onClose }) {
  const [chosen, setChosen] = useState(null);
  const [text, setText] = useState("");
  const [asked, setAsked] = useState(false);
  const name = useId("reason");
  const reasons = words.draft.reject_reasons;
  const usual = chosen && chosen !== "other" ? reasons[chosen] : "";
  const reason = [usual, text.trim()].filter(Boolean).join(": ");
  const submit = () => (reason ? onReject(reason) : setAsked(true));
  const footer = html`<${Button} onClick=${onClose}>${words.app.cancel}<//>
    <${Button} kind="danger" icon="close" busy=${busy} onAct=${submit} testid="reject-confirm">${words.draft.reject_do(count)}<//>`;
  return html`<${Dialog} level=${level} title=${words.draft.reject_title(count)} onClose=${onClose} footer=${footer} testid="reject-dialog">
    <fieldset class="reject-reasons">
      <legend class="hint">${words.draft.reject_hint}</legend>
      ${Object.entries(reasons).map(
        ([code, said]) => html`<label key=${code} class="choice">
          <input type="radio" name=${name} checked=${chosen === code} onChange=${() => setChosen(code)} data-testid=${`reason-${code}`} />
          <span>${said}</span>
        </label>`,
      )}
    </fieldset>
    <${TextField}
      label=${usual ? words.draft.reject_more : words.draft.reject_text}
      rows=${3}
      maxlength=${LONGEST}
      value=${text}
      onInput=${setText}
      error=${asked && !reason ? words.draft.reject_needed : undefined}
      testid="reject-reason"
    />
  <//>`;
}
