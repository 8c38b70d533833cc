"""A visitors' room: all three styles in one component, which share the session of a browser. `sessile.toml` says which a route calls."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator

import sessile

NAME_CHARS_MAX = 32
TEXT_CHARS_MAX = 2000
TICKS = 60
SECONDS_MAX = 30
ROOM = "room"


# ---- HTTP style: one call for one request ------------------------------------------------------


@sessile.http
async def api(request: sessile.Request) -> sessile.Response:
    match request.method, request.path:
        case "GET", "/api/me":
            return sessile.JSONResponse(await visit(request))
        case "POST", "/api/name":
            return await rename(request)
        case "GET", "/api/clock":
            return sessile.EventSourceResponse(clock())
        case _:
            return refused(404, "there are GET /api/me, POST /api/name and GET /api/clock")


async def visit(request: sessile.Request) -> dict[str, object]:
    """Counts the visit.

    Two requests of one browser may run at once: so the count is saved only over the version that was read, and where
    another was faster, it is read again.
    """
    while True:
        session = await request.session.open()
        visits = session["visits"] = session.get("visits", 0) + 1
        try:
            await session.save(if_version=session.version)
            return {"name": name_in(session), "visits": visits}
        except sessile.Conflict:
            session.discard()


async def rename(request: sessile.Request) -> sessile.Response:
    """Takes a form with a `name`, or a string as JSON. The session is saved with the answer."""
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            name = await request.json()
        else:
            name = (await request.form()).get("name")
    except (sessile.BadJSON, sessile.TooLarge) as error:
        return refused(400, str(error))
    name = name.strip() if isinstance(name, str) else ""
    if not 1 <= len(name) <= NAME_CHARS_MAX:
        return refused(422, f"a name has 1 to {NAME_CHARS_MAX} characters")
    session = await request.session.open()
    session["name"] = name
    return sessile.JSONResponse({"name": name})


async def clock() -> AsyncIterator[str]:
    """The time of each second, as seconds since 1970; after the last the browser comes again by itself."""
    for tick in range(TICKS):
        if tick > 0:
            await asyncio.sleep(1)
        yield str(int(time.time()))


def refused(status: int, why: str) -> sessile.Response:
    return sessile.PlainTextResponse(f"{why}\n", status)


def name_in(session: sessile.Session) -> str:
    return session.get("name", "somebody")


# ---- Event style: called when something happens; in between no instance need be there ----------


@sessile.events
class Room:
    async def on_open(self, ws: sessile.WebSocket) -> None:
        await ws.session.open()  # Before `accept`, so that a new browser gets its cookie with the handshake.
        await ws.accept()
        await ws.join(ROOM)
        await tell(ws, "came")

    async def on_message(self, ws: sessile.WebSocket, message: str | bytes) -> None:
        if isinstance(message, bytes):
            return await ws.close(1003, "text only")
        if len(message) > TEXT_CHARS_MAX:
            return await ws.close(1009, f"a text has at most {TEXT_CHARS_MAX} characters")
        await tell(ws, "said", message)

    async def on_close(self, ws: sessile.WebSocket, close: sessile.Disconnect) -> None:
        await tell(ws, "left")


async def tell(ws: sessile.WebSocket, event: str, text: str = "") -> None:
    """To all in the room, this one too."""
    session = await ws.session.open()
    await sessile.publish(ROOM, json.dumps({"event": event, "name": name_in(session), "text": text}))


# ---- Loop style: one call for one websocket, as long as it lives; what it knows is in variables --


@sessile.loop
async def guess(ws: sessile.WebSocket) -> None:
    session = await ws.session.open()
    await ws.accept()
    # How long a guess may take: what the URL asks for, but no longer than half a minute.
    seconds = number_in(ws.query_params.get("seconds", ""), SECONDS_MAX) or SECONDS_MAX
    secret = 1 + secrets.randbelow(100)
    guesses = 0
    await ws.send(f"{name_in(session)}, I think of a number from 1 to 100")
    while True:
        # Let out, that the peer has left is a normal end, and newer code begins a new game.
        try:
            number = number_in(await ws.receive_message(timeout=seconds), 100)
        except sessile.TimedOut:
            await ws.send(f"time is up: it was {secret}")
            return await ws.close(4000, "time is up")
        if number is None:
            await ws.send("a number from 1 to 100, please")
            continue
        guesses += 1
        if number == secret:
            return await ws.send(f"yes, in {guesses} guesses")
        await ws.send("higher" if number < secret else "lower")


def number_in(text: str | bytes, highest: int) -> int | None:
    """A whole number from 1 on, if it is one."""
    try:
        number = int(text) if isinstance(text, str) else 0
    except ValueError:
        return None
    return number if 1 <= number <= highest else None
