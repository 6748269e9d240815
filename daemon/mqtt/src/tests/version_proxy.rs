//! A proxy before a broker: it sees which version of MQTT a client speaks, refuses it in the ways that brokers do, and
//! cuts connections. It passes on everything else unchanged.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What the proxy does with those who connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Open,
    /// Nobody comes in: it hangs up.
    Shut,
    /// MQTT 5 is answered so; 3.1.1 comes in.
    Without5(Answer),
    /// MQTT 5 comes in; 3.1.1 is answered as it wants it.
    Without3,
}

/// How a broker answers a version that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Not at all: it hangs up, as rumqttd does.
    HangUp,
    /// As MQTT 3.1.1 wants it: CONNACK with return code 1.
    In3,
    /// As MQTT 5 wants it: CONNACK with reason code 0x84.
    In5,
    /// By a packet that MQTT 5 does not know.
    Foreign,
    /// By something longer that does not even look like one.
    Web,
}

impl Answer {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::HangUp => &[],
            Self::In3 => &[0x20, 2, 0, 1],
            Self::In5 => &[0x20, 3, 0, 0x84, 0],
            Self::Foreign => &[0xF0, 0],
            Self::Web => b"HTTP/1.1 400 Bad Request\r\n\r\n",
        }
    }
}

/// Listens as long as the test's runtime lives.
pub(super) struct VersionProxy {
    pub(super) port: u16,
    mode: Arc<watch::Sender<Mode>>,
    cut: Arc<watch::Sender<u32>>,
    levels: Arc<Mutex<Vec<u8>>>,
}

impl VersionProxy {
    /// Before the broker on this port of the loopback.
    pub(super) async fn before(broker: u16, mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            mode: Arc::new(watch::channel(mode).0),
            cut: Arc::new(watch::channel(0).0),
            levels: Arc::default(),
        };
        let (mode, cut, levels) = (proxy.mode.clone(), proxy.cut.clone(), proxy.levels.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mode, cut, levels) = (mode.clone(), cut.subscribe(), levels.clone());
                // What breaks here is a connection that ends.
                tokio::spawn(async move { drop(pass(client, broker, &mode, cut, &levels).await) });
            }
        });
        proxy
    }

    pub(super) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// From now on.
    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Breaks every connection.
    pub(super) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// The protocol levels of all that came so far: 5, or 4 for MQTT 3.1.1.
    pub(super) fn levels(&self) -> Vec<u8> {
        self.levels.lock().unwrap().clone()
    }
}

async fn pass(
    mut client: TcpStream,
    broker: u16,
    mode: &watch::Sender<Mode>,
    mut cut: watch::Receiver<u32>,
    levels: &Mutex<Vec<u8>>,
) -> io::Result<()> {
    let mut connect = vec![0; 4096];
    let length = client.read(&mut connect).await?;
    connect.truncate(length);
    let name = connect.windows(4).position(|bytes| bytes == b"MQTT");
    let level = connect[name.unwrap() + 4];
    levels.lock().unwrap().push(level);
    let mode = *mode.borrow();
    match mode {
        Mode::Shut => return Ok(()),
        Mode::Without5(answer) if level == 5 => return client.write_all(answer.bytes()).await,
        Mode::Without3 if level != 5 => return client.write_all(Answer::In3.bytes()).await,
        Mode::Without5(_) | Mode::Without3 | Mode::Open => {}
    }
    let mut server = TcpStream::connect(("127.0.0.1", broker)).await?;
    server.write_all(&connect).await?;
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = cut.changed() => {}
    }
    Ok(())
}
