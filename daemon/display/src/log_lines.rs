//! The last log lines, for the live view: other output would destroy its screen.

use std::{
    collections::VecDeque,
    io::{self, Write},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tracing_subscriber::fmt::MakeWriter;

/// Lines kept; older ones are forgotten.
const CAPACITY: usize = 64;
/// Characters of a line kept.
const WIDTH: usize = 400;

/// A ring of log lines. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct LogLines(Arc<Mutex<VecDeque<String>>>);

impl LogLines {
    /// The newest `count` lines, oldest first.
    pub fn last(&self, count: usize) -> Vec<String> {
        let lines = self.lock();
        let skipped = lines.len().saturating_sub(count);
        lines.iter().skip(skipped).cloned().collect()
    }

    fn push(&self, line: &str) {
        let mut lines = self.lock();
        if lines.len() == CAPACITY {
            lines.pop_front();
        }
        // Control characters, as in a strange device name, could move the cursor.
        lines.push_back(
            line.chars()
                .filter(|c| !c.is_control())
                .take(WIDTH)
                .collect(),
        );
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        // The lines are intact after another thread's panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = LogWriter;

    fn make_writer(&'a self) -> LogWriter {
        LogWriter {
            lines: self.clone(),
            pending: Vec::new(),
        }
    }
}

/// Collects one event's bytes and adds its lines when it is dropped.
#[derive(Debug)]
pub struct LogWriter {
    lines: LogLines,
    pending: Vec<u8>,
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        let pending = mem::take(&mut self.pending);
        for line in String::from_utf8_lossy(&pending).lines() {
            self.lines.push(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracing_writes_lines_and_old_ones_go() {
        let lines = LogLines::default();
        let subscriber = tracing_subscriber::fmt()
            .without_time()
            .with_ansi(false)
            .with_target(false)
            .with_writer(lines.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            for i in 0..CAPACITY + 5 {
                tracing::info!("line {i}");
            }
            tracing::warn!("bell \u{7} and {}", "x".repeat(2 * WIDTH));
        });
        assert_eq!(lines.last(1000).len(), CAPACITY);
        let last = lines.last(2);
        assert_eq!(last[0].trim(), format!("INFO line {}", CAPACITY + 4));
        assert_eq!(last[1].chars().count(), WIDTH);
        assert!(!last[1].contains('\u{7}'));
    }
}
