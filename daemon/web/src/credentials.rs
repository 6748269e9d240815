//! Passwords, tokens, sessions, and how often one may guess. Times come in; no HTTP here.

use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{self, PasswordHasher, phc::PasswordHash},
};
use subtle::ConstantTimeEq;

use super::connection_limit::visitor;

/// How long a session lasts without a visit; deploy/security.md has the same, by a test.
pub(super) const SESSION: Duration = Duration::from_secs(12 * 3600);
/// Sessions at once; the one that was unused for longest makes room.
const SESSIONS: usize = 64;
/// Wrong guesses that an address has before it must wait, and what each of them costs in waiting.
const GUESSES: u32 = 5;
const WAIT_PER_GUESS: Duration = Duration::from_secs(30);
/// Guesses that are open for all strangers together, and what each of them costs in waiting.
const GUESSES_OF_ALL: u32 = 120;
const WAIT_OF_ALL: Duration = Duration::from_millis(500);
/// Wrong guesses are logged at most once in so long.
const REPORT_EVERY: Duration = Duration::from_secs(60);
/// Visitors that are remembered because they were in.
const MAX_KNOWN_VISITORS: usize = 32;
/// Addresses that are remembered.
const ADDRESSES: usize = 256;

/// The hash of a password, for `[web] password`.
///
/// # Errors
/// If the system gives no random numbers.
pub fn hash_password(password: &str) -> Result<String, String> {
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|e| e.to_string())
}

/// What opens the page.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    hash: String,
    token: String,
}

impl Credentials {
    pub(super) fn new(hash: &str, token: &str) -> Self {
        Self {
            hash: hash.into(),
            token: token.into(),
        }
    }

    /// Whether visitors need a password or a token.
    pub(super) fn is_required(&self) -> bool {
        !self.hash.is_empty() || !self.token.is_empty()
    }

    /// Whether this is the token. Takes the same time wherever it differs.
    pub(super) fn is_token(&self, given: &str) -> bool {
        !self.token.is_empty() && bool::from(self.token.as_bytes().ct_eq(given.as_bytes()))
    }

    /// Whether this is the password or the token. Slow on purpose: not for a thread that others wait for.
    /// `memory` is what a check works in, 19 MB: the caller keeps it, see [`verify`].
    pub(super) fn matches(&self, given: &str, memory: &mut Vec<Block>) -> bool {
        let password =
            !self.hash.is_empty() && verify(given, &self.hash, memory).is_some_and(|is_it| is_it);
        password | self.is_token(given)
    }
}

/// Whether a password has this hash; `None` if the hash is none of Argon2. Works in memory that is used again: with
/// a new one for each check the process grew from 33 to 170 MB in a dozen of them (Debian 12). Why the allocator does not use
/// freed blocks again was not looked into; their alignment of 64 bytes is the guess.
fn verify(given: &str, hash: &str, memory: &mut Vec<Block>) -> Option<bool> {
    let hash = PasswordHash::new(hash).ok()?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash
        .version
        .map_or(Ok(Version::default()), Version::try_from);
    let argon = Argon2::new(algorithm, version.ok()?, Params::try_from(&hash).ok()?);
    memory.resize(argon.params().block_count(), Block::default());
    let (salt, expected) = (hash.salt.as_ref()?, hash.hash.as_ref()?);
    let mut computed = vec![0; expected.as_bytes().len()];
    argon
        .hash_password_into_with_memory(given.as_bytes(), salt, &mut computed, &mut memory[..])
        .ok()?;
    Some(computed.ct_eq(expected.as_bytes()).into())
}

/// Who has logged in.
#[derive(Debug, Default)]
pub(super) struct Sessions(VecDeque<(String, Instant)>);

impl Sessions {
    /// A new session's secret.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub(super) fn open(&mut self, now: Instant) -> Result<String, String> {
        let mut secret = String::new();
        for _ in 0..2 {
            let random = password_hash::try_generate_salt().map_err(|e| e.to_string())?;
            secret.extend(random.iter().map(|byte| format!("{byte:02x}")));
        }
        self.0.truncate(SESSIONS - 1);
        self.0.push_front((secret.clone(), now));
        Ok(secret)
    }

    /// Whether this session is open; keeps it so.
    pub(super) fn visit(&mut self, secret: &str, now: Instant) -> bool {
        self.0
            .retain(|(_, seen)| now.saturating_duration_since(*seen) < SESSION);
        let same = |known: &str| bool::from(known.as_bytes().ct_eq(secret.as_bytes()));
        let Some(at) = self.0.iter().position(|(known, _)| same(known)) else {
            return false;
        };
        if let Some((secret, _)) = self.0.remove(at) {
            self.0.push_front((secret, now));
        }
        true
    }

    /// Ends a session.
    pub(super) fn close(&mut self, secret: &str) {
        self.0.retain(|(known, _)| known != secret);
    }
}

