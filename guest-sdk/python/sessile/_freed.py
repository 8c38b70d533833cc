"""Bytes that went to the host are freed: what componentize-py 0.25.1 forgets, mended in the component that it wrote.

Its function `wit_dylib_pop_list` copies bytes for the host, and nobody frees the copy. Here a function is put before it in that core
module, under the same exported name, which has the copy freed with all else that belongs to the call:

    (func (param $call i32) (param $type i32) (param $to i32) (result i32) (local $length i32)
      (local.set $length (call $pop_list (local.get $call) (local.get $type) (local.get $to)))
      (if (i32.load (local.get $to))    ;; 0 where the list is no bytes
        (then (call $dealloc_bytes (local.get $call) (i32.load (local.get $to)) (local.get $length)
          (i32.const 1) (i32.const 1))))    ;; aligned to 1; when the call is over
      (local.get $length))

Nothing within another function changes, so no instruction is read here. Numbers and sections: WebAssembly core specification, chapter 5.
"""

from __future__ import annotations

from collections.abc import Iterator

_POP = b"wit_dylib_pop_list"
_FREE = b"wit_dylib_dealloc_bytes"
#: Sections of a core module, and of a component.
_IMPORTS, _FUNCTIONS, _EXPORTS, _CODE = 2, 3, 7, 10
_CORE_MODULE = 1
_FUNCTION = 0


class Unknown(Exception):
    """No component as this version of componentize-py writes one."""


def mended(component: bytes) -> bytes:
    """The component whose copies are freed. Raises `Unknown`."""
    parts, found = [component[:8]], 0
    for kind, content in _sections(component):
        if kind == _CORE_MODULE and _POP in content and _FREE in content:
            exports = dict(_exports(content))
            if _POP in exports and _FREE in exports:
                content = _with_freed(content, exports[_POP], exports[_FREE])
                found += 1
        parts.append(_section(kind, content))
    if found != 1:
        raise Unknown(f"{found} core modules export {_POP.decode()} and {_FREE.decode()}, not one")
    return b"".join(parts)


def _with_freed(module: bytes, pop: int, free: int) -> bytes:
    """The core module with one function more, exported in the place of `pop`."""
    sections = dict(_sections(module))
    if not {_IMPORTS, _FUNCTIONS, _EXPORTS, _CODE} <= sections.keys():
        raise Unknown(f"the core module of {_POP.decode()} lacks a section")
    imported = sum(1 for kind in _imports(sections[_IMPORTS]) if kind == _FUNCTION)
    types = _Reader(sections[_FUNCTIONS]).numbers()
    if not imported <= pop < imported + len(types):
        raise Unknown(f"{_POP.decode()} is no function of its core module")
    get_call, get_type, get_to, get_length = (bytes([0x20, local]) for local in range(4))
    load, one = b"\x28\x02\x00", b"\x41\x01"
    body = b"".join(
        (
            b"\x01\x01\x7f",
            get_call + get_type + get_to + b"\x10" + _number(pop) + b"\x21\x03",
            get_to + load + b"\x04\x40",
            get_call + get_to + load + get_length + one + one + b"\x10" + _number(free) + b"\x0b",
            get_length + b"\x0b",
        )
    )
    parts = [module[:8]]
    for kind, content in _sections(module):
        if kind == _FUNCTIONS:
            content = _with_one_more(content, _number(types[pop - imported]))
        elif kind == _EXPORTS:
            exports = list(_Reader(content).exports())
            content = _number(len(exports)) + b"".join(
                _number(len(name)) + name + bytes([what]) + _number(imported + len(types) if name == _POP else index)
                for name, what, index in exports
            )
        elif kind == _CODE:
            content = _with_one_more(content, _number(len(body)) + body)
        parts.append(_section(kind, content))
    return b"".join(parts)


class _Reader:
    """Reads from the beginning; what ends too early is `Unknown`."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, length: int) -> bytes:
        if self.at + length > len(self.content):
            raise Unknown(f"a section ends at byte {len(self.content)}, where {self.at + length} are said")
        self.at += length
        return self.content[self.at - length : self.at]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def name(self) -> bytes:
        return self.take(self.number())

    def numbers(self) -> list[int]:
        return [self.number() for _ in range(self.number())]

    def limits(self) -> None:
        flags = self.byte()
        for _ in range(2 if flags & 1 else 1):
            self.number()

    def exports(self) -> Iterator[tuple[bytes, int, int]]:
        for _ in range(self.number()):
            yield self.name(), self.byte(), self.number()


def _sections(binary: bytes) -> Iterator[tuple[int, bytes]]:
    reader = _Reader(binary)
    reader.take(8)
    while reader.at < len(binary):
        kind = reader.byte()
        yield kind, reader.name()


def _exports(module: bytes) -> Iterator[tuple[bytes, int]]:
    """Exported functions, by name."""
    for kind, content in _sections(module):
        if kind == _EXPORTS:
            yield from ((name, index) for name, what, index in _Reader(content).exports() if what == _FUNCTION)


def _imports(section: bytes) -> Iterator[int]:
    """What kind each import is of."""
    reader = _Reader(section)
    for _ in range(reader.number()):
        reader.name(), reader.name()
        kind = reader.byte()
        if kind == _FUNCTION:
            reader.number()
        elif kind == 1:
            reader.byte()
            reader.limits()
        elif kind == 2:
            reader.limits()
        elif kind in (3, 4):
            reader.take(1)
            reader.number()
        else:
            raise Unknown(f"an import of kind {kind}")
        yield kind


def _with_one_more(vector: bytes, element: bytes) -> bytes:
    reader = _Reader(vector)
    count = reader.number()
    return _number(count + 1) + vector[reader.at :] + element


def _section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + _number(len(content)) + content


def _number(value: int) -> bytes:
    """Unsigned LEB128."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
