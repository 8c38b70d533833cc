"""HTTP: bodies, responses, streams."""

import json
import unittest

from . import fake

import sessile
from sessile import _json
from sessile._http import response_of


class Json(unittest.TestCase):
    def test_depth_is_that_of_brackets_outside_of_strings(self):
        many = "[" * 300 + "]" * 300
        self.assertEqual((_json.depth(many), _json.depth("[]" * 300), _json.depth("[" * 200)), (300, 1, 0))
        self.assertEqual(_json.depth('["' + "[" * 300 + '\\\\", "\\"' + "{" * 300 + '"]'), 1)

    def test_json_that_is_too_deep_is_refused_as_python_would(self):
        decode = json.JSONDecoder.decode
        self.addCleanup(setattr, json.JSONDecoder, "decode", decode)
        _json.install()
        for deep in ("[" * 30_000, '{"a":' * 300 + "1" + "}" * 300, b"[" * 300 + b"]" * 300):
            with self.assertRaises(RecursionError):
                json.loads(deep)
            with self.assertRaisesRegex(sessile.BadJSON, "deeper than 256"):
                _json.loads(deep)
        self.assertEqual(json.loads("[" * 256 + "]" * 256)[0][0][0][0].__class__, list)
        self.assertEqual(json.loads(json.dumps([{"a": "[{"}] * 5000)), [{"a": "[{"}] * 5000)


class Http(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.host = fake.reset()
        self.request = sessile.Request(7)

    async def sent(self, response):
        await self.request.respond(response)
        name, _, head, body = self.host.calls[-1]
        self.assertEqual(name, "send")
        return head.status, head.headers, body

    async def test_body_is_read_whole_or_in_parts(self):
        self.host.body = [b"ab", b"c"]
        self.assertEqual([part async for part in self.request.stream()], [b"ab", b"c"])
        self.host.body = [b"ab", b"c"]
        self.assertEqual(await self.request.text(), "abc")
        self.host.body = [b"[1, ", b"2]"]
        self.assertEqual(await self.request.json(), [1, 2])
        self.host.body = [b"name=a+b&x="]
        self.assertEqual(dict(await self.request.form()), {"name": "a b", "x": ""})
        self.host.body = [b"ab", b"c"]
        with self.assertRaisesRegex(sessile.TooLarge, "3 exceeds the limit of 2"):
            await self.request.body(limit=2)

    async def test_responses_have_their_media_type(self):
        text = [("content-type", "text/plain; charset=utf-8")]
        self.assertEqual(await self.sent(sessile.PlainTextResponse("é", 201)), (201, text, "é".encode()))
        page = sessile.HTMLResponse("<p>", headers={"x": "1"})
        self.assertEqual(await self.sent(page), (200, [("x", "1"), ("content-type", "text/html; charset=utf-8")], b"<p>"))
        self.assertEqual((await self.sent(sessile.JSONResponse([1])))[1:], ([("content-type", "application/json")], b"[1]"))
        self.assertEqual((await self.sent(sessile.RedirectResponse("/x")))[:2], (303, [("location", "/x")]))
        own = sessile.PlainTextResponse("", headers={"Content-Type": "text/csv"})
        self.assertEqual((await self.sent(own))[1], [("Content-Type", "text/csv")])

    async def test_what_a_handler_returns_becomes_a_response(self):
        kinds = [type(response_of(answer)).__name__ for answer in ("x", b"x", {"a": 1}, [1], sessile.Response())]
        self.assertEqual(kinds, ["PlainTextResponse", "Response", "JSONResponse", "JSONResponse", "Response"])
        self.assertIsNone(response_of(None))
        with self.assertRaisesRegex(TypeError, "returned int"):
            response_of(1)

    async def test_stream_is_started_sent_and_finished(self):
        async def parts():
            yield "a"
            yield b"b"

        for content in (parts(), ["a", b"b"]):
            self.host.calls.clear()
            await self.request.respond(sessile.StreamingResponse(content, media_type="text/plain"))
            self.assertEqual([call[0] for call in self.host.calls], ["send_start", "send_chunk", "send_chunk", "send_finished"])
            self.assertEqual([call[2] for call in self.host.calls[1:3]], [b"a", b"b"])

    async def test_stream_that_fails_is_not_finished(self):
        async def parts():
            yield "a"
            raise ValueError("no more")

        with self.assertRaises(ValueError):
            await self.request.respond(sessile.StreamingResponse(parts()))
        self.assertEqual(self.host.calls[-1][0], "send_chunk")

    async def test_server_sent_event_cannot_smuggle_a_field(self):
        event = sessile.ServerSentEvent("a\r\nid: 9\rb", event="x\nretry: 1", id="1\r2", retry=2)
        self.assertEqual(str(event), "event: xretry: 1\nid: 12\nretry: 2000\ndata: a\ndata: id: 9\ndata: b\n\n")

        async def events():
            yield "one"
            yield event

        await self.request.respond(sessile.EventSourceResponse(events()))
        self.assertEqual(self.host.calls[0][2].headers[0], ("content-type", "text/event-stream"))
        self.assertEqual([call[2] for call in self.host.calls[1:3]], [b"data: one\n\n", str(event).encode()])

    async def test_arguments_of_a_wrong_type_never_reach_the_host(self):
        for make in (lambda: sessile.Response(1), lambda: sessile.Response("", "200"), lambda: sessile.Response("", headers={1: "x"})):
            with self.assertRaises(TypeError):
                make()
        for call in (lambda: self.request.send_raw("HTTP/1.1"), lambda: self.request.start("200")):
            with self.assertRaises(TypeError):
                await call()
        self.assertEqual(self.host.calls, [])
