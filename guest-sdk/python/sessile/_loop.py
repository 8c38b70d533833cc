"""componentize-py's event loop, mended for a handler: timers, cancelled waits, tasks that outlive a call.

What it lacks as it is (0.25.1): `call_later` is not implemented; an awaited import that is cancelled, or still pending when a call
returns, is a trap; an exception out of a callback is a trap. Here a cancelled import goes on and is settled when the host is done with it,
a call's component task lasts until all are, and timers share one `sleep` of the host's at a time.

Its names are used where it offers no others, so the SDK is for one version of componentize-py.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import time
from collections.abc import Callable, Coroutine
from typing import Any

import componentize_py_async_support as support  # type: ignore[import-not-found]
import componentize_py_runtime as runtime  # type: ignore[import-not-found]
from componentize_py_types import Err, Ok  # type: ignore[import-not-found]

from . import _host, _log

#: Seconds that the host is asked to sleep at once. A sleep cannot be taken back, so one for a timer that was cancelled
#: keeps its task so long; it grows with what the timer has waited already.
SLICE_MIN = 1.0
SLICE_MAX = 60.0
#: After so many calls Python finds out nothing more.
REHEARSALS = 40


class Loop(support._Loop):  # type: ignore[misc]
    """One for all calls of an instance; what is ready is kept by call, as componentize-py has it."""

    def poll(self, state: Any) -> None:
        """Runs what is ready, and what that makes ready."""
        while state.handles:
            handles, state.handles = state.handles, []
            for handle in handles:
                if handle.cancelled():
                    continue
                try:
                    handle._run()
                except BaseException as error:
                    # SystemExit, out of a task.
                    _log.failed(error)

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        context = contextvars.copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        context[support._future_state].handles.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        context = contextvars.copy_context() if context is None else context
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        _timers(context[support._future_state]).add(timer)
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing: it is passed over when its time comes."""

    def time(self) -> float:
        return time.monotonic()

    def create_task(self, coroutine: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coroutine, loop=self, **options)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            _log.failed(error)
        else:
            _log._LOGGER.error("%s", context.get("message"))

    def set_debug(self, enabled: bool) -> None:
        """Nothing: there is no debug mode."""


class _Timers:
    """Those of one call."""

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, asyncio.TimerHandle]] = []
        self.count = 0
        # With so many, those that were cancelled are taken out.
        self.many = 128
        # When the sleeps end that are under way; a sleep for what ends first is enough for the others.
        self.sleeps: list[float] = []

    def add(self, timer: asyncio.TimerHandle) -> None:
        if len(self.heap) >= self.many:
            self.heap = [entry for entry in self.heap if not entry[2].cancelled()]
            heapq.heapify(self.heap)
            self.many = max(128, 2 * len(self.heap))
        self.count += 1
        heapq.heappush(self.heap, (timer.when(), self.count, timer))
        self.arm(SLICE_MIN)

    def arm(self, most: float) -> None:
        """Has a sleep under way that ends when the first timer is due, or after `most`."""
        while self.heap and self.heap[0][2].cancelled():
            heapq.heappop(self.heap)
        if not self.heap:
            return
        now = time.monotonic()
        end = min(self.heap[0][0], now + most)
        if self.sleeps and min(self.sleeps) <= end:
            return
        self.sleeps.append(end)
        span = max(0, int((end - now) * 1e9))
        _drive(_host.time.sleep(span), lambda: self.woke(end, most))

    def woke(self, end: float, most: float) -> None:
        self.sleeps.remove(end)
        now = time.monotonic()
        due = False
        while self.heap and (self.heap[0][2].cancelled() or self.heap[0][0] <= now):
            timer = heapq.heappop(self.heap)[2]
            if not timer.cancelled():
                due = True
                support._future_state.get().handles.append(timer)
        self.arm(SLICE_MIN if due else min(2 * most, SLICE_MAX))


def _timers(state: Any) -> _Timers:
    if not hasattr(state, "timers"):
        state.timers = _Timers()
    timers: _Timers = state.timers
    return timers


def _drive(coroutine: Coroutine[Any, Any, Any], done: Callable[[], object]) -> None:
    """Runs a coroutine that awaits nothing but the host, without a task, which would be the handler's."""
    try:
        future = coroutine.send(None)
    except StopIteration:
        asyncio.get_running_loop().call_soon(done)
        return
    future._asyncio_future_blocking = False
    future.add_done_callback(lambda _: _drive(coroutine, done))


class _Late:
    """In the place of an awaited import's future, once nobody awaits it: takes what comes."""

    def __init__(self, promise: int, future: asyncio.Future[Any]) -> None:
        self.promise = promise
        self.future = future

    def set_result(self, event: int) -> None:
        result = runtime.promise_get_result(event, self.promise)
        if self.future.cancelled():
            return
        if isinstance(result, Err):
            self.future.set_exception(result)
            self.future.exception()  # Looked at, so that nobody is told that it was not.
        else:
            self.future.set_result(result.value if isinstance(result, Ok) else result)


async def await_result(result: Any) -> Any:
    """What an async import's binding awaits. Where it is cancelled, the `CancelledError` carries a list of the
    future of what comes late."""
    if isinstance(result, Ok):
        return result.value
    state = support._future_state.get()
    waitable, promise = result.value
    loop = asyncio.get_running_loop()
    future = state.futures[waitable] = loop.create_future()
    if state.waitable_set is None:
        state.waitable_set = runtime.waitable_set_new()
    runtime.waitable_join(waitable, state.waitable_set)
    try:
        event = await future
    except asyncio.CancelledError as error:
        late = _Late(promise, loop.create_future())
        if waitable in state.futures:
            state.futures[waitable] = late
        else:
            # It came in the same moment.
            late.set_result(future.result())
        error.late = [late.future]  # type: ignore[attr-defined]
        raise
    return runtime.promise_get_result(event, promise)


async def _return_result(export_index: int, borrows: int, coroutine: Coroutine[Any, Any, Any]) -> None:
    try:
        result: Any = Ok(await coroutine)
    except Err as error:
        result = error
    runtime.call_task_return(export_index, borrows, result)
    support._future_state.get().pending_count -= 1


def _poll(state: Any) -> int:
    support._loop.poll(state)
    # Spawned work counts as pending; an import that nobody awaits any more is to be settled too.
    if state.pending_count == 0 and not state.futures:
        if state.waitable_set is not None:
            runtime.waitable_set_drop(state.waitable_set)
        return int(support._CallbackCode.EXIT)
    assert state.waitable_set is not None
    runtime.context_set(state)
    return int(support._CallbackCode.WAIT | (state.waitable_set << 4))


def rehearse(call: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Makes calls as the host does, of what needs nothing of it, so that what Python finds out as its code first runs (types, names, which
    instruction is quicker) is in the image: else each instance finds it out anew, and writes it into pages that it must copy for that."""
    told = runtime.call_task_return
    runtime.call_task_return = lambda *_: None
    try:
        for _ in range(REHEARSALS):
            support.first_poll(0, 0, call())
    finally:
        runtime.call_task_return = told


def install() -> None:
    """Takes the place of componentize-py's loop. While a component is built, so that it need not be done in each instance."""
    loop = Loop()
    loop.running = True
    support._loop = loop
    asyncio.set_event_loop(loop)
    asyncio._set_running_loop(loop)
    support.await_result = await_result
    support._return_result = _return_result
    support._poll = _poll
