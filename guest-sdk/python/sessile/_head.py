"""The head of the request that a websocket or an exchange began with, read from the host."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from . import _host
from ._fields import URL, Address, Headers, MultiDict, QueryParams, address, cookies, is_authority
from ._session import Session
from ._time import moment


class Connection(Mapping[str, Any]):
    """What was asked, by whom; what `WebSocket` and `Request` have in common.

    Everything is read from the host when it is asked for, so keep what you need twice. As a mapping it is what ASGI
    calls the scope: `ws["path"]`.
    """

    def __init__(self, id: int) -> None:
        #: Its id: unguessable, unique among the live ones.
        self.id = id
        #: The peer's session; `await ws.session.open()` before anything else of it.
        self.session = Session(id)

    @property
    def method(self) -> str:
        """`GET`, `POST`, … (RFC 9110 §9); `GET` for a websocket."""
        return str(_host.types.method(self.id))

    @property
    def url(self) -> URL:
        """The whole URL. Where the peer's `Host` is malformed, with the address that it reached."""
        authority = _host.types.authority(self.id)
        if not is_authority(authority):
            authority = _host.types.local_address(self.id)
        query = _host.types.query(self.id)
        return URL(f"{self.scheme}://{authority}{self.path}" + ("" if query is None else f"?{query}"))

    @property
    def scheme(self) -> str:
        """`http`, `https`, `ws` or `wss`."""
        return str(_host.types.scheme(self.id))

    @property
    def path(self) -> str:
        """The path as sent, percent-encoded, without the query."""
        return str(_host.types.path(self.id))

    @property
    def path_params(self) -> dict[str, str]:
        """The parameters of the route, decoded: `room` of `/rooms/{room}`."""
        return dict(_host.types.params(self.id))

    @property
    def query_params(self) -> QueryParams:
        """The query parameters, decoded."""
        return QueryParams(_host.types.query(self.id) or "")

    @property
    def headers(self) -> Headers:
        """All headers."""
        return Headers(_host.types.headers(self.id))

    @property
    def cookies(self) -> MultiDict:
        """The cookies."""
        return cookies(_host.types.header(self.id, "cookie"))

    @property
    def origin(self) -> str | None:
        """The site whose page made the request, where a browser says so (RFC 6454 §7)."""
        return next(iter(_host.types.header(self.id, "origin")), None)

    @property
    def host(self) -> str:
        """The host that was asked for, without a port."""
        return self.url.hostname or ""

    @property
    def client(self) -> Address:
        """The peer's address and port."""
        return address(_host.types.peer_address(self.id))

    @property
    def server(self) -> Address:
        """The address and port that the peer reached."""
        return address(_host.types.local_address(self.id))

    @property
    def is_secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("https", "wss")

    @property
    def is_local(self) -> bool:
        """Whether the peer is on the host's own machine; behind a proxy there, all are."""
        return ipaddress.ip_address(self.client.host).is_loopback

    @property
    def http_version(self) -> str:
        """`1.0`, `1.1` or `2`."""
        return str(_host.types.version(self.id))

    @property
    def started_at(self) -> datetime:
        """When the request's head had arrived, in UTC."""
        return moment(_host.types.started_at(self.id))

    @property
    def scope(self) -> dict[str, Any]:
        """All of it, under the names that ASGI has for it."""
        types = _host.types
        scheme = self.scheme
        return {
            "type": "websocket" if scheme.startswith("ws") else "http",
            "asgi": {"version": "3.0"},
            "http_version": self.http_version,
            "method": self.method,
            "scheme": scheme,
            "path": self.path,
            "query_string": (types.query(self.id) or "").encode(),
            "headers": [(name.encode("latin-1", "replace"), value.encode()) for name, value in types.headers(self.id)],
            "path_params": self.path_params,
            "client": tuple(self.client),
            "server": tuple(self.server),
            "started_at": self.started_at,
        }

    def __getitem__(self, name: str) -> Any:
        return self.scope[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scope)

    def __len__(self) -> int:
        return len(self.scope)

    # Two are the same when they are of the same id, not when they look the same.
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Connection) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __bool__(self) -> bool:
        return True
