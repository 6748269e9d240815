//! What a second thread would bring where several faces are read: `face_threads CLASSIFIER.moodnet [FACES] [ROUNDS]`.
//!
//! A frame's faces are read by one thread; by it and a helper that sleeps from frame to frame, each taking the next face; and as
//! that, but whoever is done reads anew what the other one has not finished, so that nobody waits for a thread that the system has set
//! aside. The ways take turns; between frames all rest for some milliseconds, as between a camera's. Prints milliseconds of the clock
//! (median, and what one of a hundred frames exceeds), and of processors.

use std::{
    error::Error,
    fs,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use moodring_nn::{Kernel, Model, Net};

const REST: Duration = Duration::from_millis(5);

/// A net with its buffers.
struct Reader {
    net: Net<'static, Vec<u8>>,
    arena: Vec<u8>,
    raw: Vec<i32>,
    crop: Vec<u8>,
}

impl Reader {
    fn new(file: &'static [u8]) -> Result<Self, Box<dyn Error>> {
        let model = Model::parse(file)?;
        let (kernel, (width, height)) = (Kernel::best(), model.default_size());
        let weights = vec![0; model.weights_bytes(kernel)];
        let net = Net::new(model, width, height, kernel, weights)?;
        let (arena, raw) = (net.plan().arena_bytes(), net.plan().raw_len());
        let crop = vec![90; net.plan().input_shape().len()];
        Ok(Self {
            net,
            arena: vec![0; arena],
            raw: vec![0; raw],
            crop,
        })
    }

    fn read(&mut self) {
        let done = self.net.run(&self.crop, &mut self.arena, &mut self.raw);
        assert!(done.is_ok(), "the buffers are the net's");
    }
}

/// The faces of a frame that two threads share.
struct Frame {
    next: AtomicUsize,
    done: Vec<AtomicBool>,
}

impl Frame {
    /// Reads faces until none is left that nobody has begun.
    fn work(&self, reader: &mut Reader) {
        while let Some(done) = self.done.get(self.next.fetch_add(1, SeqCst)) {
            reader.read();
            done.store(true, SeqCst);
        }
    }
}

/// What the helper waits for.
#[derive(Default)]
struct Bell {
    frame: Mutex<Option<Arc<Frame>>>,
    rings: Condvar,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which net?")?;
    let faces = arguments.next().map_or(Ok(8), |faces| faces.parse())?;
    let rounds = arguments.next().map_or(Ok(300), |rounds| rounds.parse())?;
    let file: &'static [u8] = fs::read(path)?.leak();
    let (mut mine, mut helpers) = (Reader::new(file)?, Reader::new(file)?);
    let bell = Arc::new(Bell::default());
    let heard = Arc::clone(&bell);
    thread::spawn(move || {
        loop {
            let mut frame = heard.frame.lock().unwrap_or_else(PoisonError::into_inner);
            let wanted = loop {
                match frame.take() {
                    Some(wanted) => break wanted,
                    None => {
                        frame = heard
                            .rings
                            .wait(frame)
                            .unwrap_or_else(PoisonError::into_inner)
                    }
                }
            };
            drop(frame);
            wanted.work(&mut helpers);
        }
    });
    let names = [
        "one thread",
        "two, waiting for each other",
        "two, not waiting",
    ];
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        for (way, times) in times.iter_mut().enumerate() {
            let (cpu, start) = (used_ms(), Instant::now());
            if way == 0 {
                (0..faces).for_each(|_| mine.read());
            } else {
                together(&bell, faces, way == 1, &mut mine);
            }
            let took_ms = start.elapsed().as_secs_f64() * 1e3;
            // The kernel counts a thread's time when it goes to sleep.
            thread::sleep(REST);
            times.push((took_ms, used_ms() - cpu));
        }
    }
    for (name, times) in names.iter().zip(&mut times) {
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (median, late) = (times[times.len() / 2].0, times[times.len() * 99 / 100].0);
        let cpu = times.iter().map(|time| time.1).sum::<f64>() / times.len() as f64;
        println!(
            "{faces} faces, {name}: {median:.2} ms, 1 in 100 above {late:.2}, {cpu:.2} of processors"
        );
    }
    Ok(())
}

fn together(bell: &Bell, faces: usize, waits: bool, mine: &mut Reader) {
    let frame = Arc::new(Frame {
        next: AtomicUsize::new(0),
        done: (0..faces).map(|_| AtomicBool::new(false)).collect(),
    });
    *bell.frame.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&frame));
    bell.rings.notify_one();
    frame.work(mine);
    for done in &frame.done {
        while !done.load(SeqCst) {
            match waits {
                true => std::hint::spin_loop(),
                false => return mine.read(), // what the other one has begun
            }
        }
    }
}

/// Milliseconds of processors that the process has used; the kernel counts nanoseconds.
fn used_ms() -> f64 {
    let threads = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let used = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    used.sum::<f64>() / 1e6
}
