//! Picture files of every kind, whole and broken, and what must come of them.

use std::{os::unix::net::UnixListener, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{DynamicImage, ImageFormat, RgbaImage};
use moodring_tests::pictures::painted;

use super::{
    super::jpeg::tests::{TWO_COMPONENTS, ramp, with_orientation},
    fixtures,
};
use crate::photo::Photo;

/// A file's name, its bytes, and its size or a part of its error.
type Case = (&'static str, Vec<u8>, Result<(u32, u32), &'static str>);

fn encoded(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    painted(format, (width, height), |x, y| {
        [(x * 5) as u8, (y * 7) as u8, 90]
    })
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

/// A BMP of 20x16 with this header of 40 bytes behind the file's 14, and these pixels.
fn bmp(height: i32, bits: u16, compression: u32, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    bytes.extend((54 + pixels.len() as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(54_u32.to_le_bytes());
    bytes.extend(40_u32.to_le_bytes());
    bytes.extend(20_i32.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(compression.to_le_bytes());
    bytes.extend([0; 20]);
    bytes.extend(pixels);
    bytes
}

/// What is met seldom, each whole and cut.
fn rarer() -> Vec<Case> {
    let fixture = |text: &str| BASE64_STANDARD.decode(text).unwrap();
    let jpeg = ramp(40, 30, 0);
    let spliced = |at: usize, more: &[u8]| [&jpeg[..at], more, &jpeg[at..]].concat();
    let cut = "damaged or cut short";
    let [gif, webp, png] = [
        fixtures::ANIMATED_GIF,
        fixtures::ANIMATED_WEBP,
        fixtures::ANIMATED_PNG,
    ]
    .map(fixture);
    let grey_alpha = fixture(fixtures::GREY_ALPHA_PNG);
    vec![
        ("animated.gif", gif.clone(), Ok((20, 16))),
        ("animated-cut-in-the-first.gif", part(&gif, 25), Err(cut)),
        (
            "interlaced.gif",
            fixture(fixtures::INTERLACED_GIF),
            Ok((20, 16)),
        ),
        (
            "interlaced-cut.gif",
            part(&fixture(fixtures::INTERLACED_GIF), 70),
            Err(cut),
        ),
        ("animated.webp", webp.clone(), Ok((20, 16))),
        ("animated-cut.webp", part(&webp, 40), Err(cut)),
        ("animated.png", png.clone(), Ok((20, 16))),
        ("animated-cut.png", part(&png, 40), Err(cut)),
        ("one-bit.png", fixture(fixtures::ONE_BIT_PNG), Ok((20, 16))),
        ("grey-clear.png", grey_alpha.clone(), Ok((20, 16))),
        (
            "wrong-sum.png",
            changed(grey_alpha.clone(), b"IDAT", 6, 0x55),
            Err(cut),
        ),
        (
            "no-pixels.png",
            [&grey_alpha[..33], &[0, 0, 0, 0], b"IEND\xAE\x42\x60\x82"].concat(),
            Err(cut),
        ),
        ("one-bit.bmp", fixture(fixtures::ONE_BIT_BMP), Ok((20, 16))),
        ("palette.bmp", fixture(fixtures::PALETTE_BMP), Ok((20, 16))),
        (
            "palette-cut.bmp",
            part(&fixture(fixtures::PALETTE_BMP), 60),
            Err(cut),
        ),
        (
            "top-down.bmp",
            bmp(-16, 24, 0, &[7; 20 * 16 * 3]),
            Ok((20, 16)),
        ),
        ("top-down-cut.bmp", bmp(-16, 24, 0, &[7; 500]), Err(cut)),
        (
            "sixteen-bits.bmp",
            bmp(16, 16, 0, &[7; 20 * 16 * 2]),
            Ok((20, 16)),
        ),
        (
            "with-alpha.bmp",
            bmp(16, 32, 0, &[7; 20 * 16 * 4]),
            Ok((20, 16)),
        ),
        (
            "with-alpha-cut.bmp",
            bmp(16, 32, 0, &[7; 20 * 15 * 4]),
            Err(cut),
        ),
        ("jpeg-inside.bmp", bmp(16, 0, 4, &jpeg), Err("")),
        (
            "huge.bmp",
            changed(bmp(16, 24, 0, &[7; 960]), &20_u32.to_le_bytes(), 2, 0x7F),
            Err("scale it first"),
        ),
        ("fill-bytes.jpg", spliced(2, &[0xFF; 9]), Ok((40, 30))),
        (
            "a-comment.jpg",
            spliced(2, b"\xFF\xFE\0\x07hello"),
            Ok((40, 30)),
        ),
        (
            "an-endless-comment.jpg",
            spliced(2, b"\xFF\xFE\xFF\xFFhello"),
            Err("cut"),
        ),
        (
            "no-tables.jpg",
            changed(jpeg.clone(), b"\xFF\xC4", 1, 0xFE),
            Err(""),
        ),
        (
            "no-quantities.jpg",
            changed(jpeg.clone(), b"\xFF\xDB", 1, 0xFE),
            Err(""),
        ),
        (
            "lines-before.jpg",
            [b"\r\n", &jpeg[..]].concat(),
            Err("not a picture"),
        ),
        (
            "new-2000.jp2",
            b"\0\0\0\x0cjP  \r\n\x87\n".to_vec(),
            Err("JPEG 2000"),
        ),
        ("xl.jpg", b"\xFF\x0A\xFA\x1F".to_vec(), Err("JPEG XL")),
        (
            "xl-boxed.jpg",
            b"\0\0\0\x0cJXL \r\n\x87\n".to_vec(),
            Err("JPEG XL"),
        ),
        (
            "film.jpg",
            b"\0\0\0\x20ftypisom\0\0\x02\0".to_vec(),
            Err("film"),
        ),
        (
            "film.webm",
            b"\x1A\x45\xDF\xA3\x9F\x42\x86".to_vec(),
            Err("film"),
        ),
        (
            "film.avi",
            b"RIFF\0\0\x01\0AVI LIST".to_vec(),
            Err("an AVI film"),
        ),
        (
            "drawing.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
            Err("an SVG"),
        ),
        (
            "drawing.jpg",
            b"<?xml version='1.0'?><svg/>".to_vec(),
            Err("an SVG"),
        ),
        (
            "layers.jpg",
            b"8BPS\0\x01\0\0\0\0".to_vec(),
            Err("Photoshop"),
        ),
        ("archive.jpg", b"PK\x03\x04\x14\0".to_vec(), Err("ZIP")),
        ("packed.jpg", b"\x1f\x8b\x08\0\0\0".to_vec(), Err("gzip")),
        (
            "icon.ico",
            b"\0\0\x01\0\x01\0\x10\x10".to_vec(),
            Err("an icon"),
        ),
        ("zeros.jpg", vec![0; 5000], Err("zeros")),
    ]
}

#[test]
fn every_file_comes_to_its_right_end() {
    let dir = tempfile::tempdir().unwrap();
    let cases: Vec<Case> = [jpegs(), others(), rarer()].into_iter().flatten().collect();
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
    moodring_tests::files::named_pipe(&at("pipe.jpg"));
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
