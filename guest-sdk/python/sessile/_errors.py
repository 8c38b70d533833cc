"""One error for each thing that an operation may come to; each carries the values. Owns their words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from . import _host

T = TypeVar("T")


class Error(Exception):
    """Why an operation failed. None closes the websocket by itself.

    One that a handler lets out is logged with its traceback, and the peer gets 1011 or 500. `Disconnect` and
    `PeerGone` are no failure but of `on_close`, and `Retire` hands the websocket over.
    """


class Disconnect(Error):
    """The websocket has ended, with this close."""

    def __init__(self, code: int = 1000, reason: str = "") -> None:
        super().__init__(f"the websocket has ended with {code}" + (f", {reason}" if reason else ""))
        #: 1005 where the peer gave none, 1006 where the connection ended without a close frame.
        self.code = code
        self.reason = reason


class WrongState(Error):
    """The call is not legal in this state of the websocket."""

    def __init__(self, call: str, state: str) -> None:
        super().__init__(f"{call} is illegal while the websocket is {state}")
        self.call = call
        #: `connecting`, `open`, `closing` or `closed`.
        self.state = state


class WrongKind(Error):
    """Text was wanted and bytes came, or the other way round; the message is lost."""

    def __init__(self, wanted: str) -> None:
        super().__init__(f"the message is not {wanted}")
        #: `text` or `binary`.
        self.wanted = wanted


class BadJSON(Error, ValueError):
    """What came, or was to be sent or kept, is not JSON."""

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"bad JSON at line {line} column {column}: {reason}" if line else f"bad JSON: {reason}")
        self.reason = reason
        #: From 1; 0 where there is no position.
        self.line = line
        self.column = column


class TooLarge(Error):
    """Something is larger than its limit: a message, a close reason, a body, a group's name, a part of a session."""

    def __init__(self, actual: int, limit: int) -> None:
        super().__init__(f"{actual} exceeds the limit of {limit}")
        self.actual = actual
        self.limit = limit


class TimedOut(Error, TimeoutError):
    """Nothing came, or the peer took nothing, in time."""

    def __init__(self) -> None:
        super().__init__("timed out")


class WrongStyle(Error):
    """A receive in event style, where messages come to `on_message`."""

    def __init__(self) -> None:
        super().__init__("receive is for loop style; in event style messages come to on_message")


class InvalidCode(Error, ValueError):
    """A close code that may not be sent: 1000-1003, 1007-1013 and 3000-4999 may."""

    def __init__(self, code: int) -> None:
        super().__init__(f"close code {code} may not be sent; 1000-1003, 1007-1013 and 3000-4999 may")
        self.code = code


class NotOffered(Error, ValueError):
    """A subprotocol that the peer did not offer."""

    def __init__(self, subprotocol: str) -> None:
        super().__init__(f"subprotocol {subprotocol!r} was not offered")
        self.subprotocol = subprotocol


class InvalidHead(Error, ValueError):
    """A header or status that cannot be sent; the text says which."""


class WrongOrder(Error):
    """An HTTP call that is not legal at this stage of the response."""

    def __init__(self, stage: str) -> None:
        super().__init__(f"illegal while the response is {stage}")
        #: `unanswered`, `streaming` or `finished`.
        self.stage = stage


class PeerGone(Error):
    """The peer of an exchange has gone, or the websocket that was to join or leave a group."""

    def __init__(self) -> None:
        super().__init__("the peer has gone")


class LengthMismatch(Error):
    """The body that was sent differs from the `content-length` that was promised."""

    def __init__(self, actual: int, promised: int) -> None:
        super().__init__(f"{actual} bytes were sent where {promised} were promised")
        self.actual = actual
        self.promised = promised


class Unknown(Error):
    """No websocket of this app that is connected has this id."""

    def __init__(self, id: int) -> None:
        super().__init__(f"no websocket of this app that is connected has the id {id:016x}")
        self.id = id


class SessionNotOpen(Error):
    """The session was not opened for this event; or, for an alarm, never saved."""

    def __init__(self) -> None:
        super().__init__("the session is not open; `await ws.session.open()` (or `request.session`) in each event")


class Conflict(Error):
    """Another version of the session is saved, this one: discard, open again, retry."""

    def __init__(self, version: int) -> None:
        super().__init__(f"another has saved the session: version {version}")
        self.version = version


