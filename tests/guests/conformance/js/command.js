// Commands: those of websockets, and those that HTTP has too.

import { groups, HostError, sleep } from "sessile";

import { NONE, ok, split } from "./answer.js";
import { joinAs, ofRealtime } from "./realtime.js";

const decoder = new TextDecoder();

/** What a command answers, or what its error is that is one of the WIT's; undefined where it was answered. */
export async function caseOf(command) {
  try {
    return await command();
  } catch (error) {
    if (error instanceof SyntaxError) return "error bad-json";
    if (!(error instanceof HostError) || ["disconnected", "retire"].includes(error.code)) throw error;
    return `error ${error.code}${values(error)}`;
  }
}

function values({ code, call, state, line, column }) {
  if (code === "wrong-state") return ` ${call} ${state}`;
  return code === "bad-json" ? ` ${line}:${column}` : "";
}

/** Does what a message says. */
export async function obey(ws, message) {
  if (typeof message !== "string") {
    await ws.send(message);
    return;
  }
  const answer = await caseOf(() => ofWebsocket(ws, message));
  if (answer !== undefined) await ws.send(String(answer));
}

async function ofWebsocket(ws, line) {
  const [verb, rest] = split(line);
  switch (verb) {
    case "state":
      return ws.state;
    case "id":
      return ws.id;
    case "subprotocol":
      return ws.protocol ?? NONE;
    case "offered":
      return ws.protocols.join("|");
    case "text":
      return ws.send(rest);
    case "bytes":
      return ws.send(new TextEncoder().encode(rest));
    case "json":
      return ws.sendJson(JSON.parse(rest));
    case "json-binary":
      return ws.sendJson(JSON.parse(rest), { binary: true });
    case "accept":
      return ok(ws.accept());
    case "close": {
      const [code, reason] = split(rest);
      return ws.close(Number(code), reason);
    }
    case "ping":
      return ok(ws.ping());
    case "round-trip":
      return ws.roundTrip === null ? NONE : Math.round(ws.roundTrip * 1e6);
    case "flood":
      for (let number = 0; number < Number(rest); number++) await ws.send(String(number));
      return;
    case "try-send":
      return trySend(ws, Number(rest));
    case "dropped":
      return ws.dropped;
    case "buffered":
      return ws.buffered;
    case "join":
      return ok(ws.join(rest));
    case "leave":
      return ok(ws.leave(rest));
    case "join-as":
      return joinAs(ws, rest);
    case "attach":
      ws.attachment = new TextEncoder().encode(rest);
      return "ok";
    case "attachment":
      return decoder.decode(ws.attachment);
    case "receive":
      return ws.receiveText({ timeout: Number(rest) });
    case "receive-text":
      return ws.receiveText();
    case "receive-bytes":
      return (await ws.receiveBytes()).length;
    case "receive-json":
      return ws.sendJson(await ws.receiveJson());
    case "receive-json-binary":
      return ws.sendJson(await ws.receiveJson({ binary: true }));
    default:
      return ofAny(ws, line);
  }
}

function trySend(ws, times) {
  const count = { queued: 0, full: 0, gone: 0 };
  for (let sent = 0; sent < times; sent++) count[ws.trySend("x".repeat(60_000)).state] += 1;
  return `queued ${count.queued} full ${count.full} gone ${count.gone}`;
}

/** Commands of websockets and of HTTP. */
export async function ofAny(head, line) {
  const [verb, rest] = split(line);
  switch (verb) {
    case "scope":
      return head[rest] ?? NONE;
    case "method":
    case "scheme":
    case "host":
    case "path":
      return head[verb];
    case "http-version":
      return head.httpVersion;
    case "query":
      return head.search || NONE;
    case "client":
      return head.peerAddress;
    case "server":
      return head.localAddress;
    case "started":
      return head.startedAt.getTime();
    case "url":
      return head.url;
    case "url-hostname":
      return head.url.hostname.replace(/^\[|\]$/g, "");
    case "url-port":
      return head.url.port || NONE;
    case "is-secure":
      return head.secure;
    case "is-local":
      return head.local;
    case "origin":
      return head.origin ?? NONE;
    case "param":
      return head.params[rest] ?? NONE;
    case "header":
      return head.header(rest) ?? NONE;
    case "headers":
      return head.headers.getAll(rest).join("|");
    case "header-names":
      return [...head.headers.keys()].join("|");
    case "query-param":
      return head.query.getAll(rest).at(-1) ?? NONE;
    case "query-params":
      return head.query.getAll(rest).join("|");
    case "cookie":
      return head.cookies.get(rest) ?? NONE;
    case "cookies":
      return head.cookies.getAll(rest).join("|");
    case "publish": {
      const [group, text] = split(rest);
      const { queued, dropped } = await groups.publish(group, text);
      return `queued ${queued} dropped ${dropped}`;
    }
    case "sleep":
      return ok(sleep(Number(rest)));
    case "log":
      console.warn(rest);
      return "ok";
    case "session":
      return ofSession(await head.session.open(), rest);
    case "fail":
      throw new Error(rest);
    case "crash":
      return [][1].field;
    case "spin":
      for (;;);
    default:
      return ofRealtime(head, verb, rest);
  }
}

async function ofSession(session, line) {
  const [verb, rest] = split(line);
  switch (verb) {
    case "open":
      return "ok";
    case "get":
      return JSON.stringify(session.get(rest)) ?? NONE;
    case "set": {
      const [key, json] = split(rest);
      session.set(key, JSON.parse(json));
      return "ok";
    }
    case "remove":
      return session.remove(rest);
    case "contains":
      return session.has(rest);
    case "keys":
      return session.keys().join("|");
    case "is-empty":
      return session.empty;
    case "is-new":
      return session.isNew;
    case "version":
      return session.version;
    case "clear":
      session.clear();
      return "ok";
    case "discard":
      session.discard();
      return "ok";
    case "save":
      return ok(session.save());
    case "save-if":
      return ok(session.save({ ifVersion: BigInt(rest) }));
    case "cycle":
      return ok(session.cycleId());
    case "flush":
      return ok(session.flush());
    case "expiry":
      session.setExpiry(rest === "none" ? null : Number(rest) * 1000);
      return "ok";
    case "user":
      return session.user ?? NONE;
    default:
      return "unsupported";
  }
}
