//! Compares the firmware's real machine code with the host's: boards/qemu in an emulator gets messages over its serial
//! line; its answers and the checksums of its pictures must be the host's, byte for byte.
//!
//! tests/boards builds the image and runs this with `MOODRING_IMAGE` set to it.

use std::{
    env,
    error::Error,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use moodring_core::frame::Millis;
use moodring_link::{
    frame::encode,
    message::{ShownFace, ShownLook, ToSatellite, Versions, label},
};
use moodring_satellite::{panel::Panel, satellite::Satellite, sent_bands::SentBands};

/// As boards/qemu has it.
const PANEL: Panel = Panel {
    frame_ms: 250,
    ..Panel::ST7789_SQUARE
};
/// Rows of a band, as boards/qemu has them; behaviour.rs shows that they make no difference.
const BAND_ROWS: usize = 16;
/// Millions of instructions that a whole picture may take, with one face and with three: an RP2040 has 5.3 million cycles
/// for each of 25 pictures a second.
const MOST_MILLIONS: [f64; 2] = [5.0, 9.0];
/// Soft floats in an emulator on a busy machine take their time.
const LIMIT: Duration = Duration::from_secs(240);

/// What the host sends: all messages that it may send, and some that it may not.
fn line() -> Vec<u8> {
    let happy = ShownFace {
        shown: ShownLook::Happy,
        confidence: 230,
        roll_deg: -12,
    };
    let three = [ShownLook::Sad, ShownLook::Surprise, ShownLook::Angry].map(ShownFace::plain);
    let versions = Versions {
        oldest: 1,
        newest: 1,
    };
    let mut line = Vec::new();
    let mut send = |bytes: &[u8], then_wait_ms: usize| {
        line.extend(bytes);
        // Zeros mean nothing and take a millisecond each.
        line.resize(line.len() + then_wait_ms, 0);
    };
    send(b"OK\r\n\0", 0);
    let label = label("hall");
    send(&encode(&ToSatellite::Hello { versions, label }), 0);
    send(&encode(&ToSatellite::Show(happy)), 500);
    send(
        &encode(&ToSatellite::Scene(three.into_iter().collect())),
        400,
    );
    // A message of version 9, made by Python's zlib.
    send(b"\x08\x09\x05\x07\x7b\x83\x83\x13\x00", 0);
    send(&encode(&ToSatellite::Ping { number: 77 }), 0);
    send(&encode(&ToSatellite::Fault { code: 7 }), 400);
    send(&encode(&ToSatellite::Sleep), 300);
    line
}

/// What a board must send.
struct Expected {
    replies: Vec<u8>,
    /// A time and a checksum for each picture, and how many faces it shows.
    pictures: Vec<(String, usize)>,
}

/// What a board with this panel answers and draws.
fn on_the_host(line: &[u8]) -> Expected {
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let mut satellite = Satellite::new(PANEL, Millis(0));
    let (mut replies, mut pictures) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; BAND_ROWS * 240 * 2];
    let mut shown = SentBands::default();
    for (now, byte) in (1..).map(Millis).zip(line) {
        satellite.receive(&[*byte], now);
        replies.extend(std::iter::from_fn(|| satellite.reply()).flatten());
        if let Some(picture) = satellite.picture(now) {
            let mut digest = crc.digest();
            picture.bands(&mut buffer, |band| digest.update(band.bytes()));
            picture.changed_bands(&mut shown, &mut buffer, |band| digest.update(band.bytes()));
            let checksum = digest.finalize();
            pictures.push((format!("picture {} {checksum:08x}", now.0), picture.faces()));
        }
    }
    Expected { replies, pictures }
}

/// QEMU; ended when dropped.
struct Machine(Child);

impl Machine {
    fn start(image: &str, socket: &Path) -> Result<Self, Box<dyn Error>> {
        let serial = format!("unix:{},server=on,wait=on", socket.display());
        let child = Command::new("qemu-system-arm")
            .args(["-cpu", "cortex-m3", "-machine", "lm3s6965evb"])
            .args(["-display", "none", "-monitor", "none", "-icount", "shift=0"])
            .args(["-semihosting-config", "enable=on,target=native"])
            .args(["-serial", &serial, "-kernel", image])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self(child))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn connect(socket: &Path) -> Result<UnixStream, Box<dyn Error>> {
    let end = Instant::now() + LIMIT;
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() > end => return Err(error.into()),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[test]
#[ignore = "needs an image of boards/qemu: run tests/boards"]
fn the_machine_answers_and_draws_as_the_host_does() -> Result<(), Box<dyn Error>> {
    let image = env::var("MOODRING_IMAGE")?;
    let line = line();
    let expected = on_the_host(&line);
    assert!(expected.pictures.len() >= 6, "{:?}", expected.pictures);

    let socket = env::temp_dir().join(format!("moodring-{}.sock", std::process::id()));
    let mut machine = Machine::start(&image, &socket)?;
    let mut serial = connect(&socket)?;
    std::fs::remove_file(&socket)?;
    serial.set_read_timeout(Some(LIMIT))?;
    serial.write_all(&line)?;

    let lines = BufReader::new(machine.0.stdout.take().ok_or("no output")?).lines();
    // The pictures first: the machine never ends, and nothing comes after the last one.
    for ((picture, faces), line) in expected.pictures.iter().zip(lines) {
        let line = line?;
        let fields: Vec<_> = line.split(' ').collect();
        let [_, _, _, whole, changed, known] = fields[..] else {
            panic!("the machine wrote {line:?}")
        };
        assert_eq!(fields[..3].join(" "), *picture);
        let known = known.parse::<f64>()?;
        let [whole, changed] = [
            whole.parse::<f64>()? / known,
            changed.parse::<f64>()? / known,
        ];
        println!(
            "{picture}: {whole:.1} million instructions, {changed:.1} for what changed; {faces} faces"
        );
        assert!(
            whole <= MOST_MILLIONS[usize::from(*faces > 1)],
            "{picture} takes too long"
        );
    }
    let mut answers = vec![0; expected.replies.len()];
    serial.read_exact(&mut answers)?;
    assert_eq!(answers, expected.replies);
    Ok(())
}
