"""One websocket, in both styles, with the names that Starlette has. The host owns it; this is an id with operations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, overload

from . import _host, _raw, groups
from ._errors import Disconnect, TimedOut, WrongKind, awaited, told, translated
from ._head import Connection
from ._json import dumps, loads, loads_in
from ._values import U16_MAX, HeadersLike, data, fields, kind, message, nanos, number, text


@dataclass(frozen=True)
class Queued:
    """What became of a message that `try_send` was given."""

    #: Bytes that now wait for the peer; `None` where the message was not queued.
    bytes: int | None = None
    #: Why the websocket has ended; `None` where it has not, so that the outbox was full.
    gone: Disconnect | None = None

    def __bool__(self) -> bool:
        return self.bytes is not None


class WebSocket(Connection):
    """A websocket that the host holds for this handler.

    Loop style receives from it, in event style messages come to `on_message`. All else is the same in both. What waits
    may be cancelled: a message that a cancelled or timed out receive would have had comes with the next one.

    **New code under a live websocket.** In loop style the next receive raises `Retire`, once, when the host has another
    version of the app. Let out, it hands the websocket over: the new version's handler is called for it, its `accept`
    changes nothing, and it receives what waits. What stays is the attachment, the session and the groups.
    """

    def __init__(self, id: int) -> None:
        super().__init__(id)
        #: The code with which it ended, once a receive has told it.
        self.close_code: int | None = None
        #: The reason with which it ended.
        self.close_reason: str | None = None
        # What the host's receives that nobody awaits any more come to, of messages and of events: the next ones.
        self._late_messages: list[asyncio.Future[Any]] = []
        self._late_events: list[asyncio.Future[Any]] = []

    # ---- its life ----------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """`connecting`, `open`, `closing` or `closed`."""
        return str(_host.websocket.get_state(self.id).name.lower())

    @property
    def client_state(self) -> _raw.WebSocketState:
        """How far the peer has come."""
        return _raw.states(self.id)[0]

    @property
    def application_state(self) -> _raw.WebSocketState:
        """How far this application has come."""
        return _raw.states(self.id)[1]

    @property
    def offered_subprotocols(self) -> list[str]:
        """The subprotocols that the peer offered, the preferred first."""
        return list(_host.websocket.offered_subprotocols(self.id))

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was accepted."""
        chosen: str | None = _host.websocket.subprotocol(self.id)
        return chosen

    async def accept(self, subprotocol: str | None = None, headers: HeadersLike | None = None) -> None:
        """Accepts the handshake, with one of the offered subprotocols and more headers.

        Raises `NotOffered`, `InvalidHead`, `WrongState` the second time, `Disconnect`. Of a websocket that was handed
        over, which is accepted, the first call changes nothing.
        """
        chosen = None if subprotocol is None else text(subprotocol, "subprotocol")
        await awaited(_host.websocket.accept(self.id, chosen, fields(headers)))

    async def reject(self, status: int = 403, body: str | bytes = b"", headers: HeadersLike | None = None) -> None:
        """Denies the handshake with a status of 400-599 and a body. A page in a browser sees none of it; for such,
        accept, then close with a code."""
        content = text(body, "body").encode() if isinstance(body, str) else data(body, "body")
        await awaited(_host.websocket.reject(self.id, number(status, "status", U16_MAX), fields(headers), content))

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Closes, after all that is queued, with a reason of at most 123 bytes.

        In loop style it waits for the peer's close, up to a deadline. Before `accept` it denies the handshake with 403.
        Raises `InvalidCode`, `TooLarge`, `WrongState`, `Disconnect`.
        """
        reason = text(reason or "", "reason")
        await awaited(_host.websocket.close(self.id, number(code, "code", U16_MAX), reason))

    # ---- sending -----------------------------------------------------------------------------

    async def send(self, content: str | bytes | Mapping[str, Any]) -> None:
        """Queues a message: text or bytes; or lets an event of ASGI happen, a `dict` with a `type`.

        It is queued when this returns, not read by the peer; it waits while the outbox is full. Raises `Disconnect`,
        `WrongState`, `TooLarge`; `TimedOut` where the host has given the peer up.
        """
        if isinstance(content, Mapping):
            return await _raw.send(self.id, content)
        try:
            await _host.websocket.send(self.id, message(content))
        except _host.Err as error:
            raise translated(error) from None

    async def send_text(self, text_: str) -> None:
        """Queues a text; see `send`."""
        await self.send(text(text_, "a text"))

    async def send_bytes(self, bytes_: bytes) -> None:
        """Queues bytes; see `send`."""
        await self.send(data(bytes_, "bytes"))

    async def send_json(self, value: Any, mode: str = "text") -> None:
        """Queues a value as compact JSON, in a `text` or `binary` frame. Raises `BadJSON` for what JSON cannot express."""
        kind(mode)
        encoded = dumps(value)
        await self.send(encoded if mode == "text" else encoded.encode())

    def try_send(self, content: str | bytes) -> Queued:
        """Queues a message if there is room, and says whether there was; never waits."""
        return _queued(told(_host.websocket.try_send, self.id, message(content)))

    @property
    def buffered(self) -> int:
        """Bytes that wait for the peer."""
        return int(_host.websocket.buffered(self.id))

    @property
    def dropped(self) -> int:
        """Messages that `overflow = "drop-oldest"` of the manifest has dropped so far."""
        return int(_host.websocket.dropped(self.id))

    async def ping(self) -> float:
        """Sends a ping and waits for its pong: seconds it was on its way. `Disconnect` where none comes within 10 s."""
        return int(await awaited(_host.websocket.ping(self.id))) / 1e9

    @property
    def round_trip(self) -> float | None:
        """Seconds the last ping was on its way, the host's own included."""
        span = _host.websocket.round_trip(self.id)
        return None if span is None else int(span) / 1e9

    # ---- receiving ---------------------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        """The next event, as ASGI has it: a `dict` with a `type`. Loop style."""
        return _raw.event(await self._next(self._late_events, _host.raw.receive, None))

    async def receive_message(self, timeout: float | None = None) -> str | bytes:
        """The next message, `str` or `bytes`; waits so many seconds at most. Loop style.

        Raises `Disconnect` once the websocket has ended, `TimedOut`, `WrongState` before `accept`, `WrongStyle`, and
        `Retire` once another version of the app can take over.
        """
        content: str | bytes = (await self._next(self._late_messages, _host.websocket.receive, timeout)).value
        return content

    async def _next(self, late: list[asyncio.Future[Any]], receive: Callable[..., Any], timeout: float | None) -> Any:
        """What was received late, or what the host receives now; a cancelled wait for it is late from then on."""
        span = None if timeout is None else nanos(timeout, "timeout")
        try:
            while late:
                first = late[0]
                done, _ = await asyncio.wait([first], timeout=timeout)
                if not done:
                    raise TimedOut
                if first not in late:
                    continue  # Another task has it.
                late.remove(first)
                # Its own timeout is not this one's.
                if not _has_timed_out(first):
                    return first.result()
            return await receive(self.id, span)
        except asyncio.CancelledError as error:
            # The host goes on receiving (see `_loop`).
            late.extend(getattr(error, "late", ()))
            raise
        except _host.Err as error:
            failure = translated(error)
            if isinstance(failure, Disconnect):
                self.close_code, self.close_reason = failure.code, failure.reason
            raise failure from None

    async def receive_text(self, timeout: float | None = None) -> str:
        """The next message, which is to be text, else `WrongKind`, and it is lost; see `receive_message`."""
        content = await self.receive_message(timeout)
        if isinstance(content, str):
            return content
        raise WrongKind("text")

    async def receive_bytes(self, timeout: float | None = None) -> bytes:
        """The next message, which is to be binary; see `receive_text`."""
        content = await self.receive_message(timeout)
        if isinstance(content, str):
            raise WrongKind("binary")
        return content

    async def receive_json(self, mode: str | None = None, timeout: float | None = None) -> Any:
        """The value of the next message, which is to be JSON, in a `text` or a `binary` frame where `mode` says so.

        Raises `BadJSON` with the position; see `receive_text`.
        """
        return loads_in(await self.receive_message(timeout), mode)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Messages until the websocket has ended; then `close_code` says how."""
        try:
            while True:
                yield await self.receive_message()
        except Disconnect:
            return

    async def iter_text(self) -> AsyncIterator[str]:
        """As `async for`, of messages that are to be text."""
        try:
            while True:
                yield await self.receive_text()
        except Disconnect:
            return

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        """As `async for`, of messages that are to be binary."""
        try:
            while True:
                yield await self.receive_bytes()
        except Disconnect:
            return

    async def iter_json(self, mode: str | None = None) -> AsyncIterator[Any]:
        """As `async for`, of messages that are to be JSON."""
        try:
            while True:
                yield await self.receive_json(mode)
        except Disconnect:
            return

    # ---- what stays with it ------------------------------------------------------------------

    @property
    def attachment(self) -> bytes:
        """Bytes that stay with the websocket when no instance does, over new code too; none at first, at most 16 KiB."""
        return bytes(_host.websocket.attachment(self.id))

    @attachment.setter
    def attachment(self, content: bytes) -> None:
        told(_host.websocket.set_attachment, self.id, data(content, "attachment"))

    @property
    def attached(self) -> Any:
        """The attachment as a JSON value; `None` where nothing is attached."""
        content = self.attachment
        return loads(content) if content else None

    @attached.setter
    def attached(self, value: Any) -> None:
        self.attachment = dumps(value).encode()

    @overload
    async def join(self, group: str) -> None: ...

    @overload
    async def join(
        self, group: str, *, metadata: Any = ..., tags: Iterable[str] = ..., since: groups.Position | str | None = ...
    ) -> groups.Joined: ...

    async def join(self, group: str, **how: Any) -> groups.Joined | None:
        """Joins a group, to hear what is `publish`ed there; the websocket leaves it when it ends.

        With more said of it, in place of what was said before, it tells what that came to: `metadata` is what `groups.members` and
        presence tell of it, at most 1 KiB of JSON; by `tags` publications and lists can be narrowed, at most 8 of 1-64
        bytes; what was published after `since`, a position or the text of one, is queued for it first::

            joined = await ws.join("feed", metadata={"name": "Ada"}, tags=["de"], since=seen)
            if not joined.recovered:
                await ws.send("reload")
        """
        if how:
            return await groups._join(self.id, group, **how)
        await awaited(_host.groups.join(self.id, text(group, "a group")))
        return None

    async def leave(self, group: str) -> None:
        """Leaves a group; nothing happens if it is not in it."""
        await awaited(_host.groups.leave(self.id, text(group, "a group")))

    def __repr__(self) -> str:
        return f"<WebSocket {self.id}>"


def _queued(answer: Any) -> Queued:
    name = type(answer).__name__
    if name == "Queued_Queued":
        return Queued(bytes=answer.value)
    return Queued(gone=Disconnect(answer.value.code, answer.value.reason) if name == "Queued_Gone" else None)


def _has_timed_out(done: asyncio.Future[Any]) -> bool:
    return type(getattr(done.exception(), "value", None)).__name__ == "Error_TimedOut"
