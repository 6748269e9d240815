//! Places (for live views, uploads, downloads) that are limited so that no visitor can take all of them. Pure: no
//! socket, no clock.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use super::{connection_limit::visitor, sync::lock};

/// So many places, and how many of them one visitor may have.
#[derive(Debug)]
pub(super) struct Shares {
    all: usize,
    each: usize,
    taken: Mutex<Vec<IpAddr>>,
}

/// A place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Share {
    of: Arc<Shares>,
    visitor: IpAddr,
}

impl Shares {
    /// Some are always left for another visitor, if there are two at all.
    pub(super) fn new(all: usize) -> Arc<Self> {
        Arc::new(Self {
            all,
            each: all - (all / 4).max(1).min(all.saturating_sub(1)),
            taken: Mutex::default(),
        })
    }

    /// A place for this visitor, if there is one. This machine itself may have all: a proxy may run on it.
    pub(super) fn take(self: &Arc<Self>, from: IpAddr) -> Option<Share> {
        let visitor = visitor(from);
        let mut taken = lock(&self.taken);
        let own = taken.iter().filter(|address| **address == visitor).count();
        if taken.len() >= self.all || (own >= self.each && !visitor.is_loopback()) {
            return None;
        }
        taken.push(visitor);
        Some(Share {
            of: Arc::clone(self),
            visitor,
        })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        lock(&self.taken).len()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = lock(&self.of.taken);
        if let Some(at) = taken.iter().position(|address| *address == self.visitor) {
            taken.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_visitor_leaves_some_for_others() {
        let shares = Shares::new(4);
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let own: Vec<_> = (0..9).filter_map(|_| shares.take(a)).collect();
        assert_eq!(own.len(), 3);
        let other = shares.take(b).unwrap();
        assert!(shares.take(b).is_none(), "all are taken");
        drop(own);
        assert_eq!(shares.taken(), 1);
        drop(other);
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let all: Vec<_> = (0..9).filter_map(|_| shares.take(loopback)).collect();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn a_single_place_is_for_whoever_comes() {
        assert!(Shares::new(1).take([10, 0, 0, 1].into()).is_some());
        assert!(Shares::new(0).take([10, 0, 0, 1].into()).is_none());
    }
}
