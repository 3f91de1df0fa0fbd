// What a coordinator has to know before trusting the figures: a lost connection, a failed or running run, new scores.

import { useBusy } from "../shared/actions.js";
import { Button, ErrorNote, Note } from "../shared/parts.js";
import { words } from "../shared/words.js";
import { html } from "../vendor/preact.js";

export function Banners({ session, overview }) {
  const own = useBusy("recalculation"); // its scores come by themselves
  const shown = [...connection(session), ...invented(overview.data), ...nothing(session), ...(own ? [] : scores(session)), ...run(overview.data?.last_run, session.running)];
  // with the connection every question fails: that is said once
  const failed = !session.lost && overview.error && !overview.data && html`<${ErrorNote} error=${overview.error} onRetry=${overview.reload} />`;
  if (!shown.length && !failed) return null;
  return html`<div class="banners" data-testid="banner">${shown}${failed}</div>`;
}

function connection({ lost }) {
  return lost ? [html`<${ErrorNote} key="lost" error=${{ code: lost }} />`] : [];
}

function invented(figures) {
  return figures?.is_invented ? [html`<${Note} key="invented" testid="invented">${words.app.invented}<//>`] : [];
}

function nothing({ me }) {
  return me.viewer.all_programs || me.programs.length ? [] : [html`<${Note} key="programs" tone="warn">${words.app.no_programs}<//>`];
}

function scores({ newer, showNewer }) {
  if (!newer) return [];
  const show = html`<${Button} size="small" kind="primary" testid="show-new" onClick=${showNewer}>${words.app.show_them}<//>`;
  return [html`<${Note} key="newer" icon="refresh" role="status" actions=${show} testid="new-scores">${words.app.new_scores}<//>`];
}

function run(last, running) {
  if (last?.status === "running" || running) {
    return [html`<${Note} key="run" icon="clock" testid="run-running">${words.run.running(last?.status === "running" ? last.started_at : null)}<//>`];
  }
  if (last?.status === "published" && last.newer_day) {
    return [html`<${Note} key="run" icon="clock" testid="run-looked-back">${words.run.looked_back(last.day, last.newer_day)}<//>`];
  }
  if (last?.status !== "failed") return [];
  return [
    html`<${Note} key="run" tone="warn" role="alert" testid="run-failed">
      <strong>${words.run.failed(last.started_at)}</strong> ${words.run.failed_step(last.failed_step)} ${words.run.older}
    <//>`,
  ];
}
