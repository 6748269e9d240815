//! `analyze`, `detect` and `classify` on real photos, and on good and broken pictures made here.

use std::fs;

use image::ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
use moodring_tests::{bench::Bench, pictures, repo};
use serde_json::Value;

const EXPRESSIONS: [&str; 7] = [
    "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral",
];

#[test]
fn the_astronaut_smiles() {
    let Some(photo) = repo::photo("astronaut.png") else {
        return;
    };
    let line = Bench::new().analyze(&photo);
    assert_eq!(
        (line["width"].as_u64(), line["height"].as_u64()),
        (Some(512), Some(512))
    );
    let faces = faces(&line);
    assert_eq!(faces.len(), 1, "{line}");
    assert_eq!(faces[0]["expression"], "happy", "{line}");
    check_face(&faces[0], &line);
}

#[test]
fn most_of_solvay_is_found() {
    let Some(photo) = repo::photo("solvay1927.jpg") else {
        return;
    };
    let line = Bench::new().analyze(&photo);
    let found = faces(&line).len();
    println!("solvay1927.jpg: {found} faces found, 29 are there");
    assert!((20..=32).contains(&found), "{found} of 29 faces: {line}");
    faces(&line).iter().for_each(|face| check_face(face, &line));
}

/// A photo without EXIF, so that nothing names the side that is up. Without a second look 11 faces were read as they stand.
#[test]
fn most_of_solvay_is_found_upside_down() {
    let Some(photo) = repo::photo("solvay1927.jpg") else {
        return;
    };
    let bench = Bench::new();
    let path = bench.folder().join("inverted.png");
    let photo = image::open(photo).expect("the photo is a picture");
    photo.rotate180().save(&path).expect("it is ours");
    let line = bench.analyze(&path);
    let roll = |face: &Value| face["roll_deg"].as_f64().expect("a number");
    let turned = faces(&line).iter().filter(|face| roll(face).abs() > 120.0);
    let turned = turned.count();
    println!("solvay1927.jpg on its head: {turned} faces read as they stand");
    assert!((18..=32).contains(&turned), "{turned} of 29 faces: {line}");
}

#[test]
fn detect_finds_places_and_reads_no_expression() {
    let Some(photo) = repo::photo("astronaut.png") else {
        return;
    };
    let bench = Bench::new();
    let finished = bench.start_all(&["detect", "--json", photo.to_str().expect("UTF-8")]);
    let lines = finished
        .finish(moodring_tests::bench::LIMIT)
        .expect_code(0)
        .json_lines();
    let analyzed = bench.analyze(&photo);
    let (found, read) = (&faces(&lines[0])[0], &faces(&analyzed)[0]);
    assert_eq!(found["box"], read["box"], "detect and analyze disagree");
    assert!(
        found.get("expression").is_none() && found.get("scores").is_none(),
        "{found}"
    );
}

