//! Makes the matrix of docs/languages.md from the tests that ran: `languages LOG`, the log of the README's test command.
//! Fails where a row fails; ends with 77 where a language was skipped, and leaves the document as it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use sessile_tests::LANGUAGES;

const BEGIN: &str = "<!-- made by .ci/run from the tests that ran -->\n";
const END: &str = "<!-- end of what is made -->\n";
const SKIPPED: u8 = 77;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: languages LOG");
        return ExitCode::from(2);
    };
    match read(&path).and_then(|log| made(&outcomes(&log))) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, words)) => {
            eprintln!("{words}");
            ExitCode::from(code)
        }
    }
}

type Told<T> = Result<T, (u8, String)>;

fn read(path: &str) -> Told<String> {
    std::fs::read_to_string(path).map_err(|error| (2, format!("{path}: {error}")))
}

/// The rows in their order, and what became of each by language.
type Outcomes = (Vec<String>, BTreeMap<(String, String), String>);

/// Of lines such as `conformance C: a01_handshake_info works`, which may follow the words of another line.
fn outcomes(log: &str) -> Outcomes {
    let (mut rows, mut all) = (Vec::new(), BTreeMap::new());
    for line in log.lines() {
        let Some((language, rest)) = line.rsplit_once("conformance ").and_then(|(_, line)| line.split_once(": "))
        else {
            continue;
        };
        let Some((row, outcome)) = rest.split_once(' ') else { continue };
        if !rows.iter().any(|known| known == row) {
            rows.push(row.to_owned());
        }
        all.insert((row.to_owned(), language.to_owned()), outcome.to_owned());
    }
    (rows, all)
}

fn made(outcomes: &Outcomes) -> Told<()> {
    let table = table(outcomes)?;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/languages.md");
    let old = read(file)?;
    let parts = old.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = parts.ok_or_else(|| (1, format!("{file}: no marks around what is made")))?;
    std::fs::write(file, format!("{head}{BEGIN}{table}{END}{tail}")).map_err(|error| (1, format!("{file}: {error}")))
}

fn table((rows, all): &Outcomes) -> Told<String> {
    if rows.is_empty() {
        return Err((SKIPPED, "the matrix was not made: no language ran".to_owned()));
    }
    let mut text = String::from("| | |");
    for language in LANGUAGES {
        // Writing to a String cannot fail.
        let _infallible = write!(text, " {} |", language.name);
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(LANGUAGES.len()));
    for row in rows {
        let (number, what) = named(row);
        let _infallible = write!(text, "\n| {number} | {what} |");
        for language in LANGUAGES {
            let outcome = all.get(&(row.clone(), language.name.to_owned())).map(String::as_str);
            text.push_str(match outcome {
                Some("works") => " yes |",
                Some("unsupported") => " – |",
                Some(_) => return Err((1, format!("{}: {row} fails", language.name))),
                None => return Err((SKIPPED, format!("the matrix was not made: {} did not run", language.name))),
            });
        }
    }
    text.push('\n');
    Ok(text)
}

/// `a01_handshake_info` as `A1` and words; a row that FEATURES do not number has no number.
fn named(row: &str) -> (String, String) {
    let words = |text: &str| text.replace('_', " ");
    match row.split_once('_') {
        Some((id, rest)) if id.len() == 3 && id.bytes().skip(1).all(|byte| byte.is_ascii_digit()) => {
            let (table, number) = id.split_at(1);
            (format!("{}{}", table.to_uppercase(), number.trim_start_matches('0')), words(rest))
        }
        _ => (String::new(), words(row)),
    }
}
