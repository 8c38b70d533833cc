"""Waiting, beyond what `asyncio` has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import TypeVar

T = TypeVar("T")


def moment(nanos: int) -> datetime:
    """An instant of the host's, in UTC."""
    return datetime.fromtimestamp(nanos / 1e9, timezone.utc)


async def poll(look: Callable[[], Awaitable[T | None]], every: float = 0.25, limit: float = 20.0) -> T | None:
    """Looks again and again, each so many seconds, until `look` finds something or the limit is over: a long poll::

        async def look():
            await request.session.open()
            return request.session.get("news")

        news = await sessile.poll(look)
    """
    end = time.monotonic() + limit
    while (found := await look()) is None:
        left = end - time.monotonic()
        if left <= 0:
            return None
        await asyncio.sleep(min(every, left))
    return found
