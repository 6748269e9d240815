//! Accepts the embedded broker's connections. rumqttd has no bound for silent connections, so it gets only those whose
//! CONNECT has come whole: until then a connection waits here, few at a time, and the oldest of the address that has most makes room. Of
//! those that are in, too, no address has all.

use std::{collections::HashMap, io, net::IpAddr, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::super::connect_options::MAX_PACKET_BYTES;

/// Connections that may wait without a whole CONNECT.
const MOST_WAITING: usize = 64;
/// How long each may.
const SILENT: Duration = Duration::from_secs(5);
/// After the system refused a connection, for lack of descriptors for instance.
const PAUSE: Duration = Duration::from_millis(50);

/// Clients that are in. rumqttd has room for 32: the last two are for this machine, so that the daemon itself always finds one.
const MOST_CLIENTS: usize = 30;
/// A peer that does not answer TCP's probes is gone, whatever keep-alive its client asked for: found after two minutes and a half.
const PROBES: socket2::TcpKeepalive = socket2::TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(30))
    .with_retries(3);

/// Lets clients in until it is dropped, and passes them on to `inside`.
pub(super) async fn serve(listener: TcpListener, inside: SocketAddr) {
    let (mut waiting, mut clients) = (Places::default(), Places::default());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    if wait(&mut waiting, stream, address.ip()) {
                        // What was hung up on is closed by its own task: in a burst of connections it would have no turn.
                        tokio::task::yield_now().await;
                    }
                }
                Err(error) => {
                    tracing::debug!("the embedded broker takes no connection: {error}");
                    sleep(PAUSE).await;
                }
            },
            // Without a pattern: one that did not match would leave the others waiting for ever.
            asked = waiting.next(), if !waiting.is_empty() => {
                if let Some((address, Some((stream, connect)))) = asked
                    && clients.has_room(address)
                {
                    clients.add(address, pass_on(stream, connect, inside));
                }
            }
            _ = clients.next(), if !clients.is_empty() => {}
        }
    }
}

/// A connection and the CONNECT that came by it; `None` if none came.
type Asked = Option<(TcpStream, Vec<u8>)>;

/// A connection without a CONNECT so far. If too many wait, the oldest of the address that has most makes room: then true.
fn wait(waiting: &mut Places<Asked>, mut stream: TcpStream, address: IpAddr) -> bool {
    let is_full = waiting.order.len() >= MOST_WAITING;
    let busiest = is_full.then(|| waiting.busiest()).flatten();
    if let Some((busiest, _)) = busiest {
        waiting.end_oldest(busiest);
    }
    waiting.add(address, async move {
        let connect = timeout(SILENT, read_connect(&mut stream)).await.ok()??;
        Some((stream, connect))
    });
    busiest.is_some()
}

/// Connections, each served by a task of its own, the oldest first.
struct Places<T> {
    tasks: JoinSet<T>,
    order: Vec<(tokio::task::AbortHandle, IpAddr)>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self {
            tasks: JoinSet::new(),
            order: Vec::new(),
        }
    }
}

impl<T: Send + 'static> Places<T> {
    fn add(&mut self, address: IpAddr, served: impl Future<Output = T> + Send + 'static) {
        let task = self.tasks.spawn(served);
        self.order.push((task, address.to_canonical()));
    }

    fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The address that has most, and how many; of several the one that came first.
    fn busiest(&self) -> Option<(IpAddr, usize)> {
        let mut counts = HashMap::new();
        for (_, address) in &self.order {
            *counts.entry(*address).or_insert(0) += 1;
        }
        let most = counts.values().max().copied()?;
        let first = self.order.iter().find(|(_, a)| counts[a] == most);
        first.map(|(_, address)| (*address, most))
    }

    /// Hangs up on the oldest of this address.
    fn end_oldest(&mut self, address: IpAddr) {
        if let Some(at) = self.order.iter().position(|(_, a)| *a == address) {
            self.order.remove(at).0.abort();
        }
    }

    /// Whether one more client of this address may come in. An address that has more than half of the places makes room for
    /// another; else who is in stays in, for clients that push each other out would never rest.
    fn has_room(&mut self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if address.is_loopback() || self.order.len() < MOST_CLIENTS {
            return true;
        }
        match self.busiest() {
            Some((busiest, count)) if count > MOST_CLIENTS / 2 && busiest != address => {
                self.end_oldest(busiest);
                true
            }
            _ => {
                tracing::debug!(
                    "the embedded broker has {MOST_CLIENTS} clients; {address} must wait"
                );
                false
            }
        }
    }

    /// The next whose task ended, and by what; `None` if it was asked to end, or there is none.
    async fn next(&mut self) -> Option<(IpAddr, T)> {
        let ended = self.tasks.join_next_with_id().await?;
        let (id, result) = match ended {
            Ok((id, result)) => (id, Some(result)),
            Err(error) => (error.id(), None),
        };
        let at = self.order.iter().position(|(task, _)| task.id() == id)?;
        let (_, address) = self.order.remove(at);
        Some((address, result?))
    }
}

