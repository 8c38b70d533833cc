"""HTTP: requests and their answers, with the names that Starlette has. The host keeps the order of the answer and the session's save."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from typing import Any, Union

from . import _host
from ._errors import TooLarge, awaited, told
from ._fields import QueryParams
from ._head import Connection
from ._json import dumps, loads
from ._values import U16_MAX, U64_MAX, HeadersLike, data, fields, number, text

#: Bytes of a body that `body`, `text`, `json` and `form` take, if nothing else is said.
BODY_BYTES_MAX = 1 << 20

Content = Union[str, bytes]


class Request(Connection):
    """A request; a handler returns its `Response`."""

    async def read(self) -> bytes | None:
        """The next part of the body, of at most 64 KiB; `None` at its end. Raises `PeerGone`, `TooLarge`, `TimedOut`."""
        part: bytes | None = await awaited(_host.http.read(self.id, U64_MAX))
        return part

    async def stream(self) -> AsyncIterator[bytes]:
        """The parts of the body, as they come."""
        while (part := await self.read()) is not None:
            yield part

    async def body(self, limit: int = BODY_BYTES_MAX) -> bytes:
        """The whole body, if it has at most so many bytes, else `TooLarge`."""
        parts = bytearray()
        async for part in self.stream():
            parts += part
            if len(parts) > limit:
                raise TooLarge(len(parts), limit)
        return bytes(parts)

    async def text(self, limit: int = BODY_BYTES_MAX) -> str:
        """The whole body as text; what is no UTF-8 is replaced."""
        return (await self.body(limit)).decode(errors="replace")

    async def json(self, limit: int = BODY_BYTES_MAX) -> Any:
        """The value of a whole body in JSON, else `BadJSON`."""
        return loads(await self.body(limit))

    async def form(self, limit: int = BODY_BYTES_MAX) -> QueryParams:
        """The fields of a whole body in `application/x-www-form-urlencoded`."""
        return QueryParams(await self.text(limit))

    async def start(self, status: int = 200, headers: HeadersLike | None = None) -> BodyWriter:
        """Starts a streamed response, once; a modified session is saved first. The handler returns `None` after it.

        Raises `WrongOrder`, `InvalidHead`, `SessionUnavailable`.
        """
        await awaited(_host.http.send_start(self.id, _head(status, fields(headers))))
        return BodyWriter(self.id)

    async def respond(self, response: Response) -> None:
        """Answers at once; the handler may go on, and returns `None`."""
        await response.send_to(self)

    async def send_raw(self, response: bytes, close: bool = False) -> None:
        """Answers with a response as HTTP/1.1 writes it: status line, headers, an empty line, the body.

        The host parses and frames it anew. With `close`, the connection ends after it. Raises `InvalidHead`.
        """
        await awaited(_host.http.send_raw(self.id, data(response, "response"), bool(close)))

    def cancel(self) -> None:
        """Cancels the response: one that streams is seen as aborted; in place of one that has not begun, the connection ends."""
        told(_host.http.send_cancel, self.id)

    def dispose(self) -> None:
        """Ends the connection from this end, after a response that is finished; any other is cancelled."""
        told(_host.http.dispose, self.id)

    def __repr__(self) -> str:
        return f"<Request {self.id}>"


class BodyWriter:
    """The body of a streamed response. Where `finish` is not called, the peer sees it aborted."""

    def __init__(self, id: int) -> None:
        self._id = id

    async def write(self, part: Content) -> None:
        """Sends a part; waits while the peer is slow. Raises `PeerGone`, `LengthMismatch`."""
        await awaited(_host.http.send_chunk(self._id, _bytes(part)))

    async def finish(self) -> None:
        """Ends the body."""
        await awaited(_host.http.send_finished(self._id))


class Response:
    """An answer: a text or bytes, a status, headers, and a media type."""

    media_type: str | None = None

    def __init__(
        self,
        content: Content = b"",
        status_code: int = 200,
        headers: HeadersLike | None = None,
        media_type: str | None = None,
    ) -> None:
        self.body = _bytes(content)
        self.status_code = number(status_code, "status_code", U16_MAX)
        self.headers = fields(headers)
        media_type = media_type or self.media_type
        if media_type and all(name.lower() != "content-type" for name, _ in self.headers):
            charset = "; charset=utf-8" if media_type.startswith("text/") and "charset=" not in media_type else ""
            self.headers.append(("content-type", text(media_type + charset, "media_type")))

    async def send_to(self, request: Request) -> None:
        """Answers a request."""
        await awaited(_host.http.send(request.id, _head(self.status_code, self.headers), self.body))


class PlainTextResponse(Response):
    """Plain text."""

    media_type = "text/plain"


class HTMLResponse(Response):
    """A page."""

    media_type = "text/html"


class JSONResponse(Response):
    """A value as JSON; `BadJSON` for what JSON cannot express."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, headers: HeadersLike | None = None) -> None:
        super().__init__(dumps(content), status_code, headers)


