// The bridge between the page and its kernel: one request a message, one answer, and word when the kernel is gone.

// An answer may take its time; after so long without a word the kernel is asked whether it is there,
const SILENT_MS = 3_000;
const ALIVE_WITHIN_MS = 5_000; // which it answers at once, whatever else it does

export async function attach({ model, el, base, kernelId, onLost }) {
  const calls = new Map();
  const listeners = new Set();
  let last = 0;
  let heard = Date.now();
  let dropped = null; // or why, once the kernel is gone

  function askServer(what) {
    const [, xsrf] = document.cookie.match(/(?:^|; )_xsrf=([^;]+)/) ?? []; // only JupyterHub asks for it
    const headers = xsrf ? { "X-XSRFToken": xsrf } : {};
    return fetch(`${base}engagement/${what}?kernel=${encodeURIComponent(kernelId)}`, { headers });
  }

  function drop() {
    if (dropped) return;
    tell("lost");
    clearInterval(watch);
    for (const { reject } of calls.values()) reject({ code: "lost", detail: null, error_id: null });
    calls.clear();
    askServer("ended")
      .then((answer) => answer.json())
      .then(({ killed }) => killed && tell("out_of_memory"))
      .catch(() => {}); // the server is gone as well
  }

  function tell(why) {
    dropped = why;
    for (const listener of listeners) listener(why);
  }

  /** What the kernel does not know of and has not answered went down with a connection, on its way there or back. */
  function unheard(id) {
    calls.get(id)?.reject({ code: "unheard", detail: null, error_id: null });
    calls.delete(id);
  }

  function receive(message) {
    heard = Date.now();
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

  function call(method, args = {}, { onProgress, signal, within } = {}) {
    return new Promise((resolve, reject) => {
      if (dropped) {
        reject({ code: "lost", detail: null, error_id: null });
        return;
      }
      const id = ++last;
      const timer = within && setTimeout(drop, within);
      calls.set(id, { resolve, reject, onProgress, timer, since: Date.now() });
      signal?.addEventListener("abort", () => {
        clearTimeout(timer);
        if (calls.delete(id)) reject({ code: "aborted", detail: null, error_id: null });
      });
      model.send({ id, method, arguments: args });
    });
  }

  let asked = false;
  const watch = setInterval(() => {
    const since = Math.max(heard, Math.min(...[...calls.values()].map((waiting) => waiting.since)));
    if (asked || !calls.size || Date.now() - since < SILENT_MS) return;
    asked = true;
    const silent = [...calls].filter(([, waiting]) => Date.now() - waiting.since >= SILENT_MS).map(([id]) => id);
    call("alive", { waiting: silent }, { within: ALIVE_WITHIN_MS }).then(
      ({ at_work: known }) => {
        asked = false;
        silent.filter((id) => !known.includes(id)).forEach(unheard);
      },
      () => {},
    );
  }, 1_000);

  model.on("msg:custom", receive);
  onLost(drop);
  let greeted = hello(); // while the rest of the page is on its way
  greeted.catch(() => {});
  const { mount } = await import("./main.js");
  const host = document.createElement("div");
  el.append(host);
  const root = host.attachShadow({ mode: "open" });
  const element = document.createElement("div");
  root.append(element);

  // Whom the kernel serves, it believes the server alone.
  async function hello(options) {
    const answer = await askServer("ticket");
    if (!answer.ok) {
      drop();
      throw { code: "lost", detail: null, error_id: null };
    }
    const { ticket } = await answer.json();
    return call("hello", { ticket }, options);
  }

  const leave = () => navigator.sendBeacon(`${base}voila/api/shutdown/${kernelId}`);
  window.addEventListener("pagehide", leave);
  const unmount = mount(element, {
    base,
    call(method, args, options) {
      if (method === "hello") {
        const answer = greeted ?? hello(options);
        greeted = null;
        return answer;
      }
      return call(method, args, options);
    },
    onDrop: (listener) => {
      listeners.add(listener);
      if (dropped) listener(dropped);
      return () => listeners.delete(listener);
    },
  });
  return () => {
    clearInterval(watch);
    window.removeEventListener("pagehide", leave);
    model.off("msg:custom", receive);
    unmount();
  };
}
