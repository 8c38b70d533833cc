//! docs/reliability.md names tests: all of them exist.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/reliability.md");

#[test]
fn page_names_tests_and_fuzz_targets_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let code: String = [root.join("host/src"), root.join("tests/tests")].into_iter().flat_map(files).collect();
    let rows = || PAGE.lines().filter(|line| line.starts_with("| ")).map(|row| row.split(" | ").collect::<Vec<_>>());
    let held = rows().filter_map(|row| row.get(1).copied()).flat_map(quoted).filter(|name| is_name(name));
    let held: Vec<_> = held.collect();
    assert!(held.len() > 30, "the table was not read: {held:?}");
    for name in held {
        assert!(code.contains(&format!("fn {name}(")), "no test is called {name}");
    }
    for target in rows().filter(|row| row.len() == 3 && row[0].starts_with("| `")).flat_map(|row| quoted(row[0])) {
        assert!(root.join(format!("fuzz/fuzz_targets/{target}.rs")).exists(), "no fuzz target is called {target}");
    }
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Commands and files are quoted too.
fn is_name(text: &str) -> bool {
    text.matches('_').count() > 1 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn files(folder: PathBuf) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        match path.is_dir() {
            true => texts.extend(files(path)),
            false => texts.push(fs::read_to_string(path).unwrap()),
        }
    }
    texts
}
