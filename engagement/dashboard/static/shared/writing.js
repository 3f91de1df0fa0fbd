// The wait while a text is written: what is being written and for how long, of at most eight seconds.

import { html, useEffect, useState } from "../vendor/preact.js";
import { words } from "./words.js";

const LONGEST_S = 8;

export function Writing({ what }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const started = Date.now();
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - started) / 1000)), 250);
    return () => clearInterval(timer);
  }, []);
  // A screen reader hears once that it began; counting seconds aloud would drown the rest.
  return html`<div class="writing" data-testid="writing">
    <p class="unseen" role="status">${words.learner.writing_began(what)}</p>
    <p aria-hidden="true"><span class="spinner"></span> ${words.learner.writing(what, Math.min(seconds, LONGEST_S))}</p>
    <progress class="writing-bar" max=${LONGEST_S} value=${Math.min(seconds + 0.2, LONGEST_S)} aria-hidden="true"></progress>
  </div>`;
}
