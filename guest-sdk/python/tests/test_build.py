"""`sessile.build`: what it finds in an app, and what it says."""

import ast
import contextlib
import io
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from unittest import mock

from sessile import build

ROOT = Path(__file__).resolve().parents[1]


class Build(unittest.TestCase):
    def handlers(self, text):
        return build.handlers(ast.parse(text))

    def test_handlers_are_found_by_their_decorators_however_imported(self):
        loop = "async def f(ws): ...\n"
        for text in (
            f"import sessile\n@sessile.loop\n{loop}", f"import sessile as s\n@s.loop\n{loop}",
            f"from sessile import loop\n@loop\n{loop}", f"from sessile import loop as l\n@l\n{loop}",
        ):
            self.assertEqual(self.handlers(text), ["websocket-handler"], text)
        self.assertEqual(self.handlers(f"import other\n@other.loop\n{loop}"), [])
        self.assertEqual(self.handlers(f"def loop(f): ...\n@loop\n{loop}"), [])
        events = "import sessile\n@sessile.events\nclass A:\n    def on_message(self, ws, m): ...\n"
        self.assertEqual(self.handlers(events), ["websocket-events"])
        alarm = "import sessile\n@sessile.alarm\ndef r(alarm): ...\n"
        self.assertEqual(self.handlers(alarm), ["alarm-handler"])
        told = "    async def on_publication(self, ws, told): ...\n"
        self.assertEqual(self.handlers(events + told), ["websocket-events", "publication-handler"])
        upgrade = "    async def on_upgrade(self, ws, v): ...\n@sessile.http\ndef h(r): ...\n"
        self.assertEqual(self.handlers(events + upgrade), ["websocket-events", "websocket-upgrade", "http-handler"])

    def test_world_has_what_is_imported_and_these_exports(self):
        self.assertIn("    include imports;\n    export http-handler;\n}", build.world(["http-handler"]))

    def test_words_are_pythons_with_the_files_as_they_lie_here(self):
        said = (
            'Traceback:\n  File "/0/app.py", line 2\n  File "/1/sessile/x.py", line 3\n  File "/7/y.py"\nKeyError: 1'
            "\n\n\nCaused by:\n    x\n\nStack backtrace:\n 0"
        )
        self.assertEqual(
            build.words(said, [Path("src"), Path("sdk")]),
            'Traceback:\n  File "src/app.py", line 2\n  File "sdk/sessile/x.py", line 3\n  File "/7/y.py"\nKeyError: 1',
        )

    def run_main(self, *args):
        errors = io.StringIO()
        with mock.patch.object(sys, "argv", ["build", *map(str, args)]), contextlib.redirect_stderr(errors):
            return build.main(), errors.getvalue()

    def test_app_that_is_wrong_is_refused_in_pythons_words(self):
        with tempfile.TemporaryDirectory() as folder:
            app, out = Path(folder) / "app.py", Path(folder) / "app.wasm"
            wrong = f'File "{app}", line 1'
            for text, said in (("def f(:\n", wrong), ("x = 1\n", "no handler; one is marked with @sessile.events")):
                app.write_text(text)
                code, errors = self.run_main(app, "-o", out)
                self.assertEqual((code, said in errors, out.exists()), (1, True, False), errors)
                self.assertNotIn("Traceback", errors)

    def test_tool_of_another_version_is_named_with_the_one_that_will_do(self):
        with tempfile.TemporaryDirectory() as folder:
            app = Path(folder) / "app.py"
            app.write_text("import sessile\n@sessile.http\ndef h(r): ...\n")
            version = mock.patch("importlib.metadata.version", return_value="0.24.0")
            with version, mock.patch.dict(sys.modules, componentize_py=mock.Mock()):
                code, errors = self.run_main(app, "-o", app.with_suffix(".wasm"))
            self.assertEqual(code, 1)
            self.assertIn("componentize-py 0.24.0: this SDK is for 0.25.1\n  fix: ", errors)
            self.assertIn("-m pip install componentize-py==0.25.1", errors)

    def test_package_asks_for_the_tool_that_the_sdk_is_for_and_carries_the_wit(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        self.assertEqual(project["dependencies"], [f"componentize-py=={build.COMPONENTIZE_PY}"])
        self.assertIn("interface types", (build.wit() / "types.wit").read_text())
