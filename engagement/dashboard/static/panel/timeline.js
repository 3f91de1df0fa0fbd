// What happened to one learner, newest first, by day. Types and metadata come from anywhere and are shown as text.

import { moment, time, weekday } from "../shared/format.js";
import { Icon } from "../shared/icons.js";
import { Button, Chip } from "../shared/parts.js";
import { refusal } from "../shared/refusals.js";
import { words } from "../shared/words.js";
import { html, useState } from "../vendor/preact.js";

const SHOWN_AT_FIRST = 12;
const LONGEST_DETAIL = 300;
const ACTIVITY = ["login", "session_attended", "session_missed", "quiz_completed", "lesson_completed"];
const CONTACT = ["phone_call", "note", "nudge_sent", "nudge_delivered"];
const BOOKKEEPING = ["nudge_id", "quiz_id", "version", "from"]; // of no use to a person who reads the timeline
const ICONS = {
  login: "login", session_attended: "calendar", session_missed: "calendar", quiz_completed: "quiz",
  lesson_completed: "check", phone_call: "phone", note: "note",
};

// Not `names[text]`: a file may call a type "constructor", which every object has.
const known = (names, text) => (Object.hasOwn(names, text) ? names[text] : undefined);

/** The type in words; a type that nobody has named yet stays as it is. */
function happened(type) {
  const [, what, how] = /^(nudge|quiz)_(\w+)$/.exec(type) ?? [];
  const done = known(words.learner.done, how) ?? known(words.statuses, how);
  return known(words.events, type) ?? (done ? words.learner.happened(words.learner.made[what], done) : type);
}

function kindOf(type) {
  if (ACTIVITY.includes(type)) return "activity";
  if (CONTACT.includes(type)) return "contact";
  return /^(nudge|quiz)_/.test(type) ? "drafts" : "other";
}

function iconOf(type) {
  if (known(ICONS, type)) return ICONS[type];
  if (type.startsWith("nudge_")) return "chat";
  return type.startsWith("quiz_") ? "quiz" : "info";
}

function shown(name, value) {
  const text = name === "past" && Array.isArray(value) ? value.map((code) => refusal(code, {})).join(" ") : typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > LONGEST_DETAIL ? `${text.slice(0, LONGEST_DETAIL)}…` : text;
}

function details(metadata) {
  return Object.entries(metadata ?? {})
    .filter(([name, value]) => !BOOKKEEPING.includes(name) && value !== null && value !== "")
    .map(([name, value]) => words.learner.detail(known(words.learner.details, name) ?? name, shown(name, value)));
}

function Event({ event }) {
  const own = event.type === "phone_call" || event.type === "note" ? event.metadata?.text : null;
  const rest = own ? Object.fromEntries(Object.entries(event.metadata).filter(([name]) => name !== "text")) : event.metadata;
  return html`<li class="event">
    <span class="event-icon"><${Icon} name=${iconOf(event.type)} size=${14} /></span>
    <div class="event-body">
      <p class="event-line">
        <span class="event-what">${happened(event.type)}</span>
        ${event.actor && html` <span class="soft">${words.learner.by(event.actor)}</span>`}
        <time class="event-time" datetime=${event.timestamp} title=${moment(event.timestamp)}>${time(event.timestamp)}</time>
      </p>
      ${own && html`<p class="event-own">${own}</p>`}
      ${details(rest).map((text, at) => html`<p class="event-detail" key=${at}>${text}</p>`)}
    </div>
  </li>`;
}

function byDay(events) {
  const days = [];
  for (const event of events) {
    const name = weekday(event.timestamp);
    if (days.at(-1)?.name !== name) days.push({ name, events: [] });
    days.at(-1).events.push(event);
  }
  return days;
}

export function Timeline({ events }) {
  const [kind, setKind] = useState("all");
  const [all, setAll] = useState(false);
  if (events.length === 0) return html`<p class="soft">${words.learner.no_events}</p>`;
  const counts = {};
  for (const { type } of events) counts[kindOf(type)] = (counts[kindOf(type)] ?? 0) + 1;
  const kinds = ["all", ...Object.keys(words.learner.kinds).filter((one) => counts[one])];
  const wanted = events.filter(({ type }) => kind === "all" || kindOf(type) === kind);
  const visible = all ? wanted : wanted.slice(0, SHOWN_AT_FIRST);
  return html`<div class="timeline" data-testid="timeline">
    <div class="chips" role="group" aria-label=${words.learner.timeline_filter}>
      ${kinds.map(
        (one) => html`<${Chip}
          key=${one}
          pressed=${kind === one}
          count=${one === "all" ? events.length : counts[one]}
          onToggle=${() => setKind(one)}
          testid=${`timeline-${one}`}
        >
          ${words.learner.kinds[one]}
        <//>`,
      )}
    </div>
    ${byDay(visible).map(
      (day) => html`<div key=${day.name} class="event-day">
        <h4>${day.name}</h4>
        <ol class="events">${day.events.map((event, at) => html`<${Event} key=${at} event=${event} />`)}</ol>
      </div>`,
    )}
    ${visible.length < wanted.length &&
    html`<${Button} kind="quiet" size="small" onClick=${() => setAll(true)}>${words.learner.older(wanted.length - visible.length)}<//>`}
  </div>`;
}
