//! What a crash of the machine leaves of the sessions: a SQLite VFS records every write and sync of a
//! busy session store; then disks are made as they may be found after a power cut at any moment, on
//! which what was not synced is there, half there, or not, and in any order.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(unsafe_code, reason = "a VFS is a table of C functions; each use is argued for")]

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::ffi;
use sessile::session::{Changes, Lifetimes, Save, SessionDb, SessionId, SessionKey, SqliteDb, Timestamp};
use tempfile::TempDir;

const SESSIONS: usize = 8;
const SAVES: usize = 120;
const CRASHES: u64 = 200;
const SECTOR: usize = 512;
const LIFETIMES: Lifetimes = Lifetimes { idle: Duration::from_secs(1000), absolute: Duration::from_secs(1000) };

/// What happened to the files, and what was told to whom.
enum Event {
    Write {
        file: PathBuf,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: PathBuf,
        size: usize,
    },
    Sync {
        file: PathBuf,
    },
    Delete {
        file: PathBuf,
    },
    /// A save of this session was acknowledged: its number.
    Saved {
        session: usize,
        number: usize,
    },
    /// A flush was.
    Flushed {
        session: usize,
    },
}

static EVENTS: Mutex<Vec<Event>> = Mutex::new(Vec::new());

#[test]
fn saves_and_flushes_acknowledged_survive_a_crash_that_drops_unsynced_writes() {
    record_all_files();
    let folder = TempDir::new().unwrap();
    let keys: Vec<_> = (0..SESSIONS).map(|_| SessionId::mint().unwrap().key()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let db = Arc::new(SqliteDb::open(&folder.path().join("sessions.db")).unwrap());
        let tasks: Vec<_> =
            (0..SESSIONS).map(|session| tokio::spawn(live(db.clone(), keys[session], session))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let events = std::mem::take(&mut *lock());
    let syncs = events.iter().filter(|event| matches!(event, Event::Sync { .. })).count();
    assert!(syncs > 20, "{syncs} syncs were recorded");
    let mut random = Random(7);
    for crash in 0..CRASHES {
        let at = random.below(events.len() + 1);
        let disk = Disk::after(&events[..at], &mut random);
        runtime.block_on(check(&disk, &events[..at], &keys, &format!("crash {crash}, after event {at}")));
    }
}

/// Saves of one session, one after the other; every other session is flushed in the end.
async fn live(db: Arc<SqliteDb>, key: SessionKey, session: usize) {
    for number in 1..=SAVES {
        db.save(save(key, session, number)).await.unwrap();
        lock().push(Event::Saved { session, number });
    }
    if session.is_multiple_of(2) {
        db.flush(key, Timestamp(100)).await.unwrap();
        lock().push(Event::Flushed { session });
    }
}

/// Two keys that tell the same number, in several pages.
fn save(key: SessionKey, session: usize, number: usize) -> Save {
    let text = format!("\"{}\"", text(session, number));
    let keys = [("number", number.to_string()), ("text", text)];
    let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), Some(Bytes::from(value)))).collect();
    let changes = Changes { keys, ..Changes::default() };
    Save { key, changes, if_version: None, now: Timestamp(0), lifetimes: LIFETIMES }
}

fn text(session: usize, number: usize) -> String {
    format!("{session}-{number};").repeat(500 + 100 * (number % 10))
}

