// Where the page begins: styles and the app in an element inside a shadow root, until `unmount` is called.

import { html, render } from "../vendor/preact.js";
import { App } from "./app.js";

const STYLES = ["../shared/base.css", "layout.css", "../drafts/drafts.css"];

function loaded(link) {
  return new Promise((resolve) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", resolve); // a page without colours is better than none
  });
}

/**
 * Show the dashboard in `element`.
 *
 * `call(method, args, {onProgress, signal})` asks the server and rejects with {code, detail, error_id}; `onDrop(callback)`
 * says that the connection is lost.
 */
export function mount(element, { call, onDrop }) {
  const root = element.getRootNode();
  const head = root instanceof ShadowRoot ? root : document.head;
  const links = STYLES.map((name) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(name, import.meta.url).href;
    return link;
  });
  const styled = Promise.all(links.map(loaded));
  head.prepend(...links);

  let over = false;
  // Before the styles are there, icons would fill the window.
  styled.then(() => over || render(html`<${App} call=${call} onDrop=${onDrop} />`, element));
  return () => {
    over = true;
    render(null, element);
    links.forEach((link) => link.remove());
  };
}
