/** A websocket that goes on over other connections: the browser's side of docs/resume.md. */

/** What a message carries: a text, or bytes. */
export type Payload = string | ArrayBuffer;

/** Where it is: connecting for the first time or again, talking, waiting to try again, or done. */
export type Status = "connecting" | "open" | "waiting" | "closed";

export interface Options {
  /** Bytes of sends that may wait for their acknowledgement, 1 MiB by default; past it `send` throws. */
  bufferedMax?: number;
  /** The first wait before another try, 500 ms by default; each further one may be twice as long. All are random, from nothing up. */
  backoff?: number;
  /** The longest wait, 30,000 ms by default. */
  backoffMax?: number;
  /** After which a connection is stable, so that the waits begin anew: 10,000 ms by default. */
  stable?: number;
  /** A key of `sessionStorage`: a page that is loaded again goes on where it was. None by default. A page that is duplicated takes the websocket from the first one. */
  key?: string;
  /** Another `WebSocket`, for tests and for programs that are no browsers. */
  WebSocket?: typeof WebSocket;
}

export interface MessageEvent extends Event { readonly data: Payload }

export interface PublicationEvent extends Event {
  readonly group: string;
  readonly data: Payload;
  /** Its number in the group's history; none where there is none. */
  readonly offset?: number;
  /** Whether it tells who came and who went. */
  readonly presence?: boolean;
}

export interface JoinedEvent extends Event {
  readonly group: string;
  /** Whether nothing was missed since the last publication that came before. */
  readonly recovered: boolean;
  readonly epoch?: string;
  readonly offset?: number;
}

export interface LeftEvent extends Event { readonly group: string }

/** A connection is there. */
export interface OpenEvent extends Event {
  /** Whether it is the websocket that there was: then nothing is lost and nothing comes twice. Else it is another, which has got again what was not acknowledged. */
  readonly recovered: boolean;
}

/** It is over, and does not try again. */
export interface CloseEvent extends Event { readonly code: number; readonly reason: string }

export interface StatusEvent extends Event { readonly status: Status }

export interface Events {
  message: MessageEvent;
  publication: PublicationEvent;
  joined: JoinedEvent;
  left: LeftEvent;
  open: OpenEvent;
  close: CloseEvent;
  status: StatusEvent;
}

export class ResumeSocket extends EventTarget {
  /** Connects at once. */
  constructor(url: string | URL, options?: Options);

  readonly status: Status;
  /** Bytes of sends that the host has not acknowledged. */
  readonly bufferedAmount: number;

  /** Sends now or once there is a connection, and again until the host has done with it. Throws past `bufferedMax`, and after the end. */
  send(data: string | ArrayBuffer | ArrayBufferView): void;
  /** Ends it for good. */
  close(code?: number, reason?: string): void;

  addEventListener<T extends keyof Events>(type: T, listener: (event: Events[T]) => void, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<T extends keyof Events>(type: T, listener: (event: Events[T]) => void, options?: boolean | AddEventListenerOptions): void;
}
