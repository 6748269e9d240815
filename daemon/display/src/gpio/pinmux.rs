//! What a Jetson's pins are set to. JetPack 6 changes no pin when a program asks for its line: a pin whose output is not
//! connected stays so, without an error. The kernel shows the settings to root in `/sys/kernel/debug/pinctrl`.

use std::{fs, io, path::Path};

/// Where the kernel shows the settings of all pins.
pub const DEBUG: &str = "/sys/kernel/debug/pinctrl";

/// A pin's settings, as far as they decide whether it works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PinSettings {
    /// Whether its output is connected.
    pub drives: bool,
    /// Whether its level can be read.
    pub reads: bool,
}

/// The settings of the pin of this line, such as `PQ.05`; `None` if the kernel does not list it.
///
/// # Errors
/// If the kernel does not show them: only root may look.
pub fn settings(debug: &Path, line: &str) -> io::Result<Option<PinSettings>> {
    for controller in fs::read_dir(debug)? {
        let file = controller?.path().join("pinconf-groups");
        // A controller without groups has no such file.
        let Ok(text) = fs::read_to_string(file) else {
            continue;
        };
        if let Some(settings) = parse(&text, line) {
            return Ok(Some(settings));
        }
    }
    Ok(None)
}

/// Groups are named after their function and line (`soc_gpio32_pq5`), and their settings follow line by line.
fn parse(groups: &str, line: &str) -> Option<PinSettings> {
    let (port, number) = line.split_once('.')?;
    let number: u8 = number.parse().ok()?;
    let suffix = format!("_{}{number}", port.to_lowercase());
    let mut inside = false;
    let mut found = None;
    for text in groups.lines() {
        if let Some((_, rest)) = text.split_once('(')
            && let Some((name, _)) = rest.split_once(')')
        {
            inside = name.ends_with(&suffix);
            if inside {
                found = Some(PinSettings::default());
            }
        }
        let (true, Some(settings)) = (inside, &mut found) else {
            continue;
        };
        match text.trim().split_once('=') {
            Some(("tristate", value)) => settings.drives = value == "0",
            Some(("enable-input", value)) => settings.reads = value == "1",
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "Pin config settings per pin group\nFormat: group (name): configs\n\
        0 (soc_gpio32_pq5): \n\tpull=1\n\ttristate=1\n\tenable-input=0\n\tfunction=rsvd0\n\
        1 (spi3_miso_py1): \n\tpull=0\n\ttristate=0\n\tenable-input=1\n\
        2 (can0_din_paa1): \n\tpull=0\n\ttristate=0\n\tenable-input=0\n\
        3 (soc_gpio50_py10): \n\ttristate=1\n\tenable-input=1\n";

    #[test]
    fn a_pin_is_found_by_the_name_of_its_line() {
        let pin = |drives, reads| Some(PinSettings { drives, reads });
        assert_eq!(parse(GROUPS, "PQ.05"), pin(false, false));
        assert_eq!(parse(GROUPS, "PY.01"), pin(true, true));
        assert_eq!(parse(GROUPS, "PAA.01"), pin(true, false));
        for absent in ["PA.01", "PY.00", "PQ", "x"] {
            assert_eq!(parse(GROUPS, absent), None, "{absent}");
        }
    }

    #[test]
    fn any_controller_may_have_the_pin_and_a_folder_that_cannot_be_read_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("c300000.pinmux")).unwrap();
        let main = root.path().join("2430000.pinmux");
        fs::create_dir_all(&main).unwrap();
        fs::write(main.join("pinconf-groups"), GROUPS).unwrap();
        let found = settings(root.path(), "PY.01").unwrap();
        assert!(found.unwrap().drives);
        assert_eq!(settings(root.path(), "PZ.07").unwrap(), None);
        assert!(settings(&root.path().join("absent"), "PY.01").is_err());
    }
}
