// The types of the module "sessile", and of what of the web there is in a handler.

declare module "sessile" {
  /** What a message is: a text is a string, a binary message its bytes. At most `message_bytes_max` bytes. */
  export type Data = string | Uint8Array;
  /** What can be sent as a message: a string as text, all else as binary. */
  export type Sendable = string | Uint8Array | ArrayBuffer | ArrayBufferView;
  /** What JSON can express. */
  export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
  /** Headers to send. */
  export type HeadersInit = Headers | Iterable<[string, string]> | Record<string, string>;

  /**
   * What a script exports by default: `export default { … } satisfies Handlers`, or an object of a class of your own. A function that
   * is there is called; any exception ends its websocket with 1011, or its exchange with 500, and is in the log with its stack; but for
   * the `HostError` that says that the peer has left, which is a normal end of all but `close`.
   *
   * Between two calls the host may drop the instance, or put new code in its place: a variable is a cache that may vanish. What
   * must last goes into the session, or is attached to the websocket.
   */
  export interface Handlers {
    /** **Event style.** The handshake has come: accept, reject, or return and so accept. */
    open?(ws: WebSocket): void | Promise<void>;
    /** **Event style.** A message came. One call at a time for one websocket. */
    message?(ws: WebSocket, message: Data): void | Promise<void>;
    /** **Event style**, in place of `message`: all that has queued up, in order. */
    messages?(ws: WebSocket, messages: Data[]): void | Promise<void>;
    /** **Event style.** The websocket has ended; exactly once, after all messages. Nothing can be sent any more. */
    close?(ws: WebSocket, close: Close): void | Promise<void>;
    /** **Event style.** This version takes a websocket over from another, whose number is `from`: rewrite what that has left. */
    upgrade?(ws: WebSocket, from: bigint): void | Promise<void>;
    /**
     * **Event style**, beside `message`. What is published to the groups of a websocket comes here, one after the other, in place of its
     * peer: send on what it is to see.
     */
    publication?(ws: WebSocket, told: Told): void | Promise<void>;
    /**
     * **Loop style.** One call for one websocket, as long as it lives: accept, `for await (const message of ws)`, return. Newer code
     * of the app ends the iteration with the `HostError` `retire`: left alone, it hands the websocket over, to `loop` of that code.
     */
    loop?(ws: WebSocket): void | Promise<void>;
    /** **HTTP.** One call for one request. Nothing is returned where it has answered by itself (`start`, `respond`, `sendRaw`). */
    fetch?(request: Request): Response | void | Promise<Response | void>;
    /**
     * An alarm of this handler is due (`alarms.set`, or `[[alarms]]` of the manifest). After an exception it rings again: after a second, then two,
     * up to five minutes, 300 times. So it rings at least once: what must not happen twice is for the handler to see to.
     */
    alarm?(alarm: Alarm): void | Promise<void>;
  }

  /** Why a websocket ended (RFC 6455 §7.4): 1005 where the peer gave no code, 1006 where no close frame came. */
  export interface Close {
    code: number;
    reason: string;
  }

  /** The names of the WIT's errors. */
  export type ErrorCode =
    | "bad-json"
    | "conflict"
    | "cookie-unreachable"
    | "deleted"
    | "disconnected"
    | "gone"
    | "invalid-code"
    | "invalid-head"
    | "invalid-metadata"
    | "invalid-name"
    | "invalid-tag"
    | "length-mismatch"
    | "no-handler"
    | "no-session"
    | "not-json"
    | "not-offered"
    | "not-open"
    | "peer-gone"
    | "reason-too-long"
    | "retire"
    | "session-not-open"
    | "session-unsaved"
    | "timed-out"
    | "too-large"
    | "too-many"
    | "unavailable"
    | "unknown"
    | "unsupported"
    | "wrong-kind"
    | "wrong-order"
    | "wrong-state"
    | "wrong-style";

