//! Remembers which texts were logged, so that each is logged once in a process: photos open a net for every size.

use std::sync::{LazyLock, Mutex};

static LOGGED: LazyLock<Mutex<Vec<String>>> = LazyLock::new(Mutex::default);

/// Whether this text was not logged yet; from now on it was.
pub(super) fn is_new(text: &str) -> bool {
    let mut logged = LOGGED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let is_new = !logged.iter().any(|before| before == text);
    if is_new {
        logged.push(text.to_owned());
    }
    is_new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_new_once() {
        assert!(is_new("the first of its kind"));
        assert!(!is_new("the first of its kind"));
        assert!(is_new("another"));
    }
}
