"""An echo that counts, in loop style: one call for one websocket, as long as it lives.

It may keep what it likes in variables: its instance serves nobody else, and blocks nobody while it waits. The price is
memory for each open websocket; where thousands are idle, event style costs less.
"""

import logging

import sessile


@sessile.loop
async def echo(ws: sessile.WebSocket) -> None:
    # Until now it could look at the request and say `await ws.reject(403, "why")`.
    await ws.accept()
    count = 0
    # An exception would end this websocket alone, with 1011, and its traceback is in the log.
    async for message in ws:
        count += 1
        await ws.send(message if isinstance(message, bytes) else line(count, message))
    logging.info("%s messages, then %s", count, ws.close_code)


def line(count: int, text: str) -> str:
    """What comes back."""
    return f"{count}: {text}"
