"""The short form of `groups.publish`: to all, by the shortest call there is."""

from __future__ import annotations

from typing import NamedTuple

from . import _host
from ._errors import awaited
from ._values import message, text


class Publication(NamedTuple):
    """What became of a publication. Nothing is lost silently."""

    #: Outboxes that took it.
    queued: int
    #: Outboxes that had no room for it.
    dropped: int


async def publish(group: str, content: str | bytes) -> Publication:
    """Queues a message to every websocket of a group, from any handler of the app, HTTP too.

    An outbox that is full drops it, and is counted. Raises `TooLarge` for a name that is not 1-100 bytes, or too large
    a message. `sessile.groups.publish` is for some of them, and tells more.
    """
    answer = await awaited(_host.groups.publish(text(group, "a group"), message(content)))
    return Publication(answer.queued, answer.dropped)
