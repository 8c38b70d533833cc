"""Checks of what is passed to the host, where a value of a wrong type would be a trap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Union

from . import _host

#: What headers may be given as.
HeadersLike = Union[Mapping[str, str], Iterable[tuple[str, str]]]
U16_MAX = 2**16 - 1
U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1


def text(value: object, what: str) -> str:
    """A `str` that can be UTF-8."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be str, not {type(value).__name__}")
    if not value.isascii():
        value.encode()  # Raises UnicodeEncodeError for half a surrogate pair.
    return value if type(value) is str else str(value)


def data(value: object, what: str) -> bytes:
    """Anything that is bytes."""
    if type(value) is bytes:
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{what} must be bytes, not {type(value).__name__}")


def number(value: object, what: str, most: int) -> int:
    """An `int` of 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} must be int, not {type(value).__name__}")
    if not 0 <= value <= most:
        raise ValueError(f"{what} {value} is not within 0 to {most}")
    return int(value)


def nanos(seconds: object, what: str) -> int:
    """A span of seconds, of which none is negative."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{what} must be seconds, not {type(seconds).__name__}")
    if seconds != seconds:
        raise ValueError(f"{what} is not a number")
    return min(U64_MAX, int(max(0.0, min(seconds, 1e10)) * 1e9))


def fields(headers: HeadersLike | None) -> list[tuple[str, str]]:
    """Headers as pairs."""
    if headers is None:
        return []
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [(text(name, "a header's name"), text(value, f"the header {name}")) for name, value in pairs]


def message(value: object) -> Any:
    """A `str` or bytes as the host's message."""
    if isinstance(value, str):
        return _host.types.Message_Text(text(value, "a message"))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _host.types.Message_Binary(bytes(value))
    raise TypeError(f"a message must be str or bytes, not {type(value).__name__}")


def kind(mode: str) -> Any:
    """`text` or `binary` as the host's kind."""
    if mode not in ("text", "binary"):
        raise ValueError(f"mode must be 'text' or 'binary', not {mode!r}")
    return _host.types.Kind.TEXT if mode == "text" else _host.types.Kind.BINARY
