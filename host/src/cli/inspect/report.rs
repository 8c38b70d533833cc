//! What `sessile inspect` tells, as data and as text. Pure: knows names and what they mean to this host, no file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::instance::names::{Names, Producer};

/// All that is known of a component without running it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    file: String,
    bytes: usize,
    sha256: String,
    /// `language`, `processed-by`, `sdk` to name and version.
    producers: BTreeMap<String, Vec<String>>,
    handlers: Vec<Handler>,
    exports: Vec<String>,
    imports: Vec<String>,
    wants: Vec<Want>,
    /// Whether this host can serve it.
    pub(super) servable: bool,
    /// Why it cannot.
    refusal: Option<String>,
}

/// An export that the host calls.
#[derive(Debug, Serialize)]
struct Handler {
    interface: String,
    /// For the key `export` of a manifest.
    export: &'static str,
    serves: &'static str,
}

/// What it imports of the world outside, and what of that it gets.
#[derive(Debug, Serialize)]
struct Want {
    what: &'static str,
    given: &'static str,
    imports: Vec<String>,
}

/// The start of an export's name, the manifest's word for it, and what it serves.
const HANDLERS: [(&str, &str, &str); 5] = [
    ("sessile:handler/websocket-events@0.1.", "websocket-events", "websockets, event style"),
    ("sessile:handler/websocket-handler@0.1.", "websocket-handler", "websockets, loop style"),
    ("sessile:handler/http-handler@0.1.", "http-handler", "HTTP"),
    ("wasi:http/incoming-handler@0.2.", "wasi:http/incoming-handler", "HTTP, standard 0.2"),
    ("wasi:http/handler@0.3.", "wasi:http/handler", "HTTP, standard 0.3"),
];

/// What it is to reach, by which imports, and what the host gives.
const WANTS: [(&str, &[&str], &str); 5] = [
    (
        "HTTP to other hosts",
        &["wasi:http/outgoing-handler@", "wasi:http/client@"],
        "those that `grants.outbound` names; none by default",
    ),
    ("environment variables", &["wasi:cli/environment@"], "those that `grants.env` names; none by default"),
    ("configuration", &["wasi:config/"], "what stands in [handlers.NAME.config]"),
    ("files", &["wasi:filesystem/"], "none: no folder is open to it"),
    ("sockets", &["wasi:sockets/"], "none: each call is refused; HTTP goes by wasi:http"),
];

impl Report {
    pub(super) fn new(file: &Path, bytes: &[u8], names: &Names, refusal: Option<String>) -> Self {
        Self {
            file: file.display().to_string(),
            bytes: bytes.len(),
            sha256: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
            producers: producers(&names.producers),
            handlers: names.exports.iter().filter_map(|export| handler(export)).collect(),
            exports: names.exports.clone(),
            imports: names.imports.clone(),
            wants: WANTS.into_iter().filter_map(|want| wanted(want, &names.imports)).collect(),
            servable: refusal.is_none(),
            refusal,
        }
    }
}

fn producers(all: &[Producer]) -> BTreeMap<String, Vec<String>> {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for producer in all {
        let text = format!("{} {}", producer.name, producer.version);
        fields.entry(producer.field.clone()).or_default().push(text.trim_end().to_owned());
    }
    fields
}

fn handler(interface: &str) -> Option<Handler> {
    let (_, export, serves) = HANDLERS.into_iter().find(|(start, ..)| interface.starts_with(start))?;
    Some(Handler { interface: interface.to_owned(), export, serves })
}

fn wanted((what, starts, given): (&'static str, &[&str], &'static str), imports: &[String]) -> Option<Want> {
    let named = |import: &&String| starts.iter().any(|start| import.starts_with(start));
    let imports: Vec<_> = imports.iter().filter(named).cloned().collect();
    (!imports.is_empty()).then_some(Want { what, given, imports })
}