  /**
   * The host has refused something; nothing of it closes a websocket by itself. A value of a wrong type is a `TypeError`, before
   * the host is asked.
   */
  export class HostError extends Error {
    readonly code: ErrorCode;
    /** Of `disconnected`. */
    readonly close?: Close;
    /** Of `too-large`, `reason-too-long`, `invalid-name`, `invalid-tag`, `too-many`, `length-mismatch`: bytes or items that there were, and may be. */
    readonly actual?: number;
    readonly limit?: number;
    /** Of `bad-json`, `not-json`, `invalid-metadata`: from 1, 0 where it is not known. */
    readonly line?: number;
    readonly column?: number;
    /** Of `wrong-state`: the call's name in the WIT, and the state in which it was made. */
    readonly call?: string;
    readonly state?: State;
    /** Of `wrong-kind`: what came. */
    readonly kind?: "text" | "binary";
    /** Of `conflict`: the version that is saved. */
    readonly version?: bigint;
    /** Of `unknown`: the id that nobody who is connected has. */
    readonly id?: bigint;
    /** Of `wrong-order`. */
    readonly stage?: "unanswered" | "streaming" | "finished";
  }

  export type State = "connecting" | "open" | "closing" | "closed";

  /** What was asked, by whom. Everything is read from the host when it is asked for, so keep what you need twice. */
  class Head {
    /** Unguessable, unique among the live ones. */
    readonly id: bigint;
    /** The method (RFC 9110 §9); `GET` for a websocket. */
    readonly method: string;
    /** `http`, `https`, `ws` or `wss`. */
    readonly scheme: string;
    /** The host that was asked for, as the peer sent it, which may be anything; `url` checks it. */
    readonly authority: string;
    /** As it was sent, percent-encoded, without the query. */
    readonly path: string;
    /** What follows `?`, percent-encoded; empty where nothing does. */
    readonly search: string;
    /** The query's parameters, decoded. */
    readonly query: URLSearchParams;
    /** The route's parameters, decoded: `room` of `/rooms/{room}`. */
    readonly params: Record<string, string>;
    readonly headers: Headers;
    /** The first value of one header, its name in any case; null without it. */
    header(name: string): string | null;
    readonly cookies: Cookies;
    /** The site whose page made the request, where a browser says so (RFC 6454 §7). */
    readonly origin: string | null;
    /** The whole URL; where the peer's `Host` is none, with the address that it reached. */
    readonly url: URL;
    /** The host of the URL, without a port; an IPv6 address without its brackets. */
    readonly host: string;
    /** Whether the connection is encrypted. */
    readonly secure: boolean;
    /** `1.0`, `1.1` or `2`. */
    readonly httpVersion: string;
    /** The peer's address and port, as `127.0.0.1:50312` or `[::1]:50312`. */
    readonly peerAddress: string;
    /** The address and port that the peer reached. */
    readonly localAddress: string;
    /** Whether the peer is on the host's own machine; behind a proxy there, all are. */
    readonly local: boolean;
    /** When the request's head had arrived. */
    readonly startedAt: Date;
    /** The peer's session, shared by its websockets and exchanges: `await ws.session.open()` in each event. */
    readonly session: Session;
  }

  /** Cookies by name; values are not decoded. */
  class Cookies {
    /** The last of a name; null without any. */
    get(name: string): string | null;
    getAll(name: string): string[];
    has(name: string): boolean;
    keys(): Iterator<string>;
  }

  /**
   * A websocket that the host holds for this handler.
   *
   * ```js
   * export default {
   *   async loop(ws) {
   *     await ws.accept();
   *     for await (const message of ws) await ws.send(message);
   *     console.log("the peer left with", ws.closed.code);
   *   },
   * };
   * ```
   */
  export class WebSocket extends Head {
    /** Where it is in its life. */
    readonly state: State;
    /** The subprotocols that the peer offered, the preferred first. */
    readonly protocols: string[];
    /** The subprotocol that was accepted. */
    readonly protocol: string | null;
    /** Bytes that wait for the peer. */
    readonly buffered: number;
    /** Messages that `overflow = "drop-oldest"` of the manifest has dropped so far. */
    readonly dropped: number;
    /** How the iteration over messages has ended; null before. */
    readonly closed: Close | null;

    /** Answers the handshake with 101, once. Of a websocket that was handed over the first call changes nothing. */
    accept(options?: { protocol?: string; headers?: HeadersInit }): Promise<void>;
    /** Answers the handshake with another status, 400-599. Browsers show a page none of it: for them, accept, then close. */
    reject(status?: number, options?: { headers?: HeadersInit; body?: Sendable }): Promise<void>;

    /** Queues a message, in order; waits while the outbox is full. It is queued then, not read by the peer. */
    send(message: Sendable): Promise<void>;
    /** As `send`, but never waits. */
    trySend(message: Sendable): Queued;
    /** Queues a value as JSON, in a text message, or in a binary one. */
    sendJson(value: unknown, options?: { binary?: boolean }): Promise<void>;

