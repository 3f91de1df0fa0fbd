// Which inputs are missing, program by program, for whoever asks: under how old the scores are.

import { useApp, useCall } from "../shared/calls.js";
import { percent } from "../shared/format.js";
import { Skeleton } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useState } from "../vendor/preact.js";

const SHOWN = 30;

export function Inputs({ program }) {
  const { call, tick } = useApp();
  const [open, setOpen] = useState(false);
  const { data, error } = useCall(call, "coverage", { program: program ?? null }, { when: open, tick });
  return html`<details class="inputs soft" data-testid="inputs" onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>${words.inputs.title}</summary>
    ${open && !error && (data ? html`<${Missing} ...${data} />` : html`<${Skeleton} lines=${3} />`)}
  </details>`;
}

function Missing({ gaps, loads }) {
  const { inputs } = words;
  return html`<div class="card inputs-card">
    ${gaps.length
      ? html`<table class="table">
          <caption class="unseen">${inputs.caption}</caption>
          <thead><tr>${inputs.heads.map((head, at) => html`<th key=${at} scope="col" class=${at === 2 ? "number" : ""}>${head}</th>`)}</tr></thead>
          <tbody>
            ${gaps.slice(0, SHOWN).map(
              (row) => html`<tr key=${`${row.program} ${row.input}`}>
                <th scope="row">${row.program}</th>
                <td>${inputs.names[row.input]}</td>
                <td class="number">${percent(row.unknown_percent)}</td>
                <td>${inputs.gap(row)}</td>
              </tr>`,
            )}
          </tbody>
        </table>`
      : html`<p>${inputs.nothing}</p>`}
    ${gaps.length > SHOWN && html`<p>${inputs.more(gaps.length - SHOWN)}</p>`}
    ${loads.map((load) => html`<p key=${load.load_id}>${inputs.load(load)}</p>`)}
  </div>`;
}
