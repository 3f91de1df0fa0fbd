// The small pieces that every view is made of.

import { html, useEffect, useErrorBoundary, useRef } from "../vendor/preact.js";
import { number, score as scoreText } from "./format.js";
import { Icon, LabelShape } from "./icons.js";
import { useId } from "./ids.js";
import { words } from "./words.js";

const classes = (...names) => names.filter(Boolean).join(" ");

/**
 * kind: "primary" (one per view) | "secondary" | "danger" | "quiet". `busy` keeps the focus and the width. `why` says
 * why it cannot be pressed: it stays reachable by keyboard, so that the reason can be heard. `onAct` in place of `onClick`
 * for what must not be done twice: the second click of a double click may meet what has moved there meanwhile.
 */
export function Button(props) {
  const { kind = "secondary", size, busy, why, icon, hideLabel, children, onClick, onAct, testid, disabled, ...rest } = props;
  const whyId = useId("why");
  const blocked = Boolean(busy || why);
  const act = onAct ? (event) => event.detail > 1 || onAct() : onClick;
  return html`<button
      type="button"
      class=${classes("button", `button-${kind}`, size && `button-${size}`, hideLabel && "button-icon")}
      disabled=${disabled}
      aria-disabled=${blocked ? "true" : undefined}
      aria-busy=${busy ? "true" : undefined}
      aria-describedby=${why ? whyId : undefined}
      title=${why || undefined}
      data-testid=${testid}
      onClick=${(event) => (blocked ? event.preventDefault() : act?.(event))}
      ...${rest}
    >
      ${busy ? html`<span class="spinner" aria-hidden="true"></span>` : icon && html`<${Icon} name=${icon} />`}
      <span class=${hideLabel ? "unseen" : "button-label"}>${children}</span>
    </button>
    ${why && html`<span id=${whyId} class="unseen">${why}</span>`}`;
}

/** tone: "neutral" | "info" | "warn" | "danger" | "good" | "template". */
export function Badge({ tone = "neutral", icon, children, testid, ...rest }) {
  return html`<span class=${`badge badge-${tone}`} data-testid=${testid} ...${rest}>
    ${icon && html`<${Icon} name=${icon} size=${13} />`}<span>${children}</span>
  </span>`;
}

const CHANGES = { worse: "up", better: "down", new: null };

/** A risk label as shape and word, with the score (by its `thresholds`) and the change since the last run, where given. */
export function LabelBadge({ label, score, thresholds, change, testid }) {
  return html`<span class="label-risk" data-testid=${testid}>
    <span class=${`label-badge label-${label}`}><${LabelShape} label=${label} />${words.labels[label] ?? label}</span>
    ${score !== undefined && score !== null && html`<span class="label-score">${scoreText(score, thresholds)}</span>`}
    ${change &&
    html`<span class=${`label-change change-${change}`} title=${words.changes[change].long}>
      ${CHANGES[change] && html`<${Icon} name=${CHANGES[change]} size=${12} />`}
      <span>${words.changes[change].short}</span><span class="unseen">${words.changes[change].since}</span>
    </span>`}
  </span>`;
}

/** A filter that is on or off. */
export function Chip({ pressed, onToggle, count, shape, children, testid }) {
  return html`<button
    type="button"
    class="chip"
    aria-pressed=${pressed ? "true" : "false"}
    data-testid=${testid}
    onClick=${() => onToggle(!pressed)}
  >
    ${pressed && html`<${Icon} name="check" size=${13} />`}${shape && html`<${LabelShape} label=${shape} />`}
    <span>${children}</span>${count !== undefined && html` <span class="chip-count">${number(count)}</span>`}
  </button>`;
}

/** A label, a hint and an error around one control. `children` is called with {id, "aria-describedby", "aria-invalid"}. */
export function Field({ label, hint, error, hideLabel, children, class: name }) {
  const id = useId("field");
  const described = classes(hint && `${id}-hint`, error && `${id}-error`);
  const ids = { id, "aria-describedby": described || undefined, "aria-invalid": error ? "true" : undefined };
  return html`<div class=${classes("field", name)}>
    <label for=${id} class=${hideLabel ? "unseen" : "field-label"}>${label}</label>
    ${children(ids)} ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    ${error && html`<p class="field-error" id=${`${id}-error`}><${Icon} name="warn" size=${13} /> ${error}</p>`}
  </div>`;
}

/** `rows` makes it a text area; `onInput(text)`. */
export function TextField({ label, hint, error, hideLabel, value, onInput, rows, type = "text", testid, ...rest }) {
  const given = { value, onInput: (event) => onInput(event.currentTarget.value), "data-testid": testid, ...rest };
  return html`<${Field} ...${{ label, hint, error, hideLabel }}>
    ${(ids) =>
      rows
        ? html`<textarea class="input" rows=${rows} ...${ids} ...${given}></textarea>`
        : html`<input class="input" type=${type} ...${ids} ...${given} />`}
  <//>`;
}

