//! The real daemon for Arm on a virtual Pi: a face goes in at /dev/video, its emoji comes out of the SPI bytes, its mood at
//! a broker; the camera, the display and the service manager fail as real ones do. `tests/vm/run`.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use moodring_tests::{
    bench::{Bench, LIMIT},
    broker::{Broker, Subscriber},
    guest::{Guest, HOST, PATIENCE, Watched},
    panel::{Dcs, Picture, Wiring},
};
use serde_json::Value;

/// An ST7789 with 240x240 pixels at the beginning of its memory, as `st7789-240x240` is.
const WIRING: Wiring = Wiring {
    memory_px: (240, 320),
    glass_px: (240, 240),
    offset_px: (0, 0),
    mirror: false,
    bgr: false,
    inverts: true,
};
const DC_LINE: u8 = 25;
const RESET_LINE: u8 = 27;
const BUTTON: u8 = 21;

/// The size that QEMU's screen is set to.
const SCREEN: (usize, usize) = (1024, 768);
/// The side of a cell to which a screen's picture is shrunk, in pixels.
const CELL: usize = 16;

const SETTINGS: &str = r#"
place = "home"
[device]
id = "pi"
[camera]
source = "/dev/video7"
next = ["/dev/video8"]
width = 320
height = 240
rate = 15.0
timeout_ms = 3000
[display]
kind = "spi"
board = "st7789-240x240"
rate = 5.0
[buttons]
camera = 21
[mqtt]
url = "mqtt://HOST:PORT"
interval_s = 2.0
"#;

/// Loads the driver of both cameras, and plays a film into each.
const CAMERAS: &str =
    "insmod /mod/v4l2loopback.ko video_nr=7,8 exclusive_caps=1,1 card_label=happy,surprise
for camera in 'video7 /pi/happy.yuyv 320 240 YUYV' 'video8 /pi/surprise.mjpeg 320 240 MJPG'; do
  set -- $camera
  stage feed /dev/$1 $2 $3 $4 $5 15 >/tmp/$1.log 2>&1 </dev/null & echo $! >/tmp/$1.pid
done";

#[test]
#[ignore = "needs what tests/vm/run makes"]
fn a_face_goes_in_and_its_emoji_comes_out() {
    let folder = std::env::var_os("MOODRING_VM").expect("tests/vm/run sets it");
    let broker = Broker::start();
    let mut subscriber = Subscriber::to(broker.port);
    let looks = Looks::draw((240, 240));
    let pi = Guest::boot(&PathBuf::from(folder));
    println!(
        "boot to the first program: {:.1} s of the guest",
        pi.booted_s
    );
    let display = pi.watch_display(Dcs::new(WIRING), DC_LINE, RESET_LINE);
    let settings = SETTINGS
        .replace("HOST", HOST)
        .replace("PORT", &broker.port.to_string());
    pi.run(&format!("cat >/tmp/moodring.toml <<'EOF'\n{settings}\nEOF"));
    pi.run(CAMERAS);
    println!("{}", pi.run("moodring --version; moodring devices"));

    // A face goes in as YUYV.
    pi.start("stage manager /tmp/notify", "/tmp/notified");
    pi.run(
        "export NOTIFY_SOCKET=/tmp/notify WATCHDOG_USEC=20000000 MOODRING_LOG__LEVEL=info,moodring::app::shutdown=debug
         moodring run --config /tmp/moodring.toml >/tmp/log 2>&1 </dev/null & echo $! >/tmp/pid",
    );
    let mood = |subscriber: &mut Subscriber, wanted: &str| -> Value {
        let state = subscriber.wait_long(&format!("mood {wanted}"), PATIENCE, |message| {
            message.topic == "moodring/pi/state" && message.json()["mood"] == wanted
        });
        state.json()
    };
    println!("first state: {}", mood(&mut subscriber, "happy"));
    println!("boot to first mood: {:.1} s of the guest", pi.uptime_s());
    pi.wait_until("READY=1", "cat /tmp/notified", |text| {
        text.contains("READY=1").then_some(())
    });
    looks.wait_for("happy", &display);

    // What it costs at 15 frames a second.
    println!("{}", cost(&pi));

    // The button goes to the other camera, which sends MJPEG.
    pi.run(&format!(
        "echo 'press {BUTTON}' >/dev/virtual-pi; usleep 150000; echo 'release {BUTTON}' >/dev/virtual-pi"
    ));
    mood(&mut subscriber, "surprise");
    looks.wait_for("surprise", &display);

    // The display fails, and comes back.
    pi.run("echo spi broken >/dev/virtual-pi");
    let tries = |log: &str| log.contains("trying again").then_some(());
    pi.wait_until("warning", "cat /tmp/log", tries);
    pi.run("echo spi ok >/dev/virtual-pi");
    let before = display.transfers();
    wait("the display is written again", || {
        display.transfers() > before
    });
    looks.wait_for("surprise", &display);

    // Unplugged: the films end, the driver goes as soon as nobody has it open. Plugged in again.
    pi.run("kill $(cat /tmp/video7.pid /tmp/video8.pid)");
    subscriber.wait_long("a lost camera", PATIENCE, |message| {
        message.topic == "moodring/pi/state" && message.json()["camera"] == "lost"
    });
    pi.wait_until(
        "unloading",
        "rmmod v4l2loopback && echo gone || true",
        |text| text.contains("gone").then_some(()),
    );
    pi.run("test ! -e /dev/video8");
    pi.run(CAMERAS);
    mood(&mut subscriber, "surprise");

    // The watchdog is fed while all that happens, and not while a driver holds a thread.
    let fed = |text: &str| text.matches("WATCHDOG=1").count();
    let before = fed(&pi.run("cat /tmp/notified"));
    assert!(before > 0, "never fed");
    pi.run("echo spi hung >/dev/virtual-pi");
    pi.wait_until(
        "the display thread is missed",
        "cat /tmp/notified",
        |text| {
            text.contains("the display thread stands still")
                .then_some(())
        },
    );
    let still = fed(&pi.run("cat /tmp/notified"));
    pi.run("sleep 11");
    assert_eq!(
        fed(&pi.run("cat /tmp/notified")),
        still,
        "fed while a thread hangs"
    );
    pi.run("echo spi ok >/dev/virtual-pi");
    pi.wait_until("feeding again", "cat /tmp/notified", |text| {
        (fed(text) > still).then_some(())
    });

    // It stops within a second of the guest, and its log shows it.
    let took = pi.run(
        "begin=$(cut -d' ' -f1 /proc/uptime); kill $(cat /tmp/pid)
         while kill -0 $(cat /tmp/pid) 2>/dev/null; do usleep 20000; done
         echo $begin $(cut -d' ' -f1 /proc/uptime)",
    );
    let times: Vec<f32> = took
        .split_whitespace()
        .filter_map(|t| t.parse().ok())
        .collect();
    println!(
        "SIGTERM to the end: {:.2} s of the guest",
        times[1] - times[0]
    );
    let log = || pi.run("tail -n 8 /tmp/log");
    assert!(times[1] - times[0] < 1.0, "{took}: {}", log());
    subscriber.wait_long("stopped", LIMIT, |message| {
        message.topic == "moodring/pi/status" && message.payload == "stopped"
    });
    assert!(pi.run("cat /tmp/notified").contains("STOPPING=1"));

    // Its lines are inputs now, and the display, whose reset line floats, is dark.
    wait("the display goes dark", || display.picture().is_none());

    a_screen_shows_it_too(&pi, &settings);
}

