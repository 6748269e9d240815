//! Decides how many connections may be open, in all and from one address, and which one makes room for the next. Pure:
//! no socket.
//!
//! A connection that makes us wait for its visitor (no complete request, or an answer that nobody takes) may be closed
//! at any time; one that we are answering stays. So visitors who are silent, slow or stalled never lock others out: the
//! oldest of their connections, from the address that has most, makes room.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use tokio::sync::Notify;

use super::{proxies::Proxies, sync::lock};

/// Connections at once where file descriptors are plenty.
const MAX_CONNECTIONS: usize = 512;
/// Connections at once even where they are few.
const MIN_CONNECTIONS: usize = 16;
/// File descriptors that cameras, store, brokers, displays and children have for themselves.
const RESERVED: u64 = 256;

/// The bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Connections of all addresses together.
    pub(super) all: usize,
    /// Connections of one address that is neither this machine's own nor a reverse proxy's.
    pub(super) per_address: usize,
}

impl Limits {
    /// What is left for visitors of so many file descriptors.
    pub(super) fn of_descriptors(most: u64) -> Self {
        let left = most.saturating_sub(RESERVED) / 2;
        let all = usize::try_from(left)
            .unwrap_or(MAX_CONNECTIONS)
            .clamp(MIN_CONNECTIONS, MAX_CONNECTIONS);
        Self {
            all,
            per_address: (all / 4).max(MIN_CONNECTIONS / 2),
        }
    }
}

/// One visitor's address: for IPv6 the network of 64 bits, all of which one visitor has.
pub(super) fn visitor(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) if !six.is_loopback() => {
            let network = u128::from(six) >> 64 << 64;
            Ipv6Addr::from(network).into()
        }
        other => other,
    }
}

/// What a connection does now, set by its task.
#[derive(Debug, Default)]
pub(super) struct Activity {
    step: AtomicU8,
    /// The visitor does not take what we send.
    stuck: AtomicBool,
    /// Notified when the connection must close.
    pub(super) closed: Notify,
}

/// Where a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Step {
    /// No complete head of a request has come.
    Head = 0,
    /// A body is coming.
    Body = 1,
    /// We are answering.
    Answer = 2,
}

impl Activity {
    pub(super) fn enter(&self, step: Step) {
        self.step.store(step as u8, Ordering::Relaxed);
    }

    pub(super) fn receives_body(&self) -> bool {
        self.step.load(Ordering::Relaxed) == Step::Body as u8
    }

    pub(super) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }

    /// Whether we only wait for the visitor.
    fn waits_for_visitor(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
            || self.step.load(Ordering::Relaxed) != Step::Answer as u8
    }
}

/// All open connections.
#[derive(Debug)]
pub(super) struct ConnectionLimit {
    limits: Limits,
    /// Each of them holds the connections of many visitors.
    proxies: Proxies,
    open: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    /// Oldest first.
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    id: u64,
    from: IpAddr,
    activity: Arc<Activity>,
}

/// A connection's entry; dropping it makes room.
#[derive(Debug)]
pub(super) struct Admitted {
    id: u64,
    limit: Arc<ConnectionLimit>,
    pub(super) activity: Arc<Activity>,
}

impl ConnectionLimit {
    pub(super) fn new(limits: Limits, proxies: Proxies) -> Arc<Self> {
        let open = Mutex::default();
        Arc::new(Self {
            limits,
            proxies,
            open,
        })
    }

    /// Lets a connection in; `None` if there is no room and nobody can make some.
    pub(super) fn admit(self: &Arc<Self>, from: IpAddr) -> Option<Admitted> {
        let shared = self.proxies.has(from);
        let from = visitor(from);
        let mut table = lock(&self.open);
        let share = match shared || from.is_loopback() {
            true => self.limits.all,
            false => self.limits.per_address,
        };
        if table.count(from) >= share {
            table.close_one_of(from)?;
        } else if table.connections.len() >= self.limits.all {
            let crowd = table.crowd()?;
            table.close_one_of(crowd)?;
        }
        let activity = Arc::<Activity>::default();
        let id = table.next;
        table.next += 1;
        table.connections.push(Connection {
            id,
            from,
            activity: Arc::clone(&activity),
        });
        Some(Admitted {
            id,
            limit: Arc::clone(self),
            activity,
        })
    }

    #[cfg(test)]
    fn open(&self) -> usize {
        lock(&self.open).connections.len()
    }
}

impl Table {
    fn count(&self, from: IpAddr) -> usize {
        let own = self.connections.iter().filter(|open| open.from == from);
        own.count()
    }

    /// The address that has most of the connections that wait for their visitor.
    fn crowd(&self) -> Option<IpAddr> {
        let mut counts = HashMap::<IpAddr, usize>::new();
        for open in &self.connections {
            if open.activity.waits_for_visitor() {
                *counts.entry(open.from).or_default() += 1;
            }
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(from, _)| from)
    }

