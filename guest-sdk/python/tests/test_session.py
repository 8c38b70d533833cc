"""Sessions: a `dict` of JSON values."""

import unittest
from datetime import timedelta

from . import fake

import sessile


class Session(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.host = fake.reset()
        self.session = sessile.Request(7).session

    async def test_session_is_a_dict_of_json(self):
        session = await self.session.open()
        session["name"] = "Ada"
        session["list"] = [1, {"a": None}]
        self.assertEqual(self.host.session, {"name": b'"Ada"', "list": b'[1,{"a":null}]'})
        self.assertEqual((session["name"], session.get("list"), session.get("none", 5)), ("Ada", [1, {"a": None}], 5))
        self.assertEqual((sorted(session), len(session), "name" in session, 1 in session), (["list", "name"], 2, True, False))
        self.assertEqual((session.pop("name"), session.setdefault("n", 3), session.user), ("Ada", 3, None))
        del session["n"]
        session.clear()
        self.assertFalse(session)
        for missing in (lambda: session["n"], lambda: session.__delitem__("n")):
            with self.assertRaises(KeyError):
                missing()

    async def test_value_that_is_no_json_is_not_set(self):
        for value in ({1}, float("inf"), object()):
            with self.assertRaises(sessile.BadJSON):
                self.session["k"] = value
        self.assertEqual(self.host.session, {})

    async def test_session_that_is_not_open_says_how_it_is_opened(self):
        self.host.error = fake.fail("NotOpen")
        with self.assertRaisesRegex(sessile.SessionNotOpen, r"await ws.session.open\(\)"):
            self.session["k"]

    async def test_save_tells_the_version_and_the_conflict(self):
        self.assertEqual((await self.session.save(), await self.session.save(if_version=self.session.version)), (8, 8))
        self.assertEqual(self.host.calls, [("save", 7, None), ("save", 7, 7)])
        self.host.error = fake.fail("Conflict", 9)
        with self.assertRaises(sessile.Conflict) as caught:
            await self.session.save(if_version=7)
        self.assertEqual(caught.exception.version, 9)

    async def test_expiry_is_a_span_or_none(self):
        self.session.set_expiry(timedelta(days=1))
        self.session.set_expiry(0.5)
        self.session.set_expiry(None)
        self.assertEqual([call[2] for call in self.host.calls], [86_400_000_000_000, 500_000_000, None])
