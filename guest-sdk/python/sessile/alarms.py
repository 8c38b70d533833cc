"""Calls at a time to come: durable, of the app or of a session, without a websocket and without an instance that waits::

    @sessile.http
    async def remind(request):
        session = await request.session.open()
        session["what"] = await request.text()
        await session.save()
        await alarms.set("remind", timedelta(hours=1), session=session)
        return "in an hour"

    @sessile.alarm
    async def ring(alarm):
        session = await alarm.session.open()
        session["reminded"] = session["what"]       # saved when it returns

**At least once.** An alarm whose handler raises rings again, after a second, then two, up to five minutes, 300 times; so does one
whose host died in its call. What must not happen twice is for the handler to see to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import time
from typing import Any

from . import _host
from ._errors import awaited
from ._session import Session, _of
from ._time import moment
from ._values import U64_MAX, data, nanos, text

#: Alarms on a page, the most that the host gives at once.
_PAGE = 100


@dataclass(frozen=True)
class Alarm:
    """An alarm."""

    name: str
    #: When it was to ring first, in UTC; it never rings before.
    due: datetime
    #: What came with it.
    payload: bytes
    #: Which call this is, or would be next: from 1.
    attempt: int
    #: Of one that rings: the session that it is of, to be opened. An alarm of the app has none: opening it ends the call. `None` for those
    #: of a list.
    session: Session | None = None


async def set(
    name: str, when: datetime | timedelta | float, payload: str | bytes = b"", *, session: Session | None = None
) -> None:
    """Sets an alarm, durably, in place of one of the same name: at a time (one that has a time zone), or after so long (a `timedelta`, or
    seconds). Of the app, or of a session, which is open and was saved once.

    The name has 1-100 bytes, the payload at most 16 KiB (`TooLarge`). Raises `NoAlarmHandler` where the component has no
    `@sessile.alarm`, `SessionNotOpen`, `Unavailable`.
    """
    content = text(payload, "payload").encode() if isinstance(payload, str) else data(payload, "payload")
    await awaited(_host.alarms.set(_owner(session), text(name, "a name"), _due(when), content))


async def cancel(name: str, *, session: Session | None = None) -> bool:
    """Takes an alarm back; whether it was there."""
    return bool(await awaited(_host.alarms.cancel(_owner(session), text(name, "a name"))))


async def list(*, session: Session | None = None) -> AsyncIterator[Alarm]:
    """The alarms of the app, or of a session, by name; asked for in pages, as they are taken."""
    owner, after = _owner(session), None
    while True:
        page = await awaited(_host.alarms.list(owner, after, _PAGE))
        for alarm in page:
            yield _alarm(alarm)
        if len(page) < _PAGE:
            return
        after = page[-1].name


def _alarm(alarm: Any, session: Session | None = None) -> Alarm:
    return Alarm(alarm.name, moment(alarm.due), alarm.payload, alarm.attempt, session)


def _owner(session: Session | None) -> Any:
    return _host.alarms.Owner_App() if session is None else _host.alarms.Owner_Session(_of(session))


def _due(when: datetime | timedelta | float) -> int:
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise ValueError(f"when {when} has no time zone; such as datetime.now(timezone.utc)")
        return nanos(when.timestamp(), "when")
    span = when.total_seconds() if isinstance(when, timedelta) else when
    return min(U64_MAX, nanos(time(), "now") + nanos(span, "when"))