/// How often each visitor guessed wrong.
#[derive(Debug, Default)]
pub(super) struct LoginLimit {
    /// Visitor, and until when its wrong guesses count.
    open: VecDeque<(IpAddr, Instant)>,
    all: Option<Instant>,
    /// Visitors that have been in, the last one first: strangers' guesses do not count against them.
    known: VecDeque<IpAddr>,
    /// When wrong guesses were last reported, and how many there were since.
    reported: Option<Instant>,
    unreported: u32,
}

/// Whether a visitor has been in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guest {
    Stranger,
    Known,
}

impl LoginLimit {
    /// Takes one guess of this visitor, before it is looked at; how long it must wait if it has none left.
    ///
    /// The visitor's own account comes first: who has used it up costs the others nothing. The common account is for
    /// guesses from many addresses, and only for visitors that were never in.
    pub(super) fn take(&mut self, from: IpAddr, now: Instant) -> Result<Guest, Duration> {
        let from = visitor(from);
        let at = self.open.iter().position(|(address, _)| *address == from);
        let before = at.and_then(|at| self.open.remove(at)).map(|(_, t)| t);
        let mut until = before;
        let mut taken = charge(&mut until, GUESSES, WAIT_PER_GUESS, now);
        let guest = match self.known.contains(&from) {
            true => Guest::Known,
            false => Guest::Stranger,
        };
        if taken.is_ok() && guest == Guest::Stranger {
            taken = charge(&mut self.all, GUESSES_OF_ALL, WAIT_OF_ALL, now);
            if taken.is_err() {
                // It was not looked at, so it is not charged.
                until = before;
            }
        }
        if let Some(until) = until {
            self.open.truncate(ADDRESSES - 1);
            self.open.push_front((from, until));
        }
        taken.map(|()| guest)
    }

    /// A wrong one: how many were wrong since the last report, this one included; `None` if it is too soon to report again.
    pub(super) fn wrong(&mut self, now: Instant) -> Option<u32> {
        self.unreported = self.unreported.saturating_add(1);
        let since = self
            .reported
            .map(|reported| now.saturating_duration_since(reported));
        if since.is_some_and(|ago| ago < REPORT_EVERY) {
            return None;
        }
        self.reported = Some(now);
        Some(std::mem::take(&mut self.unreported))
    }

    /// A right one: the visitor's wrong guesses no longer count, and it is known from now on.
    pub(super) fn reset(&mut self, from: IpAddr) {
        let from = visitor(from);
        self.open.retain(|(address, _)| *address != from);
        self.known.retain(|address| *address != from);
        self.known.truncate(MAX_KNOWN_VISITORS - 1);
        self.known.push_front(from);
    }
}