class RedirectResponse(Response):
    """Another address: 303 so that the browser gets it, or what else is said."""

    def __init__(self, url: str, status_code: int = 303, headers: HeadersLike | None = None) -> None:
        super().__init__(b"", status_code, [*fields(headers), ("location", text(url, "url"))])


class StreamingResponse(Response):
    """A body that is sent as it comes, of anything that can be iterated over with `for` or `async for`.

    Where the peer leaves, a generator is closed, so that what it has in `finally` runs.
    """

    def __init__(
        self,
        content: AsyncIterable[Content] | Iterable[Content],
        status_code: int = 200,
        headers: HeadersLike | None = None,
        media_type: str | None = None,
    ) -> None:
        super().__init__(b"", status_code, headers, media_type)
        self.content = content

    async def send_to(self, request: Request) -> None:
        """Answers a request."""
        body = await request.start(self.status_code, self.headers)
        parts: AsyncIterator[Content] | Iterator[Content]
        parts = aiter(self.content) if isinstance(self.content, AsyncIterable) else iter(self.content)
        try:
            if isinstance(parts, AsyncIterator):
                async for part in parts:
                    await body.write(part)
            else:
                for part in parts:
                    await body.write(part)
        finally:
            await _close(parts)
        await body.finish()


class ServerSentEvent:
    """One event of a stream that a browser's `EventSource` reads (WHATWG HTML §9.2); line breaks but those of `data` are left out."""

    def __init__(
        self, data: str, event: str | None = None, id: str | None = None, retry: float | None = None
    ) -> None:
        self.data = data
        self.event = event
        self.id = id
        #: Seconds that the browser waits before it comes again.
        self.retry = retry

    def __str__(self) -> str:
        named = [("event", self.event), ("id", self.id)]
        lines = [f"{name}: {_one_line(value)}" for name, value in named if value is not None]
        if self.retry is not None:
            lines.append(f"retry: {int(self.retry * 1000)}")
        # Each kind of line break ends a line there, so each does here.
        data = self.data.replace("\r\n", "\n").replace("\r", "\n")
        return "".join(f"{line}\n" for line in [*lines, *(f"data: {line}" for line in data.split("\n"))]) + "\n"


class EventSourceResponse(StreamingResponse):
    """A stream of server-sent events, of texts or `ServerSentEvent`s. The id of the last event that a browser has seen
    which comes again is in `request.headers["last-event-id"]`."""

    def __init__(
        self, content: AsyncIterable[str | ServerSentEvent], headers: HeadersLike | None = None
    ) -> None:
        own = [("content-type", "text/event-stream"), ("cache-control", "no-store")]
        super().__init__(_events(content), 200, [*own, *fields(headers)])


async def _events(content: AsyncIterable[str | ServerSentEvent]) -> AsyncIterator[str]:
    events = aiter(content)
    try:
        async for event in events:
            yield str(ServerSentEvent(event) if isinstance(event, str) else event)
    finally:
        await _close(events)


async def _close(parts: object) -> None:
    """Ends a generator that was left before its end, now and not when it is collected; nothing else has an end of its own."""
    if isinstance(parts, AsyncGenerator):
        await parts.aclose()
    elif isinstance(parts, Generator):
        parts.close()


def response_of(answer: object) -> Response | None:
    """What a handler returned, as a response; none where it has answered by itself."""
    if answer is None or isinstance(answer, Response):
        return answer
    if isinstance(answer, str):
        return PlainTextResponse(answer)
    if isinstance(answer, (bytes, bytearray, memoryview)):
        return Response(bytes(answer), media_type="application/octet-stream")
    if isinstance(answer, (dict, list)):
        return JSONResponse(answer)
    raise TypeError(f"an HTTP handler returned {type(answer).__name__}; return a Response, str, bytes, dict or list")


def _head(status: int, headers: list[tuple[str, str]]) -> Any:
    return _host.http.Response(number(status, "status", U16_MAX), headers)


def _bytes(content: object) -> bytes:
    return text(content, "content").encode() if isinstance(content, str) else data(content, "content")


def _one_line(value: str) -> str:
    return value.translate({10: None, 13: None, 0: None})