#[test]
fn a_folder_is_worked_through_to_the_end() {
    let bench = Bench::new();
    bench.write("album/a.png", pictures::scene(Png, 64, 48));
    bench.write("album/b.jpg", "I am text");
    bench.write("album/c.jpg", pictures::scene(Jpeg, 64, 48));
    bench.write("album/d.png", pictures::half(pictures::scene(Png, 64, 48)));
    bench.write("album/e/f.gif", pictures::scene(Gif, 64, 48));
    bench.write("album/notes.txt", "no picture, so nobody asks for it");
    let finished = bench.run("analyze --json album").expect_code(1);
    let lines = finished.json_lines();
    let names: Vec<_> = lines
        .iter()
        .map(|line| line["image"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        names,
        [
            "album/a.png",
            "album/b.jpg",
            "album/c.jpg",
            "album/d.png",
            "album/e/f.gif"
        ]
    );
    let broken: Vec<_> = lines.iter().map(|line| line["error"].is_string()).collect();
    assert_eq!(broken, [false, true, false, true, false], "{lines:?}");
    for line in lines.iter().filter(|line| line["error"].is_null()) {
        assert_eq!(
            (line["width"].as_u64(), line["height"].as_u64()),
            (Some(64), Some(48))
        );
        assert!(faces(line).is_empty(), "a face where none is: {line}");
    }
}

/// A file, its bytes, and what becomes of it. `Ok`: read, with this size. `Err`: refused, and the error holds this.
type Odd = (&'static str, Vec<u8>, Result<(u64, u64), &'static str>);

/// What a user may meet on a disk.
#[test]
fn odd_files_are_read_or_refused_by_name() {
    let bench = Bench::new();
    let zoo: &[Odd] = &[
        ("plain.bmp", pictures::scene(Bmp, 40, 30), Ok((40, 30))),
        ("plain.webp", pictures::scene(WebP, 40, 30), Ok((40, 30))),
        ("deep.png", pictures::deep_png(40, 30), Ok((40, 30))),
        ("inks.jpg", pictures::cmyk_jpeg(40, 30), Ok((40, 30))),
        ("moving.gif", pictures::animated_gif(40, 30), Ok((40, 30))),
        (
            "wide.png",
            pictures::scene(Png, 20_000, 20),
            Ok((20_000, 20)),
        ),
        (
            "wrong_ending.png",
            pictures::scene(Jpeg, 40, 30),
            Ok((40, 30)),
        ),
        (
            "too_wide.png",
            pictures::scene(Png, 70_000, 16),
            Err("70000x16"),
        ),
        ("dot.png", pictures::scene(Png, 1, 1), Err("1x1")),
        ("empty.jpg", Vec::new(), Err("empty")),
        ("text.jpg", b"Dear diary".to_vec(), Err("not a picture")),
        ("zero.jpg", pictures::zero_jpeg(), Err("")),
        (
            "half.jpg",
            pictures::half(pictures::scene(Jpeg, 300, 200)),
            Err("damaged or cut short"),
        ),
        (
            "half.png",
            pictures::half(pictures::scene(Png, 300, 200)),
            Err("damaged or cut short"),
        ),
        (
            "half.gif",
            pictures::half(pictures::scene(Gif, 300, 200)),
            Err("damaged or cut short"),
        ),
        (
            "head.png",
            pictures::scene(Png, 300, 200)[..20].to_vec(),
            Err("damaged or cut short"),
        ),
    ];
    let mut names = vec!["analyze", "--json", "missing.jpg"];
    for (name, bytes, _) in zoo {
        bench.write(name, bytes);
        names.push(name);
    }
    let finished = bench
        .start_all(&names)
        .finish(moodring_tests::bench::LIMIT)
        .expect_code(1);
    let lines = finished.json_lines();
    assert_eq!(
        lines.len(),
        zoo.len() + 1,
        "a line for each: {}",
        finished.stdout
    );
    assert!(
        lines[0]["error"]
            .as_str()
            .is_some_and(|error| error.contains("No such file")),
        "{}",
        lines[0]
    );
    for ((name, _, wanted), line) in zoo.iter().zip(&lines[1..]) {
        assert_eq!(line["image"], **name);
        match wanted {
            Ok(size) => assert_eq!(
                (line["width"].as_u64(), line["height"].as_u64()),
                (Some(size.0), Some(size.1)),
                "{line}"
            ),
            Err(reason) => assert!(
                line["error"]
                    .as_str()
                    .is_some_and(|error| error.contains(reason)),
                "no {reason:?}: {line}"
            ),
        }
    }
}

#[test]
fn commands_for_pictures_share_their_manners() {
    let bench = Bench::new();
    fs::create_dir(bench.folder().join("nothing")).expect("the folder is ours");
    bench.write("good.png", pictures::scene(Png, 48, 48));
    for command in ["analyze", "detect", "classify"] {
        bench
            .run(&format!("{command} nothing"))
            .expect_code(4)
            .expect_stderr(&["no pictures there"]);
        bench.run(&format!("{command} gone.jpg")).expect_code(1);
        bench.run(&format!("{command} good.png")).expect_code(0);
        bench
            .run(&format!("{command} good.png gone.jpg"))
            .expect_code(1);
        bench
            .run(command)
            .expect_code(2)
            .expect_stderr(&["PATH", "--help"]);
    }
}

#[test]
fn classify_gives_every_score() {
    let bench = Bench::new();
    bench.write("crop.png", pictures::scene(Png, 48, 48));
    let line = &bench
        .run("classify --json crop.png")
        .expect_code(0)
        .json_lines()[0];
    assert_eq!(line["image"], "crop.png");
    check_scores(line);
}

fn faces(line: &Value) -> &Vec<Value> {
    line["faces"]
        .as_array()
        .unwrap_or_else(|| panic!("no faces: {line}"))
}

/// A face of `analyze --json` must have what design promises, in the ranges it promises.
fn check_face(face: &Value, line: &Value) {
    let numbers = |value: &Value| {
        value
            .as_array()
            .map_or(vec![], |all| all.iter().filter_map(Value::as_f64).collect())
    };
    let (width, height) = (
        line["width"].as_f64().unwrap_or(0.0),
        line["height"].as_f64().unwrap_or(0.0),
    );
    let [x, y, w, h] = numbers(&face["box"])[..] else {
        panic!("a box has four numbers: {face}")
    };
    assert!(
        w > 0.0 && h > 0.0 && x < width && y < height && x + w > 0.0 && y + h > 0.0,
        "box outside: {face}"
    );
    let landmarks: Vec<_> = face["landmarks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(numbers)
        .collect();
    assert_eq!(landmarks.len(), 5, "{face}");
    for point in landmarks {
        let near = point[0] > x - w
            && point[0] < x + 2.0 * w
            && point[1] > y - h
            && point[1] < y + 2.0 * h;
        assert!(near, "landmark {point:?} far from its box: {face}");
    }
    assert!(
        face["score"]
            .as_f64()
            .is_some_and(|score| (0.0..=1.0).contains(&score)),
        "{face}"
    );
    assert!(
        face["roll_deg"]
            .as_f64()
            .is_some_and(|roll| roll.abs() <= 180.0),
        "{face}"
    );
    check_scores(face);
}

/// Seven probabilities, of which the named expression is the largest.
fn check_scores(reading: &Value) {
    let scores = reading["scores"]
        .as_object()
        .unwrap_or_else(|| panic!("no scores: {reading}"));
    let value = |name: &str| {
        scores
            .get(name)
            .and_then(Value::as_f64)
            .unwrap_or_else(|| panic!("no {name}: {reading}"))
    };
    let all = EXPRESSIONS.map(value);
    assert_eq!(scores.len(), 7, "{reading}");
    assert!(
        (all.iter().sum::<f64>() - 1.0).abs() < 0.02,
        "scores do not add up: {reading}"
    );
    let best = all.iter().copied().fold(0.0, f64::max);
    assert_eq!(
        value(reading["expression"].as_str().unwrap_or("none")),
        best,
        "{reading}"
    );
    assert_eq!(reading["confidence"].as_f64(), Some(best), "{reading}");
}
