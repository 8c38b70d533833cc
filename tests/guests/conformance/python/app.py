"""The conformance guest in Python. Its contract is `../README.md`."""

import logging

import sessile

from answers import compact, optional, parsed, truth
from realtime import join_as, of_realtime, rung
from sessions import of_session

HEADER = {"x-guest": "1"}
CASES = {
    sessile.WrongKind: "wrong-kind", sessile.TooLarge: "too-large", sessile.TimedOut: "timed-out",
    sessile.WrongStyle: "wrong-style", sessile.InvalidCode: "invalid-code", sessile.NotOffered: "not-offered",
    sessile.InvalidHead: "invalid-head", sessile.WrongOrder: "wrong-order", sessile.Conflict: "conflict",
    sessile.CookieUnreachable: "cookie-unreachable", sessile.SessionUnavailable: "unavailable",
    sessile.SessionDeleted: "deleted", sessile.Unknown: "unknown", sessile.Unsupported: "unsupported",
}


def case(error):
    """The answer that an error is; one that is not named ends the handler."""
    match error:
        case sessile.WrongState():
            return f"error wrong-state {error.call} {error.state}"
        case sessile.BadJSON():
            return f"error bad-json {error.line}:{error.column}"
    if type(error) not in CASES:
        raise error
    return f"error {CASES[type(error)]}"


# ---- websockets -----------------------------------------------------------------------------


@sessile.events
class Events:
    async def on_open(self, ws):
        if ws.url.query != "undecided":
            await opened(ws)

    async def on_message(self, ws, message):
        await obey(ws, message)

    async def on_close(self, ws, close):
        await tell(ws, f"closed {close.code} {close.reason}")

    async def on_upgrade(self, ws, version):
        ws.attachment = b"upgraded"


@sessile.loop
async def looped(ws):
    match ws.url.query:
        case "raw":
            return await raw_echo(ws)
        case "raw-deny":
            return await raw_deny(ws)
    await opened(ws)
    count = 0
    async for message in ws:
        count += 1
        if message == "count":
            await ws.send_text(str(count))
        else:
            await obey(ws, message)
    await tell(ws, f"closed {ws.close_code} {ws.close_reason}")
    try:
        await ws.receive_message()
    except sessile.Disconnect as close:
        await tell(ws, f"again {close.code}")


async def tell(ws, text):
    """To the group that the path names."""
    await sessile.publish(ws.path_params["room"], text)


async def opened(ws):
    match ws.url.query:
        case "reject":
            await ws.reject(418, "no coffee", HEADER)
        case "close":
            await ws.close()
        case "fail":
            raise ValueError("told to fail")
        case "subprotocol":
            await ws.accept("b", HEADER)
        case "not-offered":
            await refuse(ws, subprotocol="zzz")
        case "invalid-head":
            await refuse(ws, headers={"bad name": "1"})
        case "early":
            try:
                await ws.send_text("early")
            except sessile.Error as error:
                early = case(error)
            await ws.accept(headers=HEADER)
            await ws.send_text(early)
        case "session":
            await ws.session.open()
            await ws.accept(headers=HEADER)
        case _:
            await ws.accept(headers=HEADER)


async def refuse(ws, **how):
    try:
        await ws.accept(**how)
    except sessile.Error as error:
        await ws.reject(400, case(error))


async def raw_echo(ws):
    accept = {"type": "websocket.accept", "headers": [(b"x-guest", b"1")]}
    while True:
        event = await ws.receive()
        match event:
            case {"type": "websocket.connect"}:
                await ws.send(accept)
            case {"type": "websocket.disconnect"}:
                return await tell(ws, f"closed {event['code']} {event['reason']}")
            case {"text": "states"}:
                states = f"{ws.client_state.name} {ws.application_state.name}".lower()
                await ws.send({"type": "websocket.send", "text": states})
            case {"text": "accept"}:
                try:
                    await ws.send(accept)
                except sessile.Error as error:
                    await ws.send({"type": "websocket.send", "text": case(error)})
            case _:
                await ws.send({**event, "type": "websocket.send"})


async def raw_deny(ws):
    await ws.receive()
    await ws.send({"type": "websocket.http.response.start", "status": 418, "headers": [(b"x-guest", b"1")]})
    await ws.send({"type": "websocket.http.response.body", "body": b"no ", "more_body": True})
    await ws.send({"type": "websocket.http.response.body", "body": b"coffee"})


async def obey(ws, message):
    if isinstance(message, bytes):
        return await ws.send(message)
    try:
        answer = await of_websocket(ws, message)
    except sessile.Error as error:
        answer = case(error)
    if answer is not None:
        await ws.send_text(answer)


