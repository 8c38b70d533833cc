// A websocket that goes on over other connections: the browser's side of docs/resume.md.
// Types and what each means: resume.d.ts. No dependencies, no build.

/** @import { Events, Options, Payload, Status } from "./resume.d.ts" */

const PROTOCOL = "sessile.resume.v1";
/** Closes that nobody has decided for good: another connection is tried. */
const TRY_AGAIN = [1001, 1006, 1011, 1012, 1013];
const ACK_FRAMES = 32;
const ACK_BYTES = 32768;
const ACK_MS = 1000;
const FROM_MAX = 8192;
const text = new TextEncoder();
const decoder = new TextDecoder();

/** @param {unknown} value */
const base64url = (value) =>
  btoa(String.fromCharCode(...text.encode(JSON.stringify(value))))
    .replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_" })[c] ?? "");

/** @param {Payload} data */
const size = (data) => (typeof data === "string" ? text.encode(data).length : data.byteLength);

/** @param {Payload} data */
const frame = (data) => {
  if (typeof data === "string") return "{}\n" + data;
  const bytes = new Uint8Array(data.byteLength + 3);
  bytes.set([123, 125, 10]);
  bytes.set(new Uint8Array(data), 3);
  return bytes;
};

/** What is listened to beside the websocket, and of what. @type {[any, string][]} */
const WORLD = [[globalThis, "online"], [globalThis, "offline"], [globalThis.document, "visibilitychange"]];

export class ResumeSocket {
  /** @type {{ [T in keyof Events]?: Set<(event: Events[T]) => void> }} */
  #listeners = {};
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {string | undefined} */
  #token;
  /** Frames of the host: those that have come, and those that it knows to have come. */
  #received = 0;
  #told = 0;
  #toldBytes = 0;
  /** The number of the first send that is kept. */
  #first = 1;
  /** @type {Payload[]} */
  #kept = [];
  #bytes = 0;
  /** Where it stands in groups: epoch and offset. @type {Map<string, [string, number]>} */
  #stands = new Map();
  #tries = 0;
  /** @type {Status} */
  #status = "closed";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #ack;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #stable;
  /** @type {Required<Omit<Options, "key">> & Options} */
  #options;