/** options: [{value, label}]; `onChange(value)`. */
export function Select({ label, hint, hideLabel, value, options, onChange, testid, ...rest }) {
  return html`<${Field} ...${{ label, hint, hideLabel }}>
    ${(ids) => html`<span class="select">
      <select
        class="input"
        ...${ids}
        ...${rest}
        value=${value}
        data-testid=${testid}
        onChange=${(event) => onChange(event.currentTarget.value)}
      >
        ${options.map((one) => html`<option key=${one.value} value=${one.value} selected=${one.value === value}>${one.label}</option>`)}
      </select>
      <${Icon} name="open" size=${14} />
    </span>`}
  <//>`;
}

/**
 * Tabs inside a view (arrow keys, Home, End). tabs: [{id, label, count}]. The panel beneath is the caller's:
 * give it role="tabpanel", id=`${name}-panel` and aria-labelledby=`${name}-${current}`.
 */
export function Tabs({ name, label, tabs, current, onChange }) {
  const list = useRef(null);
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = tabs.findIndex((tab) => tab.id === current);
    const to = step ? (at + step + tabs.length) % tabs.length : { Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    onChange(tabs[to].id);
    list.current.children[to].focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} ref=${list} onKeyDown=${move}>
    ${tabs.map(
      (tab) => html`<button
        key=${tab.id}
        type="button"
        role="tab"
        class="tab"
        id=${`${name}-${tab.id}`}
        aria-selected=${tab.id === current ? "true" : "false"}
        aria-controls=${tab.id === current ? `${name}-panel` : undefined}
        tabindex=${tab.id === current ? 0 : -1}
        data-testid=${`tab-${tab.id}`}
        onClick=${() => onChange(tab.id)}
      >
        ${tab.label}${tab.count !== undefined && html` <span class="tab-count">${number(tab.count)}</span>`}
      </button>`,
    )}
  </div>`;
}

/** A page that is no longer there, as once it is emptied, or in a shared link, gives the first. */
export function Pager({ page, pageSize, total, onPage, label = words.pager.label }) {
  const pages = Math.max(1, Math.ceil(total / pageSize));
  const isBeyond = page > pages;
  useEffect(() => {
    if (isBeyond) onPage(1, { replace: true });
  }, [isBeyond]);
  if (pages === 1) return null;
  return html`<nav class="pager" aria-label=${label}>
    <span class="pager-range">${words.pager.range((page - 1) * pageSize + 1, Math.min(page * pageSize, total), total)}</span>
    <${Button} size="small" icon="left" testid="pager-previous" why=${page <= 1 ? words.pager.first : undefined} onClick=${() => onPage(page - 1)}>
      ${words.pager.previous}
    <//>
    <span class="pager-page">${words.pager.page(page, pages)}</span>
    <${Button} size="small" icon="right" testid="pager-next" why=${page >= pages ? words.pager.last : undefined} onClick=${() => onPage(page + 1)}>
      ${words.pager.next}
    <//>
  </nav>`;
}

export function Spinner({ children = words.app.loading }) {
  return html`<p class="waiting" role="status"><span class="spinner" aria-hidden="true"></span> ${children}</p>`;
}

/** Grey lines where text will be; says nothing to a screen reader (the region around it is aria-busy). */
export function Skeleton({ lines = 3 }) {
  return html`<div class="skeleton" aria-hidden="true">${Array.from({ length: lines }, (_, at) => html`<span key=${at}></span>`)}</div>`;
}

export function Empty({ title, icon = "search", children, testid }) {
  return html`<div class="empty" data-testid=${testid}>
    <${Icon} name=${icon} size=${24} />
    <p class="empty-title">${title}</p>
    ${children}
  </div>`;
}

/** tone: "info" | "warn" | "danger" | "good". `actions` are buttons at its end. */
export function Note({ tone = "info", icon, children, actions, role, testid }) {
  const drawing = icon ?? { warn: "warn", danger: "warn", good: "check" }[tone] ?? "info";
  return html`<div class=${`note note-${tone}`} role=${role} data-testid=${testid}>
    <${Icon} name=${drawing} />
    <div class="note-text">${children}</div>
    ${actions && html`<div class="note-actions">${actions}</div>`}
  </div>`;
}

/** What went wrong in a sentence, and what can be done: try again, or reload the page where only that helps. */
export function ErrorNote({ error, onRetry }) {
  if (!error || error.code === "aborted") return null;
  const said = words.errors[error.code] ?? words.errors.internal;
  const lost = error.code === "lost" || error.code === "out_of_memory";
  const actions = lost
    ? html`<${Button} icon="refresh" onClick=${() => location.reload()}>${words.app.reload}<//>`
    : onRetry && html`<${Button} icon="refresh" onClick=${onRetry} testid="retry">${words.app.retry}<//>`;
  return html`<${Note} tone="danger" role="alert" actions=${actions} testid="error">
    <strong>${said.title}</strong> ${said.text}
    ${error.code === "invalid" && error.detail && html` <span class="detail">${error.detail}</span>`}
    ${error.error_id && html` <span class="detail">${words.errors.number(error.error_id)}</span>`}
  <//>`;
}

/** Keeps the rest of the page when one part cannot be shown. */
export function Boundary({ children }) {
  const [broken, mend] = useErrorBoundary((error) => console.error(error));
  return broken ? html`<${ErrorNote} error=${{ code: "internal" }} onRetry=${mend} />` : children;
}
