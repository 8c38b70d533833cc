//! `sessile key` and `sessile sign`: who stands for what is deployed.
//!
//! Owns secret keys: files of minisign without a password, for their owner alone. What is signed is said by
//! [`app::signature`](crate::app::signature), which also verifies it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use minisign::{KeyPair, SecretKey, SecretKeyBox};

use super::{Done, say};
use crate::app::Bundle;
use crate::app::signature::{TrustedKey, file_of, signer, text_of};
use crate::limits;

#[derive(Args)]
pub(super) struct Key {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a key to sign with, and the public one that hosts trust, in KEYFILE.pub
    New {
        /// Where the secret key goes; a file that is there stays as it is
        #[arg(value_name = "KEYFILE")]
        file: PathBuf,
    },
}

#[derive(Args)]
#[command(after_help = "Examples:
  sessile key new release.key
  sessile sign my-app --key release.key              writes my-app/sessile.sig
  sessile sign echo.wasm --key release.key           writes echo.wasm.minisig
  sessile serve my-app --trusted-key release.key.pub")]
pub(super) struct Sign {
    /// The app's folder, built, or a component
    #[arg(default_value = ".")]
    from: PathBuf,
    /// The secret key, of `sessile key new` or minisign's own (`minisign -G -W`)
    #[arg(long, value_name = "KEYFILE")]
    key: PathBuf,
}

pub(super) fn key(key: &Key) -> anyhow::Result<Done> {
    let Command::New { file } = &key.command;
    let pair = KeyPair::generate_unencrypted_keypair().context("no key")?;
    let mut public = file.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    if public.exists() {
        bail!("{}: there already; choose another name", public.display());
    }
    write_new(file, &pair.sk.to_box(None)?.into_string(), 0o600)?;
    write_new(&public, &pair.pk.to_box()?.into_string(), 0o644)?;
    say(&format!("{}: the secret key; whoever has it can sign", file.display()));
    say(&format!("{}: for `sessile serve --trusted-key`, as is the line {}", public.display(), pair.pk.to_base64()));
    Ok(Done::Well)
}

pub(super) fn sign(sign: &Sign) -> anyhow::Result<Done> {
    let key = secret(&sign.key)?;
    let bundle = if sign.from.is_dir() { Bundle::read(&sign.from)? } else { Bundle::of_component(&sign.from)? };
    let comment = format!("app {}", bundle.name);
    let text = text_of(&bundle.contents);
    let signature = minisign::sign(None, &key, text.as_bytes(), None, Some(&comment))?.into_string();
    let file = file_of(&sign.from);
    std::fs::write(&file, &signature).with_context(|| format!("{}", file.display()))?;
    let by = signer(&signature).map(|by| by.to_string()).unwrap_or_default();
    say(&format!("{}: {} as it is now, signed by {by}", file.display(), bundle.name));
    Ok(Done::Well)
}

/// A key that is trusted, from its file or as it is written there.
pub(super) fn trusted(text: &str) -> Result<TrustedKey, String> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let file = read(Path::new(text)).map_err(|error| format!("{error:#}; nor is it a public key itself"))?;
    file.parse().map_err(|error| format!("{error}"))
}

fn secret(path: &Path) -> anyhow::Result<SecretKey> {
    let key = SecretKeyBox::from_string(&read(path)?).and_then(SecretKeyBox::into_unencrypted_secret_key);
    key.with_context(|| format!("{}: no secret key of minisign without a password", path.display()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(limits::KEY_BYTES_MAX as u64).read_to_string(&mut text));
    read.with_context(|| format!("{}", path.display()))?;
    Ok(text)
}

fn write_new(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = made.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.with_context(|| format!("{}: not written", path.display()))
}
