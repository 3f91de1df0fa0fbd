// The line to the kernel: one websocket, one widget, its messages. JupyterLab's own scripts would do this, too, and much
// that this page has no use for: they are six megabytes, and take longer to start than everything else together.

import { attach } from "./widget.js";

const PROTOCOL = "v1.kernel.websocket.jupyter.org";
const AGAIN_AFTER_MS = [100, 500, 2_000]; // a connection that broke; the server keeps what was said meanwhile

const reader = new TextDecoder();
const writer = new TextEncoder();

/** Parts of a message as one: how many offsets, the offsets, then the parts; numbers are 64 bits, the lowest byte first. */
function packed(parts) {
  const bytes = parts.map((part) => writer.encode(typeof part === "string" ? part : JSON.stringify(part)));
  const offsets = [8 * (bytes.length + 2)];
  for (const part of bytes) offsets.push(offsets.at(-1) + part.length);
  const message = new Uint8Array(offsets.at(-1));
  const table = new DataView(message.buffer);
  [offsets.length, ...offsets].forEach((number, at) => table.setBigUint64(8 * at, BigInt(number), true));
  bytes.forEach((part, at) => message.set(part, offsets[at]));
  return message;
}

/** Header and content of a message: its second and its fifth part, after the channel. */
function unpacked(buffer) {
  const table = new DataView(buffer);
  const offset = (at) => Number(table.getBigUint64(8 * (at + 1), true));
  const part = (at) => JSON.parse(reader.decode(new Uint8Array(buffer, offset(at), offset(at + 1) - offset(at))));
  return { header: part(1), content: () => part(4) };
}

/** What `attach` needs of a widget: send, and hear what comes. `onLost` is called when the line is gone for good. */
function line({ base, kernelId, widgetId, onLost }) {
  const session = crypto.randomUUID?.() ?? String(Math.random()).slice(2); // by plain http there is no randomUUID
  const address = new URL(`${base}api/kernels/${kernelId}/channels?session_id=${session}`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const listeners = new Set();
  const unsent = [];
  let socket;
  let failures = 0;
  let said = 0;
  let over = false;

  function open() {
    socket = new WebSocket(address, [PROTOCOL]);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      failures = 0;
      unsent.splice(0).forEach((message) => socket.send(message));
    };
    socket.onmessage = ({ data }) => hear(unpacked(data));
    socket.onclose = () => {
      if (over) return;
      if (failures === AGAIN_AFTER_MS.length) lose();
      else setTimeout(open, AGAIN_AFTER_MS[failures++]);
    };
  }

  function hear({ header, content }) {
    if (header.msg_type === "status" && content().execution_state === "dead") lose();
    if (header.msg_type !== "comm_msg") return;
    const { comm_id: id, data: told } = content();
    if (id === widgetId && told.method === "custom") listeners.forEach((listener) => listener(told.content));
  }

  function lose() {
    over = true;
    socket.close();
    onLost();
  }

  open();
  return {
    on: (_kind, listener) => listeners.add(listener),
    off: (_kind, listener) => listeners.delete(listener),
    send(content) {
      const header = { msg_id: `${session}-${++said}`, msg_type: "comm_msg", session, username: "", version: "5.4", date: new Date().toISOString() };
      const message = packed(["shell", header, {}, {}, { comm_id: widgetId, data: { method: "custom", content } }]);
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
      else unsent.push(message);
    },
  };
}

const { baseUrl: base, kernelId } = JSON.parse(document.getElementById("jupyter-config-data").textContent);
const shown = document.querySelector('script[type="application/vnd.voila.cell-output+json"]');
const widgetId = shown && JSON.parse(shown.textContent).data?.["application/vnd.jupyter.widget-view+json"]?.model_id;
const loading = document.getElementById("loading");
if (widgetId) {
  const lost = [];
  const model = line({ base, kernelId, widgetId, onLost: () => lost.forEach((listener) => listener()) });
  const el = document.getElementById("page");
  await attach({ model, el, base, kernelId, onLost: (listener) => lost.push(listener) });
  loading.remove();
} else {
  loading.textContent = loading.dataset.failed;
}
