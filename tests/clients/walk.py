"""Walks through a host with Python's `websockets`: accept, subprotocol, JSON, close codes, denial.

walk.py ws://HOST:PORT   against the faults app; run by python.rs
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


async def denied(url, **options):
    try:
        async with connect(url, **options):
            raise AssertionError(f"{url} was accepted")
    except InvalidStatus as error:
        return error.response.status_code, error.response.body


async def closed(ws):
    try:
        raise AssertionError(f"not closed: {await ws.recv()}")
    except ConnectionClosed as error:
        return error.rcvd.code, error.rcvd.reason


async def walk(base):
    for path in ("/ws", "/loop"):
        async with connect(f"{base}{path}?subprotocol=b&header=1", subprotocols=["a", "b"]) as ws:
            assert ws.subprotocol == "b"
            assert ws.response.headers["x-guest"] == "1"
            await ws.send('json { "a" : [ 1, 2.50 ] }')
            text = await ws.recv()
            assert text == '{"a":[1,2.50]}' and json.loads(text) == {"a": [1, 2.5]}
            await ws.send('json-binary "x"')
            assert await ws.recv() == b'"x"'
            await ws.send(b"\x00\xff")
            assert await ws.recv() == b"\x00\xff"
            latency = await (await ws.ping())
            assert latency >= 0
            await ws.send("close 4003 forbidden")
            assert await closed(ws) == (4003, "forbidden")
        async with connect(base + path) as ws:
            await ws.send("panic")
            code, reason = await closed(ws)
            assert code == 1011 and reason.startswith("report ")
        assert await denied(f"{base}{path}?open=reject") == (418, b"no coffee")
        assert (await denied(f"{base}{path}?open=close"))[0] == 403
        assert (await denied(base + path, origin="https://elsewhere.example"))[0] == 403
    print("walked")


asyncio.run(walk(sys.argv[1]))