    /** **Loop style.** The messages until the end; then `closed` says why. */
    [Symbol.asyncIterator](): AsyncIterator<Data, undefined, undefined>;
    /** **Loop style.** The next message; `timeout` in milliseconds, for ever without one. Fails with `disconnected` at the end. */
    receive(options?: { timeout?: number }): Promise<Data>;
    /** As `receive`, of a text; any other fails with `wrong-kind`, and is lost. */
    receiveText(options?: { timeout?: number }): Promise<string>;
    /** As `receive`, of a binary message. */
    receiveBytes(options?: { timeout?: number }): Promise<Uint8Array>;
    /** As `receive`, of JSON in a text message, or in a binary one. */
    receiveJson<T = any>(options?: { binary?: boolean; timeout?: number }): Promise<T>;

    /** Sends a ping and waits for its pong: how many milliseconds it was on its way. */
    ping(): Promise<number>;
    /** Milliseconds of the last ping, the host's own included. */
    readonly roundTrip: number | null;
    /** Closes after all that is queued: 1000-1003, 1007-1013, 3000-4999; a reason of at most 123 bytes. Before `accept`: 403. */
    close(code?: number, reason?: string): Promise<void>;

    /** Bytes that stay with the websocket when no instance does, over new code too, and end with it: at most 16 KiB. */
    get attachment(): Uint8Array;
    set attachment(bytes: Uint8Array | ArrayBuffer | ArrayBufferView);
    /** Attaches a value as JSON. */
    attach(value: unknown): void;
    /** The value that was attached as JSON; undefined where nothing is. */
    attached<T = any>(): T | undefined;

    /** Joins a group (1-100 bytes), to hear what is published there; the websocket leaves it when it ends. */
    join(group: string): Promise<void>;
    /**
     * As `join`, with more said of it; in place of what was said before. What was published after `since` is queued for it first:
     *
     * ```js
     * const { position, recovered } = await ws.join("feed", { metadata: { name: "Ada" }, tags: ["de"], since: seen });
     * if (!recovered) await ws.send("reload");
     * ```
     */
    join(group: string, how: Membership): Promise<Joined>;
    /** Leaves a group; nothing happens if it is not in it. */
    leave(group: string): Promise<void>;
  }

  /** What became of a message that was to be queued at once: it waits with so many bytes, there was no room, or the websocket has ended. */
  export type Queued = { state: "queued"; bytes: number } | { state: "full" } | { state: "gone"; close: Close };

  /** Named sets of websockets of this app. What one keeps, and whether it tells who comes and goes, is in the manifest: `[groups."feed"]`. */
  export const groups: {
    /** Queues a message to all of a group, from any handler, `fetch` too. A full outbox drops it, and is counted. */
    publish(group: string, message: Sendable): Promise<{ queued: number; dropped: number }>;
    /** As `publish`, to those members for which all of it is true (`{}`: to all), and tells more. */
    publish(group: string, message: Sendable, to: Scope): Promise<Delivery>;
    /** How many members it has. */
    count(group: string): Promise<number>;
    /** Its members, or those with a tag, by ascending id; asked for in pages, as they are taken: `for await (const { metadata } of …)`. */
    members(group: string, which?: { tag?: string }): AsyncIterable<Member>;
    /**
     * What was published after a position, or all that is kept: at most `limit` publications (100), and 1 MiB. Fails with `unsupported`
     * where the manifest gives the group no history.
     */
    history(group: string, which?: { since?: Position | string; limit?: number }): Promise<HistoryPage>;
  };

  /** Whom a publication is for. */
  export interface Scope {
    /** Members with this tag. */
    tag?: string;
    /** Not this one, or the one of this id: the sender, mostly. */
    except?: WebSocket | bigint;
  }

  /** What became of a publication. */
  export interface Delivery {
    /** Members that have it. */
    queued: number;
    /** Members that had no room for it. Where the group keeps a history, they find it there. */
    full: number;
    /** Members that were about to end. */
    gone: number;
    /** Where it is in the history; null where the group keeps none. */
    position: Position | null;
  }

