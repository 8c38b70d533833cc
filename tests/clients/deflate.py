"""Compressed messages with Python's `websockets`, which brings zlib: both ways, as it offers them by itself,
in fragments, and with every setting of its own.

deflate.py ws://HOST:PORT   against the faults app with `deflate = true`; run by a_websocket.rs
"""

import asyncio
import random
import sys

from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate


def messages():
    rng = random.Random(7)
    words = [rng.randbytes(4).hex() for _ in range(50)]
    yield from ("", "grüße", "a" * 65536, "𝄞" * 16384, b"", bytes(65536), rng.randbytes(65536))
    for length in (10, 100, 1000, 5000):
        yield " ".join(rng.choices(words, k=length))
        yield rng.randbytes(length)


async def echo(url, window, agreed, **offer):
    extensions = [ClientPerMessageDeflateFactory(**offer)] if offer else None
    async with connect(url, extensions=extensions) as ws:
        (deflate,) = ws.protocol.extensions
        assert isinstance(deflate, PerMessageDeflate)
        assert deflate.remote_no_context_takeover and deflate.local_no_context_takeover, deflate
        assert deflate.remote_max_window_bits == window, deflate
        assert agreed in ws.response.headers["Sec-WebSocket-Extensions"]
        for message in messages():
            await ws.send(message)
            assert await ws.recv() == message
        await ws.send(["in ", "frag", "ments, " * 100, ""])
        assert await ws.recv() == "in fragments, " + "ments, " * 99
        await ws.send([b"\x00" * 30000, b"\xff" * 30000])
        assert await ws.recv() == b"\x00" * 30000 + b"\xff" * 30000


async def walk(base):
    takeover = "server_no_context_takeover; client_no_context_takeover"
    for path in ("/ws", "/loop"):
        await echo(base + path, 15, takeover)
    for server, client, window, own in (
        (False, False, None, None),
        (True, False, 9, True),
        (False, True, 12, 9),
        (True, True, 15, 15),
    ):
        await echo(
            base + "/ws",
            window or 15,
            f"server_max_window_bits={window}" if window else takeover,
            server_no_context_takeover=server,
            client_no_context_takeover=client,
            server_max_window_bits=window,
            client_max_window_bits=own,
        )
    print("walked")


asyncio.run(walk(sys.argv[1]))
