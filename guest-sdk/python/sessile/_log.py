"""Python's `logging`, a line of the host's log each; and exceptions, with their traceback."""

from __future__ import annotations

import linecache
import logging
import sys
import traceback
from types import TracebackType

from . import _host

_LOGGER = logging.getLogger("sessile")
#: Of a traceback, the last: a thousand would use up the CPU of the call.
_FRAMES_MAX = 40
# Of this package, as the code of its functions has it.
_SDK = __file__.rpartition("/")[0]


class HostHandler(logging.Handler):
    """Writes to the host's log, which knows which websocket or exchange is served. A text of several lines is as many
    lines; one is cut after 4 KiB."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record."""
        for line in self.format(record).splitlines() or [""]:
            _host.log.write(_level(record.levelno), line.encode(errors="backslashreplace").decode())


class _Formatter(logging.Formatter):
    def formatException(self, ei: object) -> str:  # noqa: N802, logging's name
        error = ei[1] if isinstance(ei, tuple) else None
        return "\n".join(trace(error)) if isinstance(error, BaseException) else ""


def _level(number: int) -> object:
    level = _host.log.Level
    if number >= logging.ERROR:
        return level.ERROR
    if number >= logging.WARNING:
        return level.WARN
    if number >= logging.INFO:
        return level.INFO
    return level.DEBUG if number >= logging.DEBUG else level.TRACE


def trace(error: BaseException) -> list[str]:
    """The traceback as Python prints it, line by line, of the last frames, without those of this package that called the handler."""
    lines = traceback.format_exception(type(error), error, _own(error.__traceback__), limit=-_FRAMES_MAX)
    return [_plain(line) for line in "".join(lines).splitlines()]


def _own(found: TracebackType | None) -> TracebackType | None:
    first = found
    while first is not None and first.tb_frame.f_code.co_filename.startswith(_SDK):
        first = first.tb_next
    return first or found


def _plain(line: str) -> str:
    """componentize-py mounts the folders of the app as `/0`, `/1`, …"""
    head, mark, rest = line.partition('  File "/')
    place, slash, path = rest.partition("/")
    return f'{head}  File "{path}' if mark and slash and place.isdigit() else line


def failed(error: BaseException) -> str:
    """Logs an exception that a handler let out; returns what is told of it under the report's id."""
    _LOGGER.error("%s", "\n".join(trace(error)))
    return _plain("".join(traceback.format_exception_only(error)).strip().replace("\n", " | "))


def install() -> None:
    """`logging` goes to the host from here on. While a component is built, so that it need not be done in each instance."""
    handler = HostHandler()
    handler.setFormatter(_Formatter("%(message)s"))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.INFO)


def remember() -> None:
    """Keeps the source lines of all that is imported, for tracebacks: an instance has no files."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None) or ""
        mounted = path[1:].partition("/")[0].isdigit()
        lines = linecache.getlines(path) if mounted else []
        if lines:
            # No date: it is not looked up again.
            linecache.cache[path] = (sum(map(len, lines)), None, lines, path)
    _rehearse()


def _rehearse() -> None:
    """What `traceback` imports only when it prints is to be there too."""
    for wrong in ("len(1, 2)", "unknown", "(1).unknown", "import sys.unknown", "(0\n)[1]"):
        try:
            exec(compile(wrong, "<rehearsal>", "exec"), {})
        except Exception as error:
            trace(error)
