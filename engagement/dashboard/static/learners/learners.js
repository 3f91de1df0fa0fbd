// The view of Monday morning: the figures, who is worst off, and beside them the charts or one learner.

import { useAction } from "../shared/actions.js";
import { download, useApp, useCall } from "../shared/calls.js";
import { useMedia } from "../shared/media.js";
import { Button, ErrorNote, Pager } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html, useCallback, useEffect, useRef } from "../vendor/preact.js";
import { Filters } from "./filters.js";
import { Glance } from "./glance.js";
import { Overview } from "./overview.js";
import { LearnersTable } from "./table.js";
import { narrowed, wanted, withoutFilters } from "./wanted.js";

export const CARDS = "(max-width: 800px)"; // below, a row of the table reads as a card

export function Learners({ state, set, overview, openId, onReady, children }) {
  const { call, me, tick, announce, openLearner } = useApp();
  const asked = wanted(state, me.programs);
  const answer = useCall(call, "learners", asked, { tick, typed: "search" });
  const exporting = useAction("learners-file");
  const cards = useMedia(CARDS);
  const { data } = answer;

  const announced = useRef(null);
  useEffect(() => {
    if (!data) return;
    const key = JSON.stringify({ ...asked, page: data.page });
    if (announced.current !== key) announce(words.learners.found(data.total)); // not after every small change elsewhere
    announced.current = key;
    onReady(true);
  }, [data]);

  // The next page begins at its top, also for who pressed the button at its end.
  const heading = useRef(null);
  const page = useRef(asked.page);
  useEffect(() => {
    if (data && data.page !== page.current) heading.current.scrollIntoView({ block: "nearest" });
    page.current = data?.page ?? asked.page;
  }, [data]);

  const change = useCallback((patch, options) => set({ ...patch, page: null }, options), [set]);
  const chooseProgram = useCallback((program) => change({ program }), [change]);
  const exportAll = async () => {
    const { page, ...rest } = asked;
    const file = await exporting.run("export_learners", rest);
    if (file) download(file);
  };

  return html`<${Overview} overview=${overview} program=${asked.program} />
    <div class="columns">
      <section class="card list" aria-labelledby="list-heading" aria-busy=${answer.busy ? "true" : "false"}>
        <${Filters} ...${{ asked, change, programs: me.programs, overview: overview.data, cards }} />
        <div class="list-head">
          <h2 id="list-heading" ref=${heading} data-testid="found">${data ? words.learners.found(data.total) : answer.error ? words.app.learners : words.app.loading}</h2>
          <span class="list-order soft">${words.learners.order(asked)}</span>
          <span class="list-tools">
            ${narrowed(asked) && data?.total !== 0 && html`<${Button} kind="quiet" size="small" icon="close" testid="clear-filters" onClick=${() => set(withoutFilters)}>${words.learners.clear}<//>`}
            <${Button} size="small" icon="download" testid="export" busy=${exporting.busy} why=${data?.total === 0 ? words.learners.nothing_to_export : undefined} onClick=${exportAll}>
              ${words.learners.export}
            <//>
          </span>
        </div>
        <${ErrorNote} error=${exporting.error} onRetry=${exportAll} />
        <${ErrorNote} error=${answer.error} onRetry=${answer.reload} />
        <${LearnersTable} ...${{ answer, asked, set, change, openId, openLearner, cards }} />
        ${data && html`<${Pager} page=${data.page} pageSize=${data.page_size} total=${data.total} onPage=${(page, how) => set({ page: page === 1 ? null : page }, how)} />`}
      </section>
      ${children || html`<${Glance} overview=${overview} program=${asked.program} onProgram=${chooseProgram} />`}
    </div>`;
}