  /** How a websocket is in a group. */
  export interface Membership {
    /** What `members` and presence tell of it: at most 1 KiB of JSON. */
    metadata?: Json;
    /** By which publications and lists can be narrowed: at most 8, of 1-64 bytes each. */
    tags?: Iterable<string>;
    /** A position, or the text of one, as a peer may have kept it. */
    since?: Position | string;
  }

  /** What a join came to. */
  export interface Joined {
    /** The last publication that does not come as a new one; null where the group keeps no history. */
    position: Position | null;
    /** Whether every publication after `since` comes; false where none was given, and where some are not there any more. */
    recovered: boolean;
    /** Publications of the history that were queued for it. */
    publications: number;
  }

  /** A place in a group's history: after the publication of this number. Only comparable within one epoch. In JSON it is its text. */
  export class Position {
    constructor(epoch: bigint, offset: bigint);
    /** Of its text; a `TypeError` where that is none. */
    static parse(text: string): Position;
    readonly epoch: bigint;
    /** From 1n; 0n before the first. */
    readonly offset: bigint;
    /** `EPOCH:OFFSET`. */
    toString(): string;
    toJSON(): string;
  }

  export interface Member<T = any> {
    id: bigint;
    /** Undefined where nothing was said. */
    metadata: T | undefined;
    tags: string[];
  }

  /** Publications of a history. */
  export interface HistoryPage {
    /** In order. */
    publications: { offset: number; at: Date; message: Data }[];
    /** The newest publication there is, of which the page may be short. */
    position: Position;
    /** Whether nothing is missing between what was asked for and the first of these. */
    recovered: boolean;
  }

  /** What a group was told: a message, or of groups with `presence = true` who came and who went. */
  export type Told = { group: string; position: Position | null } & ({ message: Data; presence?: undefined } | { presence: Presence; message?: undefined });

  /** Who came and who went, gathered over a quarter of a second. */
  export interface Presence {
    joined: Member[];
    left: bigint[];
    /** Members there are now. */
    total: number;
    /** False where there were too many to tell of each: `groups.members` has all. */
    complete: boolean;
  }

  /**
   * Who is connected to this app, by whichever handler, from any of them: `fetch` and alarms too. Connected is a websocket from its `accept`
   * to the end of its connection. Nothing here wakes a handler but the end of what `close` closes, and nothing but `ping` pings.
   */
  export const connections: {
    count(which?: Selection): Promise<number>;
    /** By ascending id; asked for in pages, as they are taken. One that stays connected meanwhile is told exactly once. */
    list(which?: Selection): AsyncIterable<Connection>;
    /** Undefined where nobody who is connected has this id. */
    lookup(id: bigint): Promise<Connection | undefined>;
    /** Queues a message for one; never waits. This and the next two fail with `unknown` where nobody has the id. */
    sendTo(id: bigint, message: Sendable): Promise<Queued>;
    /** Sends a ping and waits for its pong: how many milliseconds it was on its way. */
    ping(id: bigint): Promise<number>;
    /** Closes one after all that is queued for it, and does not wait for the end; its handler is told as of any close. */
    close(id: bigint, code?: number, reason?: string): Promise<void>;
    /** Queues a message for each, as `sendTo`; its bytes are held once. */
    sendToAll(which: Selection, message: Sendable): Promise<{ queued: number; full: number; gone: number; tooLarge: number }>;
  };

  /** Those for which all of it is true; with none of it, all. */
  export interface Selection {
    /** On the route with this pattern, as the manifest has it: `/rooms/{room}`. */
    route?: string;
    /** Served by the handler of this name. */
    handler?: string;
    group?: string;
    /** That have opened this session, which is open here: `ws.session`. */
    session?: Session;
  }

  /** Somebody who is connected. */
  export interface Connection {
    id: bigint;
    /** The names of its handler and its route in the manifest. */
    handler: string;
    route: string;
    /** The path of its request, percent-encoded, without the query. */
    path: string;
    state: "open" | "closing";
    startedAt: Date;
    /** Whether an instance serves it now; if not, it hibernates. */
    awake: boolean;
    /** Why, in words for a person. */
    why: string;
    /** Bytes that wait for the peer. */
    buffered: number;
    protocol: string | null;
  }