/// Opens what a crash has left, and looks for all that was acknowledged before it.
async fn check(disk: &Disk, before: &[Event], keys: &[SessionKey], which: &str) {
    let folder = TempDir::new().unwrap();
    disk.write(folder.path());
    let path = folder.path().join("sessions.db");
    let db = SqliteDb::open(&path).unwrap();
    for (session, key) in keys.iter().enumerate() {
        let saved = before.iter().rev().find_map(|event| match event {
            Event::Saved { session: of, number } if *of == session => Some(*number),
            _ => None,
        });
        let flushed = before.iter().any(|event| matches!(event, Event::Flushed { session: of } if *of == session));
        let found = db.load(*key, Timestamp(0)).await.unwrap();
        if flushed {
            assert_eq!(found, None, "{which}: session {session} was flushed");
            let anew = db.save(save(*key, session, 1)).await;
            assert!(anew.is_err(), "{which}: session {session} rose from its flush");
            continue;
        }
        let Some(record) = found else {
            // The flush may be on the disk though nobody was told.
            let in_flush = saved == Some(SAVES) && session.is_multiple_of(2);
            assert!(saved.is_none() || in_flush, "{which}: session {session} is lost, {saved:?} was acknowledged");
            continue;
        };
        let number: usize = serde_json::from_slice(&record.values["number"]).unwrap();
        assert!(number >= saved.unwrap_or(0), "{which}: session {session} has {number}, {saved:?} was acknowledged");
        let whole: String = serde_json::from_slice(&record.values["text"]).unwrap();
        assert_eq!(whole, text(session, number), "{which}: session {session} is torn");
    }
    drop(db);
    let checked: String = rusqlite::Connection::open(&path)
        .and_then(|connection| connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(checked, "ok", "{which}");
    lock().clear();
}

/// The files as a crash leaves them.
struct Disk(BTreeMap<PathBuf, Vec<u8>>);

impl Disk {
    fn after(events: &[Event], random: &mut Random) -> Self {
        let mut durable: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        let mut pending: BTreeMap<&Path, Vec<&Event>> = BTreeMap::new();
        for event in events {
            match event {
                Event::Write { file, .. } | Event::Truncate { file, .. } => {
                    pending.entry(file).or_default().push(event)
                }
                Event::Sync { file } => {
                    let content = durable.entry(file.clone()).or_default();
                    for event in pending.remove(file.as_path()).unwrap_or_default() {
                        apply(content, event);
                    }
                }
                Event::Delete { file } => {
                    durable.remove(file);
                    pending.remove(file.as_path());
                }
                Event::Saved { .. } | Event::Flushed { .. } => {}
            }
        }
        for (file, events) in pending {
            // Some crashes find everything written, some nothing, most a part.
            let kept = random.below(101);
            for event in events {
                if let Event::Write { at, bytes, .. } = event {
                    for (index, sector) in bytes.chunks(SECTOR).enumerate().filter(|_| random.below(100) < kept) {
                        put(durable.entry(file.to_owned()).or_default(), at + index * SECTOR, sector);
                    }
                } else if random.below(100) < kept {
                    apply(durable.entry(file.to_owned()).or_default(), event);
                }
            }
        }
        Self(durable)
    }

    fn write(&self, folder: &Path) {
        for (file, content) in &self.0 {
            std::fs::write(folder.join(file.file_name().unwrap()), content).unwrap();
        }
    }
}

fn apply(content: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Write { at, bytes, .. } => put(content, *at, bytes),
        Event::Truncate { size, .. } => content.resize(*size, 0),
        _ => {}
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    content.resize(content.len().max(at + bytes.len()), 0);
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Splitmix64: the same crashes in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// An open file: its path, and the functions that SQLite would have used.
struct Opened {
    path: PathBuf,
    methods: &'static ffi::sqlite3_io_methods,
}

/// Open files by the address of SQLite's handle.
static OPENED: Mutex<Option<HashMap<usize, Opened>>> = Mutex::new(None);

/// Puts a VFS before the system's one, which does all that it does and records it.
fn record_all_files() {
    // SAFETY: the tables that are copied live as long as the process, and the new one is leaked; it
    // differs in functions of the same signature only.
    unsafe {
        let mut vfs = *ffi::sqlite3_vfs_find(std::ptr::null());
        vfs.zName = c"recording".as_ptr();
        vfs.pNext = std::ptr::null_mut();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 1), ffi::SQLITE_OK);
    }
}

/// The system's VFS.
fn system() -> *mut ffi::sqlite3_vfs {
    // SAFETY: a name with a NUL.
    unsafe { ffi::sqlite3_vfs_find(c"unix".as_ptr()) }
}

// SAFETY of all that follow: SQLite calls them with the arguments that it would give to the functions
// which they call with the same arguments. `file` is open, and so in `OPENED`, from `open` to `close`.

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let system = system();
    let code = unsafe { (*system).xOpen.unwrap()(system, name, file, flags, out) };
    if code == ffi::SQLITE_OK && !name.is_null() {
        let methods: &'static ffi::sqlite3_io_methods = unsafe { &*(*file).pMethods };
        opened().get_or_insert_default().insert(file.addr(), Opened { path: unsafe { path(name) }, methods });
        // Version 2 has no memory-mapped pages, whose writes could not be seen.
        let ours = ffi::sqlite3_io_methods {
            iVersion: 2,
            xWrite: Some(write),
            xTruncate: Some(truncate),
            xSync: Some(sync),
            xClose: Some(close),
            ..*methods
        };
        unsafe { (*file).pMethods = Box::leak(Box::new(ours)) };
    }
    code
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, data: *const c_void, len: c_int, at: i64) -> c_int {
    let (path, methods) = find(file);
    let code = unsafe { methods.xWrite.unwrap()(file, data, len, at) };
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), usize::try_from(len).unwrap()) };
    lock().push(Event::Write { file: path, at: usize::try_from(at).unwrap(), bytes: bytes.to_vec() });
    code
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let (path, methods) = find(file);
    let code = unsafe { methods.xTruncate.unwrap()(file, size) };
    lock().push(Event::Truncate { file: path, size: usize::try_from(size).unwrap() });
    code
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let (path, methods) = find(file);
    let code = unsafe { methods.xSync.unwrap()(file, flags) };
    lock().push(Event::Sync { file: path });
    code
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let (_, methods) = find(file);
    opened().get_or_insert_default().remove(&file.addr());
    unsafe { methods.xClose.unwrap()(file) }
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    let system = system();
    lock().push(Event::Delete { file: unsafe { path(name) } });
    unsafe { (*system).xDelete.unwrap()(system, name, sync) }
}

unsafe fn path(name: *const c_char) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()))
}

fn find(file: *mut ffi::sqlite3_file) -> (PathBuf, &'static ffi::sqlite3_io_methods) {
    let opened = opened();
    let Opened { path, methods } = &opened.as_ref().unwrap()[&file.addr()];
    (path.clone(), methods)
}

fn opened() -> MutexGuard<'static, Option<HashMap<usize, Opened>>> {
    OPENED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock() -> MutexGuard<'static, Vec<Event>> {
    EVENTS.lock().unwrap_or_else(PoisonError::into_inner)
}
