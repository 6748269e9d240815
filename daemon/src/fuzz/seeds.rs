//! Good inputs to begin with: small, and of each kind that a parser distinguishes.

use image::ImageFormat;

/// Seeds by the name of their target.
pub(super) struct Seeds;

impl Seeds {
    pub(super) fn of(target: &str) -> Vec<Vec<u8>> {
        match target {
            "jpeg_stream" => streams(),
            "jpeg_frame" => vec![
                picture(ImageFormat::Jpeg),
                with_exif(picture(ImageFormat::Jpeg)),
            ],
            "photo" => photos(),
            "y4m" => texts(&[
                "YUV4MPEG2 W64 H48 F30:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\nFRAME\n",
                "YUV4MPEG2 W2 H2 F25:1 C444p10\nFRAME Ip\n",
            ]),
            "http_head" => texts(&[
                "/api/v1/state?token=a%20b\nhost: moodring.local:8080\norigin: http://moodring.local\ncookie: a=b; moodring=c\n",
                "/\nhost: [::1]:8080\nx-ingress-path: /api/hassio_ingress/abc\nx-forwarded-host: ha.local\norigin: https://ha.local\n",
                "/login\nhost: localhost\nx-forwarded-for: 198.51.100.7, [2001:db8::1]:443, 10.0.0.2\nx-forwarded-proto: https\nx-forwarded-host: moodring.local, a\n",
                "http://evil.example/\nhost: [::1].evil\nhost: b\n",
            ]),
            "mqtt_payload" => texts(&[
                r#"{"schema":1,"device":"hall","run":"00ff","seq":12,"time":"2026-01-02T03:04:05Z","mood":"happy","confidence":0.91,"people":[{"track":1,"mood":"sad"}],"camera":"running"}"#,
                "online",
                " ON ",
                "0.5",
                "/dev/video0",
                r#"{"brightness": 40}"#,
            ]),
            "mqtt_broker" => moodring_mqtt::fuzz::packets(),
            "homie" => texts(&[
                "homie/5/hall/camera/on/set\ntrue",
                "homie/5/hall/display/brightness/set\n40",
            ]),
            "settings" => vec![
                moodring_base::config::DEFAULT_TOML.as_bytes().to_vec(),
                b"[camera]\nsource = \"synthetic\"\n".to_vec(),
            ],
            "model_file" => vec![
                moodring_models::CLASSIFIER[..16_384].to_vec(),
                data("classes.bin"),
                moodring_models::DETECTOR.to_vec(),
            ],
            "onnx" => vec![data("classes.onnx")],
            "bundle_manifest" => texts(&[
                r#"{"schema":1,"kind":"detector","name":"faces","version":"1.2.3","program":"0.1.0","files":{"net":{"bytes":3,"sha256":"00"},"golden":{"bytes":6,"sha256":"11"}}}"#,
            ]),
            "link" => link(),
            _ => Vec::new(),
        }
    }
}

fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn data(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/vision/tests/data/pack/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(path).expect("it is in the repository")
}

fn picture(format: ImageFormat) -> Vec<u8> {
    moodring_tests::pictures::painted(format, (40, 24), |x, y| [x as u8 * 6, y as u8 * 10, 90])
}

/// The same with an orientation.
fn with_exif(mut jpeg: Vec<u8>) -> Vec<u8> {
    let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let payload = [b"Exif\0\0".as_slice(), tiff].concat();
    let length = u16::try_from(payload.len() + 2)
        .expect("it is short")
        .to_be_bytes();
    jpeg.splice(2..2, [&[0xFF, 0xE1], &length[..], &payload].concat());
    jpeg
}

fn photos() -> Vec<Vec<u8>> {
    let kinds = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::WebP,
    ];
    let mut all: Vec<_> = kinds.map(picture).into();
    all.push(with_exif(picture(ImageFormat::Jpeg)));
    all
}

fn streams() -> Vec<Vec<u8>> {
    let jpeg = picture(ImageFormat::Jpeg);
    let part = format!(
        "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
        jpeg.len()
    );
    let multipart = [
        part.as_bytes(),
        &jpeg,
        b"\r\n",
        part.as_bytes(),
        &with_exif(jpeg.clone()),
        b"\r\n--frame--",
    ]
    .concat();
    vec![[&jpeg[..], &jpeg].concat(), multipart]
}

/// Frames both ways.
fn link() -> Vec<Vec<u8>> {
    use moodring_link::{
        frame::encode,
        message::{ToHost, ToSatellite},
    };
    let hello = encode(&ToSatellite::Ping { number: 7 });
    let pong = encode(&ToHost::Pong {
        number: 7,
        broken: 0,
    });
    vec![
        hello.to_vec(),
        [&hello[..], &pong[..]].concat(),
        vec![1, 2, 0, 3],
    ]
}
