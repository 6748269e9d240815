//! The page: HTTP for people and programs. It shows and asks; other modules decide and act.
//!
//! ```text
//! snapshots, store -> broadcast (what and when) -> live (server-sent events) -> browsers
//!                       | recent_events (the last events, the last day's moods)
//! photos -> analyze -> photo_worker (one thread, a short queue) -> a line of `analyze --json`
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `server` | accepts connections and serves HTTP on them, with limits for all that comes before a handler |
//! | `connection_limit` | how many connections may be open, and which one makes room for the next |
//! | `connection` | one connection: it ends when it stands still |
//! | `access` | who may pass: Host, Origin, token, session; headers of every answer |
//! | `shares` | places of which no visitor may have all: live views, uploads, downloads |
//! | `hosts`, `ingress`, `embed` | this device's names; Home Assistant's proxy; sites that may show the face |
//! | `proxies` | who asks when a reverse proxy hands a request on |
//! | `state`, `faces`, `metrics` | the state as JSON, the emoji as PNG and SVG, figures for Prometheus |
//! | `live`, `broadcast`, `recent_events` | server-sent events: one view, what all views get, what new views get first |
//! | `analyze`, `photo_worker` | photos in, faces out |
//! | `history` | the history in the store: shown, downloaded, deleted |
//! | `control` | sets what can be set: the same texts and commands as MQTT's |
//! | `preview` | the camera's picture, while it is on: streams and single pictures |
//! | `setup`, `notice` | first steps; the printed notice about the camera |
//! | `login`, `credentials`, `password_worker` | password in, cookie out; sessions, and how often one may guess |
//! | `access_state`, `device_state`, `live_state`, `photo_state` | what handlers share, in four parts; `app_state` joins them |
//! | `routes`, `assets` | the handler of each path; the page's files |
//! | `counters`, `sync` | for the metrics; locks |
//! | `error`, `refusal` | errors as JSON; for people who open a page, a sheet with a sentence |
//!
//! It runs on its own thread, so that no visitor slows down the camera, the display or the broker.

mod access;
mod access_state;
mod analyze;
mod app_state;
mod assets;
mod broadcast;
mod connection;
mod connection_limit;
mod control;
mod counters;
mod credentials;
mod device_state;
mod embed;
mod error;
mod faces;
#[doc(hidden)]
pub mod fuzz;
mod history;
mod hosts;
mod ingress;
mod live;
mod live_state;
mod login;
mod metrics;
mod notice;
mod password_worker;
mod photo_state;
mod photo_worker;
pub mod preview;
mod preview_routes;
mod proxies;
mod recent_events;
mod refusal;
mod routes;
mod server;
pub mod setup;
mod setup_routes;
mod shares;
mod state;
mod sync;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use moodring_base::{
    clock::Clock,
    command,
    config::Settings,
    control as controls,
    message::Identity,
    process_limits,
    snapshot::{BrokerState, Snapshot},
    worker::Health,
};
use moodring_camera::CameraStatus;
use moodring_store::Store;
use tokio::sync::watch;

pub use credentials::hash_password;
pub use notice::page_url;

use self::{
    access_state::AccessState,
    app_state::AppState,
    broadcast::EventBroadcast,
    connection_limit::{ConnectionLimit, Limits},
    device_state::DeviceState,
    live_state::LiveState,
    photo_state::PhotoState,
};
use crate::preview::Preview;

/// How long a stop waits for visitors.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// What the page shows, and what it may ask for.
#[derive(Debug)]
pub struct Inputs {
    /// Who this is.
    pub identity: Identity,
    /// The run's clock.
    pub clock: Clock,
    /// What the world looks like; the newest wins.
    pub snapshots: watch::Receiver<Snapshot>,
    /// The events as they happen, and the history.
    pub store: Store,
    /// What the camera does.
    pub camera: watch::Receiver<CameraStatus>,
    /// The link to the broker.
    pub broker: watch::Receiver<BrokerState>,
    /// The source's name.
    pub source: String,
    /// The file of the settings, if one was read.
    pub file: Option<PathBuf>,
    /// What visitors ask the daemon to do.
    pub commands: command::CommandSender,
    /// How everything is set.
    pub controls: controls::ControlsReceiver,
    /// The camera's picture, where it is allowed.
    pub preview: Preview,
    /// How the workers are.
    pub health: watch::Receiver<Health>,
}

