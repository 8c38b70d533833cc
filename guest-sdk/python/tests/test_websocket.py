"""Websockets: what is sent, what comes, what is refused before the host is asked."""

import asyncio
import re
import unittest
from pathlib import Path

from . import fake

import sessile
from sessile._errors import _BY_NAME
from sessile._values import U64_MAX


class WebSocket(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.host = fake.reset()
        self.ws = sessile.WebSocket(7)

    def put(self, *messages):
        for message in messages:
            self.host.inbox.put_nowait(message)

    async def test_send_of_text_and_bytes_is_a_message_of_its_kind(self):
        await self.ws.send("héllo")
        await self.ws.send_text("")
        await self.ws.send(bytearray(b"\0"))
        await self.ws.send_bytes(memoryview(b"x"))
        text, binary = fake.Message_Text, fake.Message_Binary
        sent = [text("héllo"), text(""), binary(b"\0"), binary(b"x")]
        self.assertEqual(self.host.calls, [("send", 7, message) for message in sent])

    async def test_json_is_compact_in_both_kinds_and_nothing_else_is_json(self):
        await self.ws.send_json({"a": [1, "é"]})
        await self.ws.send_json([None], mode="binary")
        self.assertEqual([call[2].value for call in self.host.calls], ['{"a":[1,"é"]}', b"[null]"])
        loop = []
        loop.append(loop)
        for value in (float("nan"), {1, 2}, object(), loop):
            with self.assertRaises(sessile.BadJSON):
                await self.ws.send_json(value)
        with self.assertRaises(UnicodeEncodeError):
            await self.ws.send_json("\ud800")
        with self.assertRaisesRegex(ValueError, "'text' or 'binary'"):
            await self.ws.send_json(1, mode="bytes")
        self.assertEqual(len(self.host.calls), 2)

    async def test_arguments_of_a_wrong_type_never_reach_the_host(self):
        for call in (
            lambda: self.ws.send(1), lambda: self.ws.send(None), lambda: self.ws.send_text(b"x"),
            lambda: self.ws.send_bytes("x"), lambda: self.ws.send_bytes([1]), lambda: self.ws.accept(subprotocol=1),
            lambda: self.ws.accept(headers={"a": 1}), lambda: self.ws.accept(headers=[("a",)]), lambda: self.ws.close("1000"),
            lambda: self.ws.close(True), lambda: self.ws.close(-1), lambda: self.ws.close(70_000),
            lambda: self.ws.close(1000, b"x"), lambda: self.ws.reject("403"), lambda: self.ws.reject(403, 1),
            lambda: self.ws.join(1), lambda: self.ws.leave("\udfff"), lambda: self.ws.receive_message(timeout="1"),
            lambda: self.ws.receive_message(timeout=float("nan")), lambda: sessile.publish("g", 1),
            lambda: sessile.publish(None, "x"), lambda: self.ws.send({"type": "websocket.close", "code": "1"}),
            lambda: self.ws.send({"type": "websocket.accept", "headers": [(1, 2)]}), lambda: self.ws.send({"type": "other"}),
            lambda: self.ws.session.save(if_version="1"), lambda: self.ws.session.save(if_version=U64_MAX + 1),
        ):
            with self.assertRaises((TypeError, ValueError)):
                await call()
        for call in (
            lambda: self.ws.try_send(1), lambda: setattr(self.ws, "attachment", "x"), lambda: self.ws.session[1],
            lambda: self.ws.session.set_expiry("1"), lambda: setattr(self.ws, "attached", {1}),
        ):
            with self.assertRaises((TypeError, ValueError)):
                call()
        self.assertEqual(self.host.calls, [])

    async def test_errors_of_the_host_carry_their_values(self):
        misuse = fake.case("Misuse", "call", "state")("accept", fake.State.OPEN)
        no_json = fake.case("JsonError", "line", "column", "reason")(1, 2, "no")
        for error, words in (
            (fake.fail("WrongState", misuse), "accept is illegal while the websocket is open"),
            (fake.fail("Disconnected", fake.CloseInfo(1001, "bye")), "the websocket has ended with 1001, bye"),
            (fake.fail("TooLarge", fake.Excess(70_012, 65_536)), "70012 exceeds the limit of 65536"),
            (fake.fail("NotOffered", "x"), "subprotocol 'x' was not offered"),
            (fake.fail("InvalidHead", "a bad name"), "a bad name"),
            (fake.fail("BadJson", no_json), "bad JSON at line 1 column 2: no"),
            (fake.fail("Conflict", 9), "another has saved the session: version 9"),
            (fake.fail("WrongKind", fake.Kind.TEXT), "the message is not binary"),
            (fake.fail("Unheard"), "Error_Unheard()"),
        ):
            self.host.error = error
            with self.assertRaises(sessile.Error) as caught:
                await self.ws.accept()
            self.assertEqual(str(caught.exception), words)

    async def test_every_error_of_the_wit_is_known(self):
        named = set()
        for file in (Path(__file__).parents[3] / "wit").glob("*.wit"):
            for block in re.findall(r"variant error \{(.*?)\n    \}", file.read_text(), re.S):
                named |= set(re.findall(r"^        ([a-z-]+)[(,]", block, re.M))
        wit = {"Error_" + "".join(word.capitalize() for word in name.split("-")) for name in named}
        self.assertGreater(len(wit), 20)
        self.assertEqual(wit - set(_BY_NAME), set())

    async def test_iteration_ends_with_the_websocket_and_leaves_its_close(self):
        self.put("a", b"b", fake.fail("Disconnected", fake.CloseInfo(1005, "")))
        self.assertEqual([message async for message in self.ws], ["a", b"b"])
        self.assertEqual((self.ws.close_code, self.ws.close_reason), (1005, ""))
        self.put(fake.fail("Disconnected", fake.CloseInfo(1005, "")))
        with self.assertRaises(sessile.WebSocketDisconnect) as caught:
            await self.ws.receive_text()
        self.assertEqual(caught.exception.code, 1005)

    async def test_iteration_passes_on_that_it_is_to_retire(self):
        self.put(fake.fail("Retire"))
        with self.assertRaises(sessile.Retire):
            async for _ in self.ws:
                pass

    async def test_receive_of_the_wrong_kind_and_of_bad_json_is_a_typed_error(self):
        self.put(b"x", "x", "[1,\n?]", "NaN", b"[1]", "[1]", b"{}")
        with self.assertRaisesRegex(sessile.WrongKind, "not text"):
            await self.ws.receive_text()
        with self.assertRaisesRegex(sessile.WrongKind, "not binary"):
            await self.ws.receive_bytes()
        with self.assertRaises(sessile.BadJSON) as caught:
            await self.ws.receive_json()
        self.assertEqual((caught.exception.line, caught.exception.column), (2, 1))
        with self.assertRaises(sessile.BadJSON):
            await self.ws.receive_json()
        with self.assertRaises(sessile.WrongKind):
            await self.ws.receive_json(mode="text")
        with self.assertRaises(sessile.WrongKind):
            await self.ws.receive_json(mode="binary")
        self.assertEqual(await self.ws.receive_json(), {})

    async def test_timeout_is_the_hosts_and_a_timeout_error(self):
        with self.assertRaises(TimeoutError):
            await self.ws.receive_text(timeout=0.001)
        self.assertEqual(self.host.calls, [("receive", 7, 1_000_000)])

    async def test_message_of_a_cancelled_receive_comes_with_the_next(self):
        self.patch_late()
        with self.assertRaises(TimeoutError):
            async with asyncio.timeout(0.001):
                await self.ws.receive_text()
        with self.assertRaises(TimeoutError):
            await self.ws.receive_text(timeout=0.001)
        self.late.set_result(fake.Message_Text("late"))
        self.put("later")
        self.assertEqual([await self.ws.receive_text(), await self.ws.receive_text()], ["late", "later"])

    async def test_receive_that_was_cancelled_and_then_timed_out_is_begun_anew(self):
        self.patch_late()
        task = asyncio.create_task(self.ws.receive_text(timeout=9))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.late.set_exception(fake.fail("TimedOut"))
        self.put("new")
        self.assertEqual(await self.ws.receive_text(), "new")

    def patch_late(self):
        """As the loop in a component has it: what is cancelled carries the future of what comes late."""
        self.late = asyncio.get_running_loop().create_future()
        receive = fake.websocket.receive

        async def cancelled(ws, timeout):
            try:
                await asyncio.Future()
            except asyncio.CancelledError as error:
                error.late = [self.late]
                fake.websocket.receive = receive
                raise

        fake.websocket.receive = cancelled
        self.addCleanup(setattr, fake.websocket, "receive", receive)

    async def test_events_of_asgi_are_those_of_the_host(self):
        raw, types = fake.raw, fake.types
        await self.ws.send({"type": "websocket.accept", "subprotocol": "a", "headers": [(b"x", b"1"), ("y", "2")]})
        await self.ws.send({"type": "websocket.send", "bytes": b"", "text": None})
        await self.ws.send({"type": "websocket.close", "code": 4000, "reason": None})
        await self.ws.send({"type": "websocket.http.response.start", "status": 418, "headers": []})
        await self.ws.send({"type": "websocket.http.response.body", "body": b"no", "more_body": True})
        self.assertEqual([call[2] for call in self.host.calls], [
            raw.Outgoing_Accept(raw.Accept("a", [("x", "1"), ("y", "2")])),
            raw.Outgoing_Message(types.Message_Binary(b"")),
            raw.Outgoing_Close(types.CloseInfo(4000, "")),
            raw.Outgoing_ResponseStart(raw.ResponseStart(418, [])),
            raw.Outgoing_ResponseBody(raw.ResponseBody(b"no", True)),
        ])
        self.assertEqual(await self.ws.receive(), {"type": "websocket.receive", "text": "hi"})

    async def test_event_of_a_cancelled_receive_comes_with_the_next(self):
        late = asyncio.get_running_loop().create_future()
        message = fake.case("Incoming_Message", "value")(fake.Message_Binary(b"late"))

        async def cancelled(ws, timeout):
            error = asyncio.CancelledError()
            error.late = [late]
            raise error

        receive, fake.raw.receive = fake.raw.receive, cancelled
        self.addCleanup(setattr, fake.raw, "receive", receive)
        with self.assertRaises(asyncio.CancelledError):
            await self.ws.receive()
        late.set_result(message)
        self.assertEqual(await self.ws.receive(), {"type": "websocket.receive", "bytes": b"late"})

    async def test_attachment_is_kept_as_bytes_or_as_json(self):
        self.assertIsNone(self.ws.attached)
        self.ws.attached = {"n": 1}
        self.assertEqual((self.ws.attachment, self.ws.attached), (b'{"n":1}', {"n": 1}))

    async def test_try_send_says_what_became_of_it(self):
        queued = self.ws.try_send("x")
        self.assertTrue(queued and queued.bytes == 7 and queued.gone is None)

    async def test_publication_is_counted(self):
        self.assertEqual(await sessile.publish("room", "x"), (3, 1))


class Poll(unittest.IsolatedAsyncioTestCase):
    async def test_poll_looks_until_something_is_found_or_the_limit_is_over(self):
        found = iter([None, None, "news"])

        async def look():
            return next(found)

        self.assertEqual(await sessile.poll(look, every=0.001), "news")

        async def nothing():
            return None

        self.assertIsNone(await sessile.poll(nothing, every=0.001, limit=0.002))


class Head(unittest.TestCase):
    def setUp(self):
        self.host = fake.reset()
        self.ws = sessile.WebSocket(7)

    def test_head_is_read_as_starlette_has_it(self):
        ws = self.ws
        self.assertEqual((ws.path_params, ws.query_params["q"]), ({"room": "a b"}, "2 "))
        self.assertEqual(ws.query_params.getlist("q"), ["1", "2 "])
        self.assertEqual((ws.query_params["e"], "nothing" in ws.query_params), ("", False))
        self.assertEqual((ws.headers["X-One"], ws.headers.getlist("x-one")), ("é", ["é", "2"]))
        self.assertEqual((list(ws.headers), len(ws.headers)), (["cookie", "x-one"], 2))
        self.host.head["headers"].append(("cookie", 'b="3"; c'))
        self.assertEqual((ws.cookies, ws.cookies.getlist("b")), ({"a": "1", "b": "3"}, ["2", "3"]))
        self.assertEqual((ws.client, ws.server.port), (("::1", 50312), 8000))
        self.assertEqual((ws.is_local, ws.is_secure, ws.origin), (True, False, None))
        self.assertEqual(ws.started_at.isoformat(), "1970-01-01T00:00:01.500000+00:00")

    def test_scope_is_a_mapping(self):
        self.assertEqual((self.ws["path"], self.ws["type"]), ("/rooms/a%20b", "websocket"))
        self.assertEqual(self.ws["headers"][1], (b"x-one", "é".encode()))
        self.assertIn("query_string", self.ws)
        with self.assertRaises(KeyError):
            self.ws["nothing"]
        self.assertTrue(self.ws)

    def test_url_has_its_parts_and_masks_its_password(self):
        url = self.ws.url
        self.assertEqual((url.hostname, url.port, url.username, url.password), ("host", 8000, "u", "secret"))
        self.assertEqual((url.path, url.query, url.is_secure), ("/rooms/a%20b", "q=1&q=%32+&e=", False))
        for printed in (str(url), f"{url}", repr(url), "%s" % url):
            self.assertNotIn("secret", printed)
        self.assertIn("ws://u:********@host:8000/rooms", str(url))

    def test_url_of_a_malformed_host_is_that_of_the_address(self):
        for bad in ("", "a b", "host:x", "host:70000", "[::1", "[::z]", "a/b", "a?b", "host:²"):
            self.host.head["authority"] = bad
            self.assertEqual(self.ws.url.netloc, "127.0.0.1:8000", bad)
        self.host.head["authority"] = "[::1]:81"
        self.assertEqual((self.ws.url.hostname, self.ws.url.port), ("::1", 81))