    /// Closes this address's oldest connection that waits for its visitor.
    fn close_one_of(&mut self, from: IpAddr) -> Option<()> {
        let idle = |open: &Connection| open.from == from && open.activity.waits_for_visitor();
        let at = self.connections.iter().position(idle)?;
        // `notify_one` keeps the permit, so the task ends at its next turn, also if it does not wait for it just now.
        self.connections.remove(at).activity.closed.notify_one();
        Some(())
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut table = lock(&self.limit.open);
        table.connections.retain(|open| open.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(all: usize, per_address: usize) -> Arc<ConnectionLimit> {
        ConnectionLimit::new(Limits { all, per_address }, Proxies::default())
    }

    #[test]
    fn a_reverse_proxy_is_many_visitors() {
        let limits = Limits {
            all: 8,
            per_address: 2,
        };
        let limit = ConnectionLimit::new(limits, Proxies::new(&["10.0.0.7".to_owned()]));
        let proxied: Vec<_> = (0..8).filter_map(|_| limit.admit(address(7))).collect();
        assert_eq!((proxied.len(), limit.open()), (8, 8));
        // Others find room all the same.
        let others: Vec<_> = (0..5).filter_map(|_| limit.admit(address(1))).collect();
        assert_eq!((others.len(), limit.open()), (5, 8));
        assert!(!is_closed(&proxied[7]) && is_closed(&others[0]));
    }

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    fn is_closed(connection: &Admitted) -> bool {
        let mut closed = Box::pin(connection.activity.closed.notified());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        closed.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn connections_have_the_descriptors_that_the_rest_leaves() {
        let all = |most| Limits::of_descriptors(most).all;
        assert_eq!(all(1024), 384);
        assert_eq!(all(64), MIN_CONNECTIONS);
        assert_eq!(all(524_288), MAX_CONNECTIONS);
        assert_eq!(all(u64::MAX), MAX_CONNECTIONS);
        for most in [16, 256, 512, 1024, 4096] {
            let limits = Limits::of_descriptors(most);
            assert!(limits.per_address < limits.all, "{limits:?}");
        }
    }

    #[test]
    fn the_oldest_that_sends_nothing_makes_room() {
        let limit = limit(4, 4);
        let open: Vec<_> = (1..=4).filter_map(|i| limit.admit(address(i))).collect();
        open[0].activity.enter(Step::Answer);
        let fifth = limit.admit(address(9)).unwrap();
        let closed: Vec<_> = open.iter().map(is_closed).collect();
        assert_eq!(closed.iter().filter(|closed| **closed).count(), 1);
        assert!(!closed[0] && !is_closed(&fifth));
        assert_eq!(limit.open(), 4);
    }

    #[test]
    fn the_address_with_most_makes_room_first() {
        let limit = limit(8, 6);
        let other = limit.admit(address(1)).unwrap();
        let crowd: Vec<_> = (0..6).filter_map(|_| limit.admit(address(2))).collect();
        let last = limit.admit(address(3)).unwrap();
        let _one_more = limit.admit(address(4)).unwrap();
        assert!(!is_closed(&other) && !is_closed(&last));
        assert!(is_closed(&crowd[0]) && !is_closed(&crowd[1]));
    }

    #[test]
    fn one_address_has_its_share_and_one_v6_network_is_one_address() {
        let limit = limit(100, 3);
        let from = |host: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 7, 7, host, 0, 0, host));
        let own: Vec<_> = (0..10).filter_map(|i| limit.admit(from(i))).collect();
        assert_eq!((own.len(), limit.open()), (10, 3));
        // Who is answered keeps its place; then the next of the same address is refused.
        own[7..].iter().for_each(|c| c.activity.enter(Step::Answer));
        assert!(limit.admit(from(11)).is_none());
        assert!(limit.admit("2001:db8:7:8::1".parse().unwrap()).is_some());
    }

    #[test]
    fn who_takes_no_answer_is_no_better_than_who_is_silent() {
        let limit = limit(2, 2);
        let reader = limit.admit(address(1)).unwrap();
        let stuck = limit.admit(address(2)).unwrap();
        for connection in [&reader, &stuck] {
            connection.activity.enter(Step::Answer);
        }
        assert!(limit.admit(address(3)).is_none());
        stuck.activity.set_stuck(true);
        assert!(limit.admit(address(3)).is_some());
        assert!(is_closed(&stuck) && !is_closed(&reader));
        drop(reader);
        assert_eq!(limit.open(), 0, "the third was dropped, too");
    }

    #[test]
    fn mapped_addresses_are_the_same_visitor() {
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(visitor(mapped), address(1));
        assert!(visitor("::1".parse().unwrap()).is_loopback());
    }
}
