//! What strangers may upload: two thousand broken, huge and foreign bodies, each refused with a reason.

use image::ImageFormat;
use proptest::strategy::ValueTree;

use super::*;

fn encoded(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    moodring_tests::pictures::painted(format, (width, height), |x, y| {
        [(x * 3) as u8, (y * 5) as u8, (x * y) as u8]
    })
}

/// A PNG of so many pixels that packs to a few kilobytes.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().unwrap();
    let mut rows = writer.stream_writer().unwrap();
    let row = vec![0; width.div_ceil(8) as usize];
    for _ in 0..height {
        rows.write_all(&row).unwrap();
    }
    rows.finish().unwrap();
    writer.finish().unwrap();
    bytes
}

fn form(file: &[u8], name: &str) -> (String, Vec<u8>) {
    let mut body = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--xyz\r\n\
         Content-Disposition: form-data; name=\"image\"; filename=\"{name}\"\r\n\r\n"
    )
    .into_bytes();
    body.extend(file);
    body.extend(b"\r\n--xyz--\r\n");
    (
        "Content-Type: multipart/form-data; boundary=xyz\r\n".into(),
        body,
    )
}

#[test]
fn a_photo_gives_the_line_of_analyze() {
    let page = TestPage::new(|_| {});
    let photo = encoded(ImageFormat::Png, 64, 48);
    let line = r#"{"image":"a b.png","width":64,"height":48,"faces":[]}"#.to_owned() + "\n";
    let raw = page.ask("POST /api/v1/analyze?name=a%20b.png", "", &photo);
    assert_eq!((raw.status, raw.text()), (200, line.clone()));
    let (headers, body) = form(&photo, "a b.png");
    let sent = page.ask("POST /api/v1/analyze", &headers, &body);
    assert_eq!((sent.status, sent.text()), (200, line));
}

/// One connection, many requests: opening thousands would leave the machine without ports for a while.
struct TestConnection<'a> {
    page: &'a TestPage,
    stream: TcpStream,
}

impl TestConnection<'_> {
    fn upload(&mut self, body: &[u8]) -> (u16, String) {
        let head = format!(
            "POST /api/v1/analyze HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
            self.page.at,
            body.len()
        );
        self.stream.write_all(head.as_bytes()).unwrap();
        self.stream.write_all(body).unwrap();
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "hung up on {} bytes", body.len());
            bytes.extend(&chunk[..count]);
            let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
                continue;
            };
            let answer = Answer::parse(&bytes);
            let length: usize = answer.header("content-length").parse().unwrap();
            if bytes.len() == end + 4 + length {
                return (answer.status, answer.text());
            }
        }
    }
}

#[test]
fn a_photo_that_would_take_too_much_memory_is_refused_before_it_is_decoded() {
    let page = TestPage::new(|_| {});
    let mut connection = TestConnection {
        stream: page.connect(),
        page: &page,
    };
    let (width, height) = (8000_u16.to_le_bytes(), 5000_u16.to_le_bytes());
    let frame = [
        b"\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0".as_slice(),
        &width,
        &height,
        b"\0\x02\0\x3b",
    ];
    let gif = [b"GIF89a".as_slice(), &width, &height, &frame.concat()].concat();
    let (status, text) = connection.upload(&gif);
    assert_eq!(status, 413, "{text}");
    assert!(
        text.contains("8000x5000 pixels of this kind take"),
        "{text}"
    );
    // What panics a decoder is this photo's fault, and the next is read.
    let (status, text) = connection.upload(include_bytes!(
        "../../../camera/src/jpeg/two_components.jpg"
    ));
    assert_eq!(status, 422, "{text}");
    let (status, text) = connection.upload(&encoded(ImageFormat::Png, 64, 48));
    assert_eq!(status, 200, "{text}");
}

