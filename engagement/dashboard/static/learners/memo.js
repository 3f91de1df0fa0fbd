// A view that is drawn anew only when something that it shows is another.

import { Component, html } from "../vendor/preact.js";

export function memo(View) {
  return class extends Component {
    shouldComponentUpdate(next) {
      const names = new Set([...Object.keys(this.props), ...Object.keys(next)]);
      return [...names].some((name) => next[name] !== this.props[name]);
    }

    render(props) {
      return html`<${View} ...${props} />`;
    }
  };
}
