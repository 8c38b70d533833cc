"""What decorators make of handlers, and what becomes of exceptions."""

import asyncio
import logging
import unittest

from . import fake

import sessile
from sessile import _log


def exported(name):
    """What a decorator has put into this module; takes it out again."""
    return globals().pop(name)()


class Handlers(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.host = fake.reset()
        self.handlers = logging.root.handlers[:]
        _log.install()

    def tearDown(self):
        logging.root.handlers[:] = self.handlers

    async def failure(self, call):
        with self.assertRaises(fake.Err) as caught:
            await call
        return caught.exception.value.message

    async def test_events_are_called_one_by_one_async_or_not(self):
        told = []

        @sessile.events
        class Room:
            async def on_open(self, ws):
                told.append(("open", ws.id))

            def on_message(self, ws, message):
                told.append(message)

            def on_close(self, ws, close):
                told.append((close.code, close.reason))

        room = exported("WebsocketEvents")
        await room.on_open(7)
        await room.on_messages(7, [fake.Message_Text("a"), fake.Message_Binary(b"b")])
        await room.on_close(7, fake.CloseInfo(1001, "bye"))
        self.assertEqual(told, [("open", 7), "a", b"b", (1001, "bye")])

    async def test_events_may_be_treated_at_once_and_upgraded(self):
        told = []

        @sessile.events
        class Room:
            async def on_messages(self, ws, messages):
                told.append(messages)

            async def on_upgrade(self, ws, from_version):
                told.append(from_version)

        room, upgrade = exported("WebsocketEvents"), exported("WebsocketUpgrade")
        await room.on_open(7)
        await room.on_messages(7, [fake.Message_Text("a"), fake.Message_Text("b")])
        await upgrade.on_upgrade(7, 3)
        await room.on_close(7, fake.CloseInfo(1000, ""))
        self.assertEqual(told, [["a", "b"], 3])

    async def test_handler_that_is_misspelt_is_refused_when_it_is_built(self):
        with self.assertRaisesRegex(TypeError, "Room.on_mesage: there is no such event; there are on_open, "):
            @sessile.events
            class Room:
                def on_mesage(self, ws, message): ...

        with self.assertRaisesRegex(TypeError, "Silent has no on_message"):
            @sessile.events
            class Silent:
                def on_open(self, ws): ...

        @sessile.http
        def one(request): ...

        with self.assertRaisesRegex(TypeError, "a handler of this kind already"):
            @sessile.http
            def two(request): ...

        exported("HttpHandler")

    async def test_exception_is_logged_with_its_traceback_and_told_as_a_failure(self):
        @sessile.events
        class Room:
            async def on_message(self, ws, message):
                {}[message]

        message = await self.failure(exported("WebsocketEvents").on_messages(7, [fake.Message_Text("no key")]))
        self.assertEqual(message, "KeyError: 'no key'")
        levels, lines = zip(*self.host.log)
        self.assertEqual((set(levels), lines[0], lines[-1]), ({"ERROR"}, "Traceback (most recent call last):", message))
        self.assertRegex(lines[1], r'  File ".*test_handlers.py", line \d+, in on_message')
        self.assertEqual(lines[2].strip(), "{}[message]")

    async def test_traceback_of_an_endless_recursion_is_that_of_its_end(self):
        @sessile.http
        def handler(request):
            return handler(request)

        self.assertIn("RecursionError", await self.failure(exported("HttpHandler").handle(7)))
        self.assertLess(len(self.host.log), 90)

    async def test_exit_and_cancellation_are_failures_too(self):
        for raised in (SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()):
            @sessile.loop
            async def handler(ws):
                raise raised

            self.assertIn(type(raised).__name__, await self.failure(exported("WebsocketHandler").handle(7)))

    async def test_peer_that_left_is_a_normal_end_but_of_on_close(self):
        @sessile.events
        class Room:
            async def on_message(self, ws, message):
                raise sessile.Disconnect(1001)

            async def on_close(self, ws, close):
                raise sessile.PeerGone

        room = exported("WebsocketEvents")
        await room.on_messages(7, [fake.Message_Text("")])
        self.assertEqual(self.host.log, [])
        self.assertIn("the peer has gone", await self.failure(room.on_close(7, fake.CloseInfo(1001, ""))))

    async def test_loop_that_is_to_retire_hands_over_and_one_that_returns_does_not(self):
        async def outcome(error):
            @sessile.loop
            async def handler(ws):
                if error:
                    raise error

            return type(await exported("WebsocketHandler").handle(7)).__name__

        names = [await outcome(error) for error in (None, sessile.Disconnect(1006), sessile.Retire())]
        self.assertEqual(names, ["Outcome_Done", "Outcome_Done", "Outcome_Handoff"])
        left, retire = sessile.Disconnect(1006), sessile.Retire()
        groups = [ExceptionGroup("", [left]), ExceptionGroup("", [left, ExceptionGroup("", [retire])])]
        self.assertEqual([await outcome(group) for group in groups], ["Outcome_Done", "Outcome_Handoff"])
        with self.assertRaises(fake.Err):
            await outcome(ExceptionGroup("", [left, ValueError()]))

    async def test_tasks_end_with_the_call_that_began_them(self):
        ended = []

        @sessile.loop
        async def handler(ws):
            async def ticking():
                try:
                    await asyncio.sleep(60)
                finally:
                    ended.append(True)

            asyncio.create_task(ticking())
            await asyncio.sleep(0)

        await exported("WebsocketHandler").handle(7)
        self.assertEqual(ended, [True])

    async def test_http_sends_what_is_returned_and_nothing_where_it_has_answered(self):
        @sessile.http
        def hello(request):
            return {"path": request.path} if request.id == 7 else None

        handler = exported("HttpHandler")
        await handler.handle(7)
        await handler.handle(8)
        self.assertEqual([(call[0], call[3]) for call in self.host.calls], [("send", b'{"path":"/rooms/a%20b"}')])

    async def test_peer_that_leaves_an_exchange_is_a_normal_end_and_closes_what_is_streamed(self):
        ended = []

        async def later():
            try:
                self.host.error = fake.fail("PeerGone")
                yield "part"
            finally:
                await asyncio.sleep(0)
                ended.append("later")

        def now():
            try:
                self.host.error = fake.fail("PeerGone")
                yield "part"
            finally:
                ended.append("now")

        class Parts:
            def __aiter__(self):
                return later()

        answers = [sessile.StreamingResponse(parts) for parts in (later(), now(), Parts(), [])]
        for answer in (*answers, sessile.EventSourceResponse(later())):
            @sessile.http
            async def handler(request):
                return answer

            await exported("HttpHandler").handle(7)
        calls = [name for name, *_ in self.host.calls]
        self.assertEqual(calls, [*["send_start", "send_chunk"] * 3, "send_start", "send_finished", "send_start", "send_chunk"])
        self.assertEqual((ended, self.host.log), (["later", "now", "later", "later"], []))

    async def test_log_has_a_line_for_each_line_under_its_level(self):
        logging.warning("a\nb%s", "é\ud800")
        logging.debug("unseen")
        logging.getLogger("x").info("c")
        logging.error("")
        self.assertEqual(self.host.log, [("WARN", "a"), ("WARN", "bé\\ud800"), ("INFO", "c"), ("ERROR", "")])
        self.host.log.clear()
        try:
            raise ValueError("told")
        except ValueError:
            logging.exception("it failed")
        lines = [line for _, line in self.host.log]
        self.assertEqual((lines[0], lines[-1]), ("it failed", "ValueError: told"))