/// Each guess adds its wait; at most so many may be open. Nothing is added to a full one.
fn charge(
    until: &mut Option<Instant>,
    most: u32,
    each: Duration,
    now: Instant,
) -> Result<(), Duration> {
    let open = until.map_or(Duration::ZERO, |t| t.saturating_duration_since(now));
    let after = open + each;
    if after > each * most {
        return Err(after - each * most);
    }
    *until = Some(now + after);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn password_and_token_open_and_nothing_else_does() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        let keys = Credentials::new(&hash, "0123456789abcdef");
        let mut memory = Vec::new();
        assert!(
            keys.is_required()
                && keys.matches("correct horse", &mut memory)
                && keys.matches("0123456789abcdef", &mut memory)
        );
        for wrong in ["", "correct", "0123456789abcdeF", &hash] {
            assert!(!keys.matches(wrong, &mut memory), "{wrong}");
        }
        let open = Credentials::default();
        assert!(!open.is_required() && !open.matches("", &mut memory) && !open.is_token(""));
    }

    #[test]
    fn sessions_end_by_time_by_logout_and_by_number() {
        let (start, mut sessions) = (Instant::now(), Sessions::default());
        let first = sessions.open(start).unwrap();
        assert_eq!(first.len(), 64);
        let later = start + SESSION / 2;
        assert!(sessions.visit(&first, later) && sessions.visit(&first, later + SESSION / 2));
        assert!(!sessions.visit("", later) && !sessions.visit(&first[..63], later));
        let second = sessions.open(later).unwrap();
        sessions.close(&second);
        assert!(!sessions.visit(&second, later));
        for _ in 0..SESSIONS {
            sessions.open(later).unwrap();
        }
        assert!(!sessions.visit(&first, later));
        let third = sessions.open(later).unwrap();
        assert!(!sessions.visit(&third, later + SESSION));
    }

    const STRANGER: Result<Guest, Duration> = Ok(Guest::Stranger);

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from(0x0a01_0000 + number))
    }

    #[test]
    fn who_guesses_wrong_must_wait_and_others_need_not() {
        let (now, mut guesses) = (Instant::now(), LoginLimit::default());
        for _ in 0..GUESSES {
            assert_eq!(guesses.take(A, now), STRANGER);
        }
        assert_eq!(guesses.take(A, now), Err(WAIT_PER_GUESS));
        assert_eq!(guesses.take(B, now), STRANGER);
        assert_eq!(guesses.take(A, now + WAIT_PER_GUESS), STRANGER);
        assert!(guesses.take(A, now + WAIT_PER_GUESS).is_err());
        guesses.reset(A);
        assert_eq!(guesses.take(A, now + WAIT_PER_GUESS), Ok(Guest::Known));
    }

    #[test]
    fn a_guesser_who_goes_on_locks_nobody_else_out() {
        let (start, mut guesses) = (Instant::now(), LoginLimit::default());
        // 62 at once, then three a second for two minutes, while the owner tries every three seconds.
        for _ in 0..62 {
            let _ = guesses.take(A, start);
        }
        for second in 0..120 {
            let now = start + Duration::from_secs(second);
            for _ in 0..3 {
                let _ = guesses.take(A, now);
            }
            if second % 30 == 0 {
                assert_eq!(guesses.take(B, now), STRANGER, "after {second} s");
            }
        }
    }

    #[test]
    fn wrong_guesses_are_reported_once_a_minute() {
        let (now, mut guesses) = (Instant::now(), LoginLimit::default());
        assert_eq!(guesses.wrong(now), Some(1));
        for _ in 0..20 {
            assert_eq!(guesses.wrong(now + REPORT_EVERY / 2), None);
        }
        assert_eq!(guesses.wrong(now + REPORT_EVERY), Some(21));
    }

    #[test]
    fn many_addresses_do_not_help_and_cost_no_memory() {
        let (now, mut guesses) = (Instant::now(), LoginLimit::default());
        let taken = (0..1000).filter(|i| guesses.take(address(*i), now).is_ok());
        assert_eq!(taken.count(), GUESSES_OF_ALL as usize);
        assert!(guesses.open.len() <= ADDRESSES);
    }

    #[test]
    fn many_addresses_of_one_v6_network_are_one_guesser() {
        let (now, mut guesses) = (Instant::now(), LoginLimit::default());
        let host = |i: u16| format!("2001:db8:1:2:{i:x}::{i:x}").parse().unwrap();
        let taken = (0..200).filter(|i| guesses.take(host(*i), now).is_ok());
        assert_eq!(taken.count(), GUESSES as usize);
        assert_eq!(guesses.take(B, now), STRANGER);
    }

    #[test]
    fn who_was_in_comes_in_again_whatever_strangers_do() {
        let (now, mut guesses) = (Instant::now(), LoginLimit::default());
        assert_eq!(guesses.take(B, now), STRANGER);
        guesses.reset(B);
        for i in 0..1000 {
            let _ = guesses.take(address(i), now);
        }
        assert!(guesses.take(address(2000), now).is_err());
        assert_eq!(guesses.take(B, now), Ok(Guest::Known));
        // Its own account holds all the same.
        for _ in 1..GUESSES {
            assert!(guesses.take(B, now).is_ok());
        }
        assert!(guesses.take(B, now).is_err());
    }
}
