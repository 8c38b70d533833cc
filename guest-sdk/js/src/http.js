// HTTP: requests and their answers. The host keeps the order of the answer and the session's save.

import http from "sessile:handler/http@0.1.0";

import { bytesOf, call, fields, jsonOf, parsed, tooLarge, waited, whole } from "./error.js";
import { Head, idOf } from "./head.js";
import { contents } from "./message.js";
import { Headers } from "./web/headers.js";
import { decode, encode } from "./web/utf8.js";

/** Bytes of a body that `text`, `json` and `form` take, unless told otherwise. */
const BODY_BYTES_MAX = 1 << 20;

export class Request extends Head {
  async read() {
    return waited(http.read, idOf(this), 65536n);
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      const part = await this.read();
      if (part === null) return;
      yield part;
    }
  }

  get body() {
    return this;
  }

  async bytes({ limit = BODY_BYTES_MAX } = {}) {
    const parts = [];
    let length = 0;
    for await (const part of this) {
      length += part.length;
      if (length > limit) throw tooLarge("too-large", length, limit);
      parts.push(part);
    }
    const all = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  async arrayBuffer(options) {
    return (await this.bytes(options)).buffer;
  }

  async text(options) {
    return decode(await this.bytes(options));
  }

  async json(options) {
    return parsed(await this.text(options));
  }

  async form(options) {
    return new URLSearchParams(await this.text(options));
  }

  get lastEventId() {
    return this.header("last-event-id");
  }

  /** Starts a response, whose body is written as it comes. */
  async start(status = 200, { headers } = {}) {
    const head = { status: whole(status, "status", 65535), headers: fields(headers) };
    return waited(http.sendStart, idOf(this), head).then(() => new BodyWriter(idOf(this)));
  }

  async respond(response) {
    return answer(idOf(this), response);
  }

  async sendRaw(response, { close = false } = {}) {
    const raw = contents(response, "the response");
    return waited(http.sendRaw, idOf(this), raw, Boolean(close));
  }

  cancel() {
    call(http.sendCancel, idOf(this));
  }

  dispose() {
    call(http.dispose, idOf(this));
  }
}

/** The body of a response that was started. Not finished, the peer sees it aborted. */
export class BodyWriter {
  #id;

  constructor(id) {
    this.#id = id;
  }

  async write(part) {
    return waited(http.sendChunk, this.#id, contents(part, "the part"));
  }

  async finish() {
    return waited(http.sendFinished, this.#id);
  }
}

export class Response {
  constructor(body = null, { status = 200, headers } = {}) {
    this.status = whole(status, "status", 65535);
    this.headers = new Headers(headers);
    this.body = body;
    const type = typeOf(body);
    if (type !== null && !this.headers.has("content-type")) this.headers.set("content-type", type);
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  static json(value, init = {}) {
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(encode(jsonOf(value, "the body")), { ...init, headers });
  }

  static html(body, init = {}) {
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "text/html; charset=utf-8");
    return new Response(body, { ...init, headers });
  }

  static redirect(location, status = 302) {
    return new Response(null, { status, headers: { location: String(location) } });
  }

  /** Server-sent events (WHATWG HTML §9.2): of each that an iterable yields, a text or `{ data, event, id, retry }`. */
  static events(events, init = {}) {
    const headers = new Headers(init.headers);
    headers.set("content-type", "text/event-stream");
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    return new Response(eventTexts(events), { ...init, headers });
  }
}

function typeOf(body) {
  if (typeof body === "string") return "text/plain; charset=utf-8";
  return body instanceof URLSearchParams ? "application/x-www-form-urlencoded" : null;
}

async function* eventTexts(events) {
  for await (const event of events) yield eventText(event);
}

/** An event as it is sent. A line break in a name or an id is left out, so that none can smuggle in a field. */
export function eventText(event) {
  const { data = "", event: name, id, retry } = typeof event === "object" && event !== null ? event : { data: event };
  const line = (value) => String(value).replace(/[\n\r\0]/g, "");
  const fields = [];
  if (name !== undefined) fields.push(`event: ${line(name)}`);
  if (id !== undefined) fields.push(`id: ${line(id)}`);
  if (retry !== undefined) fields.push(`retry: ${whole(retry, "retry", Number.MAX_SAFE_INTEGER)}`);
  const content = typeof data === "string" ? data : JSON.stringify(data);
  for (const part of String(content).split(/\r\n|\n|\r/)) fields.push(`data: ${part}`);
  return `${fields.join("\n")}\n\n`;
}

/** Sends what a handler answered: nothing where it has answered by itself. */
export async function answer(id, response) {
  if (response === undefined || response === null) return;
  if (!(response instanceof Response)) throw new TypeError(`fetch returned ${typeof response}; wanted is a Response, or nothing where it has answered`);
  const head = { status: response.status, headers: fields(response.headers) };
  const body = await response.body;
  const content = body === null || body === undefined ? new Uint8Array() : typeof body === "string" ? encode(body) : bytesOf(body);
  if (content !== undefined) return waited(http.send, id, head, content);
  if (body instanceof URLSearchParams) return waited(http.send, id, head, encode(String(body)));
  if (typeof body[Symbol.asyncIterator] !== "function" && typeof body[Symbol.iterator] !== "function") {
    throw new TypeError("the body of a Response is a string, bytes, URLSearchParams, or an iterable of strings and bytes");
  }
  await waited(http.sendStart, id, head);
  const writer = new BodyWriter(id);
  for await (const part of body) await writer.write(part);
  return writer.finish();
}

