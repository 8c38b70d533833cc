//! Handlers in Python: the SDK's own tests, projects as `sessile new` begins them, and what a wrong one is told.
//!
//! A component is built in some 20 s and compiled in some 10, so there are few.

use std::fs;
use std::process::Command;

use sessile_tests::App;

use super::{build, built, edit, has, publications_are_told, root};
use crate::tools::{echo_is_served, visits_are_served};

/// What `sessile doctor` asks of a machine that builds Python.
const TOOLS: [&str; 2] = ["python", "componentize-py"];

fn python() -> Command {
    Command::new(std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into()))
}

#[test]
fn sdk_of_python_passes_its_own_tests() {
    if !has(&["python"], "the unit tests of the SDK of Python") {
        return;
    }
    let unittest = ["-B", "-m", "unittest", "discover", "-s", "tests", "-t", "."];
    let tested = python().args(unittest).current_dir(root().join("guest-sdk/python")).output().unwrap();
    let said = String::from_utf8_lossy(&tested.stderr);
    assert!(tested.status.success() && said.contains("\nOK"), "{said}");
    assert!(!said.contains("Ran 0 tests"), "{said}");
}

#[test]
fn build_of_python_that_is_wrong_shows_its_words_with_file_and_line() {
    if !has(&["python"], "Python's words") {
        return;
    }
    let app = App::made("echo", &["--lang", "python", "--style", "loop"]);
    edit(&app, "src/app.py", "count = 0", "count = = 0");
    let (code, _, errors) = build(&app);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("File \"src/app.py\", line 16\n    count = = 0\n"), "{errors}");
    assert!(errors.contains("SyntaxError: invalid syntax") && !errors.contains("Traceback"), "{errors}");
    edit(&app, "src/app.py", "count = = 0", "count = 0");
    edit(&app, "src/app.py", "@sessile.loop", "@staticmethod");
    let (code, _, errors) = build(&app);
    assert!(code == Some(2) && errors.contains("src/app.py: no handler; one is marked with @sessile."), "{errors}");
}

#[test]
fn build_of_python_that_fails_on_the_way_shows_the_traceback() {
    if !has(&TOOLS, "Python's traceback") {
        return;
    }
    let app = App::made("echo", &["--lang", "python", "--style", "loop"]);
    fs::write(app.path().join("src/limits.py"), "def limit():\n    return {}['most']\n").unwrap();
    edit(&app, "src/app.py", "import sessile\n", "import limits\nimport sessile\n\nMOST = limits.limit()\n");
    let (code, _, errors) = build(&app);
    assert_eq!(code, Some(2), "{errors}");
    for words in
        ["Traceback (most recent call last):\n", "File \"src/app.py\", line 12, in <module>", "KeyError: 'most'"]
    {
        assert!(errors.contains(words), "{words:?} is not in: {errors}");
    }
    assert!(errors.contains("File \"src/limits.py\", line 2, in limit"), "{errors}");
    assert!(!errors.contains("Stack backtrace") && !errors.contains("componentize-py\", line"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn publications_come_to_a_handler_in_python_that_has_one() {
    if !has(&TOOLS, "publications in Python") {
        return;
    }
    let app = App::new(&format!(
        "[app]\nname = \"watcher\"\n[[routes]]\npath = \"/ws\"\nhandler = \"ws\"\n[handlers.ws]\ncomponent = \"watcher.wasm\"\n\
         build = \"PYTHONPATH={}/guest-sdk/python${{PYTHONPATH:+:$PYTHONPATH}} ${{PYTHON:-python3}} -B -m sessile.build app.py -o watcher.wasm\"\n",
        root().canonicalize().unwrap().display(),
    ));
    let source = r#"
import json
import sessile

@sessile.events
class Watcher:
    async def on_open(self, ws):
        await ws.join("watched", metadata="Ada")

    async def on_message(self, ws, message):
        await sessile.publish("watched", message)

    async def on_publication(self, ws, told):
        if told.message == "fail":
            raise ValueError("told to fail")
        if told.presence is None:
            await ws.send(f"{told.group} {told.position.offset} {told.message}")
        else:
            joined = ",".join(json.dumps(member.metadata) for member in told.presence.joined)
            await ws.send(f"{joined} of {told.presence.total}")
"#;
    fs::write(app.path().join("app.py"), source).unwrap();
    publications_are_told(built(app)).await;
}

/// Both styles in one component: it is built once.
#[tokio::test(flavor = "multi_thread")]
async fn new_project_in_python_of_loop_and_http_style_is_built_and_served() {
    if !has(&TOOLS, "projects in Python") {
        return;
    }
    let [echo, visits] = [("new-echo", "loop"), ("new-visits", "http")]
        .map(|(name, style)| App::made(name, &["--lang", "python", "--style", style]));
    let source = |app: &App| fs::read_to_string(app.path().join("src/app.py")).unwrap();
    fs::write(echo.path().join("src/app.py"), source(&echo) + &source(&visits)).unwrap();
    for (app, export) in [(&echo, "websocket-handler"), (&visits, "http-handler")] {
        app.edit("\"\"\"\n# Built", &format!("\"\"\"\nexport = \"{export}\"\n# Built"));
    }
    let echo = built(echo);
    let (_, out, _) = build(&echo);
    assert_eq!(out, "building echo: nothing to do, no source is newer\n");
    echo_is_served(&echo).await;
    fs::create_dir(visits.path().join("build")).unwrap();
    fs::copy(echo.path().join("build/new-echo.wasm"), visits.path().join("build/new-visits.wasm")).unwrap();
    visits_are_served(&visits).await;
}