  /**
   * @param {string | URL} url
   * @param {Options} [options]
   */
  constructor(url, options) {
    this.url = String(url);
    const defaults = { bufferedMax: 1 << 20, backoff: 500, backoffMax: 30000, stable: 10000 };
    this.#options = { ...defaults, WebSocket: globalThis.WebSocket, ...options };
    this.#restore();
    for (const [target, type] of WORLD) target?.addEventListener?.(type, this.#wake);
    this.#connect();
  }

  get status() {
    return this.#status;
  }

  get bufferedAmount() {
    return this.#bytes;
  }

  /** @param {string | ArrayBuffer | ArrayBufferView} data */
  send(data) {
    if (this.#status === "closed") throw new Error("the websocket is closed");
    // A copy: what is sent again is what was sent.
    const payload = typeof data === "string" ? data : "buffer" in data
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice().buffer : data.slice(0);
    const bytes = size(payload);
    if (this.#bytes + bytes > this.#options.bufferedMax && this.#bytes) {
      throw new Error(`${this.#bytes} bytes wait for their acknowledgement, ${this.#options.bufferedMax} may`);
    }
    this.#kept.push(payload);
    this.#bytes += bytes;
    this.#save();
    if (this.#status === "open") this.#socket?.send(frame(payload));
  }

  close(code = 1000, reason = "") {
    const socket = this.#socket;
    this.#end(code, reason);
    socket?.close(code, reason);
  }

  /**
   * @template {keyof Events} T
   * @param {T} type
   * @param {(event: Events[T]) => void} listener
   */
  addEventListener(type, listener) {
    /** @type {Set<(event: Events[T]) => void>} */ (this.#listeners[type] ??= new Set()).add(listener);
  }

  /**
   * @template {keyof Events} T
   * @param {T} type
   * @param {(event: Events[T]) => void} listener
   */
  removeEventListener(type, listener) {
    this.#listeners[type]?.delete(listener);
  }

  /**
   * @template {keyof Events} T
   * @param {Events[T] & { type: T }} event
   */
  #emit(event) {
    for (const listener of this.#listeners[event.type] ?? []) listener(event);
  }

  /** @param {Status} status */
  #set(status) {
    if (status === this.#status) return;
    this.#status = status;
    this.#emit({ type: "status", status });
  }

  #connect() {
    clearTimeout(this.#retry);
    const offers = [PROTOCOL];
    if (this.#token) offers.push(`sessile.token.${this.#token}.${this.#received}`);
    const from = base64url(Object.fromEntries(this.#stands));
    if (this.#stands.size && from.length <= FROM_MAX) offers.push("sessile.from." + from);
    this.#set("connecting");
    const socket = (this.#socket = new this.#options.WebSocket(this.url, offers));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (socket !== this.#socket || socket.protocol === PROTOCOL) return;
      this.#end(1006, "the handler does not resume");
      socket.close();
    };
    socket.onmessage = ({ data }) => socket === this.#socket && this.#read(data);
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#lost(code, reason);
  }

  /** @param {Payload} data */
  #read(data) {
    const bytes = typeof data === "string" ? undefined : new Uint8Array(data);
    const end = bytes ? bytes.indexOf(10) : /** @type {string} */ (data).indexOf("\n");
    const head = JSON.parse(bytes ? decoder.decode(bytes.subarray(0, end)) : end < 0 ? data : data.slice(0, end));
    if ("token" in head) return this.#welcome(head);
    if ("ack" in head) return this.#forget(head.ack);
    this.#received++;
    this.#toldBytes += typeof data === "string" ? data.length : data.byteLength;
    const { group, offset, presence = false, joined, left, epoch, recovered } = head;
    const stand = this.#stands.get(group);
    if (stand && offset) stand[1] = offset;
    if (joined && epoch) this.#stands.set(joined, [epoch, offset]);
    else this.#stands.delete(joined ?? left);
    this.#save();
    try {
      if (joined !== undefined) this.#emit({ type: "joined", group: joined, recovered, epoch, offset });
      else if (left !== undefined) this.#emit({ type: "left", group: left });
      else if (group !== undefined) this.#emit({ type: "publication", group, data: data.slice(end + 1), offset, presence });
      else this.#emit({ type: "message", data: data.slice(end + 1) });
    } finally {
      this.#acknowledge();
    }
  }

  /** @param {{ token: string, resumed: boolean, received: number }} head */
  #welcome({ token, resumed, received }) {
    this.#token = token;
    if (!resumed) [this.#received, this.#first] = [0, 1];
    this.#tell();
    for (const payload of this.#kept.slice(received + 1 - this.#first)) this.#socket?.send(frame(payload));
    this.#save();
    this.#stable = setTimeout(() => (this.#tries = 0), this.#options.stable);
    this.#set("open");
    this.#emit({ type: "open", recovered: resumed });
  }

  /** @param {number} number */
  #forget(number) {
    for (; this.#first <= number && this.#kept.length; this.#first++) {
      this.#bytes -= size(/** @type {Payload} */ (this.#kept.shift()));
    }
    this.#save();
  }

  #acknowledge() {
    if (this.#received - this.#told >= ACK_FRAMES || this.#toldBytes >= ACK_BYTES) this.#tell();
    else this.#ack ??= setTimeout(() => this.#tell(), ACK_MS);
  }

  #tell() {
    clearTimeout(this.#ack);
    this.#ack = undefined;
    this.#toldBytes = 0;
    this.#told = this.#received;
    this.#socket?.send(`{"ack":${this.#received}}`);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    this.#drop();
    if (!TRY_AGAIN.includes(code)) return this.#end(code, reason);
    const { backoff, backoffMax } = this.#options;
    const wait = Math.random() * Math.min(backoffMax, backoff * 2 ** this.#tries++);
    this.#set("waiting");
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  /** The network or the page is back, or the network is gone. @param {{ type: string }} event */
  #wake = ({ type }) => {
    if (this.#status === "closed") return;
    if (type === "offline") {
      const socket = this.#socket;
      if (socket) this.#lost(1006, "");
      return socket?.close();
    }
    if (this.#status === "waiting" && globalThis.document?.visibilityState !== "hidden") this.#connect();
  };

  #drop() {
    this.#socket = undefined;
    for (const timer of [this.#retry, this.#ack, this.#stable]) clearTimeout(timer);
    this.#ack = undefined;
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #end(code, reason) {
    if (this.#status === "closed") return;
    this.#drop();
    for (const [target, type] of WORLD) target?.removeEventListener?.(type, this.#wake);
    if (this.#options.key) sessionStorage.removeItem(this.#options.key);
    this.#set("closed");
    this.#emit({ type: "close", code, reason });
  }

  #save() {
    const { key } = this.#options;
    if (!key) return;
    const kept = this.#kept.map((payload) => (typeof payload === "string" ? payload : [...new Uint8Array(payload)]));
    const state = [this.#token, this.#received, this.#first, kept, [...this.#stands]];
    try {
      sessionStorage.setItem(key, JSON.stringify(state));
    } catch {
      // There is no room: a page that is loaded again begins anew.
      sessionStorage.removeItem(key);
    }
  }

  #restore() {
    const { key } = this.#options;
    const saved = key && sessionStorage.getItem(key);
    if (!saved) return;
    const [token, received, first, kept, stands] = JSON.parse(saved);
    [this.#token, this.#received, this.#first, this.#stands] = [token, received, first, new Map(stands)];
    /** @param {string | number[]} payload */
    const payload = (payload) => (typeof payload === "string" ? payload : new Uint8Array(payload).buffer);
    this.#kept = kept.map(payload);
    this.#bytes = this.#kept.reduce((bytes, payload) => bytes + size(payload), 0);
  }
}
