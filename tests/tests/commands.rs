//! The command line from outside: useful help, exit code 2 for wrong arguments, and the small commands.

use moodring_tests::{
    bench::{Bench, LIMIT},
    pictures,
};

const COMMANDS: [&str; 10] = [
    "run", "analyze", "classify", "detect", "eval", "bench", "devices", "doctor", "config", "model",
];

#[test]
fn help_teaches() {
    let bench = Bench::new();
    let help = bench.run("--help").expect_code(0).stdout;
    for name in COMMANDS
        .iter()
        .chain(&["Examples:", "synthetic", "moodring config"])
    {
        assert!(help.contains(name), "--help does not name {name}:\n{help}");
    }
    for command in COMMANDS {
        let help = bench
            .run(&format!("{command} --help"))
            .expect_code(0)
            .stdout;
        assert!(help.contains("Usage: moodring"), "{command}: {help}");
    }
}

#[test]
fn wrong_command_lines_get_code_2_and_a_hint() {
    let bench = Bench::new();
    bench.run("").expect_code(2);
    bench
        .run("analyse a.png")
        .expect_code(2)
        .expect_stderr(&["analyze"]);
    bench
        .run("run --sauce x")
        .expect_code(2)
        .expect_stderr(&["--source"]);
    bench
        .run("run --rate fast")
        .expect_code(2)
        .expect_stderr(&["fast", "--rate"]);
}

