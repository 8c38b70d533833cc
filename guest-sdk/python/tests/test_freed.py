"""`sessile._freed`: what it changes in a component, and what it refuses. That memory is freed, the host's conformance suite asserts."""

import unittest

from sessile import _freed


def number(value):
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + number(value >> 7)


def vector(*elements):
    return number(len(elements)) + b"".join(elements)


def section(kind, content):
    return bytes([kind]) + number(len(content)) + content


def name(text):
    return number(len(text)) + text


POP, FREE = b"wit_dylib_pop_list", b"wit_dylib_dealloc_bytes"
MAGIC = b"\0asm\x01\0\0\0"
TYPES = section(1, vector(b"\x60\x03\x7f\x7f\x7f\x01\x7f", b"\x60\x05\x7f\x7f\x7f\x7f\x7f\x00"))
IMPORTS = section(
    2,
    vector(
        name(b"env") + name(b"memory") + b"\x02\x01\x00\x10",
        name(b"env") + name(b"table") + b"\x01\x70\x00\x01",
        name(b"env") + name(b"__stack_pointer") + b"\x03\x7f\x01",
        name(b"env") + name(b"other") + b"\x00\x01",
    ),
)
FUNCTIONS = section(3, vector(b"\0", b"\1"))
CODE = section(10, vector(name(b"\x00\x41\x07\x0b"), name(b"\x00\x0b")))
EXPORTS = section(7, vector(name(POP) + b"\x00\x01", name(FREE) + b"\x00\x02", name(b"table") + b"\x01\x00"))


def component(*modules):
    return b"\0asm\x0d\0\x01\0" + b"".join(section(1, module) for module in modules) + section(0, name(b"x") + b"kept")


def runtime(*sections):
    return MAGIC + b"".join(sections)


class Freed(unittest.TestCase):
    def test_pop_list_is_exported_as_a_function_that_calls_it_and_has_the_copy_freed(self):
        other = runtime(TYPES)
        freed = _freed.mended(component(other, runtime(TYPES, IMPORTS, FUNCTIONS, EXPORTS, CODE)))
        body = bytes.fromhex("01017f" "200020012002" "1001" "2103" "2002280200" "0440" "20002002280200" "2003" "4101" "4101" "1002" "0b" "20030b")
        self.assertEqual(
            freed,
            component(
                other,
                runtime(
                    TYPES,
                    IMPORTS,
                    section(3, vector(b"\0", b"\1", b"\0")),
                    section(7, vector(name(POP) + b"\x00\x03", name(FREE) + b"\x00\x02", name(b"table") + b"\x01\x00")),
                    section(10, vector(name(b"\x00\x41\x07\x0b"), name(b"\x00\x0b"), name(body))),
                ),
            ),
        )

    def test_component_that_is_not_as_known_is_refused(self):
        whole = runtime(TYPES, IMPORTS, FUNCTIONS, EXPORTS, CODE)
        imported = section(7, vector(name(POP) + b"\x00\x00", name(FREE) + b"\x00\x02"))
        for wrong in (
            component(),
            component(whole, whole),
            component(runtime(TYPES, IMPORTS, EXPORTS, CODE)),
            component(runtime(TYPES, IMPORTS, FUNCTIONS, imported, CODE)),
            component(whole)[:-5],
        ):
            with self.assertRaises(_freed.Unknown):
                _freed.mended(wrong)


if __name__ == "__main__":
    unittest.main()
