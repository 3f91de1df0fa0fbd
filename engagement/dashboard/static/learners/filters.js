// What narrows the table. All of it stands in the address.

import { useId } from "../shared/ids.js";
import { Chip, Select } from "../shared/parts.js";
import { Search } from "../shared/search.js";
import { LABELS } from "../shared/vocabulary.js";
import { words } from "../shared/words.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { CAPACITY, COLUMNS, writtenSort } from "./wanted.js";

export function Filters({ asked, change, programs, overview, cards }) {
  const toggle = (label, on) => {
    const labels = LABELS.filter((one) => (one === label ? on : asked.labels.includes(one)));
    change({ labels: labels.join(",") });
  };
  const search = (text, how) => change({ search: text }, how);
  return html`<div class="filters" role="search" aria-label=${words.filters.title}>
    <${Search} hideLabel label=${words.filters.search} text=${asked.search} onSearch=${search} testid="search" />
    ${programs.length > 1 && html`<${Programs} ...${{ asked, change, programs }} />`}
    ${cards && html`<${SortSelect} ...${{ asked, change }} />`}
    <div class="chips" role="group" aria-label=${words.filters.labels}>
      ${LABELS.map(
        (label) => html`<${Chip}
          key=${label}
          shape=${label}
          pressed=${asked.labels.includes(label)}
          count=${overview?.labels[label]?.learners}
          testid=${`chip-${label}`}
          onToggle=${(on) => toggle(label, on)}
          >${words.labels[label]}<//
        >`,
      )}
    </div>
    <div class="chips" role="group" aria-label=${words.filters.contacts}>
      <${Chip} pressed=${asked.contacted === "no"} testid="chip-not-contacted" onToggle=${(on) => change({ contacted: on ? "no" : null })}>
        ${words.filters.not_contacted}
      <//>
      <${Capacity} asked=${asked} change=${change} />
    </div>
    ${asked.capacity && html`<p class="hint filters-hint">${words.filters.capacity_hint(asked.capacity)}</p>`}
  </div>`;
}

function Programs({ asked, change, programs }) {
  const options = [{ value: "", label: words.filters.all_programs }, ...programs.map((one) => ({ value: one, label: one }))];
  return html`<${Select}
    hideLabel
    label=${words.filters.program}
    value=${asked.program ?? ""}
    options=${options}
    testid="program"
    onChange=${(program) => change({ program })}
  />`;
}

/** On a phone the heads of the columns are out of sight, so the order is chosen here. */
function SortSelect({ asked, change }) {
  const options = Object.keys(COLUMNS).map((column) => ({ value: column, label: words.filters.sort_by(words.table.columns[column]) }));
  return html`<${Select}
    hideLabel
    label=${words.filters.sort}
    value=${asked.sort}
    options=${options}
    testid="sort"
    onChange=${(column) => change({ sort: writtenSort(column, COLUMNS[column].descending) })}
  />`;
}

/** "Top N I can call today": a number in place of a threshold. */
function Capacity({ asked, change }) {
  const on = asked.capacity !== null;
  const id = useId("capacity");
  const [text, setText] = useState(String(asked.capacity ?? CAPACITY.offered));
  useEffect(() => {
    if (on) setText(String(asked.capacity));
  }, [asked.capacity]);
  const typed = (value) => {
    setText(value);
    const count = Number(value);
    if (Number.isInteger(count) && count >= 1 && count <= CAPACITY.most) change({ top: count }, { replace: true });
  };
  return html`<span class="capacity">
    <${Chip} pressed=${on} testid="chip-capacity" onToggle=${(wanted) => change({ top: wanted ? text || CAPACITY.offered : null })}>
      ${words.filters.capacity(asked.capacity ?? CAPACITY.offered)}
    <//>
    ${on &&
    html`<label class="unseen" for=${id}>${words.filters.capacity_number}</label>
      <input
        id=${id}
        class="input capacity-number"
        type="number"
        inputmode="numeric"
        min="1"
        max=${CAPACITY.most}
        value=${text}
        data-testid="capacity"
        onInput=${(event) => typed(event.currentTarget.value)}
      />`}
  </span>`;
}
