//! Which address of a name answers. A name often has several, and the first may lie in a network that swallows everything, as IPv6
//! does at many homes: the library tries one after the other, and its time is up at the first.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpStream, lookup_host},
    runtime::Handle,
    task::JoinSet,
    time::timeout,
};

/// How long an address may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(4);
/// More addresses than a broker has.
const MOST: usize = 16;

/// An address that answered, for the next attempt.
#[derive(Clone, Debug, Default)]
pub(super) struct ReachableAddress(Arc<Mutex<Option<SocketAddr>>>);

impl ReachableAddress {
    /// What was found, once.
    pub(super) fn take(&self) -> Option<SocketAddr> {
        self.place().take()
    }

    /// Looks for one in the current tokio runtime; without one, nothing happens. What is found is there at a later attempt.
    pub(super) fn look_for(&self, host: &str, port: u16) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (found, host) = (self.clone(), host.to_owned());
        runtime.spawn(async move {
            let Ok(addresses) = lookup_host((host.as_str(), port)).await else {
                return;
            };
            let addresses: Vec<_> = addresses.take(MOST).collect();
            // With one address there is nothing to choose.
            if addresses.len() > 1
                && let Some(address) = first_to_answer(addresses).await
            {
                *found.place() = Some(address);
            }
        });
    }

    fn place(&self) -> std::sync::MutexGuard<'_, Option<SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address that takes a connection first; all are asked at once.
async fn first_to_answer(addresses: Vec<SocketAddr>) -> Option<SocketAddr> {
    let mut tries = JoinSet::new();
    for address in addresses {
        tries.spawn(async move {
            let connected = timeout(ANSWERS_WITHIN, TcpStream::connect(address)).await;
            matches!(connected, Ok(Ok(_))).then_some(address)
        });
    }
    while let Some(tried) = tries.join_next().await {
        if let Ok(Some(address)) = tried {
            return Some(address);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};

    use super::*;

    /// A port that swallows what comes: its queue is full. With what keeps it so.
    fn silent_port() -> (SocketAddr, Vec<std::net::TcpStream>, Socket) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let soon = Duration::from_millis(300);
        let fill = |_| std::net::TcpStream::connect_timeout(&address, soon).ok();
        let held = (0..4).filter_map(fill).collect();
        (address, held, socket)
    }

    #[tokio::test]
    async fn the_address_that_answers_is_found_behind_one_that_swallows_everything() {
        let (silent, _held, _socket) = silent_port();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let alive = listener.local_addr().unwrap();
        let closed: SocketAddr = "127.0.0.1:1".parse().unwrap();
        assert_eq!(
            first_to_answer(vec![silent, closed, alive]).await,
            Some(alive)
        );
        assert_eq!(first_to_answer(vec![closed]).await, None);
        assert_eq!(first_to_answer(Vec::new()).await, None);
    }

    #[test]
    fn without_a_runtime_nothing_is_looked_for() {
        let address = ReachableAddress::default();
        address.look_for("localhost", 1);
        assert_eq!(address.take(), None);
    }
}
