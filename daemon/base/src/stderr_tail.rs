//! The last lines that a child wrote to its stderr, without its secrets.

use std::{
    collections::VecDeque,
    io::Read,
    sync::{Arc, Mutex, PoisonError},
};

use crate::redact::Redacted;

/// How many lines are kept, and how long each may be.
const LAST_LINES: usize = 4;
const LINE_BYTES: usize = 160;

/// The lines. Clones share them.
#[derive(Clone, Default)]
pub struct StderrTail {
    /// As they came: who floods is read at the speed of memory, and only what is shown is searched for secrets.
    lines: Arc<Mutex<VecDeque<Vec<u8>>>>,
    secrets: Arc<[String]>,
}

impl StderrTail {
    /// None yet; `secrets` will not be shown.
    pub fn new(secrets: Vec<String>) -> Self {
        Self {
            lines: Arc::default(),
            secrets: secrets.into(),
        }
    }

    /// Reads to the end, keeping little.
    pub fn read(&self, from: &mut dyn Read) {
        let mut chunk = [0_u8; 1024];
        let mut line = Vec::new();
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            for &byte in &chunk[..n] {
                if byte == b'\n' || byte == b'\r' {
                    self.keep(&line);
                    line.clear();
                } else if line.len() < 4 * LINE_BYTES {
                    line.push(byte);
                }
            }
        }
        self.keep(&line);
    }

    fn keep(&self, line: &[u8]) {
        if line
            .iter()
            .all(|b| b.is_ascii_whitespace() || b.is_ascii_control())
        {
            return;
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // The oldest one's memory serves the newest.
        let mut kept = match lines.len() {
            LAST_LINES => lines.pop_front().unwrap_or_default(),
            _ => Vec::new(),
        };
        kept.clear();
        kept.extend_from_slice(line);
        lines.push_back(kept);
    }

    fn shown(&self, line: &[u8]) -> String {
        let text = String::from_utf8_lossy(line);
        let text: String = text.trim().chars().filter(|c| !c.is_control()).collect();
        // Redacted before it is cut: half a password is not found.
        let shown = Redacted::text(&text, &self.secrets).to_string();
        shown.chars().take(LINE_BYTES).collect()
    }

    /// The lines as one.
    pub fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<String> = lines.iter().map(|line| self.shown(line)).collect();
        lines.join(" | ")
    }
}
