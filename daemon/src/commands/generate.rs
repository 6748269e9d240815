//! `generate`: writes man pages and shell completions, made from the command line. For packages; hidden from the help.

use std::{fs, io, path::Path};

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use moodring_base::exit::Exit;

use super::Failure;
use crate::cli::{Cli, GenerateArgs};

/// Writes `man/*.1` and `completions/*` below the folder.
pub(super) fn generate(args: &GenerateArgs) -> Result<Exit, Failure> {
    let written = write(&args.folder);
    written
        .map_err(|e| Failure::output(format!("cannot write into {}: {e}", args.folder.display())))
        .map(|()| Exit::Done)
}

fn write(folder: &Path) -> io::Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command.clone(), &man)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut command, "moodring", &completions)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let page = |name: &str| fs::read_to_string(folder.path().join("man").join(name)).unwrap();
        assert!(page("moodring.1").contains("expression"));
        assert!(page("moodring-model-pack.1").contains("ONNX"));
        let hidden = folder.path().join("man/moodring-generate.1");
        assert!(!hidden.exists(), "it is hidden");
        for name in ["moodring.bash", "_moodring", "moodring.fish"] {
            let text = fs::read_to_string(folder.path().join("completions").join(name)).unwrap();
            assert!(text.contains("doctor"), "{name}");
        }
    }
}
