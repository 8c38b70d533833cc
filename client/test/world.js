// What the tests put in the place of a browser: a WebSocket whose other end they are, a storage, a window and a document.

export class FakeWebSocket {
  static all = [];
  sent = [];
  ended = false;
  protocol = "sessile.resume.v1";

  constructor(url, offers) {
    Object.assign(this, { url, offers });
    FakeWebSocket.all.push(this);
  }

  send(data) {
    if (!this.ended) this.sent.push(data);
  }

  close(code, reason) {
    this.ended = true;
    this.closed = [code, reason];
  }

  welcome(resumed, received, token = "t" + FakeWebSocket.all.length) {
    this.onopen?.();
    this.onmessage({ data: JSON.stringify({ token, resumed, received }) });
  }

  frame(head, payload) {
    const line = JSON.stringify(head);
    this.onmessage({ data: payload === undefined ? line : `${line}\n${payload}` });
  }

  lose(code = 1006) {
    this.ended = true;
    this.onclose({ code, reason: "" });
  }
}

export const last = () => FakeWebSocket.all.at(-1);

export class Storage extends Map {
  getItem = (key) => this.get(key) ?? null;
  setItem = (key, value) => void this.set(key, value);
  removeItem = (key) => void this.delete(key);
}

/** Must be called before the client is imported. */
export function browser() {
  const window = new EventTarget();
  globalThis.addEventListener = window.addEventListener.bind(window);
  globalThis.removeEventListener = window.removeEventListener.bind(window);
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  globalThis.sessionStorage = new Storage();
  return { window, document: globalThis.document };
}
