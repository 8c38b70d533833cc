// A websocket that goes on over other connections: the browser's side of docs/resume.md.
// Types and what each means: resume.d.ts. No dependencies, no build. One closure, which minifies well.

/** @import { Options, Payload, Status } from "./resume.d.ts" */

const PROTOCOL = "sessile.resume.v1";
/** Closes that nobody has decided for good: another connection is tried. */
const TRY_AGAIN = [1001, 1006, 1011, 1012, 1013];
const ACK_FRAMES = 32;
const ACK_BYTES = 32768;
const ACK_MS = 1000;
const FROM_MAX = 8192;

const encoder = new TextEncoder();

/** @param {unknown} data @returns {data is string} */
const isText = (data) => typeof data === "string";

/** @param {Payload} data */
const size = (data) => (isText(data) ? encoder.encode(data).length : data.byteLength);

export class ResumeSocket extends EventTarget {
  /**
   * @param {string | URL} url
   * @param {Options} options
   */
  constructor(
    url,
    { bufferedMax = 1 << 20, backoff = 500, backoffMax = 30000, stable = 10000, key, WebSocket: Socket = WebSocket } = {},
  ) {
    super();
    /** @type {WebSocket | undefined} */
    let socket;
    /** @type {string | undefined} */
    let token;
    /** Frames of the host: those that have come, those that it knows to have come, and bytes of the others. */
    let [received, told, untold] = [0, 0, 0];
    /** The sends that are kept, the number of the first, and their bytes. @type {Payload[]} */
    let kept = [];
    let [first, bytes] = [1, 0];
    /** Where it stands in groups: epoch and offset. @type {Map<string, [string, number]>} */
    let stands = new Map();
    let tries = 0;
    /** @type {Status} */
    let status = "waiting";
    /** Timers: the next try, the next acknowledgement, the word that a connection is stable. @type {(number | undefined)[]} */
    const timers = [];

    const listening = new AbortController();

    /** @param {string} type @param {object} detail */
    const emit = (type, detail) => this.dispatchEvent(Object.assign(new Event(type), detail));

    /** @param {Status} next */
    const become = (next) => next !== status && emit("status", { status: (status = next) });

    /** @param {number} which @param {number} ms @param {() => void} act */
    const after = (which, ms, act) => {
      timers[which] = /** @type {any} */ (setTimeout(act, ms));
    };

    const save = () => {
      if (!key) return;
      const plain = kept.map((data) => (isText(data) ? data : [...new Uint8Array(data)]));
      try {
        sessionStorage.setItem(key, JSON.stringify([token, received, first, plain, [...stands]]));
      } catch {
        // There is no room: a page that is loaded again begins anew.
        sessionStorage.removeItem(key);
      }
    };

    /** The connection is no more. */
    const drop = () => {
      socket = undefined;
      timers.splice(0).forEach(clearTimeout);
    };

    /** @param {number} code @param {string} reason */
    const end = (code, reason) => {
      if (status === "closed") return;
      drop();
      listening.abort();
      if (key) sessionStorage.removeItem(key);
      become("closed");
      emit("close", { code, reason });
    };

    /** @param {number} code @param {string} reason */
    const lost = (code, reason) => {
      if (!TRY_AGAIN.includes(code)) return end(code, reason);
      drop();
      after(0, Math.random() * Math.min(backoffMax, backoff * 2 ** tries++), connect);
      become("waiting");
    };

    /** The network or the page is back, or the network is gone. @param {Event} event */
    const wake = ({ type }) => {
      // No close frame: if it arrived after all, it would be the end.
      if (type === "offline") socket && lost(1006, "");
      else if (status === "waiting" && !globalThis.document?.hidden) connect();
    };

    /** @param {Payload} data */
    const write = (data) => {
      socket?.send(isText(data) ? "{}\n" + data : new Uint8Array([123, 125, 10, ...new Uint8Array(data)]));
    };

    const tell = () => {
      clearTimeout(timers[1]);
      timers[1] = undefined;
      untold = 0;
      told = received;
      socket?.send(`{"ack":${received}}`);
    };

    /** @param {Payload} data */
    const read = (data) => {
      /** @type {any} */
      const raw = isText(data) ? data : new Uint8Array(data);
      const at = raw.indexOf(isText(data) ? "\n" : 10);
      const line = at < 0 ? data : data.slice(0, at);
      const head = JSON.parse(isText(line) ? line : new TextDecoder().decode(line));
      const { ack, epoch, group, joined, left, offset, resumed } = head;
      if (head.token) {
        token = head.token;
        if (!resumed) [received, first] = [0, 1];
        tell();
        kept.slice(head.received + 1 - first).forEach(write);
        save();
        after(2, stable, () => (tries = 0));
        become("open");
        emit("open", { recovered: resumed });
      } else if (ack >= 0) {
        for (; first <= ack && kept.length; first++) bytes -= size(/** @type {Payload} */ (kept.shift()));
        save();
      } else {
        received++;
        untold += size(data);
        const stand = stands.get(group);
        if (stand && offset) stand[1] = offset;
        if (epoch) stands.set(joined, [epoch, offset]);
        else stands.delete(joined ?? left);
        save();
        if (received - told >= ACK_FRAMES || untold >= ACK_BYTES) tell();
        else if (!timers[1]) after(1, ACK_MS, tell);
        const type = joined != null ? "joined" : left != null ? "left" : group != null ? "publication" : "message";
        emit(type, { ...head, group: joined ?? left ?? group, data: at < 0 ? undefined : data.slice(at + 1) });
      }
    };

    const connect = () => {
      drop();
      const offers = [PROTOCOL];
      if (token) offers.push(`sessile.token.${token}.${received}`);
      const from = btoa(String.fromCharCode(...encoder.encode(JSON.stringify(Object.fromEntries(stands)))));
      if (stands.size && from.length <= FROM_MAX) {
        offers.push("sessile.from." + from.replace(/[+/=]/g, (digit) => "-_"["+/".indexOf(digit)] ?? ""));
      }
      become("connecting");
      const mine = (socket = new Socket(url, offers));
      mine.binaryType = "arraybuffer";
      mine.onopen = () => {
        if (mine !== socket || mine.protocol) return;
        end(1006, "it does not resume");
        mine.close();
      };
      mine.onmessage = ({ data }) => mine === socket && read(data);
      mine.onclose = ({ code, reason }) => mine === socket && lost(code, reason);
    };

    /** @param {string | ArrayBuffer | ArrayBufferView} data */
    this.send = (data) => {
      if (status === "closed") throw new Error("closed");
      // A copy: what is sent again is what was sent.
      const { buffer = data, byteOffset, byteLength } = /** @type {any} */ (data);
      const payload = isText(data) ? data : new Uint8Array(buffer, byteOffset, byteLength).slice().buffer;
      const more = size(payload);
      if (bytes && bytes + more > bufferedMax) throw new Error(`${bytes} of ${bufferedMax} bytes wait`);
      kept.push(payload);
      bytes += more;
      save();
      if (status === "open") write(payload);
    };

    this.close = (code = 1000, reason = "") => {
      const before = socket;
      end(code, reason);
      before?.close(code, reason);
    };

    Object.defineProperties(this, { status: { get: () => status }, bufferedAmount: { get: () => bytes } });
    for (const type of ["online", "offline", "visibilitychange"]) {
      globalThis.addEventListener?.(type, wake, listening);
    }
    const saved = key && sessionStorage.getItem(key);
    if (saved) {
      let plain, places;
      [token, received, first, plain, places] = JSON.parse(saved);
      stands = new Map(places);
      kept = plain.map((/** @type {string | number[]} */ data) => (isText(data) ? data : new Uint8Array(data).buffer));
      for (const data of kept) bytes += size(data);
    }
    connect();
  }
}
