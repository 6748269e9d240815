//! What `doctor` reports of machines that these tests write down as files.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

/// A machine with these files, seen by a user who owns nothing and is in no group.
fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let machine = Machine {
        root: folder.path().into(),
        uid: u32::MAX - 7,
        groups: vec![],
        now_s: RELEASE_S + 1,
    };
    (folder, machine)
}

/// Text and mending line of what is wrong; `None` if it is not.
fn wrong(finding: Option<Finding>) -> Option<(String, String)> {
    match finding {
        Some(Finding::Bad(text, mend)) => Some((text, mend)),
        _ => None,
    }
}

fn close(folder: &Path, node: &str) -> u32 {
    let path = folder.join(node);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
    fs::metadata(path).unwrap().gid()
}

#[test]
fn a_missing_group_is_named_with_its_line() {
    let (folder, mut machine) = machine(&[("dev/video0", ""), ("dev/videocard", "")]);
    let gid = close(folder.path(), "dev/video0");
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::write(
        folder.path().join("etc/group"),
        format!("a:x:99999:\nvideo:x:{gid}:me\n"),
    )
    .unwrap();
    let (text, mend) = wrong(machine.permissions()).unwrap();
    assert_eq!(text, "may not open video0: not in video");
    assert!(mend.starts_with("sudo usermod -aG video $USER"), "{mend}");
    machine.groups.push(gid);
    assert!(matches!(machine.permissions(), Some(Finding::Good(_))));
}

#[test]
fn devices_of_root_alone_need_the_rules() {
    let (folder, machine) = machine(&[("dev/spidev0.0", "")]);
    let gid = close(folder.path(), "dev/spidev0.0");
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::write(folder.path().join("etc/group"), format!("root:x:{gid}:\n")).unwrap();
    assert!(
        wrong(machine.permissions())
            .unwrap()
            .1
            .contains("60-moodring.rules")
    );
}

#[test]
fn the_program_that_holds_the_camera_is_named() {
    let (folder, machine) = machine(&[
        ("dev/video0", ""),
        ("proc/4242/comm", "cheese\n"),
        ("proc/stat", ""),
    ]);
    let camera = folder.path().join("dev/video0");
    assert!(machine.holder(Some(&camera)).is_none());
    fs::create_dir(folder.path().join("proc/4242/fd")).unwrap();
    symlink(
        fs::canonicalize(&camera).unwrap(),
        folder.path().join("proc/4242/fd/5"),
    )
    .unwrap();
    let (text, mend) = wrong(machine.holder(Some(&camera))).unwrap();
    assert!(text.contains("held by cheese (process 4242)"), "{text}");
    assert!(mend.contains("kill 4242"), "{mend}");
    fs::write(folder.path().join("proc/4242/comm"), "moodring\n").unwrap();
    assert!(matches!(
        machine.holder(Some(&camera)),
        Some(Finding::Good(_))
    ));
}

#[test]
fn a_ribbon_camera_needs_libcamera() {
    assert!(
        machine(&[("sys/class/video4linux/video0/name", "HD Webcam\n")])
            .1
            .ribbon(false)
            .is_none()
    );
    let (folder, machine) = machine(&[("sys/class/video4linux/video0/name", "rp1-cfe-csi2_ch0\n")]);
    assert!(
        wrong(machine.ribbon(true))
            .unwrap()
            .1
            .contains("apt install rpicam-apps-lite")
    );
    fs::create_dir_all(folder.path().join("usr/bin")).unwrap();
    fs::write(folder.path().join("usr/bin/rpicam-vid"), "").unwrap();
    assert!(matches!(machine.ribbon(true), Some(Finding::Good(_))));
    assert!(matches!(machine.ribbon(false), Some(Finding::Note(_))));
}

#[test]
fn a_clock_that_was_never_set_is_wrong() {
    let (folder, mut machine) = machine(&[]);
    assert!(matches!(machine.clock(), Finding::Good(_)));
    fs::create_dir_all(folder.path().join("run/systemd/timesync")).unwrap();
    assert!(matches!(machine.clock(), Finding::Note(_)));
    machine.now_s = 12;
    assert!(matches!(machine.clock(), Finding::Bad(..)));
}

#[test]
fn weak_power_and_heat_are_found() {
    let volt = |alarm| {
        let files = [
            ("sys/class/hwmon/hwmon1/name", "rpi_volt\n"),
            ("sys/class/hwmon/hwmon1/in0_lcrit_alarm", alarm),
        ];
        let (_folder, machine) = machine(&files);
        wrong(machine.voltage()).is_some()
    };
    assert!(volt("1\n") && !volt("0\n"));
    let heat = |milli| machine(&[("sys/class/thermal/thermal_zone0/temp", milli)]);
    let hot = |milli| wrong(heat(milli).1.temperature());
    assert!(hot("81234\n").unwrap().0.starts_with("81 °C"));
    assert!(hot("60000\n").is_none() && hot("76000\n").is_none());
    let (_folder, nothing) = machine(&[]);
    assert!(nothing.voltage().is_none() && nothing.temperature().is_none());
}
