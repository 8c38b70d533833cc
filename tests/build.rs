//! Builds the guests that the tests drive, into a target folder of their own: one cargo call for the
//! examples, one for the test guests. Adds Rust's wasm target where it is missing, saying so.

use std::path::Path;
use std::process::Command;

const WASM: &str = "wasm32-wasip2";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests' folder is in the workspace");
    let target = root.join("target/guests");
    for folder in ["examples", "tests/guests", "guest-sdk/rust/src", "guest-sdk/rust/Cargo.toml", "wit"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
    }
    add_target(root);
    for workspace in ["examples", "tests/guests"] {
        let mut cargo = command("cargo");
        cargo.args(["build", "--release", "--locked", "--target", WASM, "--target-dir"]).arg(&target);
        run(cargo.current_dir(root.join(workspace)));
    }
    let components = target.join(WASM).join("release");
    println!("cargo::rustc-env=SESSILE_COMPONENTS={}", components.display());
    println!("cargo::rustc-env=SESSILE_ROOT={}", root.display());
}

fn add_target(root: &Path) {
    let listed = command("rustup").args(["target", "list", "--installed"]).current_dir(root).output();
    // Without rustup, cargo itself says what is missing.
    let Ok(listed) = listed else { return };
    if String::from_utf8_lossy(&listed.stdout).lines().any(|line| line.trim() == WASM) {
        return;
    }
    println!("cargo::warning=adding the Rust target {WASM}: rustup target add {WASM}");
    run(command("rustup").args(["target", "add", WASM]).current_dir(root));
}

/// A command without the settings that the outer cargo meant for this package.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let ours = text.starts_with("CARGO") && text != "CARGO_HOME" && !text.starts_with("CARGO_NET");
        if ours
            || text == "RUSTFLAGS"
            || text == "RUSTC"
            || text == "RUSTC_WRAPPER"
            || text == "RUSTC_WORKSPACE_WRAPPER"
        {
            command.env_remove(name);
        }
    }
    command
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?} failed with {status}");
}
