//! Limits that the process sets for itself: as many open files as the system allows, and no core files, because those
//! would hold the camera's pictures.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// The limit of open files that is asked for: more than anything here needs. Not higher, because children inherit it and
/// some close every descriptor up to it.
const MAX_OPEN_FILES: u64 = 8_192;

/// Raises the limit of open files as far as it is needed and the system allows: cameras, stores, brokers and visitors share it.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: Some(enough(limit)),
        maximum: limit.maximum,
    };
    // A service may not change its limits everywhere; its unit has set this one then.
    if wanted.current == limit.current {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::debug!(
            "the limit of open files stays at {:?}: {error}",
            limit.current
        );
    }
}

/// As many as are needed or allowed, and never fewer than now.
fn enough(limit: Rlimit) -> u64 {
    let allowed = limit.maximum.unwrap_or(MAX_OPEN_FILES).min(MAX_OPEN_FILES);
    limit.current.unwrap_or(MAX_OPEN_FILES).max(allowed)
}

/// How many files may be open.
pub fn open_files() -> u64 {
    getrlimit(Resource::Nofile)
        .current
        .unwrap_or(MAX_OPEN_FILES)
}

/// Forbids core files, also those that a handler of the system (systemd-coredump, apport) would write.
pub fn forbid_core_files() {
    let none = Rlimit {
        current: Some(0),
        maximum: getrlimit(Resource::Core).maximum,
    };
    // A service may not change its limits; its unit has set this one then.
    let limited = match getrlimit(Resource::Core).current {
        Some(0) => Ok(()),
        _ => setrlimit(Resource::Core, none),
    };
    let hidden = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    if let Err(error) = limited.and(hidden) {
        tracing::warn!("a crash may write a core file with pictures of the camera in it: {error}");
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    #[test]
    fn the_limit_is_what_the_system_allows() {
        raise_open_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, Some(enough(limit)));
        assert!(open_files() >= 64);
    }

    #[test]
    fn enough_is_no_more_than_needed_and_never_less_than_before() {
        for (current, maximum, wanted) in [
            (1_024, Some(524_288), MAX_OPEN_FILES),
            (1_024, None, MAX_OPEN_FILES),
            (1_024, Some(4_096), 4_096),
            (1_024, Some(1_024), 1_024),
            (65_536, Some(1 << 30), 65_536),
        ] {
            let current = Some(current);
            assert_eq!(enough(Rlimit { current, maximum }), wanted);
        }
    }

    #[test]
    fn no_core_file_is_written() {
        forbid_core_files();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
