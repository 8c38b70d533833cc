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

use super::blocking;
use super::engine::{Engine, Machine, compatibility};
/// A folder of compiled components.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens the folder, making it (0700) if need be.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The compiled form of a component's bytes, and the machine that runs it: from the folder, else
    /// compiled and kept there.
    ///
    /// # Errors
    /// What wasmtime says of bytes that are no component.
    pub(super) fn component<'e>(&self, engine: &'e Engine, bytes: &[u8]) -> wasmtime::Result<(&'e Machine, Component)> {
        let calls = blocking::calls(bytes)?;
        let machine = engine.machine(calls)?;
        let path = self.folder.join(name(bytes, compatibility(&machine.wasmtime)));
        if path.exists() {
            // SAFETY: the folder is writable by us alone, and a file of this name was written whole
            // by `keep` from `Component::serialize` of an engine with the same compatibility hash.
            match unsafe { Component::deserialize_file(&machine.wasmtime, &path) } {
                Ok(component) => return Ok((machine, component)),
                Err(error) => tracing::warn!(path = %path.display(), "a cached component is unusable: {error}"),
            }
        }
        let component = machine.compile(calls, bytes)?;
        if let Err(error) = keep(&path, &component.serialize()?) {
            tracing::warn!(path = %path.display(), "a compiled component could not be kept: {error}");
        }
        Ok((machine, component))
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
