//! Calls code that may panic on untrusted bytes: its panic becomes an error that names the place, and the thread goes on.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::{Once, PoisonError, RwLock},
};

thread_local! {
    /// Where the last panic was, while one is contained; `None`: panics are reported as usual.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();
/// Called for panics that were contained, with the thread's name and the panic's text.
static OBSERVER: RwLock<Option<Observer>> = RwLock::new(None);

type Observer = Box<dyn Fn(&str, &str) + Send + Sync>;

/// Calls `observer` for each panic that [`catch_panic`] contains, on the thread that panicked; the last one set counts.
pub fn set_observer(observer: impl Fn(&str, &str) + Send + Sync + 'static) {
    *OBSERVER.write().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(observer));
}

/// Runs `work`; a panic in it is an error that names `who` and where it was. What `work` changes must bear being left
/// half done: buffers that are filled anew each time, or things that are dropped after an error.
///
/// # Errors
/// The panic, as a text.
pub fn catch_panic<T>(who: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    let result = catch_unobserved(who, work);
    if let Err(panic) = &result
        && let Some(observer) = &*OBSERVER.read().unwrap_or_else(PoisonError::into_inner)
    {
        observer(std::thread::current().name().unwrap_or_default(), panic);
    }
    result
}

/// The same without a call of the observer, for a caller that reports the panic itself.
///
/// # Errors
/// The panic, as a text.
pub fn catch_unobserved<T>(who: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(install);
    let outer = PLACE.replace(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(work));
    let place = PLACE.replace(outer).unwrap_or_default();
    result.map_err(|panic| format!("{who} failed (panicked{place}): {}", message(&*panic)))
}

/// A panic's message, on one line without control characters.
fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("no reason");
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(200).collect()
}

/// The usual report stays, but for panics that are contained: those are reported by whoever contains them.
fn install() {
    let usual = take_hook();
    set_hook(Box::new(move |info| {
        let contained = PLACE.with_borrow_mut(|place| {
            let place = place.as_mut()?;
            if let Some(at) = info.location() {
                *place = format!(" at {}:{}", short(at.file()), at.line());
            }
            Some(())
        });
        if contained.is_none() {
            usual(info);
        }
    }));
}

/// The crate's folder and the file, without the builder's home.
fn short(file: &str) -> String {
    let parts: Vec<&str> = file.rsplit('/').take(3).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_names_the_place() {
        let error = catch_panic("the test", || -> u8 { panic!("no\nluck") }).unwrap_err();
        assert!(
            error.starts_with("the test failed (panicked at "),
            "{error}"
        );
        assert!(
            error.contains("contain.rs:") && error.ends_with("no luck"),
            "{error}"
        );
        assert_eq!(catch_panic("the test", || 7), Ok(7));
        let nested = catch_panic("outer", || catch_panic("inner", || panic!("x")));
        assert!(
            nested
                .unwrap()
                .map(|()| 0)
                .unwrap_err()
                .starts_with("inner failed")
        );
    }
}
