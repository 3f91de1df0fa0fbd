// The bridge between the page and its kernel: one request a message, one answer, and word when the kernel is gone.

const ANSWER_WITHIN_MS = 60_000;
const ALIVE_WITHIN_MS = 12_000;

export async function attach({ model, el, base, kernelId }) {
  const calls = new Map();
  const listeners = new Set();
  let last = 0;
  let dropped = false;

  function drop() {
    if (dropped) return;
    dropped = true;
    for (const { reject } of calls.values()) reject({ code: "lost", detail: null, error_id: null });
    calls.clear();
    for (const listener of listeners) listener();
  }

  function receive(message) {
    const waiting = calls.get(message?.id);
    if (!waiting) return;
    if (message.progress) {
      waiting.onProgress?.(message.progress);
      return;
    }
    calls.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.error) waiting.reject(message.error);
    else waiting.resolve(message.result);
  }

  function call(method, args = {}, { onProgress, signal, within = ANSWER_WITHIN_MS } = {}) {
    return new Promise((resolve, reject) => {
      if (dropped) {
        reject({ code: "lost", detail: null, error_id: null });
        return;
      }
      const id = ++last;
      const timer = setTimeout(() => {
        if (calls.delete(id)) reject({ code: "lost", detail: null, error_id: null });
        drop();
      }, within);
      calls.set(id, { resolve, reject, onProgress, timer });
      signal?.addEventListener("abort", () => {
        clearTimeout(timer);
        if (calls.delete(id)) reject({ code: "aborted", detail: null, error_id: null });
      });
      model.send({ id, method, arguments: args });
    });
  }

  model.on("msg:custom", receive);
  const { mount } = await import("./main.js");
  const host = document.createElement("div");
  el.append(host);
  const root = host.attachShadow({ mode: "open" });
  const element = document.createElement("div");
  root.append(element);

  // Whom the kernel serves, it believes the server alone.
  async function hello(options) {
    const answer = await fetch(`${base}engagement/ticket?kernel=${encodeURIComponent(kernelId)}`);
    if (!answer.ok) {
      drop();
      throw { code: "lost", detail: null, error_id: null };
    }
    const { ticket } = await answer.json();
    return call("hello", { ticket }, options);
  }

  const leave = () => navigator.sendBeacon(`${base}voila/api/shutdown/${kernelId}`);
  window.addEventListener("pagehide", leave);
  window.display_cells?.();
  const unmount = mount(element, {
    base,
    call(method, args, options) {
      if (method === "hello") return hello(options);
      return call(method, args, method === "ping" ? { ...options, within: ALIVE_WITHIN_MS } : options);
    },
    onDrop: (listener) => {
      listeners.add(listener);
      if (dropped) listener();
      return () => listeners.delete(listener);
    },
  });
  return () => {
    window.removeEventListener("pagehide", leave);
    model.off("msg:custom", receive);
    unmount();
  };
}
