"""Write WebSocket and HTTP handlers for Sessile in Python.

A handler is a function or a class with a decorator; `sessile build` makes a component of it, `sessile up` serves it. The host
owns the socket; the handler can be replaced under it. Loop style, one call for one websocket, the way of Starlette::

    import sessile

    @sessile.loop
    async def echo(ws: sessile.WebSocket) -> None:
        await ws.accept()
        async for message in ws:
            await ws.send(message)

`sessile.events` is called when something happens, and costs nothing while nothing does; `sessile.http` is a handler of requests, `sessile.alarm`
of alarms. One component may have one of each; they run in separate instances and share only the session and the groups.

`asyncio` works within a handler: tasks, timeouts, queues, `sleep`. An exception that a handler lets out is logged with its traceback, and ends
its websocket with 1011, its exchange with 500. `logging` and `print` write to the host's log. Threads, processes, sockets and files are not
there, and a module that is imported only when a handler runs is not either: import at the top.
"""

import sys

if sys.version_info < (3, 11):
    raise ImportError(f"sessile needs Python 3.11 or later, and this is {sys.version.split()[0]}: {sys.executable}")

from asyncio import sleep

from . import _host, alarms, connections, groups
from ._errors import (
    BadJSON,
    Conflict,
    CookieUnreachable,
    Disconnect,
    Error,
    InvalidCode,
    InvalidHead,
    LengthMismatch,
    NoAlarmHandler,
    NotOffered,
    PeerGone,
    Retire,
    SessionDeleted,
    SessionNotOpen,
    SessionUnavailable,
    TimedOut,
    TooLarge,
    Unavailable,
    Unknown,
    Unsupported,
    WrongKind,
    WrongOrder,
    WrongState,
    WrongStyle,
)
from ._fields import URL, Address, Headers, MultiDict, QueryParams
from ._groups import Publication, publish
from ._handlers import alarm, events, http, loop
from ._head import Connection
from ._http import (
    BodyWriter,
    EventSourceResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Request,
    Response,
    ServerSentEvent,
    StreamingResponse,
)
from ._raw import WebSocketState
from ._session import Session
from ._time import poll
from ._websocket import Queued, WebSocket

#: What Starlette calls it.
WebSocketDisconnect = Disconnect

__all__ = [
    "Address", "BadJSON", "BodyWriter", "Conflict", "Connection", "CookieUnreachable", "Disconnect", "Error",
    "EventSourceResponse", "HTMLResponse", "Headers", "InvalidCode", "InvalidHead", "JSONResponse", "LengthMismatch",
    "MultiDict", "NoAlarmHandler", "NotOffered", "PeerGone", "PlainTextResponse", "Publication", "QueryParams", "Queued", "RedirectResponse",
    "Request", "Response", "Retire", "ServerSentEvent", "Session", "SessionDeleted", "SessionNotOpen",
    "SessionUnavailable", "StreamingResponse", "TimedOut", "TooLarge", "URL", "Unavailable", "Unknown", "Unsupported",
    "WebSocket", "WebSocketDisconnect", "WebSocketState", "WrongKind", "WrongOrder", "WrongState", "WrongStyle",
    "alarm", "alarms", "connections", "events", "groups", "http", "loop", "poll", "publish", "sleep",
]

if _host.IS_COMPONENT:
    from . import _json, _log, _loop

    _json.install()
    _log.install()
    _loop.install()
