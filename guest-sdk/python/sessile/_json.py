"""JSON in and out, and how deep it may be: where Python would raise `RecursionError`, a component traps."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any

from ._errors import BadJSON, WrongKind
from ._values import kind

#: Arrays and objects within one another. A component has room for some 800.
DEPTH_MAX = 256

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_NO_BRACKET = re.compile(r"[^][{}]+")
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def dumps(value: object) -> str:
    """Compact JSON, as RFC 8259 has it: no NaN."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadJSON(str(error)) from None


def loads(text: str | bytes) -> Any:
    """The value of JSON, with the position where it is none."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BadJSON(error.msg, error.lineno, error.colno) from None
    except (ValueError, RecursionError) as error:
        raise BadJSON(str(error)) from None


def loads_in(value: str | bytes, mode: str | None) -> Any:
    """The value of a message in JSON, in either kind of frame or in this one."""
    if mode is not None:
        kind(mode)
        if isinstance(value, str) != (mode == "text"):
            raise WrongKind(mode)
    return loads(value)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def depth(text: str) -> int:
    """How deep arrays and objects lie within one another; 0 where there are too few for more than `DEPTH_MAX`."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return 0
    brackets = _NO_BRACKET.sub("", _STRING.sub("", text))
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def install() -> None:
    """Has all of `json` raise what it would raise elsewhere. While a component is built."""
    decode = json.JSONDecoder.decode

    def bounded(self: json.JSONDecoder, s: str, *args: Any) -> Any:
        if depth(s) > DEPTH_MAX:
            raise RecursionError(f"JSON is nested deeper than {DEPTH_MAX}")
        return decode(self, s, *args)

    json.JSONDecoder.decode = bounded  # type: ignore[assignment,method-assign]
