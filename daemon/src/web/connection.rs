//! Connections: at most so many at once, and none that stands still. What is said on them is not looked at.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep, sleep_until},
};

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS: usize = 1_200;
/// A connection on which neither side has said anything for so long is cut. Live views say something more often.
const IDLE: Duration = Duration::from_secs(60);
/// A visitor that takes nothing for so long, while there is something to take, is cut.
const STUCK: Duration = Duration::from_secs(10);
/// The wait after the system refused a connection, such as when it has no more file descriptors.
const REST: Duration = Duration::from_millis(200);

/// Accepts connections.
#[derive(Debug)]
pub(super) struct Listener {
    inner: TcpListener,
    room: Arc<Semaphore>,
}

impl Listener {
    pub(super) fn new(listener: std::net::TcpListener) -> io::Result<Self> {
        Ok(Self {
            inner: TcpListener::from_std(listener)?,
            room: Arc::new(Semaphore::new(CONNECTIONS)),
        })
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let Ok(permit) = Arc::clone(&self.room).acquire_owned().await else {
                // The semaphore is never closed.
                std::future::pending::<()>().await;
                continue;
            };
            match self.inner.accept().await {
                Ok((stream, from)) => {
                    // Events are small and should not wait for more.
                    let _ = stream.set_nodelay(true);
                    return (Connection::new(stream, permit), from);
                }
                Err(error) => {
                    tracing::debug!("a visitor could not be let in: {error}");
                    sleep(REST).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// A connection that ends when it stands still.
#[derive(Debug)]
pub(super) struct Connection<S = TcpStream> {
    stream: S,
    patience: Pin<Box<Sleep>>,
    stuck: bool,
    _seat: OwnedSemaphorePermit,
}

impl<S> Connection<S> {
    fn new(stream: S, permit: OwnedSemaphorePermit) -> Self {
        Self {
            stream,
            patience: Box::pin(sleep(IDLE)),
            stuck: false,
            _seat: permit,
        }
    }

    /// Something went through: the patience is whole again.
    fn moved(&mut self) {
        self.stuck = false;
        self.patience.as_mut().reset(Instant::now() + IDLE);
    }

    /// Nothing goes through; an error when that has lasted too long.
    fn waits(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.patience.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(done) => {
                // What a stuck visitor says does not make it less stuck.
                if !self.stuck {
                    self.moved();
                }
                Poll::Ready(done)
            }
            Poll::Pending => self.waits(context),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(done) => {
                self.moved();
                Poll::Ready(done)
            }
            Poll::Pending => {
                if !self.stuck {
                    self.stuck = true;
                    let end = Instant::now() + STUCK;
                    self.patience = Box::pin(sleep_until(end));
                }
                match self.waits(context) {
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    _ => Poll::Pending,
                }
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn paused() -> tokio::runtime::Runtime {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap()
    }

    async fn line(bytes: usize) -> (Connection<tokio::io::DuplexStream>, tokio::io::DuplexStream) {
        let (here, there) = tokio::io::duplex(bytes);
        let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        (Connection::new(here, permit), there)
    }

    #[test]
    fn what_flows_flows() {
        paused().block_on(async {
            let (mut here, mut there) = line(64).await;
            here.write_all(b"hello").await.unwrap();
            let mut read = [0; 5];
            there.read_exact(&mut read).await.unwrap();
            there.write_all(b"hi").await.unwrap();
            here.read_exact(&mut read[..2]).await.unwrap();
            assert_eq!(&read, b"hillo");
        });
    }

    #[test]
    fn who_takes_nothing_is_cut() {
        paused().block_on(async {
            let (mut here, _there) = line(4).await;
            let soon = Instant::now() + Duration::from_millis(20);
            let write = tokio::spawn(async move {
                here.write_all(b"1234").await.unwrap();
                // The first write that waits sets the time; bring it forward, so that the test need not wait.
                let first = tokio::time::timeout(Duration::from_millis(1), here.write_all(b"5"));
                assert!(first.await.is_err());
                assert!(here.stuck);
                here.patience.as_mut().reset(soon);
                here.write_all(b"5").await.unwrap_err().kind()
            });
            assert_eq!(write.await.unwrap(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn silence_ends_too() {
        paused().block_on(async {
            let (mut here, _there) = line(4).await;
            here.patience.as_mut().reset(Instant::now());
            let read = here.read_u8().await;
            assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
    }
}
