//! Passwords and tokens never reach the log, whatever goes wrong and however much is logged.

use moodring_tests::{
    bench::{Bench, LIMIT, free_port},
    broker::{Broker, wait_until_open},
};

const MQTT: &str = "mqtt-Zeisig-4711";
const CAMERA: &str = "camera-Amsel-4711";
const TOKEN: &str = "token-Kleiber-4711-long-enough-to-be-one";
/// What `moodring config --password` printed for some password.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$0000000000000000000000000000000000000000000";

/// A daemon full of secrets that logs all it can; returns everything that it printed until its end.
fn output_of(url: &str, more: &[(&str, String)], until: &str) -> String {
    let mut bench = Bench::new();
    let (password, token) = (bench.write("password", MQTT), bench.write("token", TOKEN));
    bench
        .set("MOODRING_DEVICE__ID", "desk")
        // The other crates, too, which are silent unless their level is set.
        .set("MOODRING_LOG__LEVEL", "trace,rumqttc=trace,rumqttd=trace")
        .set("MOODRING_MQTT__URL", url)
        .set("MOODRING_MQTT__USER", "me")
        .set("MOODRING_MQTT__PASSWORD_FILE", password.display())
        .set("MOODRING_WEB__LISTEN", format!("127.0.0.1:{}", free_port()))
        .set("MOODRING_WEB__TOKEN_FILE", token.display())
        .set("MOODRING_WEB__PASSWORD", HASH);
    for (name, value) in more {
        bench.set(name, value);
    }
    // A camera that nobody answers for, with a password in its address.
    let camera = format!("http://me:{CAMERA}@127.0.0.1:{}/stream", free_port());
    let mut daemon = bench.start_all(&["run", "--display", "none", "--source", &camera]);
    daemon.wait_for_text(until, LIMIT);
    daemon.signal("TERM");
    let finished = daemon.finish(LIMIT);
    let shown = bench.run("config").stdout + &bench.run("doctor").stdout;
    format!("{}{}{shown}", finished.stdout, finished.stderr)
}

fn expect_no_secret(output: &str) {
    assert!(output.contains("TRACE"), "it did not log all: {output}");
    for secret in [MQTT, CAMERA, TOKEN] {
        let at = output.find(secret);
        let around = at.map(|at| &output[output[..at].rfind('\n').unwrap_or(0)..]);
        assert!(
            at.is_none(),
            "{secret} is in: {}",
            around.unwrap_or_default()
        );
    }
}

#[test]
fn a_broker_that_takes_the_password_and_one_that_does_not() {
    let broker = Broker::start();
    expect_no_secret(&output_of(&broker.url(), &[], "connected to the broker"));
    let refusing = Broker::with_access("allow_anonymous false");
    expect_no_secret(&output_of(
        &refusing.url(),
        &[],
        "refused user and password",
    ));
}

#[test]
fn an_embedded_broker_and_a_broker_without_tls() {
    let listen = format!("127.0.0.1:{}", free_port());
    let embedded = ("MOODRING_MQTT__LISTEN", listen);
    expect_no_secret(&output_of("", &[embedded], "connected to the broker"));
    let broker = Broker::start();
    wait_until_open(broker.port);
    let tls = format!("mqtts://127.0.0.1:{}", broker.port);
    expect_no_secret(&output_of(&tls, &[], "no connection to the broker"));
}
