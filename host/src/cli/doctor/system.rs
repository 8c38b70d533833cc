//! What serving needs of the system: kernel, limits, address space, disk. Each check is a look, then a judgement that
//! is pure.

use std::fs::read_to_string;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};
use rustix::process::{Resource, getrlimit};

use crate::cli::check::Check;
use crate::instance::engine;
use crate::limits;

/// The oldest kernel that the host is run on; from 6.7 on, memory is returned faster (`PAGEMAP_SCAN`).
const KERNEL_MAJOR_MIN: u32 = 5;

pub(super) fn checks(data: &Path) -> Vec<Check> {
    let files = getrlimit(Resource::Nofile);
    let mut checks = vec![
        kernel(read_to_string("/proc/sys/kernel/osrelease").ok().as_deref()),
        open_files(files.current, files.maximum),
        address_space(engine::probe()),
    ];
    checks.extend(read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|maps| memory_maps(&maps)));
    checks.push(disk(data, room(data)));
    checks
}

fn kernel(release: Option<&str>) -> Check {
    let Some(release) = release.map(str::trim) else {
        return Check::warn("kernel", "not Linux", "serve on Linux; elsewhere nothing is promised");
    };
    match release.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major < KERNEL_MAJOR_MIN => {
            Check::warn("kernel", format!("Linux {release}"), format!("a kernel of {KERNEL_MAJOR_MIN}.0 or later"))
        }
        _ => Check::ok("kernel", format!("Linux {release}")),
    }
}

/// The host raises the soft limit to the hard one by itself. None: no limit.
fn open_files(soft: Option<u64>, hard: Option<u64>) -> Check {
    let shown = |limit: Option<u64>| limit.map_or("unlimited".to_owned(), |limit| limit.to_string());
    let found = format!("ulimit -n: soft {}, hard {}", shown(soft), shown(hard));
    let fix = format!(
        "echo '* - nofile {0}' | sudo tee /etc/security/limits.d/sessile.conf, then log in anew; \
         in a systemd unit LimitNOFILE={0}; in Docker --ulimit nofile={0}",
        limits::FILES_WANTED
    );
    match hard {
        Some(hard) if hard < limits::FILES_MIN => Check::fail("open files", found, fix),
        Some(hard) if hard < limits::FILES_WANTED => {
            Check::warn("open files", format!("{found}; one for each connection"), fix)
        }
        _ => Check::ok("open files", found),
    }
}

/// The pools were made for a moment, as a host does: that alone tells.
fn address_space(probed: Result<(), String>) -> Check {
    let instances = limits::INSTANCES_MAX;
    match probed {
        Ok(()) => Check::ok("address space", format!("room for {instances} instances can be reserved")),
        Err(error) => Check::fail(
            "address space",
            format!("room for {instances} instances cannot be reserved: {error}"),
            "ulimit -v unlimited; if that is not it, sudo sysctl -w vm.overcommit_memory=0",
        ),
    }
}

/// None where the system tells no number.
fn memory_maps(text: &str) -> Option<Check> {
    let maps: usize = text.trim().parse().ok()?;
    let found = format!("vm.max_map_count: {maps}");
    let fix = format!("sudo sysctl -w vm.max_map_count={}", 4 * limits::MAPS_WANTED);
    let looped = (maps / limits::MAPS_PER_INSTANCE).min(limits::PINNED_INSTANCES_MAX);
    Some(match maps {
        0..limits::MAPS_WANTED if looped < limits::PINNED_INSTANCES_MAX => {
            Check::warn("memory maps", format!("{found}; at most {looped} websockets in loop style"), fix)
        }
        0..limits::MAPS_WANTED => Check::warn("memory maps", format!("{found}; little is left beside loop style"), fix),
        _ => Check::ok("memory maps", found),
    })
}

/// Bytes free where a data folder is or would be made.
fn room(data: &Path) -> io::Result<u64> {
    let folder = nearest(data);
    access(&folder, Access::WRITE_OK)?;
    let system = statvfs(&folder)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

/// The folder, or the first above it that there is.
fn nearest(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.ancestors().find(|ancestor| ancestor.is_dir()).map_or(absolute.clone(), Path::to_owned)
}

fn disk(data: &Path, room: io::Result<u64>) -> Check {
    let elsewhere = "free some, or choose another folder with --data DIR";
    let folder = data.display();
    match room {
        Err(error) => Check::fail("data folder", format!("{folder}: {error}"), "choose another with --data DIR"),
        Ok(bytes) => {
            let found = format!("{folder}: {} MiB free", bytes / limits::MIB as u64);
            match bytes {
                0..limits::DISK_MIN => Check::fail("data folder", found, elsewhere),
                limits::DISK_MIN..limits::DISK_WANTED => Check::warn("data folder", found, elsewhere),
                _ => Check::ok("data folder", found),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::Status;

    #[test]
    fn kernel_is_judged_by_its_major_version() {
        assert_eq!(kernel(Some("6.1.0-18-amd64\n")).status, Status::Ok);
        assert_eq!(kernel(Some("4.19.0")).status, Status::Warn);
        assert_eq!(kernel(None).status, Status::Warn);
    }

    #[test]
    fn open_files_are_judged_by_the_hard_limit() {
        let of = |hard| open_files(Some(64), hard).status;
        assert_eq!([of(Some(255)), of(Some(256)), of(Some(65_535))], [Status::Fail, Status::Warn, Status::Warn]);
        assert_eq!([of(Some(65_536)), of(None)], [Status::Ok, Status::Ok]);
        assert!(open_files(None, Some(1)).fix.unwrap().contains("nofile 65536"));
    }

    #[test]
    fn memory_maps_that_bound_loop_style_are_named_with_the_command() {
        let few = memory_maps("7000\n").unwrap();
        assert_eq!((few.status, few.found.contains("at most 1000 websockets")), (Status::Warn, true));
        assert!(few.fix.unwrap().starts_with("sudo sysctl -w vm.max_map_count="));
        assert_eq!(memory_maps("65530").unwrap().status, Status::Ok);
        assert_eq!(memory_maps("many"), None);
    }

    #[test]
    fn address_space_that_cannot_be_reserved_prevents_serving() {
        assert_eq!(address_space(Err("mmap: out of memory".into())).status, Status::Fail);
        assert_eq!(address_space(engine::probe()).status, Status::Ok);
    }

    #[test]
    fn disk_is_judged_where_the_folder_would_be_made() {
        let folder = tempfile::TempDir::new().unwrap();
        let data = folder.path().join("not/yet");
        assert_eq!(nearest(&data), folder.path());
        assert!(room(&data).unwrap() > 0);
        let of = |mib: u64| disk(&data, Ok(mib << 20)).status;
        assert_eq!([of(63), of(64), of(1023), of(1024)], [Status::Fail, Status::Warn, Status::Warn, Status::Ok]);
        assert_eq!(disk(&data, Err(io::ErrorKind::PermissionDenied.into())).status, Status::Fail);
    }
}
