"""The session: state that lasts, shared by the exchanges and websockets of one browser. The host keeps it; this turns values
into the JSON that every language reads."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from datetime import timedelta
from typing import Any

from . import _host
from ._errors import awaited, told
from ._json import dumps, loads
from ._values import U64_MAX, nanos, number, text


class Session(MutableMapping[str, Any]):
    """The session of a websocket or exchange, a `dict` of JSON values.

    `await ws.session.open()` comes first, in each event; before `accept` it puts the cookie on the handshake. Changes are seen here at
    once, and by others after a save: an exchange saves by itself when it answers, unless the status is 500; a websocket
    with `await ws.session.save()`. Unsaved changes of a websocket outlive the instance, not the websocket.

    A value is read anew each time, so `session["list"].append(1)` changes nothing; assign it again. Saves merge key by
    key: two writers of different keys never lose each other's. To read, modify and write one key::

        while True:
            await request.session.open()
            request.session["visits"] = request.session.get("visits", 0) + 1
            try:
                await request.session.save(if_version=request.session.version)
                break
            except sessile.Conflict:
                request.session.discard()

    Limits: keys of 1-128 bytes, values of 16 KiB of JSON, 128 keys, 64 KiB (`TooLarge`).
    """

    def __init__(self, of: int) -> None:
        self._of = of

    async def open(self) -> Session:
        """Loads the latest saved record; unsaved changes stay. Cheap to repeat. Raises `SessionUnavailable`."""
        await awaited(_host.session.open(self._of))
        return self

    def __getitem__(self, key: str) -> Any:
        value = told(_host.session.get, self._of, text(key, "a key"))
        if value is None:
            raise KeyError(key)
        return loads(value)

    def __setitem__(self, key: str, value: Any) -> None:
        told(_host.session.set, self._of, text(key, "a key"), text(dumps(value), "JSON").encode())

    def __delitem__(self, key: str) -> None:
        if not told(_host.session.remove, self._of, text(key, "a key")):
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and told(_host.session.get, self._of, text(key, "a key")) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(told(_host.session.keys, self._of))

    def __len__(self) -> int:
        return len(told(_host.session.keys, self._of))

    def clear(self) -> None:
        """Removes every key."""
        told(_host.session.clear, self._of)

    @property
    def user(self) -> Any:
        """Who has logged in: the value of the key `user`, which a login sets, after `cycle_id`; `None` for nobody."""
        return self.get("user")

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever saved."""
        return bool(told(_host.session.is_new, self._of))

    @property
    def version(self) -> int:
        """The version that was loaded or saved last; 0 for none."""
        return int(told(_host.session.version, self._of))

    def discard(self) -> None:
        """Drops the unsaved changes: after a `Conflict`, before the session is opened again."""
        told(_host.session.discard, self._of)

    async def save(self, *, if_version: int | None = None) -> int:
        """Saves the changes, key by key; returns the version once they are durable.

        With `if_version`, only if that is still the saved one, else `Conflict`. Raises `CookieUnreachable`,
        `SessionUnavailable`, `SessionDeleted`; the changes are kept.
        """
        version = None if if_version is None else number(if_version, "if_version", U64_MAX)
        return int(await awaited(_host.session.save(self._of, version)))

    def set_expiry(self, expiry: timedelta | float | None) -> None:
        """Lets the session end after so long (seconds, or a `timedelta`) without use, at most 400 days, in place of what the manifest
        says; `None` to go back to that. Saved as any change."""
        seconds = expiry.total_seconds() if isinstance(expiry, timedelta) else expiry
        told(_host.session.set_expiry, self._of, None if seconds is None else nanos(seconds, "expiry"))

    async def cycle_id(self) -> None:
        """Gives the session another id: at each login, so that an id which a stranger planted or saw opens nothing.

        The peer gets it with the response, or with the 101; `CookieUnreachable` after those.
        """
        await awaited(_host.session.cycle_id(self._of))

    async def flush(self) -> None:
        """Ends the session for good: at logout. Its websockets are closed with 1008, this one when its handler returns."""
        await awaited(_host.session.flush(self._of))

    # Two are the same when they are of the same id; comparing values would read them all.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Session) and self._of == other._of

    def __hash__(self) -> int:
        return hash(self._of)

    def __repr__(self) -> str:
        return f"<Session of {self._of}>"


def _of(session: Session) -> int:
    """The id of whose session this is; nothing else is one."""
    if not isinstance(session, Session):
        raise TypeError(f"session must be a Session, not {type(session).__name__}")
    return session._of
