"""Core modules export what their component uses, and no more: componentize-py 0.25.1 links libraries (libc, libpython) that export all their
names, some 4,000, of which a component uses 1,800; a host decodes each whenever it loads the component. So it does with the names of
their 13,000 functions, which are in the trace of a trap and nowhere else; an exception of Python's has its own.

An export of a core instance is used where an alias names it, or where an instance that is given this one is of a module that imports it
by name. Nothing else can name it; and where a name were missing, the component would not validate, and no host would take it.
"""

from __future__ import annotations

from ._binary import ALIASES, CORE_INSTANCES, CORE_MODULE, CUSTOM, EXPORTS, IMPORTS, Reader, Unknown, exported, section, sections

#: Sorts of aliases and arguments: of the core, and there an instance.
_CORE, _MODULE, _INSTANCE = 0x00, 0x11, 0x12
#: What an alias is of: an export of an instance, or of a core instance.
_EXPORT, _CORE_EXPORT = 0, 1


def fewer(component: bytes) -> bytes:
    """The component without the exports of its core modules that it does not use, and the names of functions. Raises `Unknown`."""
    used = _Used(component)
    parts, module = [component[:8]], 0
    for kind, content in sections(component):
        if kind == CORE_MODULE:
            content = _only(content, used.names[module])
            module += 1
        parts.append(section(kind, content))
    return b"".join(parts)


def _only(module: bytes, names: set[bytes]) -> bytes:
    parts = [module[:8]]
    for kind, content in sections(module):
        if kind == CUSTOM and Reader(content).name() == b"name":
            continue
        if kind == EXPORTS:
            content = exported(export for export in Reader(content).exports() if export[0] in names)
        parts.append(section(kind, content))
    return b"".join(parts)


class _Used:
    """By core module, the names of its exports that are used."""

    def __init__(self, component: bytes) -> None:
        self.names: list[set[bytes]] = []
        self._imports: list[list[tuple[bytes, bytes, int]]] = []
        #: The module of each core instance; None where it is made of exports of others.
        self._instances: list[int | None] = []
        for kind, content in sections(component):
            if kind == CORE_MODULE:
                self.names.append(set())
                self._imports.append(list(Reader(dict(sections(content)).get(IMPORTS, b"\0")).imports()))
            elif kind == CORE_INSTANCES:
                self._read_instances(Reader(content))
            elif kind == ALIASES:
                self._read_aliases(Reader(content))
        if not set(range(len(self.names))) <= set(self._instances):
            raise Unknown("a core module is of no core instance")

    def _use(self, instance: int, name: bytes) -> None:
        if instance >= len(self._instances):
            raise Unknown(f"core instance {instance} of {len(self._instances)}")
        module = self._instances[instance]
        if module is not None:
            self.names[module].add(name)

    def _read_instances(self, reader: Reader) -> None:
        for _ in range(reader.number()):
            if reader.byte() == 0:
                self._instances.append(self._instantiated(reader))
            else:
                for _ in range(reader.number()):
                    reader.name(), reader.byte(), reader.number()
                self._instances.append(None)

    def _instantiated(self, reader: Reader) -> int:
        module, given = reader.number(), {}
        for _ in range(reader.number()):
            name, sort = reader.name(), reader.byte()
            if sort != _INSTANCE:
                raise Unknown(f"a core module is given what is of sort {sort}")
            given[name] = reader.number()
        if module >= len(self._imports):
            raise Unknown(f"core module {module} of {len(self._imports)}")
        for importer, name, _ in self._imports[module]:
            if importer not in given:
                raise Unknown(f"core module {module} is not given {importer.decode()}")
            self._use(given[importer], name)
        return module

    def _read_aliases(self, reader: Reader) -> None:
        for _ in range(reader.number()):
            if reader.byte() == _CORE and reader.byte() == _MODULE:
                raise Unknown("a core module is another component's")
            of, instance = reader.byte(), reader.number()
            if of == _CORE_EXPORT:
                self._use(instance, reader.name())
            elif of == _EXPORT:
                reader.name()
            else:
                reader.number()