  /**
   * Calls of `alarm` at a time to come: durable, of the app, or of a session, which is open and was saved once. They outlive the websocket or
   * request that sets them, the host's death, and new code; none keeps an instance.
   */
  export const alarms: {
    /**
     * Sets one, durably, in place of one of the same name: `in` so many milliseconds, or `at` a time. The name has 1-100 bytes, the
     * payload at most 16 KiB. Fails with `no-handler` where the script has no `alarm`.
     */
    set(name: string, when: ({ in: number; at?: undefined } | { at: Date; in?: undefined }) & { payload?: Sendable; session?: Session }): Promise<void>;
    /** Takes one back; whether it was there. */
    cancel(name: string, of?: { session?: Session }): Promise<boolean>;
    /** Those of the app, or of a session, by name; asked for in pages, as they are taken. */
    list(of?: { session?: Session }): AsyncIterable<Alarm>;
  };

  export class Alarm {
    readonly name: string;
    /** When it was to ring first; it never rings before. */
    readonly due: Date;
    readonly payload: Uint8Array;
    /** Which call this is, or would be next: from 1. */
    readonly attempt: number;
    /** The payload as text; what is no UTF-8 is replaced. */
    text(): string;
    /** The value of the payload in JSON. */
    json<T = any>(): T;
    /**
     * Of one that rings: the session that it is of, to be opened; it is saved when the handler has returned well. An alarm of the app has none:
     * opening it ends the call. Null for those of a list.
     */
    readonly session: Session | null;
  }

  /**
   * Durable state of a peer, named by its cookie. Values are what JSON can express; keys have 1-128 bytes. Websockets save by
   * `save` alone; what an exchange has changed is saved with its response.
   */
  export class Session {
    /** Loads the latest record; unsaved changes stay. In each event, and before `accept`, so that a new peer gets its cookie. */
    open(): Promise<this>;
    /** Undefined where there is none. */
    get<T = any>(key: string): T | undefined;
    set(key: string, value: unknown): void;
    /** Whether it was there. */
    remove(key: string): boolean;
    has(key: string): boolean;
    /** Sorted. */
    keys(): string[];
    readonly empty: boolean;
    /** What is kept under `user`. */
    readonly user: any;
    clear(): void;
    /** Drops unsaved changes: after `conflict`, before the retry. */
    discard(): void;
    /** Whether nothing was ever saved. */
    readonly isNew: boolean;
    /** Of the record that was opened or saved last; 0n if none was. */
    readonly version: bigint;
    /** Ends the session after so many milliseconds without use, in place of the app's span; null for that again. */
    setExpiry(ms: number | null): void;
    /** Saves the changes, durably; with `ifVersion` only over that version, else it fails with `conflict`. */
    save(options?: { ifVersion?: bigint }): Promise<bigint>;
    /** Another id at login, before `accept` or the response. */
    cycleId(): Promise<void>;
    /** Ends the session at logout. */
    flush(): Promise<void>;
  }

  /** A request. Bodies are read once; `limit` is in bytes, 1 MiB by default, and past it is `too-large`. */
  export class Request extends Head {
    /** The next part of the body, of at most 64 KiB; null at its end. */
    read(): Promise<Uint8Array | null>;
    [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void>;
    /** The parts of the body: the request itself. */
    readonly body: AsyncIterable<Uint8Array>;
    bytes(options?: { limit?: number }): Promise<Uint8Array>;
    arrayBuffer(options?: { limit?: number }): Promise<ArrayBuffer>;
    /** What is no UTF-8 is replaced. */
    text(options?: { limit?: number }): Promise<string>;
    json<T = any>(options?: { limit?: number }): Promise<T>;
    /** The fields of a form (`application/x-www-form-urlencoded`). */
    form(options?: { limit?: number }): Promise<URLSearchParams>;
    /** The id of the last event that a browser which comes again has seen. */
    readonly lastEventId: string | null;
    /** Starts a response, to write its body as it comes. */
    start(status?: number, options?: { headers?: HeadersInit }): Promise<BodyWriter>;
    /** Answers now; the handler may go on. */
    respond(response: Response): Promise<void>;
    /** Answers with what HTTP/1.1 would write: the host parses and frames it anew. With `close` the connection ends after it. */
    sendRaw(response: Sendable, options?: { close?: boolean }): Promise<void>;
    /** Cancels the response: one that streams is seen as aborted. */
    cancel(): void;
    /** Ends the connection, after a response that is finished; any other is cancelled. */
    dispose(): void;
  }

  /** A body that is written as it comes. Not finished, the peer sees it aborted. */
  export class BodyWriter {
    /** Waits while the peer is slow. */
    write(part: Sendable): Promise<void>;
    finish(): Promise<void>;
  }

