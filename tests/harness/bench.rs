//! A test's workbench: a folder of its own, a clean environment, and `moodring` started in it.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    binary,
    process::{Finished, Process},
};

/// Long enough for anything that is not stuck, on a busy machine too.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A folder of its own and a clean environment. The folder goes when this is dropped.
#[derive(Debug)]
pub struct Bench {
    folder: TempDir,
    program: &'static Path,
    variables: Vec<(String, String)>,
}

impl Bench {
    /// With the binary in the profile of these tests.
    pub fn new() -> Self {
        Self::with(binary::moodring())
    }

    /// With the optimized binary.
    pub fn optimized() -> Self {
        Self::with(binary::optimized())
    }

    fn with(program: &'static Path) -> Self {
        Self {
            folder: TempDir::new().expect("a temporary folder"),
            program,
            variables: Vec::new(),
        }
    }

    /// Sets an environment variable for everything started later.
    pub fn set(&mut self, name: &str, value: impl ToString) -> &mut Self {
        self.variables.push((name.into(), value.to_string()));
        self
    }

    /// The folder, which is also the working folder of what is started.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file; folders on the way are made.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("the folder is ours");
        fs::write(&path, bytes).expect("the folder is ours");
        path
    }

    /// Starts `moodring` with arguments separated by spaces.
    pub fn start(&self, arguments: &str) -> Process {
        self.start_all(&arguments.split_whitespace().collect::<Vec<_>>())
    }

    /// Starts `moodring` with arguments that may hold spaces.
    pub fn start_all(&self, arguments: &[&str]) -> Process {
        self.start_other(Command::new(self.program).args(arguments))
    }

    /// Starts a shell script that finds `moodring` as `$MOODRING`.
    pub fn start_shell(&self, script: &str) -> Process {
        self.start_other(Command::new("sh").args(["-c", script]))
    }

    fn start_other(&self, command: &mut Command) -> Process {
        command.current_dir(self.folder()).env_clear();
        command
            .env("HOME", self.folder())
            .env("MOODRING", self.program);
        command.envs(env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Process::start(command)
    }

    /// Runs `moodring` to its end.
    pub fn run(&self, arguments: &str) -> Finished {
        self.start(arguments).finish(LIMIT)
    }

    /// The line of `analyze --json` for one picture file.
    ///
    /// # Panics
    /// If it is not one line of JSON.
    pub fn analyze(&self, picture: &Path) -> Value {
        let picture = picture.to_str().expect("paths of tests are UTF-8");
        let finished = self
            .start_all(&["analyze", "--json", picture])
            .finish(LIMIT)
            .expect_code(0);
        let mut lines = finished.json_lines();
        assert_eq!(lines.len(), 1, "{}", finished.stdout);
        lines.remove(0)
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

/// A TCP port of the loopback that nobody listens on just now.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it listens").port()
}
