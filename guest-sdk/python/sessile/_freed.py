"""Bytes that went to the host are freed: what componentize-py 0.25.1 forgets, mended in the component that it wrote.

Its function `wit_dylib_pop_list` copies bytes for the host, and nobody frees the copy. Here a function is put before it in that core
module, under the same exported name, which has the copy freed with all else that belongs to the call:

    (func (param $call i32) (param $type i32) (param $to i32) (result i32) (local $length i32)
      (local.set $length (call $pop_list (local.get $call) (local.get $type) (local.get $to)))
      (if (i32.load (local.get $to))    ;; 0 where the list is no bytes
        (then (call $dealloc_bytes (local.get $call) (i32.load (local.get $to)) (local.get $length)
          (i32.const 1) (i32.const 1))))    ;; aligned to 1; when the call is over
      (local.get $length))

Nothing within another function changes, so no instruction is read here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._binary import CODE, CORE_MODULE, EXPORTS, FUNCTION, FUNCTIONS, IMPORTS, Reader, Unknown, exported, number, section, sections

_POP = b"wit_dylib_pop_list"
_FREE = b"wit_dylib_dealloc_bytes"


def mended(component: bytes) -> bytes:
    """The component whose copies are freed. Raises `Unknown`."""
    parts, found = [component[:8]], 0
    for kind, content in sections(component):
        if kind == CORE_MODULE and _POP in content and _FREE in content:
            exports = dict(_exports(content))
            if _POP in exports and _FREE in exports:
                content = _with_freed(content, exports[_POP], exports[_FREE])
                found += 1
        parts.append(section(kind, content))
    if found != 1:
        raise Unknown(f"{found} core modules export {_POP.decode()} and {_FREE.decode()}, not one")
    return b"".join(parts)


def _with_freed(module: bytes, pop: int, free: int) -> bytes:
    """The core module with one function more, exported in the place of `pop`."""
    known = dict(sections(module))
    if not {IMPORTS, FUNCTIONS, EXPORTS, CODE} <= known.keys():
        raise Unknown(f"the core module of {_POP.decode()} lacks a section")
    imported = sum(1 for _, _, kind in Reader(known[IMPORTS]).imports() if kind == FUNCTION)
    types = Reader(known[FUNCTIONS]).numbers()
    if not imported <= pop < imported + len(types):
        raise Unknown(f"{_POP.decode()} is no function of its core module")
    get_call, get_type, get_to, get_length = (bytes([0x20, local]) for local in range(4))
    load, one = b"\x28\x02\x00", b"\x41\x01"
    body = b"".join(
        (
            b"\x01\x01\x7f",
            get_call + get_type + get_to + b"\x10" + number(pop) + b"\x21\x03",
            get_to + load + b"\x04\x40",
            get_call + get_to + load + get_length + one + one + b"\x10" + number(free) + b"\x0b",
            get_length + b"\x0b",
        )
    )
    parts = [module[:8]]
    for kind, content in sections(module):
        if kind == FUNCTIONS:
            content = _with_one_more(content, number(types[pop - imported]))
        elif kind == EXPORTS:
            content = exported(
                (name, what, imported + len(types) if name == _POP else index)
                for name, what, index in Reader(content).exports()
            )
        elif kind == CODE:
            content = _with_one_more(content, number(len(body)) + body)
        parts.append(section(kind, content))
    return b"".join(parts)


def _exports(module: bytes) -> Iterator[tuple[bytes, int]]:
    """Exported functions, by name."""
    for kind, content in sections(module):
        if kind == EXPORTS:
            yield from ((name, index) for name, what, index in Reader(content).exports() if what == FUNCTION)


def _with_one_more(vector: bytes, element: bytes) -> bytes:
    reader = Reader(vector)
    count = reader.number()
    return number(count + 1) + vector[reader.at :] + element
