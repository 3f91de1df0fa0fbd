// The table of learners, worst first. On a phone each row reads as a card; the roles keep it a table for screen readers.

import { ago, moment, number, percent } from "../shared/format.js";
import { Icon } from "../shared/icons.js";
import { Badge, Button, Empty, LabelBadge, Skeleton } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { COLUMNS, narrowed, withoutFilters, writtenSort } from "./wanted.js";

const NUMBERS = ["completed_percent", "avg_quiz_score", "consecutive_missed_sessions"];

const STALE_AFTER_MS = 300; // painting the table twice takes longer than most answers

/** Whether an answer takes its time. */
function useLate(busy) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!busy) return undefined;
    const timer = setTimeout(() => setLate(true), STALE_AFTER_MS);
    return () => (clearTimeout(timer), setLate(false));
  }, [busy]);
  return late;
}

export function LearnersTable({ answer, asked, set, change, openId, openLearner, cards }) {
  const { data, busy, error } = answer;
  const late = useLate(busy);
  const calling = asked.capacity !== null;
  const rows = useMemo(
    // No keys: the next answer writes into the rows that are there, which is quicker than making new ones.
    () => data?.rows.map((row) => html`<${Row} ...${{ row, open: row.id === openId, openLearner, cards, calling }} />`),
    [data, openId, openLearner, cards, calling],
  );
  if (!data || (data.total && !data.rows.length)) return error ? null : html`<${Skeleton} lines=${12} />`;
  if (!data.rows.length) return html`<${Nothing} ...${{ asked, set }} />`;
  // Roles in full: where rows become cards, a browser would no longer take the elements for a table.
  return html`<div class=${cards ? "" : "table-scroll"} role=${cards ? undefined : "region"} aria-label=${cards ? undefined : words.table.region} tabindex=${cards ? undefined : 0}>
    <table class=${`table learners ${cards ? "learners-cards" : ""}`} role="table" data-answers=${answer.answers} data-stale=${late ? "true" : undefined}>
      <caption class="unseen">${words.table.caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          ${Object.keys(COLUMNS).map((column) => html`<${Head} key=${column} ...${{ column, asked, change, cards }} />`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function Head({ column, asked, change, cards }) {
  const sorted = asked.sort === column;
  const direction = sorted ? (asked.descending ? "descending" : "ascending") : undefined;
  const name = words.table.columns[column];
  const sort = () => {
    const descending = sorted ? !asked.descending : COLUMNS[column].descending;
    change({ sort: writtenSort(column, descending) });
  };
  return html`<th scope="col" role="columnheader" class=${NUMBERS.includes(column) ? "number" : ""} aria-sort=${direction}>
    ${cards
      ? name
      : html`<button type="button" class="sort" data-testid=${`sort-${column}`} title=${words.table.hints[column]} onClick=${sort}>
          <span>${name}</span><span class="sort-mark">${sorted && html`<${Icon} name=${asked.descending ? "down" : "up"} size=${13} />`}</span>
        </button>`}
  </th>`;
}

function Row({ row, open, openLearner, cards, calling }) {
  const label = (column) => cards && html`<span class="cell-label" aria-hidden="true">${words.table.columns[column]}</span>`;
  const figure = (column, text) => html`<td role="cell" class="number cell-figure">${label(column)} ${text}</td>`;
  const show = (event) => {
    // A click anywhere opens the learner, unless it ends the marking of a text.
    if (!String(getSelection()) && !event.target.closest("button, a")) openLearner(row.id);
  };
  return html`<tr role="row" class=${open ? "chosen" : ""} aria-current=${open ? "true" : undefined} data-testid="learner-row" data-id=${row.id} onClick=${show}>
    <th scope="row" role="rowheader" class="cell-name">
      <button type="button" class="link" onClick=${() => openLearner(row.id)}>${row.name ?? row.id}</button>
      ${row.name && html`<span class="cell-id">${row.id}</span>`}
      ${calling && row.phone && html`<a class="cell-id" href=${`tel:${row.phone.replace(/[^+\d]/g, "")}`} data-testid="call">${row.phone}</a>`}
    </th>
    <td role="cell" class="cell-program"><span title=${row.program}>${row.program}</span></td>
    <td role="cell" class="cell-risk"><${LabelBadge} label=${row.risk_label} score=${row.risk_score} thresholds=${row.thresholds} change=${row.change} /></td>
    <td role="cell" class="cell-reason">${words.reason(row.reason)}</td>
    ${figure("completed_percent", percent(row.completed_percent))}
    ${figure("avg_quiz_score", percent(row.avg_quiz_score))}
    ${figure("consecutive_missed_sessions", number(row.consecutive_missed_sessions))}
    <td role="cell" class="cell-login" title=${row.last_login ? moment(row.last_login) : undefined}>
      ${label("last_login")} ${row.last_login ? ago(row.last_login) : row.login_is_unknown ? words.learner.not_known : words.table.never}
    </td>
    <td role="cell" class="cell-contact" title=${row.last_contact_at ? moment(row.last_contact_at) : undefined}>
      ${label("last_contact_at")} ${row.last_contact_at ? ago(row.last_contact_at) : words.table.no_contact} <${Marks} row=${row} />
    </td>
  </tr>`;
}

function Marks({ row }) {
  return html`${row.draft && html`<${Badge} tone="info" title=${words.table.draft_long}>${words.table.draft}<//>`}
    ${row.approved && html`<${Badge} tone="info" title=${words.table.approved_long}>${words.table.approved}<//>`}
    ${row.opted_out && html`<${Badge} tone="warn">${words.table.opted_out}<//>`}
    ${!row.active && html`<${Badge}>${words.table.inactive}<//>`}`;
}

function Nothing({ asked, set }) {
  if (!narrowed(asked)) return html`<${Empty} icon="people" title=${words.empty.no_learners} testid="empty"><p>${words.empty.no_learners_hint}</p><//>`;
  const calls = asked.capacity || asked.contacted === "no";
  return html`<${Empty} title=${asked.search ? words.empty.no_match(asked.search) : words.empty.no_filtered} testid="empty">
    <p>${calls ? words.empty.all_contacted : words.empty.hint}</p>
    <${Button} icon="close" onClick=${() => set(withoutFilters)}>${words.learners.clear}<//>
  <//>`;
}
