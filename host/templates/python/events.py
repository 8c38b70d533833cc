"""A room, in event style: what one says, all hear, under the name that their browser goes by.

Between two calls nothing of this need be in memory, and new code takes over at the next message. So a variable would
not last: what must last goes into the session, and the host keeps who is in which group.
"""

import sessile

ROOM = "room"


@sessile.events
class Room:
    async def on_open(self, ws: sessile.WebSocket) -> None:
        """Somebody comes. The session is opened before `accept`, so that a new browser gets its cookie with the handshake."""
        await ws.session.open()
        await ws.accept()
        await ws.join(ROOM)
        await ws.send("welcome; `/name Ada` gives you a name")

    async def on_message(self, ws: sessile.WebSocket, message: str | bytes) -> None:
        """A message came. An exception would end this websocket alone, with 1011, and its traceback is in the log."""
        if isinstance(message, bytes):
            return await ws.close(1003, "text only")
        await ws.session.open()
        if message.startswith("/name "):
            name = ws.session["name"] = message.removeprefix("/name ").strip()
            await ws.session.save()  # From here on the name survives even a crash of the host.
            return await ws.send(f"you are {name}")
        await sessile.publish(ROOM, line(ws.session.get("name", "somebody"), message))


def line(name: str, text: str) -> str:
    """What all hear."""
    return f"{name}: {text.strip()}"