#[test]
fn two_thousand_bad_uploads_are_refused_with_a_reason() {
    let page = TestPage::new(|s| s.web.upload_megapixels = 2);
    let mut connection = TestConnection {
        stream: page.connect(),
        page: &page,
    };
    let mut count = 0;
    let mut refused = |connection: &mut TestConnection<'_>, body: &[u8], what: &str| {
        let (status, text) = connection.upload(body);
        assert!((400..500).contains(&status), "{what}: {status} {text}");
        let reason: Value = serde_json::from_str(&text).unwrap();
        assert!(
            reason["error"].as_str().is_some_and(|r| r.len() > 10),
            "{what}: {text}"
        );
        count += 1;
    };
    let formats = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
    ];
    for format in formats {
        let whole = encoded(format, 96, 64);
        for i in 0..150 {
            // Not the last tenth: there some decoders have all they need.
            let cut = whole.len() * 9 / 10 * i / 150;
            refused(
                &mut connection,
                &whole[..cut],
                &format!("{format:?} cut at {cut}"),
            );
        }
    }
    let svg = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    refused(&mut connection, svg, "SVG");
    refused(
        &mut connection,
        b"PK\x03\x04\x14\0\0\0\x08\0whatever is in a zip",
        "zip",
    );
    refused(&mut connection, b"", "nothing");
    refused(&mut connection, b"%PDF-1.7", "PDF");
    refused(
        &mut connection,
        &encoded(ImageFormat::Png, 15, 400),
        "too narrow",
    );
    refused(
        &mut connection,
        &bomb(30_000, 30_000),
        "PNG bomb of 900 megapixels",
    );
    refused(
        &mut connection,
        &bomb(2_000, 1_001),
        "a little too many pixels",
    );
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let whole = encoded(ImageFormat::Png, 64, 48);
    let damage = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9);
    let garbage = proptest::collection::vec(any::<u8>(), 1..600);
    for i in 0..1250 {
        let mut bytes = garbage.new_tree(&mut runner).unwrap().current();
        let leads: [&[u8]; 5] = [
            b"",
            b"\xFF\xD8\xFF",
            b"\x89PNG\r\n\x1A\n",
            b"GIF89a",
            b"RIFF",
        ];
        let lead = leads[i % 5];
        bytes.splice(0..0, lead.iter().copied());
        refused(&mut connection, &bytes, &format!("garbage {i}: {bytes:?}"));
        // Damaged pictures may still be pictures; what matters is that it is never our fault.
        let mut damaged = whole.clone();
        for (at, value) in damage.new_tree(&mut runner).unwrap().current() {
            let i = at.index(damaged.len());
            damaged[i] = value;
        }
        let (status, text) = connection.upload(&damaged);
        assert!(status < 500, "damage {i}: {status} {text}");
    }
    assert!(count >= 2_000, "{count}");
}

#[test]
fn fifty_megabytes_are_refused_before_they_have_arrived() {
    let page = TestPage::new(|_| {});
    let mut stream = page.connect();
    let head = format!(
        "POST /api/v1/analyze HTTP/1.1\r\nHost: {}\r\nContent-Length: 50000000\r\n\r\n",
        page.at
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 413");
    // And without a length that declares it beforehand.
    let mut stream = page.connect();
    let head = format!(
        "POST /api/v1/analyze HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        page.at
    );
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![0; 1 << 20], b"\r\n"].concat();
    let sent = (0..50).take_while(|_| stream.write_all(&chunk).is_ok());
    assert!(sent.count() < 50, "all of it was taken");
}

#[test]
fn broken_forms_are_refused() {
    let page = TestPage::new(|_| {});
    let (headers, whole) = form(&encoded(ImageFormat::Png, 32, 32), "a.png");
    for cut in (0..whole.len()).step_by(whole.len() / 40) {
        let answer = page.ask("POST /api/v1/analyze", &headers, &whole[..cut]);
        assert_eq!(answer.status, 400, "cut at {cut}: {answer:?}");
    }
    let without = "Content-Type: multipart/form-data\r\n";
    assert_eq!(
        page.ask("POST /api/v1/analyze", without, &whole).status,
        400
    );
    let nameless = b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--xyz--\r\n";
    let answer = page.ask("POST /api/v1/analyze", &headers, nameless);
    assert_eq!(answer.json()["error"], "the form has no file");
}

#[test]
fn many_at_once_are_read_or_asked_to_come_back() {
    let page = TestPage::new(|_| {});
    let photo = encoded(ImageFormat::Png, 640, 480);
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let ask = || page.ask("POST /api/v1/analyze", "", &photo).status;
        let threads: Vec<_> = (0..24).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(answers.contains(&200), "{answers:?}");
    assert!(
        answers.iter().all(|status| [200, 429].contains(status)),
        "{answers:?}"
    );
    assert_eq!(
        page.ask("POST /api/v1/analyze", "", &photo).status,
        200,
        "the queue is stuck"
    );
}
