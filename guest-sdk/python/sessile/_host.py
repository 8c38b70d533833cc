"""The host's functions, as componentize-py binds them; anything that says so where no component runs.

Knows nothing of what the SDK makes of them. What `Err` carries is turned into this SDK's errors in `_errors`.
"""

from __future__ import annotations

import sys
from typing import Any

alarms: Any
connections: Any
exports: Any
groups: Any
http: Any
log: Any
raw: Any
session: Any
time: Any
types: Any
websocket: Any
Err: Any


class _Absent:
    """Stands for an interface of the host where there is no host, so that an app can be imported by its tests."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"{self._name}.{name}: only a host has it; this Python is not in a component")


class _NoErr(Exception):
    value: Any = None


try:
    from componentize_py_types import Err  # type: ignore[import-not-found,no-redef]
    from wit_world import exports  # type: ignore[import-not-found,no-redef]
    from wit_world.imports import alarms, connections, groups, http, log, raw, session, time, types, websocket  # type: ignore[import-not-found,no-redef]
except ImportError:
    Err = _NoErr
    alarms, connections, exports = _Absent("alarms"), _Absent("connections"), _Absent("exports")
    groups, http, log, raw = _Absent("groups"), _Absent("http"), _Absent("log"), _Absent("raw")
    session, time, types, websocket = _Absent("session"), _Absent("time"), _Absent("types"), _Absent("websocket")

#: Whether this is a component, or is being made one.
IS_COMPONENT = "componentize_py_async_support" in sys.modules
