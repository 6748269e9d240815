//! Notices that the terminal which started the daemon is gone: a camera must not go on looking where nobody sees that it does.

use std::fs::{self, File};

/// The process's own terminal, whatever its standard streams are.
const TERMINAL: &str = "/dev/tty";

/// The terminal that the daemon was started from.
#[derive(Clone, Copy, Debug)]
pub(super) struct ControllingTerminal {
    ends_with_it: bool,
}

impl ControllingTerminal {
    /// As it is now. A service has none, and who ignores SIGHUP (`nohup`) wants to outlive it. Call it before SIGHUP gets a handler.
    pub(super) fn this() -> Self {
        let ignored =
            fs::read_to_string("/proc/self/status").is_ok_and(|text| ignores_hangup(&text));
        Self {
            ends_with_it: is_there() && !ignored,
        }
    }

    /// Whether it was there and is gone.
    pub(super) fn is_gone(self) -> bool {
        self.ends_with_it && !is_there()
    }
}

fn is_there() -> bool {
    File::open(TERMINAL).is_ok()
}

/// Signal 1 is the lowest bit of the mask of ignored ones.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_ignores_hangups_is_known_by_the_kernel() {
        assert!(ignores_hangup("Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("SigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}
