//! `sessile build`: what it says of wrong sources, when it has nothing to do, and what it makes of core modules.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use sessile_tests::{App, Host, Way, get};

use super::{build, built, edit, has_c};

#[test]
fn build_of_c_that_is_wrong_shows_the_compilers_words_with_file_and_line() {
    if !has_c("the compiler's words") {
        return;
    }
    let app = App::made("echo", &["--lang", "c", "--style", "loop"]);
    edit(&app, "src/main.c", "unsigned count, const", "unsigned count const");
    let (code, _, errors) = build(&app);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("src/main.c:8:") && errors.contains("error: expected ')'"), "{errors}");
    assert!(errors.trim_end().ends_with("error: handler 'echo': its build failed with exit status: 1"), "{errors}");
}

#[test]
fn build_runs_a_command_only_where_a_source_is_newer() {
    let app = App::new(
        "[app]\nname = \"v\"\n[[routes]]\npath = \"/ws\"\nhandler = \"v\"\n[handlers.v]\ncomponent = \"out/v.wasm\"\n\
         build = \"mkdir -p out && cp {components}/version_a.wasm out/v.wasm && date >> ran\"\nsources = [\"src\"]\n",
    );
    let ran = || fs::read_to_string(app.path().join("ran")).map_or(0, |text| text.lines().count());
    let (code, _, errors) = build(&app);
    assert!(code == Some(2) && errors.contains("handler 'v': sources: ") && errors.contains("src"), "{errors}");
    fs::create_dir_all(app.path().join("src/deep")).unwrap();
    fs::write(app.path().join("src/deep/a.c"), "").unwrap();
    for _ in 0..2 {
        let (code, out, errors) = build(&app);
        assert_eq!((code, ran()), (Some(0), 1), "{out}{errors}");
    }
    let (_, out, _) = build(&app);
    assert_eq!(out, "building v: nothing to do, no source is newer\n");
    for (number, changed) in ["src/deep/a.c", "sessile.toml"].into_iter().enumerate() {
        let later = SystemTime::now() + Duration::from_secs(1);
        File::options().append(true).open(app.path().join(changed)).unwrap().set_modified(later).unwrap();
        let (code, out, errors) = build(&app);
        assert_eq!((code, ran()), (Some(0), number + 2), "{out}{errors}");
        let before = SystemTime::now() - Duration::from_secs(60);
        File::options().append(true).open(app.path().join(changed)).unwrap().set_modified(before).unwrap();
    }
}

#[test]
fn build_of_two_handlers_runs_where_a_source_of_either_is_newer() {
    let build_both = "cp {components}/version_a.wasm a.wasm && cp {components}/version_a.wasm b.wasm && date >> ran";
    let handler = |name: &str| {
        format!("[handlers.{name}]\ncomponent = \"{name}.wasm\"\nbuild = \"{build_both}\"\nsources = [\"{name}.c\"]\n")
    };
    let app = App::new(&format!(
        "[app]\nname = \"v\"\n[[routes]]\npath = \"/a\"\nhandler = \"a\"\n[[routes]]\npath = \"/b\"\nhandler = \"b\"\n{}{}",
        handler("a"),
        handler("b")
    ));
    let ran = || fs::read_to_string(app.path().join("ran")).map_or(0, |text| text.lines().count());
    fs::write(app.path().join("a.c"), "").unwrap();
    fs::write(app.path().join("b.c"), "").unwrap();
    for (number, gone) in [None, Some("a.wasm"), Some("b.wasm")].into_iter().enumerate() {
        if let Some(gone) = gone {
            fs::remove_file(app.path().join(gone)).unwrap();
        }
        for _ in 0..2 {
            let (code, out, errors) = build(&app);
            assert_eq!((code, ran()), (Some(0), number + 1), "without {gone:?}: {out}{errors}");
        }
    }
    let (_, out, _) = build(&app);
    assert_eq!(out, "building a, b: nothing to do, no source is newer\n");
}

