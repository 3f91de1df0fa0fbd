// Who a learner is: the facts a coordinator needs before a call. What is not known says so.

import { ago, day } from "../shared/format.js";
import { Badge } from "../shared/parts.js";
import { language, words } from "../shared/words.js";
import { html } from "../vendor/preact.js";

/** The language's name, or its code where the browser has no name for it. */
function languageName(code) {
  try {
    return new Intl.DisplayNames([language], { type: "language" }).of(code);
  } catch {
    return code;
  }
}

/** The time of day at the learner's place; the name of the zone alone where the browser does not know it. */
function timeThere(zone) {
  try {
    return `${new Intl.DateTimeFormat(navigator.language, { timeStyle: "short", timeZone: zone }).format(new Date())} (${zone})`;
  } catch {
    return zone;
  }
}

/** What limits contact, beside the name. */
export function Flags({ learner }) {
  const flags = [
    learner.contact_opt_out && ["danger", words.learner.opted_out],
    !learner.active && ["danger", words.learner.inactive],
    learner.llm_opt_out && ["info", words.learner.llm_opted_out],
    learner.preferred_channel === "whatsapp" && !learner.whatsapp_opt_in && ["warn", words.learner.whatsapp_no],
  ].filter(Boolean);
  if (flags.length === 0) return null;
  return html`<p class="row" data-testid="flags">
    ${flags.map(([tone, said]) => html`<${Badge} key=${said} tone=${tone} icon=${tone === "info" ? "info" : "warn"}>${said}<//>`)}
  </p>`;
}

function Facts({ facts, testid }) {
  return html`<dl class="facts" data-testid=${testid}>
    ${Object.entries(facts).map(
      ([name, value]) => html`<div key=${name}>
        <dt>${words.learner[name]}</dt>
        <dd class=${value ? "" : "soft"}>${value || words.learner.not_known}</dd>
      </div>`,
    )}
  </dl>`;
}

/** What is needed before a call: where to reach them, what time it is there, when somebody last did. */
export function Reachable({ learner }) {
  const { contact } = learner;
  const last = contact.last_contact_at
    ? `${ago(contact.last_contact_at)} (${words.learner.contacts(contact.contacts_in_7_days)})`
    : words.learner.no_contact;
  const waits = contact.approved_messages > 0 && words.table.approved_long;
  const facts = {
    phone: learner.phone && html`<a href=${`tel:${learner.phone.replace(/[^+\d]/g, "")}`}>${learner.phone}</a>`,
    email: learner.email && html`<a href=${`mailto:${encodeURIComponent(learner.email)}`}>${learner.email}</a>`,
    time_there: learner.timezone && timeThere(learner.timezone),
    last_contact: waits ? `${last}. ${waits}` : last,
  };
  return html`<${Facts} facts=${facts} testid="reachable" />`;
}

export function About({ learner }) {
  const facts = {
    prefers: words.channels[learner.preferred_channel] ?? learner.preferred_channel,
    language: learner.locale && languageName(learner.locale),
    program: learner.program,
    cohort: learner.cohort,
    topic: learner.topic,
    enrolled: learner.enrolled_on && day(learner.enrolled_on),
  };
  return html`<${Facts} facts=${facts} testid="about" />`;
}