/// Why there is no page. The daemon goes on without.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The port is taken, or the address is not this machine's.
    #[error(
        "no page: cannot listen at {address}: {reason}. Set [web] listen to another port, or enabled = false"
    )]
    Listen {
        /// Where.
        address: String,
        /// The cause.
        reason: io::Error,
    },
    /// The token's file.
    #[error("no page: cannot read the token in web.token_file {path}: {reason}")]
    Token {
        /// The file.
        path: String,
        /// The cause.
        reason: String,
    },
    /// The system gave no thread.
    #[error("no page: the system refused: {0}")]
    System(#[from] io::Error),
}

/// The running page.
#[derive(Debug)]
pub struct Web {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// Starts the page; `None` if the settings want none.
///
/// # Errors
/// [`WebError`]; a caller that can do without warns and goes on.
pub fn spawn(settings: &Settings, inputs: Inputs) -> Result<Option<Web>, WebError> {
    if !settings.web.enabled {
        return Ok(None);
    }
    let listen = |reason| WebError::Listen {
        address: settings.web.listen.clone(),
        reason,
    };
    let address = settings.web.address();
    let address = address.ok_or_else(|| listen(io::ErrorKind::InvalidInput.into()))?;
    let listener = TcpListener::bind(address).map_err(listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let broadcast = EventBroadcast::new(settings, inputs.store.subscribe_events(), inputs.clock);
    let (run, views) = (inputs.identity.run, settings.web.streams);
    let app_state = AppState {
        access: Arc::new(AccessState::new(&settings.web)?),
        live: Arc::new(LiveState::new(run, views, stopped.clone())),
        photos: Arc::new(PhotoState::start(settings)?),
        device: Arc::new(DeviceState::new(settings, inputs)),
    };
    let limits = Limits::of_descriptors(process_limits::open_files());
    let limit = ConnectionLimit::new(limits, app_state.access.proxies.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Trials and settings; the allocator keeps memory for each thread.
        .max_blocking_threads(4)
        .build()?;
    let thread = thread::Builder::new().name("web".into()).spawn(move || {
        runtime.block_on(serve(listener, app_state, broadcast, limit, stopped));
        runtime.shutdown_timeout(STOP_WITHIN);
    })?;
    tracing::info!("the page is at http://{address}/");
    Ok(Some(Web {
        address,
        stop,
        thread,
    }))
}

impl Web {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to end the connections of visitors; [`Web::stop`] waits for the end of it.
    pub fn begin_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Ends the connections of visitors, then the thread; takes at most about two seconds.
    pub fn stop(self) {
        self.begin_to_stop();
        if self.thread.join().is_err() {
            tracing::error!("the web thread panicked");
        }
    }
}

/// Serves until it is stopped; a visitor that is still connected a second later is cut.
async fn serve(
    listener: TcpListener,
    app_state: AppState,
    broadcast: EventBroadcast,
    limit: Arc<ConnectionLimit>,
    mut stopped: watch::Receiver<bool>,
) {
    let broadcast = {
        let (live, device) = (Arc::clone(&app_state.live), Arc::clone(&app_state.device));
        tokio::spawn(broadcast.run(live, device))
    };
    let served = server::serve(listener, routes::router(app_state), limit, stopped.clone());
    tokio::select! {
        ended = served => if let Err(error) = ended {
            tracing::error!("no page: {error}");
        },
        () = async {
            let _ = stopped.wait_for(|stop| *stop).await;
            tokio::time::sleep(STOP_WITHIN).await;
        } => {}
    }
    broadcast.abort();
}
