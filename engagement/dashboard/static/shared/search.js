// The field that narrows a list by words. What is typed stands in the address at once, as it was typed.

import { html, useEffect, useRef } from "../vendor/preact.js";
import { Icon } from "./icons.js";
import { Button, Field } from "./parts.js";
import { words } from "./words.js";

/** `onSearch(text, {replace})`: the back button leads to before the search, not through its letters. "/" comes here. */
export function Search({ text, onSearch, label, hideLabel, testid }) {
  const input = useRef(null);
  const search = (wanted) => onSearch(wanted, { replace: text !== "" });

  useEffect(() => {
    const jump = (event) => {
      const typing = event.composedPath()[0]?.closest?.("input, textarea, select, [contenteditable], dialog");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", jump);
    return () => document.removeEventListener("keydown", jump);
  }, []);

  return html`<${Field} class="search" ...${{ label, hideLabel }}>
    ${(ids) => html`<span class="search-box">
      <${Icon} name="search" />
      <input
        ref=${input}
        class="input"
        type="search"
        autocomplete="off"
        spellcheck=${false}
        maxlength="200"
        placeholder=${words.filters.search_hint}
        value=${text}
        data-testid=${testid}
        ...${ids}
        onInput=${(event) => search(event.currentTarget.value)}
        onKeyDown=${(event) => event.key === "Escape" && text && search("")}
      />
      ${text &&
      html`<${Button} kind="quiet" size="small" icon="close" hideLabel onClick=${() => (search(""), input.current.focus())}>${words.filters.search_clear}<//>`}
    </span>`}
  <//>`;
}
