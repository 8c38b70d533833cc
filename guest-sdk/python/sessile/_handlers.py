"""What the decorators make of a handler: the class that componentize-py looks for in the app's module, between the WIT's
words and the handler's. No exception gets out of it, since that would be a trap."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from . import _host, _log, alarms, groups
from ._errors import Disconnect, PeerGone, Retire
from ._http import Request, response_of
from ._session import Session
from ._websocket import WebSocket

H = TypeVar("H", bound=type)
F = TypeVar("F", bound=Callable[..., Any])

_EVENTS = ("on_open", "on_message", "on_messages", "on_close")


def events(handler: H) -> H:
    """An event-style handler of websockets: a class with methods that are called when something happens.

    `on_open(ws)`: accept, reject, or return and so accept. `on_message(ws, message)`, of `str` or `bytes`;
    or `on_messages(ws, messages)`, to treat all that has queued up at once. `on_close(ws, close)`, a `Disconnect`: the end, exactly once,
    after all messages. `on_upgrade(ws, from_version)`: this version takes the websocket over from another. `on_publication(ws, told)`,
    a `groups.Told`: what is published to the groups of the websocket comes here in place of its peer; send on what it is to see.
    Each may be `async`.

    One call at a time for one websocket. Between calls the host may drop the instance, or put new code in its place, so what
    is in variables is a cache that may vanish: what must last goes into the session, or is attached to the websocket::

        @sessile.events
        class Room:
            async def on_open(self, ws):
                await ws.accept()
                await ws.join("room")

            async def on_message(self, ws, message):
                await sessile.publish("room", message)
    """
    known = (*_EVENTS, "on_upgrade", "on_publication")
    unknown = [name for name in vars(handler) if name.startswith("on_") and name not in known]
    if unknown:
        raise TypeError(f"{handler.__name__}.{unknown[0]}: there is no such event; there are {', '.join(known)}")
    if not any(hasattr(handler, name) for name in _EVENTS[1:3]):
        raise TypeError(f"{handler.__name__} has no on_message")
    made = handler()
    _export("WebsocketEvents", _events_export(made))
    if hasattr(made, "on_upgrade"):
        _export("WebsocketUpgrade", _upgrade_export(made))
    if hasattr(made, "on_publication"):
        _export("PublicationHandler", _publication_export(made))
    return handler


def loop(handler: F) -> F:
    """A loop-style handler of websockets: one call for one websocket, as long as it lives::

        @sessile.loop
        async def echo(ws):
            await ws.accept()
            async for message in ws:
                await ws.send(message)

    What it holds in variables is its own: the instance serves nobody else. When it returns, its tasks are cancelled, and
    the websocket is closed with 1000 if it is still open.
    """

    class WebsocketHandler:
        async def handle(self, ws: int) -> Any:
            outcomes = _host.exports.websocket_handler
            try:
                await _call(handler, WebSocket(ws), quiet=(Disconnect, PeerGone, Retire))
            except Retire:
                return outcomes.Outcome_Handoff()
            except (Disconnect, PeerGone):
                pass
            return outcomes.Outcome_Done()

    _export("WebsocketHandler", WebsocketHandler)
    return handler


def http(handler: F) -> F:
    """A handler of HTTP requests: it returns a `Response`, or what makes one: `str`, `bytes`, `dict`, `list`::

        @sessile.http
        async def hello(request):
            return f"Hello, {request.query_params.get('name', 'stranger')}!"
    """

    async def answered(request: Request) -> None:
        response = response_of(await _result(handler(request)))
        if response is not None:
            await response.send_to(request)

    class HttpHandler:
        async def handle(self, ex: int) -> None:
            await _unless_left(answered, Request(ex))

    _export("HttpHandler", HttpHandler)
    return handler


def alarm(handler: F) -> F:
    """What rings when an alarm is due that this component has set (see `sessile.alarms`), or the manifest; `alarms.Alarm`::

        @sessile.alarm
        async def ring(alarm):
            await sessile.publish("clock", alarm.name)

    One that raises rings again.
    """

    class AlarmHandler:
        # Strict: there is no peer that could have left, and what failed is to ring again.
        async def on_alarm(self, id: int, alarm: Any) -> None:
            await _call(handler, alarms._alarm(alarm, Session(id)))

    _export("AlarmHandler", AlarmHandler)
    return handler


def _events_export(handler: Any) -> type:
    async def each(ws: WebSocket, messages: list[Any]) -> None:
        for message in messages:
            await _result(handler.on_message(ws, message))

    on_messages = getattr(handler, "on_messages", None) or each
    on_open = getattr(handler, "on_open", None)
    on_close = getattr(handler, "on_close", None)

    class WebsocketEvents:
        async def on_open(self, ws: int) -> None:
            if on_open is not None:
                await _unless_left(on_open, WebSocket(ws))

        async def on_messages(self, ws: int, messages: list[Any]) -> None:
            await _unless_left(on_messages, WebSocket(ws), [message.value for message in messages])

        # Strict: the handler knows that the peer has left, so a send here is its mistake.
        async def on_close(self, ws: int, close: Any) -> None:
            if on_close is not None:
                await _call(on_close, WebSocket(ws), Disconnect(close.code, close.reason))

    return WebsocketEvents


def _upgrade_export(handler: Any) -> type:
    class WebsocketUpgrade:
        async def on_upgrade(self, ws: int, from_: int) -> None:
            await _unless_left(handler.on_upgrade, WebSocket(ws), from_)

    return WebsocketUpgrade


def _publication_export(handler: Any) -> type:
    async def each(ws: WebSocket, publications: list[Any]) -> None:
        for told in publications:
            await _result(handler.on_publication(ws, groups._told(told)))

    class PublicationHandler:
        async def on_publications(self, ws: int, publications: list[Any]) -> None:
            await _unless_left(each, WebSocket(ws), publications)

    return PublicationHandler


def _export(name: str, made: type) -> None:
    """Puts it where componentize-py looks: in the module where the decorator stands."""
    module = sys._getframe(2).f_globals
    if name in module:
        raise TypeError(f"{module['__name__']}: it has a handler of this kind already")
    if not _host.IS_COMPONENT:
        module[name] = made
        return
    bound = getattr(_host.exports, name, None)
    if bound is None:
        raise TypeError(f"{module['__name__']}: a handler is marked at the top level of the app's own module")
    module[name] = type(name, (made, bound), {})
    _log.remember()
    # It is there in components only.
    from . import _loop

    _loop.rehearse(lambda: _unless_left(_nothing, WebSocket(0), Request(0)))
    # What is there now is in every instance: not to be looked at, and so copied, by each of its collections.
    gc.collect()
    gc.freeze()


async def _nothing(*_: Any) -> None:
    """A handler, for rehearsals."""


async def _unless_left(handler: Callable[..., Any], *args: Any) -> None:
    """That the peer has left is nobody's failure, wherever it was met; of a websocket, `on_close` follows."""
    try:
        await _call(handler, *args, quiet=(Disconnect, PeerGone))
    except (Disconnect, PeerGone):
        pass


async def _call(handler: Callable[..., Any], *args: Any, quiet: tuple[type[BaseException], ...] = ()) -> None:
    """Calls a handler and ends what it has left behind. What it lets out is logged and told as a failure, but for what is `quiet`."""
    try:
        await _result(handler(*args))
    except BaseException as error:
        if normal := _normal(error, quiet):
            raise normal from None
        raise _host.Err(_host.types.Failure(_log.failed(error))) from None
    finally:
        await _end_tasks()


def _normal(error: BaseException, quiet: tuple[type[BaseException], ...]) -> BaseException | None:
    """The error of these kinds that this is; of a group, as a `TaskGroup` raises it, where all are: one that hands over, or any."""
    if isinstance(error, quiet):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = [_normal(part, quiet) for part in error.exceptions]
    return None if None in found else next((part for part in found if isinstance(part, Retire)), found[0])


async def _result(answer: Any) -> Any:
    """Of a function, `async` or not."""
    return await answer if inspect.isawaitable(answer) else answer


async def _end_tasks() -> None:
    """Cancels the tasks that the handler has begun, as `asyncio.run` does."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.gather(*left, return_exceptions=True)
