//! Picture files of every kind, whole and broken, and what must come of them.

use std::{os::unix::net::UnixListener, path::Path, process::Command};

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};

use super::{
    super::jpeg::tests::{TWO_COMPONENTS, ramp, with_orientation},
    fixtures,
};
use crate::photo::Photo;

/// A file's name, its bytes, and its size or a part of its error.
type Case = (&'static str, Vec<u8>, Result<(u32, u32), &'static str>);

fn encoded(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 5) as u8, (y * 7) as u8, 90])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture)
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

fn part(bytes: &[u8], percent: usize) -> Vec<u8> {
    bytes[..bytes.len() * percent / 100].to_vec()
}

/// The same with another byte behind the first of these.
fn changed(mut bytes: Vec<u8>, behind: &[u8], offset: usize, value: u8) -> Vec<u8> {
    let at = bytes
        .windows(behind.len())
        .position(|w| w == behind)
        .unwrap();
    bytes[at + offset] = value;
    bytes
}

fn jpegs() -> Vec<Case> {
    let jpeg = ramp(40, 30, 0);
    let fixture = |text: &str| BASE64_STANDARD.decode(text).unwrap();
    let mended = |bytes: &[u8], percent| [&part(bytes, percent)[..], b"\xFF\xD9"].concat();
    let progressive = fixture(fixtures::PROGRESSIVE);
    vec![
        ("plain.jpg", jpeg.clone(), Ok((40, 30))),
        ("progressive.jpg", progressive.clone(), Ok((32, 24))),
        (
            "progressive-444.jpg",
            fixture(fixtures::PROGRESSIVE_444),
            Ok((32, 24)),
        ),
        (
            "progressive-grey.jpg",
            fixture(fixtures::GREY_PROGRESSIVE),
            Ok((32, 24)),
        ),
        ("inks.jpg", fixture(fixtures::CMYK), Ok((32, 24))),
        ("restarts.jpg", fixture(fixtures::RESTARTS), Ok((32, 24))),
        ("sampled.jpg", fixture(fixtures::SAMPLED_420), Ok((32, 24))),
        ("side.jpg", with_orientation(&jpeg, 6), Ok((30, 40))),
        ("mirrored.jpg", with_orientation(&jpeg, 2), Ok((40, 30))),
        (
            "orientation-of-nonsense.jpg",
            with_orientation(&jpeg, 77),
            Ok((40, 30)),
        ),
        (
            "motion-photo.jpg",
            [&jpeg[..], &[0x55; 200_000]].concat(),
            Ok((40, 30)),
        ),
        (
            "two-in-one.jpg",
            [&jpeg[..], &ramp(64, 64, 0)].concat(),
            Ok((40, 30)),
        ),
        ("padded.jpg", [&jpeg[..], &[0; 5000]].concat(), Ok((40, 30))),
        ("no-picture.png", jpeg.clone(), Ok((40, 30))),
        ("no-end.jpg", part(&jpeg, 99), Err("was cut")),
        ("half.jpg", part(&jpeg, 50), Err("was cut")),
        ("mended.jpg", mended(&jpeg, 80), Err("cut")),
        (
            "mended-progressive.jpg",
            mended(&progressive, 75),
            Err("cut"),
        ),
        (
            "mended-inks.jpg",
            mended(&fixture(fixtures::CMYK), 95),
            Err("cut"),
        ),
        (
            "mended-restarts.jpg",
            mended(&fixture(fixtures::RESTARTS), 95),
            Err("cut"),
        ),
        ("headers-only.jpg", part(&jpeg, 20), Err("was cut")),
        (
            "two-components.jpg",
            TWO_COMPONENTS.to_vec(),
            Err("2 colour components"),
        ),
        (
            "arithmetic.jpg",
            changed(jpeg.clone(), b"\xFF\xC0", 1, 0xC9),
            Err("arithmetic"),
        ),
        (
            "lossless.jpg",
            changed(jpeg.clone(), b"\xFF\xC0", 1, 0xC3),
            Err("lossless"),
        ),
        (
            "twelve-bits.jpg",
            changed(jpeg.clone(), b"\xFF\xC0", 4, 12),
            Err("12 bits"),
        ),
        (
            "no-height.jpg",
            changed(jpeg.clone(), b"\xFF\xC0", 6, 0),
            Err("no size"),
        ),
        (
            "nothing-but-an-end.jpg",
            b"\xFF\xD8\xFF\xD9".to_vec(),
            Err("holds no picture"),
        ),
        (
            "tiny.jpg",
            ramp(8, 8, 0),
            Err("8x8 pixels: a picture must have at least 16"),
        ),
    ]
}

