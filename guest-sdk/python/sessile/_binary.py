"""Core modules and components as bytes: their sections, and what of these `_freed` and `_exports` read and write.

Numbers: WebAssembly core specification, chapter 5, and the component model's `Binary.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

#: Sections of a core module.
CUSTOM, IMPORTS, FUNCTIONS, EXPORTS, CODE = 0, 2, 3, 7, 10
#: Sections of a component.
CORE_MODULE, CORE_INSTANCES, ALIASES = 1, 2, 6
#: A kind of import and export.
FUNCTION = 0


class Unknown(Exception):
    """No component as this version of componentize-py writes one."""


class Reader:
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

    def imports(self) -> Iterator[tuple[bytes, bytes, int]]:
        """Of which module, by which name, and what kind."""
        for _ in range(self.number()):
            module, name, kind = self.name(), self.name(), self.byte()
            if kind == FUNCTION:
                self.number()
            elif kind == 1:
                self.byte()
                self.limits()
            elif kind == 2:
                self.limits()
            elif kind in (3, 4):
                self.take(1)
                self.number()
            else:
                raise Unknown(f"an import of kind {kind}")
            yield module, name, kind

    def exports(self) -> Iterator[tuple[bytes, int, int]]:
        """By name, what kind, and which."""
        for _ in range(self.number()):
            yield self.name(), self.byte(), self.number()


def sections(binary: bytes) -> Iterator[tuple[int, bytes]]:
    reader = Reader(binary)
    reader.take(8)
    while reader.at < len(binary):
        kind = reader.byte()
        yield kind, reader.name()


def exported(exports: Iterable[tuple[bytes, int, int]]) -> bytes:
    """The content of a section of exports."""
    written = [number(len(name)) + name + bytes([kind]) + number(index) for name, kind, index in exports]
    return number(len(written)) + b"".join(written)


def section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + number(len(content)) + content


def number(value: int) -> bytes:
    """Unsigned LEB128."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
