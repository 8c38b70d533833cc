"""Groups, who is connected, and alarms: what is asked of the host, and what is made of its answers."""

import json
import time
import unittest
from datetime import datetime, timedelta, timezone

from . import fake

import sessile
from sessile import alarms, connections, groups

AT = datetime(1970, 1, 1, 0, 0, 1, 500_000, timezone.utc)


def exported(name):
    """What a decorator has put into this module; takes it out again."""
    return globals().pop(name)()


class Groups(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.host = fake.reset()
        self.ws = sessile.WebSocket(7)

    async def test_publication_to_some_tells_what_became_of_it(self):
        delivery = await groups.publish("g", "m", tag="de", exclude=self.ws)
        self.assertEqual(delivery, groups.Delivery(2, 1, 0, groups.Position(2**63, 4)))
        self.assertEqual(str(delivery.position), "9223372036854775808:4")
        await groups.publish("g", b"m", exclude=8)
        scope = fake.groups.Scope
        self.assertEqual(self.host.calls, [
            ("publish_to", "g", fake.Message_Text("m"), scope("de", 7)), ("publish_to", "g", fake.Message_Binary(b"m"), scope(None, 8)),
        ])

    async def test_join_says_what_a_member_is_and_what_it_has_seen(self):
        self.assertIsNone(await self.ws.join("g"))
        since = groups.Position(2**63, 2)
        joined = await self.ws.join("g", metadata={"é": 1}, tags={"a"}, since=since)
        self.assertEqual(joined, groups.Joined(groups.Position(1, 3), True, 1))
        await self.ws.join("g", since=str(since))
        await self.ws.join("g", tags=[])
        how, at = fake.groups.Membership, fake.Position(2**63, 2)
        self.assertEqual(self.host.calls, [
            ("join", 7, "g"), ("join_as", 7, "g", how('{"é":1}', ["a"], at)), ("join_as", 7, "g", how(None, [], at)),
            ("join_as", 7, "g", how(None, [], None)),
        ])
        self.host.error = fake.fail("InvalidTag", fake.Excess(65, 64))
        with self.assertRaisesRegex(sessile.TooLarge, "65 exceeds the limit of 64"):
            await self.ws.join("g", tags=["x" * 65])

    async def test_arguments_of_a_wrong_type_never_reach_the_host(self):
        for call in (
            lambda: groups.publish("g", 1), lambda: groups.publish("g", "m", tag=1), lambda: groups.publish("g", "m", exclude="7"),
            lambda: groups.count(1), lambda: groups.history("g", since="1"), lambda: groups.history("g", since="1:²"),
            lambda: groups.history("g", limit=-1), lambda: groups.history("g", since=(1, "2")), lambda: anext(groups.members(1)),
            lambda: self.ws.join("g", tags=[1]), lambda: self.ws.join("g", metadata={1, 2}), lambda: self.ws.join("g", other=1),
            lambda: connections.count(route=1), lambda: anext(connections.list(session=7)), lambda: connections.lookup("7"),
            lambda: connections.send_to(7, 1), lambda: connections.send_to_all("m", group=1), lambda: connections.ping(-1),
            lambda: connections.close(7, "1000"), lambda: alarms.set(1, 1.0), lambda: alarms.set("a", "soon"), lambda: alarms.set("a", 1, 1),
            lambda: alarms.set("a", datetime(2030, 1, 1)), lambda: alarms.set("a", 1, session=7), lambda: alarms.cancel(1),
            lambda: anext(alarms.list(session=7)),
        ):
            with self.assertRaises((TypeError, ValueError)):
                await call()
        self.assertEqual(self.host.calls, [])

    async def test_members_are_asked_for_by_the_page_as_they_are_taken(self):
        member = fake.case("Member", "id", "metadata", "tags")
        self.host.pages = [member(id, None if id else '{"a":1}', ["t"]) for id in range(251)]
        seen = []
        async for one in groups.members("g", tag="t"):
            if not seen:
                self.assertEqual(len(self.host.calls), 1)
            seen.append(one)
        self.assertEqual((len(seen), seen[0], seen[250]), (251, groups.Member(0, {"a": 1}, ["t"]), groups.Member(250, None, ["t"])))
        self.assertEqual(self.host.calls, [("members", "g", "t", None, 250), ("members", "g", "t", 249, 250)])
        self.assertEqual(await groups.count("g"), 5)

    async def test_history_is_what_was_published_and_when(self):
        kept = fake.case("Kept", "offset", "at", "message")(3, 1_500_000_000, fake.Message_Text("m"))
        page = fake.case("HistoryPage", "publications", "position", "recovered")([kept], fake.Position(1, 3), True)
        fake.groups.history, history = fake.awaited("history", page), fake.groups.history
        self.addCleanup(setattr, fake.groups, "history", history)
        told = await groups.history("g", since="1:2", limit=5)
        self.assertEqual(told, groups.HistoryPage([groups.Kept(3, AT, "m")], groups.Position(1, 3), True))
        self.assertEqual(self.host.calls, [("history", "g", fake.Position(1, 2), 5)])
        self.host.error = fake.fail("Unsupported")
        with self.assertRaises(sessile.Unsupported):
            await groups.history("g")

    async def test_what_keeps_groups_may_be_unavailable_and_is_no_session_store(self):
        self.host.error = fake.fail("Unavailable", "gone")
        with self.assertRaisesRegex(sessile.Unavailable, "^gone$") as caught:
            await groups.count("g")
        self.assertNotIsInstance(caught.exception, sessile.SessionUnavailable)
        error = fake.fail("Unavailable", "locked")
        type(error.value).__module__ = "wit_world.imports.session"
        self.host.error = error
        with self.assertRaisesRegex(sessile.SessionUnavailable, "^the session store failed: locked$"):
            await self.ws.session.open()

    async def test_publications_come_one_by_one_and_presence_with_what_is_known_of_each(self):
        got = []

        @sessile.events
        class Room:
            async def on_message(self, ws, message): ...

            def on_publication(self, ws, told):
                got.append((ws.id, told))

        exported("WebsocketEvents")
        told = fake.case("Told", "group", "position", "content")
        presence = fake.case("Presence", "joined", "left", "total", "complete")
        member = fake.case("Member", "id", "metadata", "tags")(7, "[1]", [])
        await exported("PublicationHandler").on_publications(8, [
            told("g", fake.Position(1, 2), fake.case("Content_Message", "value")(fake.Message_Binary(b"b"))),
            told("h", None, fake.case("Content_Presence", "value")(presence([member], [9], 1, True))),
        ])
        self.assertEqual(got, [
            (8, groups.Told("g", groups.Position(1, 2), message=b"b")),
            (8, groups.Told("h", None, presence=groups.Presence([groups.Member(7, [1], [])], [9], 1, True))),
        ])


class Connections(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.host = fake.reset()

    def connection(self, id):
        names = "id", "handler", "route", "path", "state", "started_at", "activity", "why", "buffered", "subprotocol"
        awake = fake.Enum("Activity", "AWAKE HIBERNATING").AWAKE
        return fake.case("Connection", *names)(id, "h", "/{a}", "/b", fake.State.OPEN, 1_500_000_000, awake, "w", 2, None)

    async def test_who_is_connected_is_asked_for_by_the_page(self):
        self.host.pages = [self.connection(id) for id in range(1001)]
        seen = [one async for one in connections.list(route="/{a}", session=sessile.WebSocket(7).session)]
        self.assertEqual((len(seen), seen[1000]), (1001, connections.Connection(1000, "h", "/{a}", "/b", "open", AT, True, "w", 2, None)))
        which = fake.connections.Selection("/{a}", None, None, 7)
        self.assertEqual(self.host.calls, [("list", which, None, 1000), ("list", which, 999, 1000)])
        self.assertIsNone(await connections.lookup(7))

    async def test_one_or_all_are_sent_to_and_one_is_pinged_and_closed(self):
        self.assertEqual((await connections.send_to(7, "m")).bytes, 7)
        self.assertEqual(await connections.send_to_all("m", group="g"), connections.Delivery(1, 2, 3, 4))
        self.assertEqual((await connections.ping(7), await connections.count()), (0.0015, 3))
        self.host.error = fake.fail("Unknown", 7)
        with self.assertRaisesRegex(sessile.Unknown, "0000000000000007"):
            await connections.close(7, 4000, "r")
        which, text = fake.connections.Selection, fake.Message_Text("m")
        self.assertEqual(self.host.calls, [
            ("send_to", 7, text), ("send_to_all", which(None, None, "g", None), text), ("ping", 7),
            ("count", which(None, None, None, None)), ("close", 7, 4000, "r"),
        ])


class Alarms(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.host = fake.reset()
        self.session = sessile.WebSocket(7).session

    async def test_alarm_is_set_at_a_time_or_after_so_long_of_the_app_or_of_a_session(self):
        app, of = fake.alarms.Owner_App, fake.alarms.Owner_Session
        before = time.time_ns()
        for span in (1.5, timedelta(seconds=1.5)):
            await alarms.set("a", span, "é")
            name, owner, *_, due, payload = self.host.calls.pop()
            self.assertEqual((name, owner, payload), ("set_alarm", app(), "é".encode()))
            self.assertTrue(before + 1_499_000_000 <= due < before + 60_000_000_000, due - before)
        await alarms.set("b", AT, session=self.session)
        self.assertTrue(await alarms.cancel("b", session=self.session))
        self.assertEqual(self.host.calls, [("set_alarm", of(7), "b", 1_500_000_000, b""), ("cancel", of(7), "b")])
        self.host.error = fake.fail("NoHandler")
        with self.assertRaisesRegex(sessile.NoAlarmHandler, "@sessile.alarm"):
            await alarms.set("c", 0)

    async def test_alarms_are_listed_by_the_page(self):
        alarm = fake.case("Alarm", "name", "due", "payload", "attempt")
        self.host.pages = [alarm(f"{number:03}", 1_500_000_000, b"p", 2) for number in range(101)]
        seen = [one async for one in alarms.list()]
        self.assertEqual((len(seen), seen[100]), (101, alarms.Alarm("100", AT, b"p", 2)))
        app = fake.alarms.Owner_App()
        self.assertEqual(self.host.calls, [("list", app, None, 100), ("list", app, "099", 100)])

    async def test_alarm_that_rings_has_its_session_and_fails_for_any_error(self):
        rung = []

        @sessile.alarm
        async def ring(alarm):
            await alarm.session.open()
            rung.append((alarm.name, alarm.attempt, alarm.payload))
            if alarm.attempt == 1:
                raise sessile.Disconnect(1006)

        handler, alarm = exported("AlarmHandler"), fake.case("Alarm", "name", "due", "payload", "attempt")
        with self.assertRaises(fake.Err):
            await handler.on_alarm(7, alarm("a", 0, b"p", 1))
        await handler.on_alarm(7, alarm("a", 0, b"p", 2))
        self.assertEqual((rung, self.host.calls), ([("a", 1, b"p"), ("a", 2, b"p")], [("open", 7)] * 2))


class Position(unittest.TestCase):
    def test_position_is_its_text_and_back(self):
        position = groups.Position(2**64 - 1, 7)
        self.assertEqual(groups.Position.parse(str(position)), position)
        for wrong in ("", "1", "1:", ":1", "-1:1", "1:2:3", json.dumps(position)):
            with self.assertRaises(ValueError):
                groups.Position.parse(wrong)
