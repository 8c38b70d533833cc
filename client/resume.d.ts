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

export interface MessageEvent { type: "message"; data: Payload }

export interface PublicationEvent {
  type: "publication";
  group: string;
  data: Payload;
  /** Its number in the group's history; none where there is none. */
  offset?: number;
  /** Whether it tells who came and who went. */
  presence: boolean;
}

export interface JoinedEvent {
  type: "joined";
  group: string;
  /** Whether nothing was missed since the last publication that came before. */
  recovered: boolean;
  epoch?: string;
  offset?: number;
}

export interface LeftEvent { type: "left"; group: string }

/** A connection is there. */
export interface OpenEvent {
  type: "open";
  /** Whether it is the websocket that there was: then nothing is lost and nothing comes twice. Else it is another, which has got again what was not acknowledged. */
  recovered: boolean;
}

/** It is over, and does not try again. */
export interface CloseEvent { type: "close"; code: number; reason: string }

export interface StatusEvent { type: "status"; status: Status }

export interface Events {
  message: MessageEvent;
  publication: PublicationEvent;
  joined: JoinedEvent;
  left: LeftEvent;
  open: OpenEvent;
  close: CloseEvent;
  status: StatusEvent;
}

export class ResumeSocket {
  /** Connects at once. */
  constructor(url: string | URL, options?: Options);

  readonly url: string;
  readonly status: Status;
  /** Bytes of sends that the host has not acknowledged. */
  readonly bufferedAmount: number;

  /** Sends now or once there is a connection, and again until the host has done with it. Throws past `bufferedMax`, and after the end. */
  send(data: string | ArrayBuffer | ArrayBufferView): void;
  /** Ends it for good. */
  close(code?: number, reason?: string): void;

  addEventListener<T extends keyof Events>(type: T, listener: (event: Events[T]) => void): void;
  removeEventListener<T extends keyof Events>(type: T, listener: (event: Events[T]) => void): void;
}
