"""A websocket as the events of ASGI in both directions: `dict`s with a `type`. The host keeps the order of them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from . import _host
from ._errors import awaited
from ._values import U16_MAX, data, fields, message, number, text


class WebSocketState(Enum):
    """How far one side has come."""

    CONNECTING = 0
    CONNECTED = 1
    DISCONNECTED = 2
    #: The application denies the handshake, and the body is not complete.
    RESPONSE = 3


def states(id: int) -> tuple[WebSocketState, WebSocketState]:
    """Of the peer, and of the application."""
    peer, application = _host.raw.states(id)
    return WebSocketState[peer.name], WebSocketState[application.name]


def event(incoming: Any) -> dict[str, Any]:
    """What came."""
    name = type(incoming).__name__
    if name == "Incoming_Connect":
        return {"type": "websocket.connect"}
    if name == "Incoming_Disconnect":
        return {"type": "websocket.disconnect", "code": incoming.value.code, "reason": incoming.value.reason}
    content = incoming.value.value
    return {"type": "websocket.receive", "text" if isinstance(content, str) else "bytes": content}


async def send(id: int, event: Mapping[str, Any]) -> None:
    """Makes it happen. Raises `WrongState` where it is illegal now."""
    await awaited(_host.raw.send(id, _outgoing(event)))


def _outgoing(event: Mapping[str, Any]) -> Any:
    raw = _host.raw
    match event.get("type"):
        case "websocket.accept":
            subprotocol = event.get("subprotocol")
            chosen = None if subprotocol is None else text(subprotocol, "subprotocol")
            return raw.Outgoing_Accept(raw.Accept(chosen, _headers(event)))
        case "websocket.send":
            content = event.get("text")
            return raw.Outgoing_Message(message(event.get("bytes") if content is None else content))
        case "websocket.close":
            code, reason = event.get("code", 1000), event.get("reason") or ""
            return raw.Outgoing_Close(_host.types.CloseInfo(number(code, "code", U16_MAX), text(reason, "reason")))
        case "websocket.http.response.start":
            return raw.Outgoing_ResponseStart(
                raw.ResponseStart(number(event.get("status"), "status", U16_MAX), _headers(event))
            )
        case "websocket.http.response.body":
            body = data(event.get("body", b""), "body")
            return raw.Outgoing_ResponseBody(raw.ResponseBody(body, bool(event.get("more_body", False))))
        case other:
            raise ValueError(f"no event of a websocket has the type {other!r}")


def _headers(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """ASGI has bytes where the host has text; both will do."""
    plain = [[part.decode("latin-1") if isinstance(part, bytes) else part for part in pair] for pair in event.get("headers") or []]
    return fields([(name, value) for name, value in plain])
