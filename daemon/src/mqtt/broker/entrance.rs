//! Where clients of the embedded broker come in. rumqttd has no bound for connections that say nothing, so it hears only of those whose
//! CONNECT has come whole: until then a connection waits here, few at a time, and the oldest of the address that has most makes room.

use std::{collections::HashMap, io, net::IpAddr, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::{Id, JoinSet},
    time::{sleep, timeout},
};

use super::super::connect_options::MAX_PACKET_BYTES;

/// Connections that may wait without a whole CONNECT.
const MOST_WAITING: usize = 64;
/// How long each may.
const SILENT: Duration = Duration::from_secs(5);
/// After the system refused a connection, for lack of descriptors for instance.
const PAUSE: Duration = Duration::from_millis(50);

/// Lets clients in until it is dropped, and passes them on to `inside`.
pub(super) async fn serve(listener: TcpListener, inside: SocketAddr) {
    let mut waiting = Waiting::default();
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => waiting.add(stream, address.ip()),
                Err(error) => {
                    tracing::debug!("the embedded broker takes no connection: {error}");
                    sleep(PAUSE).await;
                }
            },
            // Without a pattern: one that did not match would leave the others waiting unheard.
            asked = waiting.next(), if !waiting.tasks.is_empty() => {
                if let Some((stream, connect)) = asked {
                    clients.spawn(pass_on(stream, connect, inside));
                }
            }
            Some(_) = clients.join_next() => {}
        }
    }
}

/// A connection and the CONNECT that came by it; `None` if none came.
type Asked = Option<(TcpStream, Vec<u8>)>;

/// Connections that have not said who they are, the oldest first.
#[derive(Default)]
struct Waiting {
    tasks: JoinSet<Asked>,
    order: Vec<(tokio::task::AbortHandle, IpAddr)>,
}

impl Waiting {
    fn add(&mut self, mut stream: TcpStream, address: IpAddr) {
        if self.order.len() >= MOST_WAITING {
            self.make_room();
        }
        let task = self.tasks.spawn(async move {
            let connect = timeout(SILENT, read_connect(&mut stream)).await.ok()??;
            Some((stream, connect))
        });
        self.order.push((task, address));
    }

    /// Hangs up on the oldest of the address that has most.
    fn make_room(&mut self) {
        let mut counts = HashMap::new();
        for (_, address) in &self.order {
            *counts.entry(*address).or_insert(0) += 1;
        }
        let most = counts.values().max().copied().unwrap_or(0);
        let oldest = self
            .order
            .iter()
            .position(|(_, address)| counts[address] == most);
        if let Some(oldest) = oldest {
            self.order.remove(oldest).0.abort();
        }
    }

    /// The next that said who it is. `None` when one is gone, or nobody waits.
    async fn next(&mut self) -> Asked {
        let ended = self.tasks.join_next_with_id().await?;
        let (id, asked) = match ended {
            Ok((id, asked)) => (id, asked),
            Err(error) => (error.id(), None),
        };
        self.forget(id);
        asked
    }

    fn forget(&mut self, id: Id) {
        self.order.retain(|(task, _)| task.id() != id);
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
    broker.set_nodelay(true)?;
    broker.write_all(&connect).await?;
    copy_bidirectional(&mut client, &mut broker).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
