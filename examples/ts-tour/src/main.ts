// A visitors' room: all three styles in one component, which share the session of a browser. `sessile.toml` says which a route calls.

import { groups, HostError, Response, sleep } from "sessile";
import type { Data, ErrorCode, Handlers, Request, Session, WebSocket } from "sessile";

const NAME_CHARS_MAX = 32;
const TEXT_CHARS_MAX = 2000;
const TICKS = 60;
const SECONDS_MAX = 30;
const ROOM = "room";

/** What the room is told. */
type Told = { event: "came" | "said" | "left"; name: string; text: string };

export default {
  // ---- HTTP style: one call for one request -----------------------------------------------------

  async fetch(request) {
    switch (`${request.method} ${request.path}`) {
      case "GET /api/me":
        return Response.json(await visit(request));
      case "POST /api/name":
        return rename(request);
      case "GET /api/clock":
        return Response.events(clock());
      default:
        return refused(404, "there are GET /api/me, POST /api/name and GET /api/clock");
    }
  },

  // ---- Event style: called when something happens; in between no instance need be there ---------

  async open(ws) {
    await ws.session.open(); // before `accept`, so that a new browser gets its cookie with the handshake
    await ws.accept();
    await ws.join(ROOM);
    await tell(ws, "came");
  },

  async message(ws, message) {
    if (typeof message !== "string") return ws.close(1003, "text only");
    if ([...message].length > TEXT_CHARS_MAX) return ws.close(1009, `a text has at most ${TEXT_CHARS_MAX} characters`);
    await tell(ws, "said", message);
  },

  async close(ws) {
    await tell(ws, "left");
  },

  // ---- Loop style: one call for one websocket, as long as it lives; what it knows is in variables --

  async loop(ws) {
    const session = await ws.session.open();
    await ws.accept();
    // How long a guess may take: what the URL asks for, but no longer than half a minute.
    const seconds = numberIn(ws.query.get("seconds"), SECONDS_MAX) ?? SECONDS_MAX;
    const secret = 1 + (crypto.getRandomValues(new Uint32Array(1))[0] % 100);
    let guesses = 0;
    await ws.send(`${nameIn(session)}, I think of a number from 1 to 100`);
    for (;;) {
      let message: Data;
      try {
        message = await ws.receive({ timeout: seconds * 1000 });
      } catch (error) {
        // That the peer has left, or newer code is there, is left alone: the first is a normal end, the second begins a new game.
        if (!isHostError(error, "timed-out")) throw error;
        await ws.send(`time is up: it was ${secret}`);
        return ws.close(4000, "time is up");
      }
      const guess = numberIn(message, 100);
      if (guess === undefined) {
        await ws.send("a number from 1 to 100, please");
        continue;
      }
      guesses += 1;
      if (guess === secret) return ws.send(`yes, in ${guesses} guesses`);
      await ws.send(guess < secret ? "higher" : "lower");
    }
  },
} satisfies Handlers;

/**
 * Counts the visit. Two requests of one browser may run at once: so the count is saved only over the version that was read, and where
 * another was faster, it is read again.
 */
async function visit(request: Request): Promise<{ name: string; visits: number }> {
  for (;;) {
    const session = await request.session.open();
    const visits = (session.get<number>("visits") ?? 0) + 1;
    session.set("visits", visits);
    try {
      await session.save({ ifVersion: session.version });
      return { name: nameIn(session), visits };
    } catch (error) {
      if (!isHostError(error, "conflict")) throw error;
      session.discard();
    }
  }
}

/** Takes a form with a `name`, or a string as JSON. The session is saved with the answer. */
async function rename(request: Request): Promise<Response> {
  let sent: unknown;
  try {
    const isJson = request.header("content-type")?.startsWith("application/json");
    sent = isJson ? await request.json() : (await request.form()).get("name");
  } catch (error) {
    if (!isHostError(error, "bad-json", "too-large")) throw error;
    return refused(400, error.message);
  }
  const name = typeof sent === "string" ? sent.trim() : "";
  const length = [...name].length;
  if (length < 1 || length > NAME_CHARS_MAX) return refused(422, `a name has 1 to ${NAME_CHARS_MAX} characters`);
  const session = await request.session.open();
  session.set("name", name);
  return Response.json({ name });
}

/** The time of each second, as seconds since 1970; after the last the browser comes again by itself. */
async function* clock(): AsyncGenerator<string> {
  for (let tick = 0; tick < TICKS; tick++) {
    if (tick > 0) await sleep(1000);
    yield String(Math.floor(Date.now() / 1000));
  }
}

/** To all in the room, this one too. */
async function tell(ws: WebSocket, event: Told["event"], text = ""): Promise<void> {
  const session = await ws.session.open();
  const told: Told = { event, name: nameIn(session), text };
  await groups.publish(ROOM, JSON.stringify(told));
}

function nameIn(session: Session): string {
  return session.get<string>("name") ?? "somebody";
}

/** A whole number from 1 on, if it is one. */
function numberIn(text: Data | null, highest: number): number | undefined {
  const number = typeof text === "string" ? Number(text) : 0;
  return Number.isInteger(number) && number >= 1 && number <= highest ? number : undefined;
}

function refused(status: number, why: string): Response {
  return new Response(`${why}\n`, { status });
}

function isHostError(error: unknown, ...codes: ErrorCode[]): error is HostError {
  return error instanceof HostError && codes.includes(error.code);
}