/// A screen by DRM/KMS, and its framebuffer device: what is on them is read back, and at the end what was there before. (Debian's
/// kernel has neither vkms nor vfb; QEMU's virtio-gpu is the card, and the kernel emulates /dev/fb0 on it.)
fn a_screen_shows_it_too(pi: &Guest, settings: &str) {
    let looks = Looks::draw(SCREEN);
    for device in ["/dev/dri/card0", "/dev/fb0"] {
        pi.run(&format!("test -c {device}"));
        let before = read_screen(pi, device);
        let kind = format!("kind = \"screen\"\nscreen = \"{device}\"");
        let settings = settings.replace("kind = \"spi\"", &kind);
        pi.run(&format!("cat >/tmp/screen.toml <<'EOF'\n{settings}\nEOF"));
        println!(
            "{}",
            pi.run("moodring doctor --config /tmp/screen.toml | grep screen || true")
        );
        pi.run(
            "moodring run --source /dev/video7 --config /tmp/screen.toml >/tmp/screen.log 2>&1 </dev/null & echo $! >/tmp/screen.pid",
        );
        let end = Instant::now() + PATIENCE;
        loop {
            let (name, difference) = looks.nearest_of(&read_screen(pi, device));
            if name == "happy" && difference < 8.0 {
                println!("{device} shows {name}; mean difference {difference:.2} of 255");
                break;
            }
            let log = pi.run("cat /tmp/screen.log");
            assert!(
                Instant::now() < end,
                "{device}: not happy but {name} {difference}; {log}"
            );
            std::thread::sleep(Duration::from_millis(300));
        }
        pi.run(
            "kill $(cat /tmp/screen.pid); while kill -0 $(cat /tmp/screen.pid) 2>/dev/null; do usleep 20000; done",
        );
        // A console's cursor may blink in between.
        let difference = difference(&read_screen(pi, device), &before);
        assert!(difference < 0.5, "{device}: not restored, {difference}");
    }
}

/// The screen's picture as `stage` prints it: shrunk to cells of 16 pixels, three bytes each, in hex.
fn read_screen(pi: &Guest, device: &str) -> Vec<[u8; 3]> {
    let text = pi.run(&format!("stage screen {device}"));
    let hex: String = text.split_whitespace().skip(1).collect();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    (0..hex.len() / 6)
        .map(|i| [byte(6 * i), byte(6 * i + 2), byte(6 * i + 4)])
        .collect()
}

