//! A virtual Pi in QEMU, made by `tests/vm/run`: its console, its shell, and what its SPI bus and GPIO lines did.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    bench::free_port,
    panel::{Dcs, Picture},
    process::Process,
};

/// How long anything may take: emulated, and on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(240);
/// Where QEMU's user network has this machine's loopback.
pub const HOST: &str = "10.0.2.2";
/// What ends the answer to a command.
const END: &str = "--end-of-answer";

/// The machine. It is ended when dropped.
#[derive(Debug)]
pub struct Guest {
    qemu: Process,
    port: u16,
    /// Seconds of the guest's own time until its first program ran.
    pub booted_s: f32,
}

impl Guest {
    /// Boots with what lies in `folder`: a kernel and disk.gz.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn boot(folder: &Path) -> Self {
        let kernel = folder.join("kernel");
        let version =
            std::fs::read_to_string(kernel.join("version")).expect("tests/vm/run made it");
        let port = free_port();
        let mut command = Command::new("qemu-system-aarch64");
        // A Cortex-A76 is what a Pi 5 has.
        command.args(
            "-M virt -accel tcg -cpu cortex-a76 -smp 2 -m 512 -no-reboot -nodefaults -nographic"
                .split(' '),
        );
        command.args([
            "-serial",
            "stdio",
            "-device",
            "virtio-net-device,netdev=net",
        ]);
        command.args([
            "-netdev",
            &format!("user,id=net,restrict=off,hostfwd=tcp:127.0.0.1:{port}-:2323"),
        ]);
        // A screen by DRM/KMS, with the kernel's emulated framebuffer device beside it.
        // The driver wants the modern form of the bus, which QEMU's `virt` has only when asked.
        command.args(["-global", "virtio-mmio.force-legacy=false"]);
        command.args(["-device", "virtio-gpu-device,xres=1024,yres=768"]);
        command.args(["-append", "console=ttyAMA0 quiet panic=-1"]);
        command.arg("-initrd").arg(folder.join("disk.gz"));
        let image = kernel.join(format!("unpacked/boot/vmlinuz-{}", version.trim()));
        command.arg("-kernel").arg(image);
        let mut qemu = Process::start(&mut command);
        let booted_s = qemu.wait_for("PI-READY", PATIENCE, |_, line| {
            assert!(!line.contains("PI-TROUBLE"), "{line}");
            line.split("PI-READY ").nth(1)?.trim().parse().ok()
        });
        let guest = Self {
            qemu,
            port,
            booted_s,
        };
        guest.greet();
        guest
    }

    /// Waits until the guest's shell answers: QEMU takes connections before it listens, and resets them.
    fn greet(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let stream = self.connect();
            let mut line = String::new();
            let asked = writeln!(&stream, "echo {END}");
            let answered = asked.and_then(|()| BufReader::new(stream).read_line(&mut line));
            if answered.is_ok() && line.trim() == END {
                return;
            }
            assert!(Instant::now() < end, "the guest's shell does not answer");
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Runs a shell command to its end; what it printed.
    ///
    /// # Panics
    /// If it fails or does not end.
    pub fn run(&self, command: &str) -> String {
        let stream = self.connect();
        let mut answer = String::new();
        writeln!(&stream, "{{ {command}\n}} 2>&1; echo {END} $?").expect("the shell listens");
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap_or_else(|error| panic!("`{command}`: {error}; so far {answer}"));
            if let Some(code) = line.strip_prefix(END) {
                assert_eq!(code.trim(), "0", "`{command}`: {answer}");
                return answer;
            }
            answer += &line;
            answer += "\n";
        }
        panic!("`{command}` did not end: {answer}")
    }

    /// Starts a program in the background; its output goes to a file in the guest.
    pub fn start(&self, command: &str, log: &str) {
        self.run(&format!("{command} >{log} 2>&1 </dev/null &"));
    }

    /// Runs a command again and again until what it prints is `wanted`.
    ///
    /// # Panics
    /// If that does not come.
    pub fn wait_until<T>(
        &self,
        what: &str,
        command: &str,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.run(command);
            if let Some(found) = wanted(&answer) {
                return found;
            }
            assert!(
                Instant::now() < end,
                "no {what}; the last answer was:\n{answer}"
            );
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// The guest's own time since its start, in seconds.
    pub fn uptime_s(&self) -> f32 {
        let text = self.run("cut -d' ' -f1 /proc/uptime");
        text.trim().parse().expect("a number")
    }

    /// Everything that the SPI bus and the GPIO outputs do from now on, shown to a display's chip. Its reset line has no
    /// pull-up: the chip works only while somebody drives the line high.
    pub fn watch_display(&self, chip: Dcs, dc_line: u8, reset_line: u8) -> Watched {
        let stream = self.connect();
        stream.set_read_timeout(None).expect("a socket");
        writeln!(&stream, "exec cat /dev/virtual-pi").expect("the shell listens");
        let chip = Arc::new(Mutex::new((chip, 0)));
        let shown = Arc::clone(&chip);
        thread::spawn(move || replay(BufReader::new(stream), &shown, dc_line, reset_line));
        Watched(chip)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("QEMU forwards it");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream
    }

    /// Whether the machine still runs.
    pub fn is_running(&mut self) -> bool {
        self.qemu.is_running()
    }
}

/// A display at the guest's bus.
#[derive(Clone, Debug)]
pub struct Watched(Arc<Mutex<(Dcs, u64)>>);

impl Watched {
    /// What people see now; `None` while it is dark.
    pub fn picture(&self) -> Option<Picture<u16>> {
        let chip = self.lock();
        chip.0.is_lit().then(|| chip.0.picture())
    }

    /// How many transfers there were.
    pub fn transfers(&self) -> u64 {
        self.lock().1
    }

    fn lock(&self) -> MutexGuard<'_, (Dcs, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the records of tests/vm/virtual-pi until the guest ends.
fn replay(mut from: impl Read, to: &Mutex<(Dcs, u64)>, dc_line: u8, reset_line: u8) {
    let mut is_data = false;
    loop {
        let mut kind = [0];
        if from.read_exact(&mut kind).is_err() {
            return;
        }
        let mut head = [0; 4];
        match kind {
            [b'G'] => {
                from.read_exact(&mut head[..2]).expect("a whole record");
                if head[0] == dc_line {
                    is_data = head[1] != 0;
                }
                if head[0] == reset_line {
                    let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
                    to.0.set_reset_line(head[1] != 0);
                }
            }
            [b'F'] => {
                from.read_exact(&mut head[..1]).expect("a whole record");
                if head[0] == reset_line {
                    let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
                    to.0.set_reset_line(false);
                }
            }
            [b'S'] => {
                from.read_exact(&mut head).expect("a whole record");
                let mut bytes = vec![0; u32::from_le_bytes(head) as usize];
                from.read_exact(&mut bytes).expect("a whole record");
                let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
                to.0.take(is_data, &bytes);
                to.1 += 1;
            }
            other => panic!("no record begins with {other:?}"),
        }
    }
}
