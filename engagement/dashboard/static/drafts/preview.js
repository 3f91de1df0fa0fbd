// A message as the learner will read it in its channel, with the name filled in.

import { Icon } from "../shared/icons.js";
import { useId } from "../shared/ids.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";
import { filled } from "./placeholder.js";

function Filled({ text, firstName }) {
  return filled(text, firstName).map((piece, at) =>
    piece.name ? html`<mark key=${at} class="filled-name">${piece.name}</mark>` : html`<span key=${at}>${piece.text}</span>`,
  );
}

function InApp({ text }) {
  return html`<div class="preview-app">
    <span class="preview-app-icon"><${Icon} name="app" size=${18} /></span>
    <div>
      <p class="preview-head"><span>${words.draft.preview_from}</span><span>${words.draft.preview_now}</span></p>
      <p class="preview-text">${text}</p>
    </div>
  </div>`;
}

function Chat({ text }) {
  return html`<div class="preview-chat">
    <div class="preview-bubble">
      <p class="preview-text">${text}</p>
      <p class="preview-time">${words.draft.preview_now}</p>
    </div>
  </div>`;
}

function Mail({ text, subject, to }) {
  return html`<div class="preview-mail">
    <p class="preview-subject">${subject}</p>
    <p class="preview-head"><span>${words.draft.preview_from}</span><span>${words.draft.preview_to(to)}</span></p>
    <p class="preview-text">${text}</p>
  </div>`;
}

const BY_CHANNEL = { in_app: InApp, whatsapp: Chat, email: Mail };

export function Preview({ nudge, subject, content }) {
  const heading = useId("preview");
  const Shown = BY_CHANNEL[nudge.channel] ?? InApp;
  const fill = (text) => html`<${Filled} text=${text ?? ""} firstName=${nudge.first_name} />`;
  return html`<figure class="preview" aria-labelledby=${heading} data-testid="draft-preview">
    <figcaption class="preview-caption" id=${heading}>${words.draft.preview_of[nudge.channel]}</figcaption>
    <${Shown} text=${fill(content)} subject=${fill(subject)} to=${nudge.name ?? nudge.learner_id} />
    ${!nudge.first_name && html`<p class="hint">${words.draft.preview_no_name}</p>`}
  </figure>`;
}