/// Processor time and memory of ten seconds, and what a state publishes of them.
fn cost(pi: &Guest) -> String {
    let ticks = "awk '{print $14+$15}' /proc/$(cat /tmp/pid)/stat";
    let text = pi.run(&format!(
        "{ticks}; cut -d' ' -f1 /proc/uptime; sleep 10; {ticks}; cut -d' ' -f1 /proc/uptime
         grep -E 'VmRSS|VmHWM' /proc/$(cat /tmp/pid)/status"
    ));
    let numbers: Vec<f32> = text
        .lines()
        .filter_map(|line| line.trim().parse().ok())
        .collect();
    let [ticks, begin, more, end] = numbers[..] else {
        panic!("{text}")
    };
    let memory: Vec<&str> = text.lines().filter(|line| line.starts_with("Vm")).collect();
    let share = (more - ticks) / (end - begin);
    format!("at 15 frames a second, emulated: {share:.0} % of one core, {memory:?}")
}

/// Looks again until it is so.
fn wait(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Every look as the renderer of this machine draws it, at rest.
struct Looks(Vec<(String, Picture<[u8; 3]>)>);

impl Looks {
    fn draw(size: (usize, usize)) -> Self {
        let bench = Bench::new();
        let tour = format!("show --tour --size {}x{} --png look.png", size.0, size.1);
        bench.run(&tour).expect_code(0);
        let files = std::fs::read_dir(bench.folder()).expect("it is there");
        let looks = files.filter_map(|file| {
            let path = file.expect("it is there").path();
            let name = path
                .file_stem()?
                .to_str()?
                .strip_prefix("look-")?
                .to_owned();
            let image = image::open(&path).expect("a PNG").to_rgb8();
            let picture = Picture::from_fn(size, |x, y| image.get_pixel(x as u32, y as u32).0);
            Some((name, picture))
        });
        let looks: Vec<_> = looks.collect();
        assert!(looks.len() > 7, "{}", looks.len());
        Self(looks)
    }

    /// Waits until the display shows this look: nearer to it than to any other, and near.
    fn wait_for(&self, wanted: &str, display: &Watched) {
        let end = Instant::now() + PATIENCE;
        loop {
            let shown = display.picture();
            let nearest = shown.map(|shown| self.nearest(&shown));
            if let Some((name, difference)) = &nearest
                && name == wanted
                && *difference < 6.0
            {
                println!("the SPI bytes show {name}; mean difference {difference:.2} of 255");
                return;
            }
            assert!(Instant::now() < end, "not {wanted} but {nearest:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The nearest look to a screen's picture in cells, and the mean difference of a channel to it.
    fn nearest_of(&self, cells: &[[u8; 3]]) -> (String, f32) {
        let differences = self.0.iter().map(|(name, look)| {
            let look = cells_of(look);
            assert_eq!(look.len(), cells.len(), "the screen has another size");
            (name.clone(), difference(&look, cells))
        });
        differences
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .expect("there are looks")
    }

    /// The nearest look, and the mean difference of a channel to it, 0 to 255.
    fn nearest(&self, shown: &Picture<u16>) -> (String, f32) {
        let wide = |raw: u16| {
            let widen = |v: u16, bits: u16| (u32::from(v) * 255 / ((1 << bits) - 1)) as u8;
            [
                widen(raw >> 11, 5),
                widen(raw >> 5 & 0x3f, 6),
                widen(raw & 0x1f, 5),
            ]
        };
        let differences = self.0.iter().map(|(name, look)| {
            let pairs = shown.cells.iter().map(|raw| wide(*raw)).zip(&look.cells);
            let sum: u64 = pairs
                .flat_map(|(a, b)| (0..3).map(move |i| u64::from(a[i].abs_diff(b[i]))))
                .sum();
            (name.clone(), sum as f32 / (shown.cells.len() * 3) as f32)
        });
        differences
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .expect("there are looks")
    }
}

/// The means of cells, row by row.
fn cells_of(picture: &Picture<[u8; 3]>) -> Vec<[u8; 3]> {
    let (columns, rows) = (picture.width / CELL, picture.height / CELL);
    let mean = |column: usize, row: usize| {
        let mut sums = [0_usize; 3];
        for y in row * CELL..(row + 1) * CELL {
            for x in column * CELL..(column + 1) * CELL {
                for (sum, part) in sums.iter_mut().zip(picture.at(x, y)) {
                    *sum += usize::from(part);
                }
            }
        }
        sums.map(|sum| (sum / (CELL * CELL)) as u8)
    };
    (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (column, row)))
        .map(|(column, row)| mean(column, row))
        .collect()
}

/// The mean difference of a channel, 0 to 255.
fn difference(one: &[[u8; 3]], other: &[[u8; 3]]) -> f32 {
    let pairs = one.iter().zip(other);
    let sum: u64 = pairs
        .flat_map(|(a, b)| (0..3).map(move |i| u64::from(a[i].abs_diff(b[i]))))
        .sum();
    sum as f32 / (one.len() * 3) as f32
}