/// Reads a whole CONNECT (MQTT 3.1.1, section 3.1), and what came with it. `None` if it is something else or too long.
async fn read_connect(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if bytes.first().is_some_and(|&first| first != 0x10) {
            return None;
        }
        if packet_length(&bytes)?.is_some_and(|length| bytes.len() >= length) {
            return Some(bytes);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Bytes of the packet that begins so, as far as they are known; `None` if it is longer than packets may be.
fn packet_length(bytes: &[u8]) -> Option<Option<usize>> {
    let mut length = 0;
    for (at, &byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return (length <= MAX_PACKET_BYTES).then_some(Some(2 + at + length));
        }
    }
    // A fifth byte of the length cannot be.
    (bytes.len() < 5).then_some(None)
}

/// Until either side ends.
async fn pass_on(mut client: TcpStream, connect: Vec<u8>, inside: SocketAddr) -> io::Result<()> {
    let mut broker = TcpStream::connect(inside).await?;
    client.set_nodelay(true)?;
    socket2::SockRef::from(&client).set_tcp_keepalive(&PROBES)?;
    broker.set_nodelay(true)?;
    broker.write_all(&connect).await?;
    copy_bidirectional(&mut client, &mut broker).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_address_cannot_take_every_place() {
        let at = |last: u8| IpAddr::from([10, 0, 0, last]);
        let mut clients = Places::default();
        let mut come = |address: IpAddr| {
            let room = clients.has_room(address);
            if room {
                clients.add(address, std::future::pending::<()>());
            }
            (
                room,
                clients.order.iter().filter(|(_, a)| *a == at(1)).count(),
            )
        };
        for count in 1..=MOST_CLIENTS {
            assert_eq!(come(at(1)), (true, count));
        }
        assert_eq!(
            come(at(1)),
            (false, MOST_CLIENTS),
            "it does not push itself out"
        );
        for others in 1..=MOST_CLIENTS / 2 {
            let left = MOST_CLIENTS - others;
            assert_eq!(come(at(u8::try_from(others).unwrap() + 1)), (true, left));
        }
        // Nobody has more than half now: who is in stays in, but this machine always finds a place.
        assert_eq!(come(at(99)), (false, MOST_CLIENTS / 2));
        assert!(come([127, 0, 0, 1].into()).0);
        assert!(come("::ffff:127.0.0.1".parse().unwrap()).0);
    }

    #[test]
    fn the_length_of_a_packet_is_known_as_soon_as_its_bytes_are_there() {
        for (bytes, length) in [
            (&[][..], Some(None)),
            (&[0x10], Some(None)),
            (&[0x10, 0x80], Some(None)),
            (&[0x10, 16], Some(Some(18))),
            (&[0x10, 0x80, 1], Some(Some(131))),
            (&[0x10, 0xFF, 0xFF, 0xFF, 0x7F], None),
            (&[0x10, 0xFF, 0xFF, 0xFF, 0xFF], None),
        ] {
            assert_eq!(packet_length(bytes), length, "{bytes:02x?}");
        }
    }
}
