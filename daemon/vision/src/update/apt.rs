//! Reads the machine's own package lists. apt's timer or `apt-get update` refreshes them.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
};

use super::{Release, UpdateError};

/// Where it is on every Debian.
pub(super) const APT_CACHE: &str = "/usr/bin/apt-cache";
/// Longer than its output ever is.
const ANSWER_BYTES: u64 = 64 << 10;

/// Installed and newest version of the package.
pub(super) fn look(apt_cache: &Path) -> Result<Release, UpdateError> {
    let failed = |e: std::io::Error| UpdateError::Apt(format!("{}: {e}", apt_cache.display()));
    let mut child = Command::new(apt_cache)
        .args(["policy", "moodring"])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let mut answer = String::new();
    if let Some(output) = child.stdout.take() {
        let read = output.take(ANSWER_BYTES).read_to_string(&mut answer);
        read.map_err(failed)?;
    }
    child.wait().map_err(failed)?;
    parse(&answer)
}

fn parse(answer: &str) -> Result<Release, UpdateError> {
    let version = |key: &str| {
        let line = answer
            .lines()
            .find_map(|line| line.trim().strip_prefix(key));
        line.map(str::trim).filter(|version| *version != "(none)")
    };
    let (Some(installed), Some(candidate)) = (version("Installed:"), version("Candidate:")) else {
        let reason = "moodring was not installed as a package here";
        return Err(UpdateError::Apt(reason.into()));
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".+-~:".contains(c);
    if ![installed, candidate].iter().all(|v| v.chars().all(plain)) {
        return Err(UpdateError::Apt("its versions cannot be read".into()));
    }
    Ok(Release {
        schema: 1,
        // apt would install an older one only where somebody pinned it; then that one is the newest available.
        update_available: installed != candidate,
        installed_version: installed.to_owned(),
        latest_version: candidate.to_owned(),
        source: "apt",
        page: None,
        models: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn answer(installed: &str, candidate: &str) -> String {
        format!(
            "moodring:\n  Installed: {installed}\n  Candidate: {candidate}\n  Version table:\n     {candidate} 500\n \
             *** {installed} 100\n"
        )
    }

    #[test]
    fn a_newer_package_is_reported() {
        let release = parse(&answer("0.1.0", "0.2.0-1~bpo12+1")).unwrap();
        assert!(release.update_available);
        let advice = release.advice().unwrap();
        assert!(
            advice.contains("apt install --only-upgrade moodring"),
            "{advice}"
        );
        assert!(!parse(&answer("0.1.0", "0.1.0")).unwrap().update_available);
        for none in [
            "",
            "moodring:\n",
            &answer("(none)", "0.2.0"),
            &answer("0.1", "$(x)"),
        ] {
            assert!(parse(none).is_err(), "{none}");
        }
    }

    #[test]
    fn the_program_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("apt-cache");
        assert!(matches!(look(&program), Err(UpdateError::Apt(_))));
        let script = format!(
            "#!/bin/sh\n[ \"$*\" = 'policy moodring' ] && cat <<'E'\n{}E\n",
            answer("0.1.0", "0.3.0")
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(look(&program).unwrap().latest_version, "0.3.0");
    }
}
