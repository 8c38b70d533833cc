//! Compiled code on disk, named by the digest of the component, the version of wasmtime and the
//! engine's settings: a start with a warm cache compiles nothing.
//!
//! One of the two files with `unsafe`: wasmtime trusts what it deserialises as it trusts this program. The
//! folder is therefore 0700 and ours, a file is written under another name and renamed, and its name
//! commits to everything that the code depends on. Whoever can write to it can run code as the host.

#![allow(unsafe_code, reason = "Component::deserialize_file, argued for at its call")]

use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use wasmtime::component::Component;

use super::engine::{Engine, Machine, compatibility, config};
use super::{blocking, child};
use crate::bindings::Calls;

/// A folder of compiled components.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    compiler: Compiler,
}

/// Who compiles.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// This process.
    Here,
    /// This program as a process of its own, with bounds on its memory and its time: a component that is made
    /// to be hard to compile ends that one alone. It is run as `PROGRAM compile-component FILE`.
    Child(PathBuf),
}

/// Why there is no compiled form.
#[derive(Debug)]
pub(super) enum Uncompiled {
    /// The bytes are no component, or one that takes too much to compile.
    Component(String),
    /// This host could not do it: its disk, its memory.
    Host(String),
}

impl Uncompiled {
    pub(super) fn component(error: impl Into<wasmtime::Error>) -> Self {
        Self::Component(format!("{:#}", error.into()))
    }

    pub(super) fn host(error: impl Into<wasmtime::Error>) -> Self {
        Self::Host(format!("{:#}", error.into()))
    }
}

impl Cache {
    /// Opens the folder, making it (0700) if need be.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(folder: &Path, compiler: Compiler) -> std::io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self { folder: folder.to_owned(), compiler })
    }

    /// Whether it has the compiled form of a component, by the SHA-256 of its bytes in hexadecimal digits.
    pub(super) fn has(&self, engine: &Engine, digest: &str) -> bool {
        self.place(engine, digest).is_some_and(|(_, path)| path.exists())
    }

    /// The compiled form of a component, and the machine that runs it, if they are in the folder: the component's bytes,
    /// of which there may be many, are then not needed.
    pub(super) fn kept<'e>(&self, engine: &'e Engine, digest: &str) -> Option<(&'e Machine, Component)> {
        let (machine, path) = self.place(engine, digest)?;
        kept(machine, &path).map(|component| (machine, component))
    }

    /// Compiles a component's bytes, and keeps what comes of it.
    ///
    /// # Errors
    /// See [`Uncompiled`].
    pub(super) fn compile<'e>(
        &self,
        engine: &'e Engine,
        digest: &str,
        bytes: &[u8],
    ) -> Result<(&'e Machine, Component), Uncompiled> {
        let calls = blocking::calls(bytes).map_err(Uncompiled::component)?;
        let machine = engine.machine(calls).map_err(Uncompiled::host)?;
        let path = self.path(machine, digest);
        let component = match &self.compiler {
            Compiler::Here => {
                let component = machine.compile(calls, bytes).map_err(Uncompiled::component)?;
                let kept = component.serialize().and_then(|compiled| Ok(keep(&path, &compiled)?));
                if let Err(error) = kept {
                    tracing::warn!(path = %path.display(), "a compiled component could not be kept: {error}");
                }
                component
            }
            Compiler::Child(program) => {
                child::compile(program, bytes, &path)?;
                kept(machine, &path).ok_or_else(|| Uncompiled::Host("it was compiled for another engine".to_owned()))?
            }
        };
        // Without it the component is compiled again.
        if let Err(error) = keep(&self.calls_path(digest), word(calls).as_bytes()) {
            tracing::warn!(digest, "how a component makes its calls could not be kept: {error}");
        }
        Ok((machine, component))
    }

    /// The machine that runs a component which was compiled, and where its compiled form is.
    fn place<'e>(&self, engine: &'e Engine, digest: &str) -> Option<(&'e Machine, PathBuf)> {
        let word_of = std::fs::read_to_string(self.calls_path(digest)).ok()?;
        let calls = [Calls::Blocking, Calls::Concurrent].into_iter().find(|calls| word(*calls) == word_of)?;
        let machine = engine.machine(calls).ok()?;
        Some((machine, self.path(machine, digest)))
    }

    fn path(&self, machine: &Machine, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{:016x}.cwasm", compatibility(&machine.wasmtime)))
    }

    fn calls_path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}.calls"))
    }
}

/// How a component makes its calls, as its file says.
fn word(calls: Calls) -> &'static str {
    match calls {
        Calls::Blocking => "blocking",
        Calls::Concurrent => "concurrent",
    }
}

/// Compiles a component for this program's engines, which need not be there: what the child process does.
///
/// # Errors
/// What wasmtime says of bytes that are no component; an [`std::io::Error`] of the file.
pub fn compile_to(bytes: &[u8], path: &Path) -> wasmtime::Result<()> {
    let calls = blocking::calls(bytes)?;
    let engine = wasmtime::Engine::new(&config(calls))?;
    let compiled = engine.precompile_component(&blocking::fit(bytes, calls)?)?;
    Ok(keep(path, &compiled)?)
}

fn kept(machine: &Machine, path: &Path) -> Option<Component> {
    if !path.exists() {
        return None;
    }
    // SAFETY: the folder is writable by us alone, and a file of this name was written whole by `keep` from what
    // an engine with the same compatibility hash has compiled, here or in a child process of this program.
    match unsafe { Component::deserialize_file(&machine.wasmtime, path) } {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(path = %path.display(), "a cached component is unusable: {error}");
            None
        }
    }
}

fn keep(path: &Path, compiled: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    let mut file = std::fs::File::create(&partial)?;
    file.write_all(compiled)?;
    drop(file);
    std::fs::rename(partial, path)
}