/// Names by package and version: `wasi:cli@0.2.6` to `environment`, `exit`.
fn grouped(names: &[String]) -> BTreeMap<String, Vec<&str>> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in names {
        let (package, rest) = name.split_once('/').unwrap_or(("", name));
        let (interface, version) = rest.split_once('@').map_or((rest, String::new()), |(i, v)| (i, format!("@{v}")));
        groups.entry(format!("{package}{version}")).or_default().push(interface);
    }
    groups
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.file)?;
        writeln!(f, "  size     {}", size(self.bytes))?;
        writeln!(f, "  sha-256  {}", self.sha256)?;
        for (field, made_by) in &self.producers {
            let field = if field == "processed-by" { "tools" } else { field };
            writeln!(f, "  {field:<8} {}", made_by.iter().map(|one| short(one)).collect::<Vec<_>>().join(", "))?;
        }
        self.write_exports(f)?;
        writeln!(f, "imports")?;
        for (package, interfaces) in grouped(&self.imports) {
            writeln!(f, "  {package:<24} {}", interfaces.join(", "))?;
        }
        if !self.wants.is_empty() {
            // A language's runtime imports much that it never calls.
            writeln!(f, "may ask for                gets")?;
        }
        for want in &self.wants {
            writeln!(f, "  {:<24} {}", want.what, want.given)?;
        }
        match &self.refusal {
            None => writeln!(f, "this host can serve it"),
            Some(refusal) => writeln!(f, "this host cannot serve it: {refusal}"),
        }
    }
}

impl Report {
    fn write_exports(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exports")?;
        for export in &self.exports {
            match self.handlers.iter().find(|handler| handler.interface == *export) {
                Some(handler) => writeln!(f, "  {export:<40} {}", handler.serves)?,
                None => writeln!(f, "  {export:<40} no handler")?,
            }
        }
        Ok(())
    }
}

/// Name and version of a tool, without the commit that some add in brackets.
fn short(tool: &str) -> &str {
    tool.split_once(" (").map_or(tool, |(short, _)| short)
}

/// Bytes as a person reads them, and to the byte.
fn size(bytes: usize) -> String {
    match bytes {
        0..=1023 => format!("{bytes} bytes"),
        1024..=1_048_575 => format!("{} KiB ({bytes} bytes)", bytes / 1024),
        _ => format!("{}.{} MiB ({bytes} bytes)", bytes >> 20, ((bytes % (1 << 20)) * 10) >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(imports: &[&str], exports: &[&str]) -> Names {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let rust = |field: &str, name: &str, version: &str| Producer {
            field: field.into(),
            name: name.into(),
            version: version.into(),
        };
        let producers =
            vec![rust("language", "Rust", ""), rust("processed-by", "rustc", "1.95.0 (59807616e 2026-04-14)")];
        Names { imports: owned(imports), exports: owned(exports), producers }
    }

    #[test]
    fn report_names_handlers_wants_and_tools() {
        let imports = ["wasi:cli/environment@0.2.6", "wasi:cli/exit@0.2.6", "wasi:http/outgoing-handler@0.2.9"];
        let exports = ["sessile:handler/websocket-events@0.1.0", "a:b/c"];
        let report = Report::new(Path::new("x.wasm"), b"", &names(&imports, &exports), None);
        let text = report.to_string();
        for said in [
            "sha-256  e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "language Rust\n",
            "tools    rustc 1.95.0\n",
            "websocket-events@0.1.0   websockets, event style",
            "a:b/c                                    no handler",
            "wasi:cli@0.2.6           environment, exit\n",
            "HTTP to other hosts      those that `grants.outbound` names",
            "this host can serve it\n",
        ] {
            assert!(text.contains(said), "{said:?} is not in:\n{text}");
        }
        assert_eq!(report.wants.len(), 2, "{text}");
    }

    #[test]
    fn report_of_what_cannot_be_served_says_why() {
        let report = Report::new(Path::new("x.wasm"), b"x", &names(&[], &["x:y/z@1.0.0"]), Some("it is odd".into()));
        assert!(!report.servable && report.to_string().ends_with("this host cannot serve it: it is odd\n"));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((json["servable"].as_bool(), json["refusal"].as_str()), (Some(false), Some("it is odd")));
    }

    #[test]
    fn size_is_told_to_the_byte() {
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(2048), "2 KiB (2048 bytes)");
        assert_eq!(size(5 * 1024 * 1024 / 2), "2.5 MiB (2621440 bytes)");
    }
}
