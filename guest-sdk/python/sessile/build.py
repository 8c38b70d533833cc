"""`python3 -B -m sessile.build src/app.py -o build/app.wasm`: a component of an app, by componentize-py.

Owns what componentize-py leaves to its caller: which handlers the app has and so what world it is, and errors in Python's own words
with the files as they lie here. Runs in the Python of the machine that builds, not in a component.
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from . import _exports, _freed

#: The one that the SDK is for: `_loop` mends this one's event loop, `_freed` and `_exports` what it writes.
COMPONENTIZE_PY = "0.25.1"
#: What a component runs.
PYTHON = "3.14"
_PACKAGE = Path(__file__).resolve().parent
#: Folders that tools write, and hidden files: no part of an app.
TOOLS = (".*", "__pycache__", "node_modules", "target", "dist", "build", "venv")
#: By decorator: what is exported.
_EXPORTS = {"events": "websocket-events", "loop": "websocket-handler", "http": "http-handler", "alarm": "alarm-handler"}
#: By method of a class of events: what is exported beside.
_OPTIONAL = {"on_upgrade": "websocket-upgrade", "on_publication": "publication-handler"}


class Refused(Exception):
    """Why nothing was built."""


def main() -> int:
    """Builds, and prints what is wrong."""
    parser = argparse.ArgumentParser(prog="python3 -m sessile.build", description=__doc__.partition("\n")[0])
    parser.add_argument("app", type=Path, help="the app's module, such as src/app.py; its folder is that of its other modules")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the component to write")
    parser.add_argument("-p", "--path", type=Path, action="append", default=[], help="a folder of more modules, as of `pip install --target`")
    parser.add_argument("--wit", type=Path, help="the folder of Sessile's WIT [default: the one that came with this SDK]")
    options = parser.parse_args()
    try:
        build(options.app, options.output, options.path, options.wit or wit())
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


def build(app: Path, output: Path, paths: list[Path], wit_folder: Path) -> None:
    """Writes the component. Raises `Refused`."""
    found = handlers(parsed(app))
    if not found:
        raise Refused(f"{app}: no handler; one is marked with @sessile.events, @sessile.loop, @sessile.http or @sessile.alarm")
    componentize = tool()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        # Copies, since componentize-py's Python writes its `__pycache__` beside what it reads.
        modules, sdk, types = (Path(temporary) / name for name in ("app", "sdk", "wit"))
        shutil.copytree(app.parent, modules, ignore=shutil.ignore_patterns(*TOOLS))
        shutil.copytree(_PACKAGE, sdk / _PACKAGE.name, ignore=shutil.ignore_patterns(*TOOLS))
        shutil.copytree(wit_folder, types)
        for source in sorted(modules.rglob("*.py")):
            parsed(app.parent / source.relative_to(modules))
        (types / "built.wit").write_text(world(found))
        try:
            run(componentize, app.stem, [modules, sdk, *paths], types, output)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            # A panic, which is no Exception, too.
            raise Refused(words(str(error), [app.parent, _PACKAGE.parent, *paths])) from None


def run(componentize: Any, app: str, paths: list[Path], types: Path, output: Path) -> None:
    """By another file first, so that nobody ever reads the half of one."""
    beside = output.with_name(f"{output.name}.tmp{os.getpid()}")
    try:
        componentize(
            wit_path=[str(types)],
            worlds=["built"],
            features=[],
            all_features=False,
            world_module=None,
            python_path=[str(path) for path in paths],
            module_worlds=[],
            app_name=app,
            output_path=str(beside),
            stub_wasi=False,
            import_interface_names=[],
            export_interface_names=[],
            full_names=False,
            intersect_world=None,
        )
        beside.write_bytes(_exports.fewer(_freed.mended(beside.read_bytes())))
        beside.rename(output)
    finally:
        beside.unlink(missing_ok=True)


def tool() -> Any:
    """componentize-py's own function. Raises `Refused` where it is not there, or another version."""
    fix = f"  fix: {sys.executable} -m pip install componentize-py=={COMPONENTIZE_PY}"
    try:
        version = importlib.metadata.version("componentize-py")
        import componentize_py  # type: ignore[import-not-found]
    except ImportError:
        raise Refused(f"componentize-py is missing\n{fix}") from None
    if version != COMPONENTIZE_PY:
        raise Refused(f"componentize-py {version}: this SDK is for {COMPONENTIZE_PY}\n{fix}")
    return componentize_py.componentize


def wit() -> Path:
    """The WIT within the installed package, or where it lies beside it in the repository's layout."""
    for folder in (_PACKAGE / "wit", _PACKAGE.parents[2] / "wit"):
        if (folder / "types.wit").is_file():
            return folder
    raise Refused(f"no WIT in {_PACKAGE / 'wit'}; say --wit FOLDER")


def parsed(source: Path) -> ast.Module:
    """The module's syntax. Raises `Refused` in Python's words."""
    try:
        return ast.parse(source.read_bytes(), filename=str(source))
    except (SyntaxError, ValueError) as error:
        said = "".join(traceback.format_exception_only(error)).rstrip()
        here = ".".join(map(str, sys.version_info[:2]))
        other = f"\n(read by Python {here}; a component runs {PYTHON}, and what is new there needs as new a Python here)"
        raise Refused(said + (other if sys.version_info[:2] < tuple(map(int, PYTHON.split("."))) else "")) from None


def handlers(module: ast.Module) -> list[str]:
    """What the module's decorators export: `@sessile.loop`, or `@loop` where it is imported."""
    names = {"sessile": ""}
    for node in module.body:
        if isinstance(node, ast.Import):
            names |= {alias.asname: "" for alias in node.names if alias.name == "sessile" and alias.asname}
        if isinstance(node, ast.ImportFrom) and node.module == "sessile":
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
    found = []
    for node in module.body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Attribute) and isinstance(decorator.value, ast.Name):
                name = decorator.attr if names.get(decorator.value.id) == "" else None
            else:
                name = names.get(decorator.id) if isinstance(decorator, ast.Name) else None
            if name in _EXPORTS:
                found.append(_EXPORTS[name])
            if name == "events":
                found += [_OPTIONAL[method] for item in node.body if (method := getattr(item, "name", None)) in _OPTIONAL]
    return found


def world(exports: list[str]) -> str:
    """WIT: what handlers may import, and these exports."""
    return "package sessile:handler@0.1.0;\nworld built {\n    include imports;\n" + "".join(
        f"    export {name};\n" for name in exports
    ) + "}\n"


def words(said: str, mounted: list[Path]) -> str:
    """Python's words out of componentize-py's, with the folders that it mounts as `/0` and `/1` as they are here."""
    said = said.partition("\n\nCaused by:")[0].partition("\n\nStack backtrace:")[0].strip()

    def place(match: re.Match[str]) -> str:
        number = int(match[1])
        return f'File "{mounted[number]}/' if number < len(mounted) else match[0]

    return re.sub(r'File "/(\d)/', place, said)


if __name__ == "__main__":
    sys.exit(main())
