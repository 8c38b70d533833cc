"""`sessile._freed`: what it changes in a component, and what it refuses. That memory is freed, the host's conformance suite asserts."""

import unittest

from sessile import _binary, _freed

from .wasm import core, name, section, vector

POP, FREE = b"wit_dylib_pop_list", b"wit_dylib_dealloc_bytes"
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


class Freed(unittest.TestCase):
    def test_pop_list_is_exported_as_a_function_that_calls_it_and_has_the_copy_freed(self):
        other = core(TYPES)
        freed = _freed.mended(component(other, core(TYPES, IMPORTS, FUNCTIONS, EXPORTS, CODE)))
        body = bytes.fromhex("01017f" "200020012002" "1001" "2103" "2002280200" "0440" "20002002280200" "2003" "4101" "4101" "1002" "0b" "20030b")
        self.assertEqual(
            freed,
            component(
                other,
                core(
                    TYPES,
                    IMPORTS,
                    section(3, vector(b"\0", b"\1", b"\0")),
                    section(7, vector(name(POP) + b"\x00\x03", name(FREE) + b"\x00\x02", name(b"table") + b"\x01\x00")),
                    section(10, vector(name(b"\x00\x41\x07\x0b"), name(b"\x00\x0b"), name(body))),
                ),
            ),
        )

    def test_component_that_is_not_as_known_is_refused(self):
        whole = core(TYPES, IMPORTS, FUNCTIONS, EXPORTS, CODE)
        imported = section(7, vector(name(POP) + b"\x00\x00", name(FREE) + b"\x00\x02"))
        for wrong in (
            component(),
            component(whole, whole),
            component(core(TYPES, IMPORTS, EXPORTS, CODE)),
            component(core(TYPES, IMPORTS, FUNCTIONS, imported, CODE)),
            component(whole)[:-5],
        ):
            with self.assertRaises(_binary.Unknown):
                _freed.mended(wrong)


if __name__ == "__main__":
    unittest.main()
