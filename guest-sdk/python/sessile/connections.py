"""Who is connected to this app: count, list and find websockets of any of its handlers, send to them, ping and close them, from any
handler of it, HTTP too.

Connected is a websocket from its `accept` to the end of its connection. Nothing here wakes a handler but the end of what `close`
closes, and nothing but `ping` pings. Where it is said which are meant, those are for which all of it is true; with none of it, all:

- `route`: on the route with this pattern, as the manifest has it: `/rooms/{room}`
- `handler`: served by the handler of this name
- `group`: in this group
- `session`: that have opened this session, which is open here: `ws.session`
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import _host
from ._errors import awaited
from ._session import Session, _of
from ._time import moment
from ._values import U16_MAX, U64_MAX, message, number, text
from ._websocket import Queued, _queued

#: Websockets on a page, the most that the host gives at once.
_PAGE = 1000


@dataclass(frozen=True)
class Connection:
    """Somebody who is connected."""

    id: int
    #: The name of its handler in the manifest.
    handler: str
    #: The pattern of its route in the manifest.
    route: str
    #: The path of its request, percent-encoded, without the query.
    path: str
    #: `open` or `closing`.
    state: str
    #: When the head of its request had arrived, in UTC.
    started_at: datetime
    #: Whether an instance serves it now; if not, it hibernates.
    is_awake: bool
    #: Why, in words for a person.
    why: str
    #: Bytes that wait for the peer.
    buffered: int
    #: The subprotocol that was accepted.
    subprotocol: str | None


@dataclass(frozen=True)
class Delivery:
    """What became of a message to many. Nothing is lost silently."""

    #: Outboxes that took it.
    queued: int
    #: Outboxes that had no room for it.
    full: int
    #: Websockets that were closing.
    gone: int
    #: Websockets whose handler's `message_bytes_max` is less than it has.
    too_large: int


async def count(
    *, route: str | None = None, handler: str | None = None, group: str | None = None, session: Session | None = None
) -> int:
    """How many are connected."""
    return int(await awaited(_host.connections.count(_selection(route, handler, group, session))))


async def list(
    *, route: str | None = None, handler: str | None = None, group: str | None = None, session: Session | None = None
) -> AsyncIterator[Connection]:
    """Those who are connected, by ascending id; asked for in pages, as they are taken. One that stays connected meanwhile is told exactly
    once::

        async for connection in connections.list(route="/rooms/{room}"):
            print(connection.path, connection.why)
    """
    which, after = _selection(route, handler, group, session), None
    while True:
        page = await awaited(_host.connections.list(which, after, _PAGE))
        for found in page:
            yield _connection(found)
        if len(page) < _PAGE:
            return
        after = page[-1].id


async def lookup(id: int) -> Connection | None:
    """The one of this id; `None` where nobody who is connected has it."""
    found = await awaited(_host.connections.lookup(number(id, "an id", U64_MAX)))
    return None if found is None else _connection(found)


async def send_to(id: int, content: str | bytes) -> Queued:
    """Queues a message for one; never waits. Raises `Unknown`, `TooLarge`, `WrongState` where it is closing."""
    return _queued(await awaited(_host.connections.send_to(number(id, "an id", U64_MAX), message(content))))


async def send_to_all(
    content: str | bytes,
    *,
    route: str | None = None,
    handler: str | None = None,
    group: str | None = None,
    session: Session | None = None,
) -> Delivery:
    """Queues a message for each, as `send_to`; its bytes are held once."""
    which = _selection(route, handler, group, session)
    answer = await awaited(_host.connections.send_to_all(which, message(content)))
    return Delivery(answer.queued, answer.full, answer.gone, answer.too_large)


async def ping(id: int) -> float:
    """Sends a ping to one and waits for its pong: seconds it was on its way. Raises `Unknown`; `Disconnect` where none comes."""
    return int(await awaited(_host.connections.ping(number(id, "an id", U64_MAX)))) / 1e9


async def close(id: int, code: int = 1000, reason: str | None = None) -> None:
    """Closes one after all that is queued for it, and does not wait for the end; its handler is told as of any close. Raises `Unknown`,
    `InvalidCode`, `TooLarge`, `WrongState` where it is closing already."""
    words = text(reason or "", "reason")
    await awaited(_host.connections.close(number(id, "an id", U64_MAX), number(code, "code", U16_MAX), words))


def _selection(route: str | None, handler: str | None, group: str | None, session: Session | None) -> Any:
    named = [
        None if value is None else text(value, what)
        for value, what in ((route, "route"), (handler, "handler"), (group, "group"))
    ]
    return _host.connections.Selection(*named, None if session is None else _of(session))


def _connection(found: Any) -> Connection:
    return Connection(
        id=found.id,
        handler=found.handler,
        route=found.route,
        path=found.path,
        state=found.state.name.lower(),
        started_at=moment(found.started_at),
        is_awake=found.activity.name == "AWAKE",
        why=found.why,
        buffered=found.buffered,
        subprotocol=found.subprotocol,
    )
