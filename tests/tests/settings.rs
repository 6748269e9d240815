//! Settings from outside: an error names the key and the way out, with exit code 3; the printed defaults can be read
//! back.

use std::fs;

use moodring_tests::{bench::Bench, repo};

/// A wrong file and texts that its error must hold.
const WRONG: &[(&str, &[&str])] = &[
    (
        "[camera]\nwidht = 640\n",
        &["camera.widht", "did you mean `width`", "wrong.toml"],
    ),
    (
        "[camrea]\nwidth = 640\n",
        &["camrea", "did you mean `camera`"],
    ),
    ("[camera]\nwidth = \"wide\"\n", &["camera.width", "wide"]),
    ("[camera]\nwidth = 640.5\n", &["camera.width"]),
    ("[camera]\nrate = 1000.0\n", &["camera.rate", "1000", "240"]),
    ("[camera]\nwidth = 4\n", &["camera.width", "4", "16"]),
    ("[camera]\nwidth = -4\n", &["camera.width", "-4"]),
    (
        "[display]\nkind = \"hologram\"\n",
        &["display.kind", "hologram", "terminal"],
    ),
    (
        "place = \"workplace\"\n",
        &["workplace", "AI Act", "Art. 5", "research"],
    ),
    ("place = \"education\"\n", &["education", "AI Act"]),
    ("place = \"moon\"\n", &["place", "moon", "home"]),
    ("[camera\n", &["wrong.toml"]),
];

#[test]
fn wrong_settings_are_named_with_the_way_out() {
    let bench = Bench::new();
    for (text, parts) in WRONG {
        bench.write("wrong.toml", text);
        for command in [
            "run --source synthetic --config wrong.toml",
            "config --check wrong.toml",
        ] {
            let finished = bench.run(command).expect_code(3).expect_stderr(parts);
            assert!(
                finished.stdout.is_empty(),
                "{command} went on: {}",
                finished.stdout
            );
        }
    }
}

#[test]
fn brokers_that_cannot_be_are_named() {
    let bench = Bench::new();
    let wrong = [
        ("listen = \"0.0.0.0:1883\"", "127.0.0.1"),
        ("listen = \"1883\"", "127.0.0.1"),
        ("url = \"http://broker\"", "mqtt://"),
        ("prefix = \"a/#\"", "prefix"),
        ("prefix = \"moodring/\"", "prefix"),
        ("prefix = \"mood ring\"", "prefix"),
        ("url = \"mqtt://me:secret@broker\"", "user"),
        ("url = \"broker\"", "mqtt://"),
        ("ca_file = \"gone.pem\"", "gone.pem"),
        ("fingerprint = \"12\"", "fingerprint"),
        ("version = \"5\"", "embedded"),
        ("interval_s = 0.0", "interval_s"),
        (
            "url = \"mqtt://127.0.0.1\"\nuser = \"me\"\npassword_file = \"gone\"",
            "gone",
        ),
    ];
    for (text, part) in wrong {
        bench.write("wrong.toml", format!("[mqtt]\n{text}\n"));
        // The check is the start without its side effects.
        for command in [
            "run --source synthetic --config wrong.toml",
            "config --check wrong.toml",
        ] {
            bench
                .run(command)
                .expect_code(3)
                .expect_stderr(&["mqtt", part]);
        }
    }
    bench.write("wrong.toml", "[device]\nid = \"my pi\"\n");
    bench
        .run("config --check wrong.toml")
        .expect_code(3)
        .expect_stderr(&["device.id", "my pi"]);
    bench.write("wrong.toml", "[camera]\nsource = \"webcam\"\n");
    bench
        .run("config --check wrong.toml")
        .expect_code(4)
        .expect_stderr(&["webcam"]);
}

#[test]
fn files_that_are_no_settings_are_named() {
    let bench = Bench::new();
    bench
        .run("run --config gone.toml")
        .expect_code(3)
        .expect_stderr(&["gone.toml", "moodring config"]);
    bench.write("bytes.toml", [0xFF, 0xFE, 0x00]);
    bench
        .run("run --config bytes.toml")
        .expect_code(3)
        .expect_stderr(&["bytes.toml", "UTF-8"]);
    fs::create_dir(bench.folder().join("folder.toml")).expect("the folder is ours");
    bench
        .run("run --config folder.toml")
        .expect_code(3)
        .expect_stderr(&["folder.toml"]);
}

#[test]
fn the_environment_is_checked_too() {
    let mut bench = Bench::new();
    bench.set("MOODRING_CAMERA__RATE", "fast");
    bench
        .run("run --source synthetic")
        .expect_code(3)
        .expect_stderr(&["camera.rate", "environment"]);
    let mut bench = Bench::new();
    bench.set("MOODRING_MQTT__ADDRESS", "x");
    bench
        .run("run --source synthetic")
        .expect_code(3)
        .expect_stderr(&["mqtt.address", "environment"]);
    let mut bench = Bench::new();
    bench.set("MOODRING_MQTT_URL", "mqtt://broker");
    bench
        .run("run --source synthetic")
        .expect_code(3)
        .expect_stderr(&["MOODRING_MQTT_URL", "MOODRING_MQTT__URL"]);
}

#[test]
fn numbers_in_the_environment_are_text_where_text_is_wanted() {
    let mut bench = Bench::new();
    bench.set("MOODRING_DEVICE__ID", 12);
    bench.set("MOODRING_MQTT__USER", "true");
    bench.write("moodring.toml", "");
    let checked = bench.run("config --check moodring.toml").expect_code(0);
    assert!(checked.stdout.contains("id = \"12\""), "{}", checked.stdout);
}

#[test]
fn the_printed_defaults_read_back() {
    let bench = Bench::new();
    let printed = bench.run("config").expect_code(0).stdout;
    bench.write("moodring.toml", &printed);
    let checked = bench
        .run("config --check moodring.toml")
        .expect_code(0)
        .stdout;
    for section in [
        "device", "camera", "vision", "mood", "display", "mqtt", "log",
    ] {
        assert!(
            printed.contains(&format!("\n[{section}]\n")),
            "no [{section}] in the defaults"
        );
        assert!(
            checked.contains(&format!("[{section}]")),
            "no [{section}] in what was read"
        );
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let mut bench = Bench::new();
    bench.write("moodring.toml", "[camera]\nwidth = 320\nheight = 240\n");
    bench.set("MOODRING_CAMERA__WIDTH", 800);
    let checked = bench
        .run("config --check moodring.toml")
        .expect_code(0)
        .stdout;
    assert!(
        checked.contains("width = 800") && checked.contains("height = 240"),
        "{checked}"
    );
}

#[test]
fn the_example_for_a_device_is_accepted() {
    let example = repo::root().join("deploy/moodring.toml");
    let arguments = ["config", "--check", example.to_str().expect("UTF-8")];
    let finished = Bench::new()
        .start_all(&arguments)
        .finish(moodring_tests::bench::LIMIT)
        .expect_code(0);
    // What it changes: a service has no terminal to draw on.
    assert!(
        finished.stdout.contains("kind = \"none\""),
        "{}",
        finished.stdout
    );
}
