//! A real mosquitto on a free port of the loopback, and mosquitto_sub that reads from any broker.

use std::{
    env,
    net::TcpStream,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    bench::{LIMIT, free_port},
    process::Process,
};

/// Marks a message among mosquitto_sub's own lines.
const MARK: &str = "message\t";

/// A mosquitto that runs; `None` inside while it is stopped.
#[derive(Debug)]
pub struct Broker {
    process: Option<Process>,
    folder: TempDir,
    access: String,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

/// A mosquitto_sub that runs.
#[derive(Debug)]
pub struct Subscriber {
    process: Process,
}

/// A message as a subscriber gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// Whether the broker had kept it from before the subscription.
    pub retained: bool,
    /// The quality of service it came with.
    pub qos: u8,
    /// The payload.
    pub payload: String,
}

impl Broker {
    /// Starts a broker on a free port.
    pub fn start() -> Self {
        Self::with_access("allow_anonymous true")
    }

    /// Starts one with these lines of mosquitto's configuration, about who may come in.
    pub fn with_access(lines: &str) -> Self {
        let mut broker = Self {
            process: None,
            folder: TempDir::new().expect("a temporary folder"),
            access: lines.to_owned(),
            port: free_port(),
        };
        broker.resume();
        broker
    }

    /// The address for `--mqtt`.
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Publishes with mosquitto_pub; the broker keeps it for later subscribers.
    ///
    /// # Panics
    /// If it cannot be published.
    pub fn publish(&self, topic: &str, payload: &str) {
        let port = self.port.to_string();
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "127.0.0.1", "-p", &port, "-q", "1", "-r"]);
        command.args(["-t", topic, "-m", payload]);
        Process::start(&mut command).finish(LIMIT).expect_code(0);
    }

    /// Stops it as its service would be stopped.
    ///
    /// # Panics
    /// If it does not end.
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("TERM");
            process.finish(LIMIT);
        }
    }

    /// Kills it, as a power cut would.
    ///
    /// # Panics
    /// If it does not end.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("KILL");
            process.finish(LIMIT);
        }
    }

    /// Starts it again on the same port, with nothing kept.
    ///
    /// # Panics
    /// If it does not accept connections in time.
    pub fn resume(&mut self) {
        // Debian's mosquitto, started by root, changes to a user that may not read the folder.
        let config = format!(
            "listener {} 127.0.0.1\n{}\npersistence false\nlog_dest stdout\nuser root\n",
            self.port, self.access
        );
        let path = self.folder.path().join("mosquitto.conf");
        std::fs::write(&path, config).expect("the folder is ours");
        let mut command = Command::new("mosquitto");
        let searched = env::var("PATH").unwrap_or_default();
        command
            .arg("-c")
            .arg(path)
            .env("PATH", format!("{searched}:/usr/sbin:/sbin"));
        self.process = Some(Process::start(&mut command));
        wait_until_open(self.port);
    }
}

impl Subscriber {
    /// Subscribes to everything of a broker on this machine; returns when the broker has confirmed it.
    pub fn to(port: u16) -> Self {
        let port = port.to_string();
        // Line by line: mosquitto_sub keeps what it writes to a pipe for a while.
        let mut command = Command::new("stdbuf");
        command.args([
            "-oL",
            "mosquitto_sub",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-t",
            "#",
            "-q",
            "1",
            "-d",
        ]);
        command.args(["-F", &format!("{MARK}%t\t%r\t%q\t%p")]);
        let mut process = Process::start(&mut command);
        process.wait_for_text("Subscribed", LIMIT);
        Self { process }
    }

    /// Waits for the next message that `wanted` takes.
    ///
    /// # Panics
    /// If none comes in time.
    pub fn wait_for(&mut self, what: &str, mut wanted: impl FnMut(&Message) -> bool) -> Message {
        self.wait_long(what, LIMIT, &mut wanted)
    }

    /// The same with any patience.
    ///
    /// # Panics
    /// If none comes in time.
    pub fn wait_long(
        &mut self,
        what: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Message) -> bool,
    ) -> Message {
        self.process.wait_for(what, limit, |_, line| {
            Message::parse(line).filter(&mut wanted)
        })
    }

    /// Waits for the next message on a device's own topic that ends like this.
    ///
    /// # Panics
    /// If none comes in time.
    pub fn wait_for_topic(&mut self, ending: &str) -> Message {
        self.wait_for(&format!("message on {ending}"), |message| {
            message.is_of_device(ending)
        })
    }
}

impl Message {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.strip_prefix(MARK)?.splitn(4, '\t');
        Some(Self {
            topic: parts.next()?.into(),
            retained: parts.next()? == "1",
            qos: parts.next()?.parse().ok()?,
            payload: parts.next()?.into(),
        })
    }

    /// Whether it is on a device's own topic with this end: each thing that can be set has a `/state`, too.
    pub fn is_of_device(&self, ending: &str) -> bool {
        self.topic.ends_with(ending) && self.topic.split('/').count() <= 3
    }

    /// The payload as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.payload).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Waits until something accepts connections on a port of the loopback.
///
/// # Panics
/// If nothing does in time.
pub fn wait_until_open(port: u16) {
    let end = Instant::now() + LIMIT;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "nothing listens on port {port}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(broker: &Broker, extra: &[&str]) {
        let port = broker.port.to_string();
        let mut command = Command::new("mosquitto_pub");
        command
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port,
                "-t",
                "a/b",
                "-q",
                "1",
                "-m",
                "{\"n\": 1}",
            ])
            .args(extra);
        Process::start(&mut command).finish(LIMIT).expect_code(0);
    }

    #[test]
    fn messages_arrive_and_a_stopped_broker_comes_back() {
        let mut broker = Broker::start();
        let mut subscriber = Subscriber::to(broker.port);
        publish(&broker, &["-r"]);
        let message = subscriber.wait_for_topic("/b");
        assert_eq!(
            (message.retained, message.qos, message.json()["n"].as_u64()),
            (false, 1, Some(1))
        );
        assert!(Subscriber::to(broker.port).wait_for_topic("a/b").retained);
        broker.stop();
        assert!(TcpStream::connect(("127.0.0.1", broker.port)).is_err());
        broker.resume();
        let mut again = Subscriber::to(broker.port);
        publish(&broker, &[]);
        assert!(
            !again.wait_for_topic("a/b").retained,
            "a resumed broker has kept nothing"
        );
    }
}
