//! A request's `Cookie` fields, and the body of a signed cookie: any bytes.
//!
//! Holds that nothing panics, that an id is read in one form only, that a value which was set is found again, that no
//! cookie of another's making is read, and that one of ours is written as it was read.
//!
//! The first byte: bit 0 is TLS. Then a `Cookie` field on each line; all of it is a signed body, too.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use sessile_fuzz::limits;
use sessile_fuzz::session::{CookieDb, CookieSettings, SessionDb as _, SessionId, Signer, Timestamp, sign};

static SIGNER: LazyLock<Arc<Signer>> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("sessile-fuzz-keys-{}", std::process::id()));
    let signer = Signer::open(&path).expect("keys in the temporary folder");
    std::fs::remove_file(&path).expect("they were there");
    Arc::new(signer)
});

fuzz_target!(|input: &[u8]| {
    let Some((flags, rest)) = input.split_first() else { return };
    let (settings, tls) = (CookieSettings::default(), flags & 1 == 1);
    // What hyper lets through and `HeaderValue::to_str` takes is what arrives here.
    let headers = rest.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    for value in settings.values(headers, tls) {
        if let Some(id) = SessionId::parse(&value) {
            assert_eq!(id.encode(), value, "one id in two forms");
        }
        assert!(SIGNER.read(&value, Timestamp(0)).is_none(), "a cookie of another's making");
    }
    if let Ok(id) = std::str::from_utf8(rest) {
        if let Some(id) = SessionId::parse(id.trim_end()) {
            let set = settings.set(&id.encode(), tls);
            let pair = set.split(';').next().into_iter();
            assert_eq!(settings.values(pair, tls).collect::<Vec<_>>(), [id.encode()], "set and not found");
        }
    }
    signed(rest);
});

fn signed(body: &[u8]) {
    let cookie = sign(&SIGNER, body);
    let Some((id, record)) = SIGNER.read(&cookie, Timestamp(0)) else { return };
    assert!(cookie.len() <= limits::COOKIE_BYTES_MAX);
    let written = CookieDb::new(SIGNER.clone(), Some((&id, record.clone()))).cookie(&id);
    if written.len() <= limits::COOKIE_BYTES_MAX {
        assert_eq!(SIGNER.read(&written, Timestamp(0)), Some((id, record)), "written as it was read");
    }
}
