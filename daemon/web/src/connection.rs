//! A connection that ends when it stands still: no byte for a while, a body that stalls, an answer that nobody takes.
//! Does not look at the bytes.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

use super::connection_limit::Activity;

/// A connection on which neither side has sent anything for so long is cut. Live views send something more often.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// A body of which nothing comes for so long is cut.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// A visitor that takes nothing for so long, while there is something to take, is cut.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that ends when it stands still.
#[derive(Debug)]
pub(super) struct Connection<S = TcpStream> {
    stream: S,
    activity: Arc<Activity>,
    /// When something last went through.
    moved: Instant,
    /// Since when the visitor takes nothing.
    stuck: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Connection<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            activity,
            moved: Instant::now(),
            stuck: None,
            alarm: Box::pin(sleep(IDLE_TIMEOUT)),
        }
    }

    fn set_stuck(&mut self, since: Option<Instant>) {
        self.activity.set_stuck(since.is_some());
        self.stuck = since;
    }

    /// When it is cut if nothing moves.
    fn deadline(&self) -> Instant {
        match self.stuck {
            Some(since) => since + WRITE_TIMEOUT,
            None if self.activity.receives_body() => self.moved + BODY_TIMEOUT,
            None => self.moved + IDLE_TIMEOUT,
        }
    }

    /// Nothing goes through; an error when that has lasted too long.
    fn waits(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let deadline = self.deadline();
        if self.alarm.deadline() != deadline {
            self.alarm.as_mut().reset(deadline);
        }
        let rang = self.alarm.as_mut().poll(context);
        rang.map(|()| io::ErrorKind::TimedOut.into())
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
                // What a stuck visitor sends does not make it less stuck.
                self.moved = Instant::now();
                Poll::Ready(done)
            }
            Poll::Pending => self.waits(context).map(Err),
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
                self.moved = Instant::now();
                self.set_stuck(None);
                Poll::Ready(done)
            }
            Poll::Pending => {
                if self.stuck.is_none() {
                    self.set_stuck(Some(Instant::now()));
                }
                self.waits(context).map(Err)
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
    use crate::connection_limit::Step;

    fn block_on(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(test);
    }

    fn line(bytes: usize) -> (Connection<tokio::io::DuplexStream>, tokio::io::DuplexStream) {
        let (here, there) = tokio::io::duplex(bytes);
        (Connection::new(here, Arc::default()), there)
    }

    #[test]
    fn a_connection_with_traffic_stays_open() {
        block_on(async {
            let (mut here, mut there) = line(64);
            here.write_all(b"hello").await.unwrap();
            let mut read = [0; 5];
            there.read_exact(&mut read).await.unwrap();
            there.write_all(b"hi").await.unwrap();
            here.read_exact(&mut read[..2]).await.unwrap();
            assert_eq!(&read, b"hillo");
        });
    }

    #[test]
    fn a_visitor_that_takes_nothing_is_cut() {
        block_on(async {
            let (mut here, _there) = line(4);
            here.write_all(b"1234").await.unwrap();
            let first = tokio::time::timeout(Duration::from_millis(1), here.write_all(b"5"));
            assert!(first.await.is_err());
            // As if that had begun long ago, so that the test need not wait.
            here.stuck = here
                .stuck
                .and_then(|since| since.checked_sub(WRITE_TIMEOUT));
            let write = here.write_all(b"5").await;
            assert_eq!(write.unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn silence_ends_and_a_stalled_body_ends_sooner() {
        block_on(async {
            for (step, patience) in [(Step::Answer, IDLE_TIMEOUT), (Step::Body, BODY_TIMEOUT)] {
                let (mut here, _there) = line(4);
                here.activity.enter(step);
                here.moved = here.moved.checked_sub(patience).unwrap();
                let read = here.read_u8().await;
                assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
            }
            const { assert!(BODY_TIMEOUT.as_secs() < IDLE_TIMEOUT.as_secs()) };
        });
    }
}
