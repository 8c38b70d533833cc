"""`sessile._exports`: which exports stay, and what it refuses. That hosts take what it writes, their conformance suite asserts."""

import unittest

from sessile import _binary, _exports

from .wasm import core, name, section, vector

TYPES = section(1, vector(b"\x60\x00\x00"))


def library(*names):
    """A core module that exports one function by each of these names."""
    exports = vector(*(name(each) + b"\x00\x00" for each in names))
    return core(TYPES, section(3, vector(b"\0")), section(7, exports), section(10, vector(name(b"\x00\x0b"))))


#: It imports `lib.imported`.
IMPORTER = core(TYPES, section(2, vector(name(b"lib") + name(b"imported") + b"\x00\x00")))
#: Core instances: of module 0; of its exports, by other names; of module 1, which is given instance 0.
FIRST = b"\x00\x00" + vector()
INLINE = b"\x01" + vector(name(b"renamed") + b"\x00\x00")
GIVEN = b"\x00\x01" + vector(name(b"lib") + b"\x12\x00")
#: Aliases: a core function of instance 0, a function of an instance of components, a type of a component around this one.
ALIASED = b"\x00\x00\x01\x00" + name(b"aliased")
OTHERS = b"\x01\x00\x00" + name(b"unused"), b"\x03\x02\x01\x00"


def component(*modules, instances=(FIRST, INLINE, GIVEN), aliases=(ALIASED, *OTHERS)):
    parts = [section(1, module) for module in modules]
    parts += [section(2, vector(*instances)), section(6, vector(*aliases)), section(0, name(b"x") + b"kept")]
    return b"\0asm\x0d\0\x01\0" + b"".join(parts)


class Exports(unittest.TestCase):
    def test_exports_that_an_alias_or_an_import_names_stay_and_others_go(self):
        fewer = _exports.fewer(component(library(b"unused", b"imported", b"renamed", b"aliased"), IMPORTER))
        self.assertEqual(fewer, component(library(b"imported", b"aliased"), IMPORTER))

    def test_names_of_functions_go_and_other_custom_sections_stay(self):
        names, other = section(0, name(b"name") + b"\x01\x00"), section(0, name(b"producers") + b"\x00")
        used = library(b"imported", b"aliased")
        fewer = _exports.fewer(component(used + names + other, IMPORTER))
        self.assertEqual(fewer, component(used + other, IMPORTER))

    def test_exports_of_an_instance_made_of_others_are_no_module_s(self):
        given = b"\x00\x01" + vector(name(b"lib") + b"\x12\x01")
        fewer = _exports.fewer(component(library(b"imported", b"aliased"), IMPORTER, instances=(FIRST, INLINE, given)))
        self.assertEqual(fewer, component(library(b"aliased"), IMPORTER, instances=(FIRST, INLINE, given)))

    def test_component_that_is_not_as_known_is_refused(self):
        modules = library(b"imported", b"aliased"), IMPORTER
        for wrong in (
            component(*modules, library(b"of no instance")),
            component(*modules, instances=(FIRST, INLINE, b"\x00\x01" + vector())),
            component(*modules, instances=(FIRST, INLINE, GIVEN, b"\x00\x02" + vector())),
            component(*modules, aliases=(b"\x00\x00\x01\x07" + name(b"aliased"),)),
            component(*modules, aliases=(b"\x00\x11\x02\x01\x00",)),
            component(*modules)[:-5],
        ):
            with self.assertRaises(_binary.Unknown):
                _exports.fewer(wrong)


if __name__ == "__main__":
    unittest.main()
