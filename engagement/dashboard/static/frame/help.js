// What the score means, in plain words, and what it must not be used for.

import { percent, threshold } from "../shared/format.js";
import { LabelShape } from "../shared/icons.js";
import { Skeleton } from "../shared/parts.js";
import { within } from "../shared/refusals.js";
import { LABELS, TERMS } from "../shared/vocabulary.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";

export function Help({ overview }) {
  const { help } = words;
  const policy = overview?.policy;
  return html`<article class="help">
    <h2>${help.title}</h2>
    <p class="lead">${help.lead}</p>

    ${policy ? html`<${Numbers} policy=${policy} />` : html`<${Skeleton} lines=${9} />`}

    <${Part} title=${help.not_title} class="help-not">
      <p>${help.not_lead}</p>
      <${List} items=${help.not} />
    <//>

    <${Part} title=${help.who_title}><${List} items=${help.who} /><//>
    <${Part} title=${help.template_title}><p>${help.template}</p><//>
    <${Part} title=${help.contact_title}><${List} items=${help.contact.map((one) => within(one, overview?.limits ?? {}))} /><//>
    <${Part} title=${help.keys_title}><${List} items=${help.keys} /><//>
  </article>`;
}

/** What the numbers of the formula in use mean. */
function Numbers({ policy }) {
  const { help } = words;
  return html`
    <${Part} title=${help.score_title}>
      <p>${help.score}</p>
      <table class="table">
        <caption class="unseen">${help.parts_caption}</caption>
        <thead><tr>${help.parts_heads.map((head, at) => html`<th key=${at} scope="col" class=${at === 1 ? "number" : ""}>${head}</th>`)}</tr></thead>
        <tbody>
          ${TERMS.map(
            (term) => html`<tr key=${term}>
              <th scope="row"><strong>${words.terms[term]}</strong></th>
              <td class="number">${percent(100 * policy.weights[term], 1)}</td>
              <td>${help.parts[term](policy)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      <p>${help.example(policy)}</p>
    <//>

    <${Part} title=${help.labels_title}>
      <dl class="help-labels">
        ${LABELS.map(
          (label) => html`<div key=${label}>
            <dt><span class=${`label-badge label-${label}`}><${LabelShape} label=${label} />${words.labels[label]}</span></dt>
            <dd>${help.labels[label](threshold(policy.high_above), threshold(policy.medium_above))}</dd>
          </div>`,
        )}
      </dl>
    <//>
  `;
}

function Part({ title, children, class: name = "" }) {
  return html`<section class=${`card ${name}`}>
    <h3>${title}</h3>
    ${children}
  </section>`;
}

const List = ({ items }) => html`<ul class="bullets">${items.map((item) => html`<li key=${item}>${item}</li>`)}</ul>`;