async def of_websocket(ws, line):
    verb, _, rest = line.partition(" ")
    match verb:
        case "state":
            return ws.state
        case "id":
            return str(ws.id)
        case "subprotocol":
            return optional(ws.subprotocol)
        case "offered":
            return "|".join(ws.offered_subprotocols)
        case "text":
            return await ws.send_text(rest)
        case "bytes":
            return await ws.send_bytes(rest.encode())
        case "json":
            return await ws.send_json(parsed(rest))
        case "json-binary":
            return await ws.send_json(parsed(rest), mode="binary")
        case "accept":
            await ws.accept()
        case "close":
            code, _, reason = rest.partition(" ")
            return await ws.close(int(code), reason)
        case "ping":
            await ws.ping()
        case "round-trip":
            return optional(ws.round_trip and int(ws.round_trip * 1e9))
        case "flood":
            for number in range(int(rest)):
                await ws.send_text(str(number))
            return None
        case "try-send":
            queued = [ws.try_send("x" * 60_000) for _ in range(int(rest))]
            gone = sum(one.gone is not None for one in queued)
            return f"queued {sum(map(bool, queued))} full {sum(not one for one in queued) - gone} gone {gone}"
        case "dropped":
            return str(ws.dropped)
        case "buffered":
            return str(ws.buffered)
        case "join":
            await ws.join(rest)
        case "leave":
            await ws.leave(rest)
        case "join-as":
            return await join_as(ws, rest)
        case "attach":
            ws.attachment = rest.encode()
        case "attachment":
            return ws.attachment.decode()
        case "receive":
            return await ws.receive_text(timeout=int(rest) / 1000)
        case "receive-text":
            return await ws.receive_text()
        case "receive-bytes":
            return str(len(await ws.receive_bytes()))
        case "receive-json":
            return await ws.send_json(await ws.receive_json(mode="text"))
        case "receive-json-binary":
            return await ws.send_json(await ws.receive_json(mode="binary"))
        case _:
            return await of_any(ws, line)
    return "ok"


# ---- what websockets and HTTP have in common -------------------------------------------------


async def of_any(head, line):
    verb, _, rest = line.partition(" ")
    match verb:
        case "scope":
            return optional(head.get(rest))
        case "method" | "scheme" | "host" | "path":
            return getattr(head, verb)
        case "http-version":
            return head.http_version
        case "query":
            return head.url.query or "(none)"
        case "client" | "server":
            host, port = getattr(head, verb)
            return f"{host}:{port}"
        case "started":
            return str(round(head.started_at.timestamp() * 1000))
        case "url":
            return str(head.url)
        case "url-hostname":
            return optional(head.url.hostname)
        case "url-port":
            return optional(head.url.port)
        case "is-secure":
            return truth(head.is_secure)
        case "is-local":
            return truth(head.is_local)
        case "origin":
            return optional(head.origin)
        case "param":
            return optional(head.path_params.get(rest))
        case "header":
            return optional(head.headers.get(rest))
        case "headers":
            return "|".join(head.headers.getlist(rest))
        case "header-names":
            return "|".join(name for name, _ in head.headers.multi_items())
        case "query-param":
            return optional(head.query_params.get(rest))
        case "query-params":
            return "|".join(head.query_params.getlist(rest))
        case "cookie":
            return optional(head.cookies.get(rest))
        case "cookies":
            return "|".join(head.cookies.getlist(rest))
        case "publish":
            group, _, text = rest.partition(" ")
            publication = await sessile.publish(group, text)
            return f"queued {publication.queued} dropped {publication.dropped}"
        case "sleep":
            await sessile.sleep(int(rest) / 1000)
        case "log":
            logging.warning("%s", rest)
        case "session":
            return await of_session(await head.session.open(), rest)
        case "fail":
            raise ValueError(rest)
        case "crash":
            return [][1]
        case "spin":
            while True:
                pass
        case _:
            return await of_realtime(head, verb, rest)
    return "ok"


@sessile.alarm
async def ring(alarm):
    await rung(alarm)


# ---- HTTP -----------------------------------------------------------------------------------


@sessile.http
async def answer(request):
    match request.path_params["what"]:
        case "command":
            return await command(request)
        case "echo":
            return sessile.StreamingResponse(request.stream())
        case "stream":
            return sessile.StreamingResponse(["one ", "two ", "three"], 201, HEADER)
        case "order":
            body = await request.start()
            try:
                await request.start()
            except sessile.Error as error:
                await body.write(case(error))
            await body.finish()
        case "unfinished":
            await (await request.start()).write("part")
        case "cancel":
            await (await request.start()).write("part")
            request.cancel()
        case "flood":
            return sessile.StreamingResponse("x" * 60_000 for _ in range(200))
        case "no-body":
            return sessile.Response(status_code=204)
        case "raw":
            await request.send_raw(b"HTTP/1.1 202 Accepted\r\nx-guest: 1\r\n\r\nraw", close=True)
        case "raw-split":
            split = b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
            return await refused(422, request.send_raw(split))
        case "json":
            return await refused(400, request.json(), sessile.JSONResponse)
        case "form":
            return "|".join((await request.form()).getlist("a"))
        case "limit":
            return await refused(413, request.body(1000), lambda body: str(len(body)))
        case "events":
            return sessile.EventSourceResponse(events())
        case "poll":
            news = await sessile.poll(lambda: news_of(request.session), every=0.02)
            return sessile.Response(status_code=204) if news is None else compact(news)
        case "fail":
            raise ValueError("told to fail")
        case "nothing":
            return None
        case _:
            return sessile.PlainTextResponse("unsupported", 501)


async def command(request):
    answers = []
    for line in (await request.text(65_536)).splitlines():
        try:
            answers.append(await of_any(request, line))
        except sessile.Error as error:
            answers.append(case(error))
    return sessile.PlainTextResponse("\n".join(answers), int(request.url.query or 200))


async def refused(status, done, response=lambda value: value):
    """With this status where it failed."""
    try:
        return response(await done)
    except sessile.Error as error:
        return sessile.PlainTextResponse(case(error), status)


async def events():
    yield "one"
    yield sessile.ServerSentEvent("two\nlines", event="tick", id="2")


async def news_of(session):
    await session.open()
    return session.get("news")
