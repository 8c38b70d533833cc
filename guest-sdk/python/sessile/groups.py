"""Named sets of websockets: who is in them, what is published to them, and what was. To join and leave, see `WebSocket`.

What a group keeps, and whether its members are told who comes and goes, is in the manifest::

    [groups."feed"]
    history = true
    presence = true
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from . import _host
from ._errors import awaited
from ._head import Connection
from ._json import dumps, loads
from ._time import moment
from ._values import U32_MAX, U64_MAX, message, number, text

#: Members of a page.
_PAGE = 250


class Position(NamedTuple):
    """A place in a group's history: after the publication of this number. Only comparable within one epoch."""

    #: The life of one count.
    epoch: int
    #: From 1; 0 before the first.
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Of `EPOCH:OFFSET`, its `str`, as a peer may have kept it. Raises `ValueError`."""
        epoch, _, offset = text.partition(":")
        if not (text.isascii() and epoch.isdigit() and offset.isdigit()):
            raise ValueError(f"the position is {text!r}; wanted is EPOCH:OFFSET")
        return cls(int(epoch), int(offset))


@dataclass(frozen=True)
class Delivery:
    """What became of a publication, member by member. Nothing is lost silently."""

    #: Members that have it.
    queued: int
    #: Members that had no room for it. Where the group keeps a history, they find it there.
    full: int
    #: Members that were about to end.
    gone: int
    #: Where it is in the history; `None` where the group keeps none.
    position: Position | None


@dataclass(frozen=True)
class Joined:
    """What a join came to."""

    #: The last publication that does not come as a new one; `None` where the group keeps no history.
    position: Position | None
    #: Whether every publication after `since` comes; false where none was given, and where some are not there any more.
    recovered: bool
    #: Publications of the history that were queued for it.
    publications: int


@dataclass(frozen=True)
class Member:
    """A websocket in a group."""

    id: int
    #: What was said of it when it joined; `None` where nothing was.
    metadata: Any
    tags: list[str]


@dataclass(frozen=True)
class Kept:
    """A publication that a history has."""

    offset: int
    #: When it was published, in UTC.
    at: datetime
    message: str | bytes


@dataclass(frozen=True)
class HistoryPage:
    """Publications of a history."""

    #: In order.
    publications: list[Kept]
    #: The newest publication there is, of which the page may be short.
    position: Position
    #: Whether nothing is missing between what was asked for and the first of these.
    recovered: bool


@dataclass(frozen=True)
class Presence:
    """Who came and who went, gathered over a quarter of a second."""

    joined: list[Member]
    left: list[int]
    #: Members there are now.
    total: int
    #: False where there were too many to tell of each: `members` has all.
    complete: bool


@dataclass(frozen=True)
class Told:
    """What a group was told; see `on_publication` of `sessile.events`."""

    group: str
    #: Where it is in the history.
    position: Position | None
    #: What was published; `None` where it is presence.
    message: str | bytes | None = None
    #: Who came and who went; `None` where it is a message.
    presence: Presence | None = None


async def publish(
    group: str, content: str | bytes, *, tag: str | None = None, exclude: Connection | int | None = None
) -> Delivery:
    """Queues a message to the members of a group: to those with a tag, and not to the one that is excluded (the sender, mostly; or its id).

    An outbox that is full does not take it, and is counted. Raises `TooLarge` for a name that is not 1-100 bytes, or too large a
    message; `Unavailable`. `sessile.publish` is the short form, to all.
    """
    other = exclude.id if isinstance(exclude, Connection) else exclude
    scope = _host.groups.Scope(
        None if tag is None else text(tag, "a tag"), None if other is None else number(other, "exclude", U64_MAX)
    )
    answer = await awaited(_host.groups.publish_to(text(group, "a group"), message(content), scope))
    return Delivery(answer.queued, answer.full, answer.gone, _placed(answer.position))


async def count(group: str) -> int:
    """How many members a group has."""
    return int(await awaited(_host.groups.count(text(group, "a group"))))


async def members(group: str, *, tag: str | None = None) -> AsyncIterator[Member]:
    """The members of a group, or those with a tag, by ascending id; asked for in pages, as they are taken."""
    name, tagged = text(group, "a group"), None if tag is None else text(tag, "a tag")
    after: int | None = None
    while True:
        page = await awaited(_host.groups.members(name, tagged, after, _PAGE))
        for member in page:
            yield _member(member)
        if len(page) < _PAGE:
            return
        after = page[-1].id


async def history(group: str, *, since: Position | str | None = None, limit: int = 100) -> HistoryPage:
    """What was published after a position (or the text of one), or all that is kept: at most `limit` publications, and 1 MiB.

    Raises `Unsupported` where the manifest gives the group no history.
    """
    name, most = text(group, "a group"), number(limit, "limit", U32_MAX)
    page = await awaited(_host.groups.history(name, _since(since), most))
    kept = [Kept(one.offset, moment(one.at), one.message.value) for one in page.publications]
    return HistoryPage(kept, Position(page.position.epoch, page.position.offset), page.recovered)


async def _join(
    ws: int, group: str, *, metadata: Any = None, tags: Iterable[str] = (), since: Position | str | None = None
) -> Joined:
    told = None if metadata is None else text(dumps(metadata), "JSON")
    how = _host.groups.Membership(told, [text(tag, "a tag") for tag in tags], _since(since))
    joined = await awaited(_host.groups.join_as(ws, text(group, "a group"), how))
    return Joined(_placed(joined.position), joined.recovered, joined.publications)


def _told(told: Any) -> Told:
    content = told.content.value
    if type(told.content).__name__ == "Content_Message":
        return Told(told.group, _placed(told.position), message=content.value)
    joined = [_member(member) for member in content.joined]
    presence = Presence(joined, [*content.left], content.total, content.complete)
    return Told(told.group, _placed(told.position), presence=presence)


def _member(member: Any) -> Member:
    return Member(member.id, None if member.metadata is None else loads(member.metadata), [*member.tags])


def _placed(position: Any) -> Position | None:
    return None if position is None else Position(position.epoch, position.offset)


def _since(position: Position | str | None) -> Any:
    if position is None:
        return None
    if isinstance(position, str):
        position = Position.parse(position)
    epoch, offset = position
    return _host.groups.Position(number(epoch, "an epoch", U64_MAX), number(offset, "an offset", U64_MAX))
