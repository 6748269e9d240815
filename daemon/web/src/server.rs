//! Accepts connections and serves HTTP on them, with a limit on everything that comes before a handler: connections,
//! and bytes and seconds of a head. Does not look at what a request asks for.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
};
use hyper::{
    Request,
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    time::sleep,
};

use super::{
    connection::Connection,
    connection_limit::{Activity, Admitted, ConnectionLimit, Step},
};

/// A request's head: at most so many bytes, within so long.
const HEAD_BYTES: usize = 16 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Header lines of a request.
const HEADERS: usize = 64;
/// Bytes that the kernel keeps of each connection, either way.
const SOCKET_BYTES: usize = 64 * 1024;
/// The wait after the system refused a connection, such as when it has no more file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(200);
/// The answer when the limit on connections is reached.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
    Content-Length: 56\r\nRetry-After: 5\r\nConnection: close\r\n\r\n\
    {\"error\":\"too many connections; try again in 5 seconds\"}";

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Serves until it is stopped and the last visitor has gone.
///
/// # Errors
/// If the listener cannot be used.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    router: Router,
    limit: Arc<ConnectionLimit>,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    // Accepted sockets inherit it; without a bound each could fill megabytes of the kernel's memory.
    let socket = socket2::SockRef::from(&listener);
    socket.set_recv_buffer_size(SOCKET_BYTES)?;
    socket.set_send_buffer_size(SOCKET_BYTES)?;
    let listener = TcpListener::from_std(listener)?;
    let service = TowerToHyperService::new(router);
    // Each task has a sender; when the last one is gone, all have ended.
    let (alive, mut ended) = mpsc::channel::<Infallible>(1);
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                if let Some(place) = admit(&limit, &stream, from) {
                    let visit = visit(stream, from, place, service.clone(), stopped.clone());
                    let alive = alive.clone();
                    tokio::spawn(async move {
                        visit.await;
                        drop(alive);
                    });
                }
                // A connection that must make room closes now, so that file descriptors do not pile up.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                tracing::debug!("a visitor could not be let in: {error}");
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    drop(alive);
    ended.recv().await;
    Ok(())
}

fn admit(limit: &Arc<ConnectionLimit>, stream: &TcpStream, from: SocketAddr) -> Option<Admitted> {
    let place = limit.admit(from.ip());
    if place.is_none() {
        // A visitor that does not take the answer loses nothing.
        let _ = stream.try_write(FULL);
    }
    place
}

/// One connection, from its first byte to its last.
async fn visit(
    stream: TcpStream,
    from: SocketAddr,
    place: Admitted,
    service: TowerToHyperService<Router>,
    mut stopped: watch::Receiver<bool>,
) {
    // Events are small and should not wait for more.
    let _ = stream.set_nodelay(true);
    let activity = Arc::clone(&place.activity);
    let answer = service_fn(move |request: Request<Incoming>| {
        let activity = Arc::clone(&activity);
        let asked = service.call(asked(request, from, &activity));
        async move {
            let answer = asked.await?;
            Ok::<_, Infallible>(answer.map(|body| AnswerBody { body, activity }))
        }
    });
    let line = Connection::new(stream, Arc::clone(&place.activity));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(line), answer);
    let mut connection = pin!(connection);
    let mut ending = false;
    loop {
        tokio::select! {
            biased;
            () = place.activity.closed.notified() => return,
            _ = stopped.wait_for(|stop| *stop), if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::trace!("{from}: {error}");
                }
                return;
            }
        }
    }
}

/// The request as handlers get it; how far its body is, is noted.
fn asked(
    mut request: Request<Incoming>,
    from: SocketAddr,
    activity: &Arc<Activity>,
) -> Request<AskedBody> {
    request.extensions_mut().insert(ConnectInfo(Peer(from)));
    let whole = hyper::body::Body::is_end_stream(request.body());
    activity.enter(if whole { Step::Answer } else { Step::Body });
    request.map(|body| AskedBody {
        body,
        activity: Arc::clone(activity),
    })
}

/// A request's body that reports when it is whole.
struct AskedBody {
    body: Incoming,
    activity: Arc<Activity>,
}

impl hyper::body::Body for AskedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.activity.enter(Step::Answer);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body that reports when it is over.
struct AnswerBody {
    body: Body,
    activity: Arc<Activity>,
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.activity.enter(Step::Head);
    }
}
