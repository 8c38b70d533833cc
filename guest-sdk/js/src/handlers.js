// From what a script exports by default to the exports of the WIT, and back: every exception becomes a failure with a stack in the
// log, for one that nobody catches would be a trap.

import { Alarm } from "./alarms.js";
import { closeInfo } from "./error.js";
import { told } from "./groups.js";
import { Request, answer } from "./http.js";
import { data } from "./message.js";
import { WebSocket } from "./websocket.js";
import { report } from "./web/console.js";
import { inspect } from "./web/inspect.js";
import { begin } from "./web/random.js";
import { end } from "./web/timers.js";

/** The handlers that a script may have, and the interface of the WIT that each is of. */
const INTERFACES = {
  message: "websocket-events",
  messages: "websocket-events",
  upgrade: "websocket-upgrade",
  publication: "publication-handler",
  loop: "websocket-handler",
  fetch: "http-handler",
  alarm: "alarm-handler",
};
/** Those that go with `message`. */
const COMPANIONS = ["open", "close"];
/** Those that are interfaces of their own, and nothing without `message`. */
const BESIDE = ["upgrade", "publication"];

/**
 * The interfaces that a script handles.
 *
 * @throws where it handles nothing, with the way out.
 */
export function handled(handlers) {
  const known = [...Object.keys(INTERFACES), ...COMPANIONS];
  if (typeof handlers !== "object" || handlers === null) {
    throw new TypeError("the script exports no handlers: export default { async message(ws, message) { … } }, or loop(ws), or fetch(request)");
  }
  for (const name of known) {
    if (handlers[name] !== undefined && typeof handlers[name] !== "function") throw new TypeError(`the handler '${name}' is no function`);
  }
  const has = Object.keys(INTERFACES).filter((name) => handlers[name] !== undefined);
  const interfaces = [...new Set(has.map((name) => INTERFACES[name]))];
  const alone = [...COMPANIONS, ...BESIDE].find((name) => handlers[name] !== undefined);
  if (alone !== undefined && !interfaces.includes("websocket-events")) throw new TypeError(`the script exports '${alone}', but no 'message'`);
  if (interfaces.length === 0) throw new TypeError(`the script exports none of the handlers ${known.join(", ")}`);
  return interfaces;
}

/** The exports of the WIT. */
export function exported(handlers) {
  return {
    websocketEvents: {
      onOpen: (id) => called("open", forgiving, () => handlers.open?.(new WebSocket(id))),
      onMessages: (id, messages) => called("message", forgiving, () => delivered(handlers, new WebSocket(id), messages)),
      onClose: (id, close) => called("close", strict, () => handlers.close?.(new WebSocket(id), closeInfo(close))),
    },
    websocketUpgrade: {
      onUpgrade: (id, from) => called("upgrade", forgiving, () => handlers.upgrade(new WebSocket(id), from)),
    },
    publicationHandler: {
      onPublications: (id, list) => called("publication", forgiving, () => each(handlers, "publication", new WebSocket(id), list.map(told))),
    },
    websocketHandler: {
      handle: (id) => called("loop", looped, () => handlers.loop(new WebSocket(id)), { tag: "done" }),
    },
    httpHandler: {
      handle: (id) => called("fetch", forgiving, async () => answer(id, await handlers.fetch(new Request(id)))),
    },
    // Strict: there is no peer that could have left, and what failed is to ring again.
    alarmHandler: {
      onAlarm: (id, alarm) => called("alarm", strict, () => handlers.alarm(new Alarm(alarm, id))),
    },
  };
}

function delivered(handlers, ws, messages) {
  if (handlers.messages !== undefined) return handlers.messages(ws, messages.map(data));
  return messages.length === 1 ? handlers.message(ws, data(messages[0])) : each(handlers, "message", ws, messages.map(data));
}

async function each(handlers, name, ws, all) {
  for (const one of all) await handlers[name](ws, one);
}

/**
 * A handler's call, as the runtime waits for it: by its `then`. A promise there would cost a fortieth of an echo.
 *
 * Its outcome is `done`, or what `excuse` makes of an error that is none; `excuse` throws any other.
 */
function called(name, excuse, handler, done) {
  return { then: (ended, failed) => void run(name, excuse, handler, done, ended, failed) };
}

async function run(name, excuse, handler, done, ended, failed) {
  begin();
  let failure;
  try {
    await handler();
  } catch (error) {
    try {
      done = excuse(error) ?? done;
    } catch {
      failure = { message: `${name}: ${reported(error)}` };
    }
  }
  end();
  if (failure === undefined) ended(done);
  else failed(failure);
}

/** The first words of what is in the log. What throws even while it is shown is not shown. */
function reported(error) {
  try {
    report(error);
    return (error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)).toWellFormed();
  } catch {
    return "an error that cannot be shown";
  }
}

function strict(error) {
  throw error;
}

/** That the peer has left is nobody's failure, wherever it was met. */
function forgiving(error) {
  if (!["disconnected", "gone", "peer-gone"].includes(error?.code)) throw error;
}

/** A loop that is told of newer code hands over. */
function looped(error) {
  return error?.code === "retire" ? { tag: "handoff" } : forgiving(error);
}
