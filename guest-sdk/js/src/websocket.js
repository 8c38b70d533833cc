// One websocket, in both styles. The host owns it; this is an id with operations.

import websocket from "sessile:handler/websocket@0.1.0";

import { HostError, bytes, call, fields, jsonOf, nanos, optional, parsed, text, translated, waited, whole } from "./error.js";
import { join, leave } from "./groups.js";
import { Head, idOf } from "./head.js";
import { contents, data, message, queued } from "./message.js";
import { encode, decode } from "./web/utf8.js";

export class WebSocket extends Head {
  #closed = null;

  get state() {
    return websocket.getState(idOf(this));
  }

  get protocols() {
    return websocket.offeredSubprotocols(idOf(this));
  }

  get protocol() {
    return websocket.subprotocol(idOf(this));
  }

  get buffered() {
    return Number(websocket.buffered(idOf(this)));
  }

  get dropped() {
    return Number(websocket.dropped(idOf(this)));
  }

  get closed() {
    return this.#closed;
  }

  async accept({ protocol, headers } = {}) {
    return waited(websocket.accept, idOf(this), optional(protocol, text, "protocol"), fields(headers));
  }

  async reject(status = 403, { headers, body = "" } = {}) {
    return waited(websocket.reject, idOf(this), whole(status, "status", 65535), fields(headers), contents(body, "body"));
  }

  // Called for each message, as `received` and `publish`: none takes a stack, which would cost as much as a tenth of an echo.
  async send(data) {
    try {
      await websocket.send(idOf(this), message(data));
    } catch (error) {
      throw translated(error);
    }
  }

  trySend(data) {
    return queued(call(websocket.trySend, idOf(this), message(data)));
  }

  async sendJson(value, { binary = false } = {}) {
    const json = jsonOf(value, "the message");
    return this.send(binary ? encode(json) : json);
  }

  async receive({ timeout } = {}) {
    return received(idOf(this), optional(timeout, nanos, "timeout"));
  }

  async receiveText(options) {
    return this.receive(options).then((value) => kind(value, "string", "text"));
  }

  async receiveBytes(options) {
    return this.receive(options).then((value) => kind(value, "object", "binary"));
  }

  async receiveJson({ binary = false, timeout } = {}) {
    const mode = binary ? "binary" : "text";
    return waited(websocket.receiveJson, idOf(this), mode, optional(timeout, nanos, "timeout")).then(parsed);
  }

  [Symbol.asyncIterator]() {
    return { next: () => this.#next(), return: async () => ({ done: true, value: undefined }) };
  }

  async #next() {
    try {
      return { done: false, value: await received(idOf(this), null) };
    } catch (error) {
      if (error.code !== "disconnected") throw error;
      this.#closed = error.close;
      return { done: true, value: undefined };
    }
  }

  async ping() {
    return waited(websocket.ping, idOf(this)).then((span) => Number(span) / 1e6);
  }

  get roundTrip() {
    const span = websocket.roundTrip(idOf(this));
    return span === null ? null : Number(span) / 1e6;
  }

  async close(code = 1000, reason = "") {
    return waited(websocket.close, idOf(this), whole(code, "the code", 65535), text(reason, "the reason"));
  }

  get attachment() {
    return Uint8Array.from(websocket.attachment(idOf(this)));
  }

  set attachment(value) {
    call(websocket.setAttachment, idOf(this), bytes(value, "the attachment"));
  }

  attach(value) {
    const json = JSON.stringify(value);
    this.attachment = json === undefined ? new Uint8Array() : encode(json);
  }

  attached() {
    const value = websocket.attachment(idOf(this));
    return value.length === 0 ? undefined : parsed(decode(value));
  }

  async join(group, how) {
    return join(idOf(this), group, how);
  }

  async leave(group) {
    return leave(idOf(this), group);
  }
}

async function received(id, timeout) {
  try {
    return data(await websocket.receive(id, timeout));
  } catch (error) {
    throw translated(error);
  }
}

function kind(value, type, wanted) {
  if (typeof value === type) return value;
  throw new HostError("wrong-kind", `the message is not ${wanted}`, { kind: wanted === "text" ? "binary" : "text" });
}