fn others() -> Vec<Case> {
    let fixture = |text: &str| BASE64_STANDARD.decode(text).unwrap();
    let deep = {
        let picture =
            image::ImageBuffer::from_fn(20, 16, |x, y| image::Luma([(x * 700 + y * 900) as u16]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::ImageLuma16(picture)
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    };
    let mut clear = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(RgbaImage::new(24, 18))
        .write_to(&mut clear, ImageFormat::Png)
        .unwrap();
    let [png, gif, webp, bmp] = [
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
    ]
    .map(|format| encoded(format, 64, 48));
    vec![
        ("plain.png", png.clone(), Ok((64, 48))),
        ("deep.png", deep, Ok((20, 16))),
        ("clear.png", clear.into_inner(), Ok((24, 18))),
        (
            "interlaced-deep.png",
            fixture(fixtures::INTERLACED_PNG),
            Ok((16, 17)),
        ),
        ("palette.png", fixture(fixtures::PALETTE_PNG), Ok((20, 16))),
        (
            "with-more-behind.png",
            [&png[..], b"more"].concat(),
            Ok((64, 48)),
        ),
        ("half.png", part(&png, 50), Err("damaged or cut short")),
        ("most.png", part(&png, 90), Err("damaged or cut short")),
        (
            "long.png",
            encoded(ImageFormat::Png, 33_000, 16),
            Err("a side may have at most"),
        ),
        ("plain.gif", gif.clone(), Ok((64, 48))),
        ("half.gif", part(&gif, 50), Err("damaged or cut short")),
        ("plain.webp", webp.clone(), Ok((64, 48))),
        ("lossy.webp", fixture(fixtures::LOSSY_WEBP), Ok((32, 24))),
        (
            "see-through.webp",
            fixture(fixtures::ALPHA_WEBP),
            Ok((32, 24)),
        ),
        ("half.webp", part(&webp, 50), Err("damaged or cut short")),
        (
            "half-lossy.webp",
            part(&fixture(fixtures::LOSSY_WEBP), 50),
            Err("damaged or cut short"),
        ),
        ("plain.bmp", bmp.clone(), Ok((64, 48))),
        ("half.bmp", part(&bmp, 50), Err("damaged or cut short")),
        ("empty.jpg", vec![], Err("empty")),
        ("text.jpg", b"hello".to_vec(), Err("not a picture")),
        (
            "page.jpg",
            b"<!DOCTYPE html><html>".to_vec(),
            Err("a web page"),
        ),
        (
            "phone.jpg",
            b"\0\0\0\x18ftypheic\0\0\0\0".to_vec(),
            Err("an HEIC picture"),
        ),
        (
            "new.jpg",
            b"\0\0\0\x20ftypavif\0\0\0\0".to_vec(),
            Err("an AVIF picture"),
        ),
        (
            "scan.jpg",
            b"II*\0\x08\0\0\0".to_vec(),
            Err("a TIFF or raw picture"),
        ),
        ("paper.jpg", b"%PDF-1.7".to_vec(), Err("a PDF document")),
        (
            "pointer.jpg",
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
            Err("Git LFS"),
        ),
    ]
}

#[test]
fn every_file_comes_to_its_right_end() {
    let dir = tempfile::tempdir().unwrap();
    let cases: Vec<Case> = [jpegs(), others()].into_iter().flatten().collect();
    assert!(cases.len() >= 25, "{}", cases.len());
    let mut wrong = Vec::new();
    for (name, bytes, want) in cases {
        let path = dir.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        check(&path, want, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_files_are_opened() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    assert!(
        Command::new("mkfifo")
            .arg(at("pipe.jpg"))
            .status()
            .unwrap()
            .success()
    );
    let _listener = UnixListener::bind(at("socket.jpg")).unwrap();
    std::fs::create_dir(at("folder.jpg")).unwrap();
    for (link, to) in [
        ("loop.jpg", at("loop.jpg")),
        ("gone.jpg", at("nowhere")),
        ("zero.jpg", "/dev/zero".into()),
    ] {
        std::os::unix::fs::symlink(to, at(link)).unwrap();
    }
    let mut wrong = Vec::new();
    for (name, part) in [
        ("pipe.jpg", "a named pipe"),
        ("socket.jpg", "a socket"),
        ("folder.jpg", "a folder"),
        ("loop.jpg", "symbolic links"),
        ("gone.jpg", "No such file"),
        ("zero.jpg", "a device"),
    ] {
        check(&at(name), Err(part), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(path: &Path, want: Result<(u32, u32), &str>, wrong: &mut Vec<String>) {
    let name = path.file_name().unwrap().to_string_lossy();
    match (Photo::read(path).map(|photo| photo.size_px()), want) {
        (Ok(size), Ok(want)) if size == want => {}
        (Err(error), Err(part)) if error.to_string().contains(part) => {}
        (seen, want) => wrong.push(format!("{name}: {seen:?}, not {want:?}")),
    }
}