#[test]
fn build_that_fails_after_it_has_written_is_run_again() {
    let app = App::new(
        "[app]\nname = \"v\"\n[[routes]]\npath = \"/\"\nhandler = \"v\"\n[handlers.v]\ncomponent = \"v.wasm\"\n\
         build = \"cp {components}/version_a.wasm v.wasm && test -e well\"\nsources = [\"v.c\"]\n",
    );
    fs::write(app.path().join("v.c"), "").unwrap();
    for _ in 0..2 {
        let (code, _, errors) = build(&app);
        assert!(code == Some(2) && errors.contains("its build failed"), "{errors}");
    }
    fs::write(app.path().join("well"), "").unwrap();
    let (code, out, errors) = build(&app);
    assert!(code == Some(0) && !out.contains("nothing to do"), "{out}{errors}");
}

#[test]
fn build_command_that_is_not_there_is_told_with_the_way_out() {
    let app = App::new(
        "[app]\nname = \"v\"\n[[routes]]\npath = \"/\"\nhandler = \"v\"\n[handlers.v]\ncomponent = \"v.wasm\"\n\
         build = \"no-such-compiler x.c\"\n",
    );
    let (code, _, errors) = build(&app);
    assert_eq!(code, Some(2));
    assert!(errors.contains("handler 'v': its build command was not found; `sessile doctor`"), "{errors}");
    app.edit("no-such-compiler x.c", "true");
    let (code, _, errors) = build(&app);
    assert!(code == Some(2) && errors.contains("its build made no ") && errors.contains("v.wasm"), "{errors}");
}

/// An app whose one component is this core module.
fn core(text: &str) -> App {
    let app = App::new(
        "[app]\nname = \"v\"\n[[routes]]\npath = \"/\"\nhandler = \"v\"\n[handlers.v]\ncomponent = \"core.wasm\"\n",
    );
    fs::write(app.path().join("core.wasm"), wat::parse_str(text).unwrap()).unwrap();
    app
}

const MEMORY: &str =
    "(memory (export \"memory\") 1) (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 64)";

#[tokio::test]
async fn core_module_gets_the_types_of_what_it_imports_and_exports() {
    // It answers 204 with nothing, by the import `http.send`.
    let app = built(core(&format!(
        "(module
           (import \"sessile:handler/http@0.1.0\" \"send\"
             (func $send (param i64 i32 i32 i32 i32 i32 i32)))
           {MEMORY}
           (func (export \"sessile:handler/http-handler@0.1.0#handle\") (param i64) (result i32)
             (call $send (local.get 0) (i32.const 204) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
             i32.const 256))"
    )));
    let host = Host::start(&app, Way::Keep);
    assert_eq!(get(host.address(), "/", None).await.status, 204);
    let report = Host::run(&["inspect", app.path().join("core.wasm").to_str().unwrap()]);
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stdout));
}

#[test]
fn core_module_of_which_no_component_can_be_made_is_told_why() {
    let handle = "\"sessile:handler/http-handler@0.1.0#handle\"";
    for (text, said) in [
        ("(module)".to_owned(), "it exports no handler: export the functions of one, such as `sessile:handler/"),
        (
            format!("(module (import \"env\" \"puts\" (func)) (func (export {handle})))"),
            "it speaks of `env` and carries no types",
        ),
        (
            "(module (import \"wasi:http/types@0.2.0\" \"f\" (func)))".to_owned(),
            "it speaks of `wasi:http/types@0.2.0` and carries no types",
        ),
        (
            "(module (func (export \"sessile:handler/alarms@0.9.0#ring\")))".to_owned(),
            "there is no `sessile:handler/alarms@0.9.0` in the WIT of this sessile, 0.1.0",
        ),
        (
            format!("(module {MEMORY} (func (export {handle}) (param i32) (result i32) i32.const 0))"),
            "no component can be made of it",
        ),
        (
            format!(
                "(module {MEMORY} (func (export \"sessile:handler/websocket-events@0.1.0#on-open\") (param i64) (result i32) i32.const 0))"
            ),
            "on-messages",
        ),
    ] {
        let app = core(&text);
        let before = fs::read(app.path().join("core.wasm")).unwrap();
        let (code, out, errors) = build(&app);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
        let begin = format!("error: handler 'v': {}: a core module: ", app.path().join("core.wasm").display());
        assert!(errors.starts_with(&begin) && errors.contains(said), "{said:?} is not in: {errors}");
        assert_eq!(fs::read(app.path().join("core.wasm")).unwrap(), before, "it was left as it is");
    }
}
