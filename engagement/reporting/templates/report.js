// Draws the figures of a report and keeps them in step with the window, the dark and paper.
(() => {
  "use strict";

  const PAPER_WIDTH = 680; // px that fit between the margins of A4 and Letter
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const darkFor = JSON.parse(document.getElementById("palette").textContent);
  let printing = false;

  const themed = (value) => {
    if (typeof value === "string") return darkFor[value.toLowerCase()] ?? value;
    if (Array.isArray(value)) return value.map(themed);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, themed(inner)]));
  };

  const layoutFor = (layout) => {
    const own = structuredClone(layout);
    own.paper_bgcolor = "rgba(0,0,0,0)";
    own.plot_bgcolor = "rgba(0,0,0,0)";
    own.autosize = !printing;
    if (printing) own.width = PAPER_WIDTH;
    return own;
  };

  const draw = (figure) => {
    const night = dark.matches && !printing;
    const shown = night ? themed(figure.spec) : figure.spec;
    return Plotly.react(figure.div, shown.data, layoutFor(shown.layout), { displayModeBar: false, responsive: true });
  };

  const start = (block) => {
    const div = block.querySelector(".figure");
    const figure = { div, spec: JSON.parse(block.querySelector(".figure-data").textContent) };
    const words = [...div.childNodes];
    div.replaceChildren();
    try {
      draw(figure);
    } catch (error) {
      div.replaceChildren(...words);
      return [];
    }
    block.querySelector("details")?.removeAttribute("open");
    return [figure];
  };

  if (typeof Plotly === "undefined") return; // the words and numbers in each figure stay
  const figures = [...document.querySelectorAll("figure")].filter((block) => block.querySelector(".figure-data")).flatMap(start);
  const redraw = () => figures.forEach(draw);
  dark.addEventListener("change", redraw);
  window.addEventListener("beforeprint", () => { printing = true; redraw(); });
  window.addEventListener("afterprint", () => { printing = false; redraw(); });
})();
