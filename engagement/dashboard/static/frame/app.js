// The frame of the page: its views, its banners, the learner beside the table, and what all views share.

import { Learners } from "../learners/learners.js";
import { LearnerPanel } from "../panel/learner.js";
import { Review } from "../review/queue.js";
import { useActions } from "../shared/actions.js";
import { AppContext, useCall } from "../shared/calls.js";
import { Dialog } from "../shared/dialog.js";
import { number } from "../shared/format.js";
import { useMedia } from "../shared/media.js";
import { Boundary, Button, ErrorNote, Skeleton } from "../shared/parts.js";
import { Messages, Toasts, useToasts } from "../shared/toasts.js";
import { language, words } from "../shared/words.js";
import { html, useCallback, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { useAddress } from "./address.js";
import { Banners } from "./banners.js";
import { Help } from "./help.js";
import { Recalculate } from "./recalculate.js";
import { SCHEMES, useScheme } from "./scheme.js";
import { useSession } from "./session.js";

const BESIDE = "(min-width: 1100px)"; // from here on a learner fits beside the table
const SCHEME_ICONS = { auto: "screen", light: "sun", dark: "moon" };

export function App({ call, onDrop }) {
  const [scheme, setScheme] = useScheme();
  const session = useSession(call, onDrop);
  const messages = useToasts();
  const [ready, setReady] = useState(false);
  const root = useRef(null);

  return html`<div class="app" lang=${language} ref=${root} data-testid="app" data-scheme=${scheme} data-ready=${ready ? "true" : undefined}>
    <${Messages.Provider} value=${messages}>
      <${SkipButton} root=${root} />
      ${session.me
        ? html`<${Page} ...${{ call, session, messages, scheme, setScheme, root, onReady: setReady }} />`
        : html`<${Opening} session=${session} />`}
      ${messages.dialogs.length === 0 && html`<${Toasts} ...${messages} />`}
    <//>
  </div>`;
}

function SkipButton({ root }) {
  return html`<button type="button" class="skip" onClick=${() => root.current.querySelector("main").focus()}>${words.app.skip}</button>`;
}

function Opening({ session }) {
  return html`<main class="opening" tabindex="-1">
    <h1>${words.app.title}</h1>
    ${session.lost
      ? html`<${ErrorNote} error=${{ code: session.lost }} />`
      : session.error
        ? html`<${ErrorNote} error=${session.error} onRetry=${session.again} />`
        : html`<p role="status">${words.app.loading}</p>
            <${Skeleton} lines=${6} />`}
  </main>`;
}

/** What was told last, the same object while the numbers are the same. */
function useLatest(limits) {
  const latest = useRef({});
  if (limits && JSON.stringify(limits) !== JSON.stringify(latest.current)) latest.current = limits;
  return latest.current;
}

function Page({ call, session, messages, scheme, setScheme, root, onReady }) {
  const { me, tick, changed, mayChange } = session;
  const { view, state, set, go } = useAddress();
  const beside = useMedia(BESIDE);
  const [recalculating, setRecalculating] = useState(false);
  const opener = useRef(null);
  const openId = state.learner ?? null;
  const program = view === "learners" ? (state.program ?? null) : null;
  const overview = useCall(call, "overview", { program }, { tick });
  const actions = useActions(call, { toast: messages.toast, changed, viewer: me.viewer.name });

  useEffect(() => {
    if (view !== "learners") onReady(true); // the table says so itself
  }, [view]);
  const limits = useLatest(overview.data?.limits);
  const openLearner = useCallback(
    (id) => {
      opener.current = root.current.getRootNode().activeElement;
      set({ learner: id });
    },
    [set],
  );
  const closeLearner = useCallback(() => {
    set({ learner: null });
    requestAnimationFrame(() => opener.current?.isConnected && opener.current.focus());
  }, [set]);
  const shared = useMemo(
    () => ({
      ...{ call, actions, me, tick, changed, mayChange, openLearner, scheme, limits, review: () => go("review") },
      ...{ toast: messages.toast, announce: messages.announce },
    }),
    [call, actions, me, tick, mayChange, openLearner, scheme, limits],
  );

  const panel = openId && html`<${Boundary} key=${openId}>
    <${LearnerPanel} id=${openId} onClose=${closeLearner} onChanged=${changed} />
  <//>`;
  const besides = beside && view === "learners";

  return html`<${AppContext.Provider} value=${shared}>
    <${Top} ...${{ view, go, session, overview, scheme, setScheme, onRecalculate: () => setRecalculating(true) }} />
    <${Banners} session=${session} overview=${overview} />
    <main tabindex="-1" class="main">
      <${Boundary} key=${view}>
        ${view === "learners" &&
        html`<${Learners} ...${{ state, set, overview, openId, onReady }}>
          ${besides && panel && html`<${Beside} key=${openId} focus=${Boolean(opener.current)} onClose=${closeLearner}>${panel}<//>`}
        <//>`}
        ${view === "review" && html`<${Review} state=${state} setState=${set} />`}
        ${view === "help" && html`<${Help} overview=${overview.data} />`}
      <//>
    </main>
    ${!besides &&
    html`<${Dialog} open=${Boolean(panel)} kind="drawer" label=${words.app.panel} testid="learner-panel" onClose=${closeLearner}><article>${panel}</article><//>`}
    ${recalculating && html`<${Recalculate} ...${{ session, chosen: program, openLearner, onClose: () => setRecalculating(false) }} />`}
  <//>`;
}

/** A learner beside the table. The focus comes here when one is chosen, not when a link opens one; Escape closes. */
function Beside({ children, focus, onClose }) {
  const aside = useRef(null);
  useEffect(() => {
    if (focus) aside.current.focus({ preventScroll: true });
  }, []);
  return html`<aside
    class="panel card"
    ref=${aside}
    tabindex="-1"
    aria-label=${words.app.panel}
    data-testid="learner-panel"
    onKeyDown=${(event) => event.key === "Escape" && !event.defaultPrevented && onClose()}
  >
    ${children}
  </aside>`;
}

function Top({ view, go, session, overview, scheme, setScheme, onRecalculate }) {
  const { me, mayChange } = session;
  const figures = overview.data;
  const waiting = figures ? figures.nudges_waiting + figures.quizzes_waiting : undefined;
  const next = SCHEMES[(SCHEMES.indexOf(scheme) + 1) % SCHEMES.length];
  return html`<header class="top">
    <h1 class="top-title">${words.app.title}</h1>
    <nav class="top-views" aria-label=${words.app.views}>
      ${["learners", "review", "help"].map(
        (one) => html`<button
          key=${one}
          type="button"
          class="tab"
          aria-current=${view === one ? "page" : undefined}
          data-testid=${`view-${one}`}
          onClick=${() => go(one)}
        >
          ${words.app[one]}${one === "review" && waiting !== undefined && html` <span class="tab-count" aria-hidden="true">${number(waiting)}</span><span class="unseen">${words.app.drafts(waiting)}</span>`}
        </button>`,
      )}
    </nav>
    <div class="top-end">
      <span class="top-viewer soft">${words.app.signed_in(me.viewer.name, me.viewer.role)}</span>
      ${mayChange && html`<${Button} size="small" icon="refresh" testid="recalculate" onClick=${onRecalculate}>${words.recalculate.open}<//>`}
      <${Button} kind="quiet" size="small" hideLabel icon=${SCHEME_ICONS[scheme]} title=${words.app.scheme[scheme]} testid="scheme" onClick=${() => setScheme(next)}>
        ${words.app.scheme[scheme]}
      <//>
    </div>
  </header>`;
}