#[test]
fn the_version_is_the_crates() {
    let printed = Bench::new().run("--version").expect_code(0).stdout;
    assert_eq!(printed, format!("moodring {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn bench_prints_every_stage() {
    let finished = Bench::new().run("bench --json --frames 5").expect_code(0);
    let all = finished.json_lines();
    let text = all.iter().map(ToString::to_string).collect::<String>();
    for stage in [
        "letterbox",
        "detect",
        "decode",
        "align",
        "classify",
        "track",
    ] {
        assert!(text.contains(&format!("\"{stage}\"")), "no {stage}: {text}");
    }
}

#[test]
fn the_built_in_models_are_whole() {
    let bench = Bench::new();
    bench.run("model verify").expect_code(0);
    let info = bench.run("model info").expect_code(0).stdout;
    for part in [
        "checksum",
        "memory: arena",
        "MMAC",
        "conv 3x3",
        "labels: angry",
    ] {
        assert!(info.contains(part), "no {part} in {info}");
    }
    assert!(info.contains("happy"), "no labels: {info}");
    bench.write("broken.mrn", "not a model");
    bench
        .run("model info broken.mrn")
        .expect_code(5)
        .expect_stderr(&["broken.mrn"]);
    bench
        .run("model info gone.mrn")
        .expect_code(5)
        .expect_stderr(&["gone.mrn"]);
}

#[test]
fn doctor_and_devices_answer_on_any_machine() {
    let bench = Bench::new();
    bench.run("devices").expect_code(0);
    let finished = bench.run("doctor");
    assert!(
        [Some(0), Some(7)].contains(&finished.code),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stdout.to_lowercase().contains("camera"),
        "{}",
        finished.stdout
    );
}

#[test]
fn eval_reports_what_the_csv_holds() {
    let bench = Bench::new();
    // Three flat greys: whatever the net reads in them, the counts and the leak are known.
    let row = |emotion: u8, grey: u8, usage: &str| {
        format!(
            "{emotion},{},{usage}\n",
            vec![grey.to_string(); 48 * 48].join(" ")
        )
    };
    let rows: String = [
        (3, 90, "PublicTest"),
        (4, 180, "PublicTest"),
        (6, 90, "Training"),
    ]
    .map(|(emotion, grey, usage)| row(emotion, grey, usage))
    .concat();
    bench.write("faces.csv", format!("emotion,pixels,Usage\n{rows}"));
    let finished = bench
        .run("eval faces.csv --usage PublicTest --json --report out")
        .expect_code(0);
    let report = &finished.json_lines()[0];
    assert_eq!(report["samples"], 2, "{report}");
    assert_eq!(report["leak_free"]["samples"], 1, "{report}");
    let page = std::fs::read_to_string(bench.folder().join("out/index.html")).expect("a page");
    assert!(
        page.contains("labelled happy") || page.contains("labelled sad"),
        "{page}"
    );
    for file in [
        "report.json",
        "report.txt",
        "confusion.svg",
        "reliability.svg",
        "mistakes.png",
    ] {
        assert!(bench.folder().join("out").join(file).is_file(), "no {file}");
    }
}

#[test]
fn the_built_in_models_can_be_packed_again() {
    let bench = Bench::new();
    let onnx = moodring_tests::repo::root().join("models/weights/classifier.onnx");
    let packed = bench.folder().join("again.moodnet");
    let command = format!("model pack {} {}", onnx.display(), packed.display());
    let output = bench.run(&command).expect_code(0).stdout;
    assert!(
        output.contains("classifier") && output.contains("labels: angry"),
        "{output}"
    );
    let ours = std::fs::read(onnx.with_extension("moodnet")).unwrap();
    assert!(std::fs::read(packed).unwrap() == ours);
    // A packed file is no ONNX file, and the error names it.
    let again = onnx.with_extension("moodnet");
    let command = format!(
        "model pack {} {}",
        again.display(),
        bench.folder().join("no").display()
    );
    bench
        .run(&command)
        .expect_code(5)
        .expect_stderr(&["packed", "classifier.moodnet"]);
}

/// What every command prints: a full disk is an error with its own code, and who reads one line only is no failure.
#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_is_none() {
    let mut bench = Bench::new();
    bench.set("MOODRING_MQTT__ENABLED", false);
    bench.write("m.toml", "[device]\nid = \"desk\"\n");
    bench.write("p.png", pictures::scene(image::ImageFormat::Png, 64, 64));
    for command in [
        "config",
        "config --check m.toml",
        "doctor",
        "devices",
        "model list",
        "model info",
        "analyze p.png",
        "analyze --json p.png",
        "detect p.png",
        "show happy",
        "bench --json --frames 2",
        "watch --source synthetic",
    ] {
        let full = bench
            .start_shell(&format!("exec $MOODRING {command} > /dev/full"))
            .finish(LIMIT)
            .expect_code(6);
        assert!(
            full.stderr.contains("No space left") && !full.stderr.contains("panicked"),
            "{command}: {}",
            full.stderr
        );
        let piped = bench
            .start_shell(&format!("$MOODRING {command} | head -1"))
            .finish(LIMIT)
            .expect_code(0);
        assert!(
            !piped.stderr.contains("panicked") && !piped.stderr.contains("Broken pipe"),
            "{command}: {}",
            piped.stderr
        );
    }
}

/// No error names Rust's types.
#[test]
fn errors_name_no_types_of_rust() {
    let bench = Bench::new();
    let mut stderr = String::new();
    for command in [
        "run --rate abc",
        "analyze --threshold x p.png",
        "run --rate nan",
    ] {
        stderr += &bench.run(command).expect_code(2).stderr;
    }
    for line in [
        "smooth_ms = -5",
        "smooth_ms = 1e99",
        "smooth_ms = [1]",
        "smooth_ms = true",
        "margin = \"x\"",
    ] {
        bench.write("m.toml", format!("[mood]\n{line}\n"));
        stderr += &bench.run("config --check m.toml").expect_code(3).stderr;
    }
    for twice in [
        "[web]\n[mqtt]\n[web]\n",
        "[mood]\nmargin = 0.1\nmargin = 0.2\n",
    ] {
        bench.write("m.toml", twice);
        let error = bench.run("config --check m.toml").expect_code(3).stderr;
        assert!(error.contains("may stand once: join"), "{error}");
    }
    for hook in ["/tmp", "/nonexistent/wave"] {
        bench.write("m.toml", format!("[hooks]\non_change = [\"{hook}\"]\n"));
        let warned = bench.run("config --check m.toml").expect_code(0).stderr;
        assert!(warned.contains("warning: the hook"), "{warned}");
    }
    bench.write("film.mp4", b"\0\0\0\x20ftypisom0000000000000000000");
    stderr += &bench.run("run --source film.mp4").expect_code(4).stderr;
    for part in [
        "literal",
        "signed int",
        "float `",
        "sequence",
        "bool ",
        "save it as PNG",
        "00000000",
    ] {
        assert!(!stderr.contains(part), "{part} in {stderr}");
    }
    assert!(
        stderr.contains("`-5`") && stderr.contains("`1e99`"),
        "{stderr}"
    );
}

#[test]
fn what_cannot_be_read_is_not_to_be_written_over() {
    let bench = Bench::new();
    bench.write("utf16.toml", b"\xFF\xFE[\0c\0");
    std::fs::create_dir(bench.folder().join("folder")).expect("the folder is ours");
    for file in ["utf16.toml", "folder"] {
        let stderr = bench
            .run(&format!("config --check {file}"))
            .expect_code(3)
            .stderr;
        assert!(!stderr.contains("moodring config >"), "{stderr}");
    }
    let stderr = bench.run("config --check none.toml").expect_code(3).stderr;
    assert!(stderr.contains("moodring config > none.toml"), "{stderr}");
}

#[test]
fn a_demo_without_a_display_names_the_flag() {
    let mut bench = Bench::new();
    bench.set("MOODRING_SATELLITE__PORT", "off");
    bench
        .run("demo")
        .expect_code(6)
        .expect_stderr(&["--display png"]);
}

/// `watch` opens no port unless the named file sets one.
#[test]
fn watch_opens_no_ports_of_its_own() {
    let bench = Bench::new();
    bench.write("m.toml", "[mood]\nsmooth_ms = 200\n");
    for with in ["", "--config m.toml"] {
        let mut watch = bench.start_shell(&format!(
            "exec $MOODRING watch --source synthetic {with} 2>&1"
        ));
        watch.wait_for_text("\"kind\":\"state\"", LIMIT);
        let finished = watch.stop(LIMIT);
        assert!(
            !finished.stdout.contains("broker") && !finished.stdout.contains("page at"),
            "{}",
            finished.stdout
        );
    }
}