class CookieUnreachable(Error):
    """The peer holds no session cookie, and it is too late to give it one: open the session before `accept`."""

    def __init__(self) -> None:
        super().__init__("the session's cookie cannot reach the peer any more; open the session before accept")


class Unavailable(Error):
    """What keeps groups, their histories or alarms, or what knows who is connected, cannot do it now; the text says why."""


class SessionUnavailable(Unavailable):
    """The session store failed; nothing was saved, the changes are kept."""


class SessionDeleted(Error):
    """The session was flushed, here or by another of its holders."""

    def __init__(self) -> None:
        super().__init__("the session has been flushed")


class NoAlarmHandler(Error):
    """The component that sets an alarm has nothing that it could ring."""

    def __init__(self) -> None:
        super().__init__("there is no @sessile.alarm that could ring")


class Retire(Error):
    """A receive: the host has another version of the app. Let out of a loop-style handler, it hands the websocket over."""

    def __init__(self) -> None:
        super().__init__("a new version of the app can take the websocket over")


class Unsupported(Error):
    """The host does not do that."""

    def __init__(self) -> None:
        super().__init__("the host does not do that")


def _excess(error: Any) -> TooLarge:
    return TooLarge(error.value.actual, error.value.limit)


def _no_json(error: Any) -> BadJSON:
    return BadJSON(error.value.reason, error.value.line, error.value.column)


def _unavailable(error: Any) -> Unavailable:
    if type(error).__module__.endswith(".session"):
        return SessionUnavailable(f"the session store failed: {error.value}")
    return Unavailable(error.value)


_BY_NAME: dict[str, Callable[[Any], Error]] = {
    "Error_WrongState": lambda error: WrongState(error.value.call, error.value.state.name.lower()),
    "Error_Disconnected": lambda error: Disconnect(error.value.code, error.value.reason),
    "Error_TooLarge": _excess,
    "Error_TooMany": _excess,
    "Error_InvalidName": _excess,
    "Error_InvalidTag": _excess,
    "Error_InvalidMetadata": _no_json,
    "Error_ReasonTooLong": _excess,
    "Error_TimedOut": lambda _: TimedOut(),
    "Error_WrongStyle": lambda _: WrongStyle(),
    "Error_InvalidCode": lambda error: InvalidCode(error.value),
    "Error_NotOffered": lambda error: NotOffered(error.value),
    "Error_InvalidHead": lambda error: InvalidHead(error.value),
    "Error_WrongKind": lambda error: WrongKind({"TEXT": "binary", "BINARY": "text"}[error.value.name]),
    "Error_BadJson": _no_json,
    "Error_NotJson": _no_json,
    "Error_Retire": lambda _: Retire(),
    "Error_Unsupported": lambda _: Unsupported(),
    "Error_Gone": lambda _: PeerGone(),
    "Error_PeerGone": lambda _: PeerGone(),
    "Error_WrongOrder": lambda error: WrongOrder(error.value.name.lower()),
    "Error_LengthMismatch": lambda error: LengthMismatch(error.value.actual, error.value.limit),
    "Error_SessionUnsaved": lambda _: SessionUnavailable("the session could not be saved, so the response was not sent"),
    "Error_NotOpen": lambda _: SessionNotOpen(),
    "Error_SessionNotOpen": lambda _: SessionNotOpen(),
    "Error_NoHandler": lambda _: NoAlarmHandler(),
    "Error_NoSession": lambda _: SessionNotOpen(),
    "Error_Unknown": lambda error: Unknown(error.value),
    "Error_Conflict": lambda error: Conflict(error.value),
    "Error_CookieUnreachable": lambda _: CookieUnreachable(),
    "Error_Unavailable": _unavailable,
    "Error_Deleted": lambda _: SessionDeleted(),
}


def translated(error: Any) -> Error:
    """What a binding's `Err` says, as an error of this SDK. A case that is not known here is told by its name."""
    make = _BY_NAME.get(type(error.value).__name__)
    return make(error.value) if make else Error(repr(error.value))


def told(call: Callable[..., T], *args: object) -> T:
    """Calls the host."""
    try:
        return call(*args)
    except _host.Err as error:
        raise translated(error) from None


async def awaited(answer: Awaitable[T]) -> T:
    """Awaits the host's answer."""
    try:
        return await answer
    except _host.Err as error:
        raise translated(error) from None