  type Body = null | Sendable | URLSearchParams | Iterable<Sendable> | AsyncIterable<Sendable>;
  interface ResponseInit {
    /** 200-599. */
    status?: number;
    headers?: HeadersInit;
  }

  /**
   * An answer. An iterable is streamed: `new Response((async function* () { yield "one"; })())`; where the peer leaves, a generator
   * ends at its `yield`, as by `return`.
   */
  export class Response {
    constructor(body?: Body, init?: ResponseInit);
    status: number;
    headers: Headers;
    body: Body;
    readonly ok: boolean;
    static json(value: unknown, init?: ResponseInit): Response;
    static html(body: string, init?: ResponseInit): Response;
    static redirect(location: string | URL, status?: number): Response;
    /** Server-sent events, of each that the iterable yields. */
    static events(events: Iterable<Event> | AsyncIterable<Event>, init?: ResponseInit): Response;
  }

  /** A server-sent event: its data, or more. Data that is no string is sent as JSON; `retry` is in milliseconds. */
  export type Event = string | { data?: unknown; event?: string; id?: string | number; retry?: number };

  /** A websocket as a stream of events in both directions, as ASGI has it. Loop style. */
  export const raw: {
    states(ws: WebSocket): {
      peer: "connecting" | "connected" | "disconnected";
      application: "connecting" | "connected" | "response" | "disconnected";
    };
    send(ws: WebSocket, event: Outgoing): Promise<void>;
    receive(ws: WebSocket, options?: { timeout?: number }): Promise<Incoming>;
  };
  export type Incoming = { type: "connect" } | { type: "message"; data: Data } | ({ type: "disconnect" } & Close);
  export type Outgoing =
    | { type: "accept"; protocol?: string; headers?: HeadersInit }
    | { type: "message"; data: Sendable }
    | { type: "close"; code?: number; reason?: string }
    | { type: "response-start"; status: number; headers?: HeadersInit }
    | { type: "response-body"; body: Sendable; more?: boolean };

  /** Returns after at least so many milliseconds. In event style and HTTP the deadline of the call still runs. */
  export function sleep(ms: number): Promise<void>;
  /** Looks every `every` milliseconds until there is something, for at most `limit`; then undefined. */
  export function poll<T>(look: () => T | undefined | null | Promise<T | undefined | null>, times: { every: number; limit: number }): Promise<T | undefined>;
}

// ---- the web -------------------------------------------------------------------------------

/** Lines of the host's log. */
declare const console: Record<"debug" | "error" | "info" | "log" | "trace" | "warn", (...values: unknown[]) => void> & {
  assert(holds: unknown, ...values: unknown[]): void;
};

/** Timers belong to the call of the handler in which they were set, and end with it. */
declare function setTimeout<A extends unknown[]>(call: (...args: A) => void, ms?: number, ...args: A): number;
declare function setInterval<A extends unknown[]>(call: (...args: A) => void, ms?: number, ...args: A): number;
declare function clearTimeout(id?: number): void;
declare function clearInterval(id?: number): void;
declare function queueMicrotask(call: () => void): void;
declare function structuredClone<T>(value: T): T;
declare function atob(text: string): string;
declare function btoa(text: string): string;
declare const performance: { now(): number; readonly timeOrigin: number };

/** Not at build time, that is on a script's top level: it would be the same in each instance. */
declare const crypto: {
  getRandomValues<T extends ArrayBufferView>(view: T): T;
  randomUUID(): string;
};

declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}

/** Of UTF-8. */
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}

declare class Headers {
  constructor(init?: Iterable<[string, string]> | Record<string, string>);
  append(name: string, value: string): void;
  delete(name: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(call: (value: string, name: string, headers: Headers) => void, self?: unknown): void;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  entries(): IterableIterator<[string, string]>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

/** Hosts are of ASCII. */
declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string, base?: string): boolean;
  static parse(url: string, base?: string): URL | null;
  readonly href: string;
  readonly origin: string;
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  pathname: string;
  search: string;
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}

declare class URLSearchParams {
  constructor(init?: string | Iterable<[string, string]> | Record<string, string>);
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(call: (value: string, name: string, params: URLSearchParams) => void, self?: unknown): void;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  entries(): IterableIterator<[string, string]>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
  toString(): string;
}
