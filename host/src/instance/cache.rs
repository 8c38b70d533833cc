//! Compiled code on disk, named by the digest of the component, the version of wasmtime and the
//! engine's settings: a start with a warm cache compiles nothing.
//!
//! The only file with `unsafe`: wasmtime trusts what it deserialises as it trusts this program. The
//! folder is therefore 0700 and ours, a file is written under another name and renamed, and its name
//! commits to everything that the code depends on. Whoever can write to it can run code as the host.

#![allow(unsafe_code, reason = "Component::deserialize_file, argued for at its call")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use super::engine::{Engine, Machine, compatibility, config};
use super::{blocking, child};

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

    /// Whether it has the compiled form of these bytes.
    pub(super) fn has(&self, engine: &Engine, bytes: &[u8]) -> bool {
        let machine = blocking::calls(bytes).map_err(wasmtime::Error::from).and_then(|calls| engine.machine(calls));
        machine.is_ok_and(|machine| self.folder.join(name(bytes, compatibility(&machine.wasmtime))).exists())
    }

    /// The compiled form of a component's bytes, and the machine that runs it: from the folder, else
    /// compiled and kept there.
    ///
    /// # Errors
    /// See [`Uncompiled`].
    pub(super) fn component<'e>(
        &self,
        engine: &'e Engine,
        bytes: &[u8],
    ) -> Result<(&'e Machine, Component), Uncompiled> {
        let calls = blocking::calls(bytes).map_err(Uncompiled::component)?;
        let machine = engine.machine(calls).map_err(Uncompiled::host)?;
        let path = self.folder.join(name(bytes, compatibility(&machine.wasmtime)));
        if let Some(component) = kept(machine, &path) {
            return Ok((machine, component));
        }
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
        Ok((machine, component))
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

fn name(bytes: &[u8], compatibility: u64) -> String {
    let mut name = String::with_capacity(96);
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        let _infallible = write!(name, "{byte:02x}");
    }
    let _infallible = write!(name, "-{compatibility:016x}.cwasm");
    name
}

fn keep(path: &Path, compiled: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension(format!("{}.partial", std::process::id()));
    let mut file = std::fs::File::create(&partial)?;
    file.write_all(compiled)?;
    drop(file);
    std::fs::rename(partial, path)
}
