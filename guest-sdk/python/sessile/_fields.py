"""What a peer sent, parsed: headers, query parameters, forms, cookies, URLs. Pure; knows nothing of the host."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

_NAMED = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=-]+\Z")


class Address(NamedTuple):
    """A peer's, or the host's own."""

    host: str
    #: 0 where a trusted proxy does not tell it.
    port: int


class Headers(Mapping[str, str]):
    """Immutable; names in any case. Of one name sent twice the first counts, `getlist` has all, in wire order."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = [(name.lower(), value) for name, value in pairs]

    def __getitem__(self, name: str) -> str:
        for known, value in self._pairs:
            if known == name.lower():
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._pairs))

    def __len__(self) -> int:
        return len(dict(self._pairs))

    def getlist(self, name: str) -> list[str]:
        """All values of a name."""
        return [value for known, value in self._pairs if known == name.lower()]

    def multi_items(self) -> list[tuple[str, str]]:
        """All names and values."""
        return list(self._pairs)

    def __repr__(self) -> str:
        return f"Headers({self._pairs!r})"


class MultiDict(Mapping[str, str]):
    """Names and values, immutable, in order. Of one name sent twice the last counts, `getlist` has all."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = list(pairs)

    def __getitem__(self, name: str) -> str:
        return dict(self._pairs)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._pairs))

    def __len__(self) -> int:
        return len(dict(self._pairs))

    def getlist(self, name: str) -> list[str]:
        """All values of a name, in order."""
        return [value for known, value in self._pairs if known == name]

    def multi_items(self) -> list[tuple[str, str]]:
        """All names and values."""
        return list(self._pairs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pairs!r})"


class QueryParams(MultiDict):
    """Query parameters, or the fields of a form, decoded."""

    def __init__(self, text: str = "") -> None:
        super().__init__(parse_qsl(text, keep_blank_values=True))


class URL(str):
    """A whole URL, which is a `str` that also has its parts. Printed, a password is masked."""

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self)

    @property
    def scheme(self) -> str:
        """`http`, `https`, `ws` or `wss`."""
        return self._parts.scheme

    @property
    def netloc(self) -> str:
        """Host, and port if it was given."""
        return self._parts.netloc

    @property
    def path(self) -> str:
        """The path, percent-encoded."""
        return self._parts.path

    @property
    def query(self) -> str:
        """What follows `?`, percent-encoded."""
        return self._parts.query

    @property
    def fragment(self) -> str:
        """What follows `#`; no peer sends one."""
        return self._parts.fragment

    @property
    def username(self) -> str | None:
        """The name before `@`."""
        return self._parts.username

    @property
    def password(self) -> str | None:
        """The password before `@`."""
        return self._parts.password

    @property
    def hostname(self) -> str | None:
        """The host without its port, an IPv6 address without its brackets."""
        return self._parts.hostname

    @property
    def port(self) -> int | None:
        """The port, if the URL names one."""
        return self._parts.port

    @property
    def is_secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("https", "wss")

    def __str__(self) -> str:
        password = self.password
        return self.replace(f":{password}@", ":********@", 1) if password else self[:]

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return f"URL({str(self)!r})"


def address(text: str) -> Address:
    """`127.0.0.1:80` or `[::1]:80`."""
    host, _, port = text.rpartition(":")
    return Address(host.strip("[]"), int(port))


def is_authority(text: str) -> bool:
    """Whether a peer's `Host` can be one at all (RFC 3986 §3.2.2); it may have sent anything."""
    host = text.rpartition("@")[2]
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        name, port = host, ""
    if port and not (port.isascii() and port.isdigit() and int(port) < 2**16):
        return False
    if name.startswith("[") and name.endswith("]"):
        try:
            return ipaddress.IPv6Address(name[1:-1]).scope_id is None
        except ValueError:
            return False
    return _NAMED.match(name) is not None


def cookies(headers: list[str]) -> MultiDict:
    """The cookies of `Cookie` headers."""
    pairs = [part.split("=", 1) for header in headers for part in header.split(";")]
    return MultiDict((pair[0].strip(), pair[1].strip().strip('"')) for pair in pairs if len(pair) == 2)
