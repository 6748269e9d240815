//! Small generated pictures, good and bad, as the bytes of their files.

use std::io::Cursor;

use image::{
    DynamicImage, Frame, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, RgbaImage,
    codecs::{gif::GifEncoder, jpeg::JpegEncoder},
};

/// A picture of soft colours without a face, in a format by choice.
pub fn scene(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let shade = |at: u32, of: u32| (60 + 120 * at / of.max(1)) as u8;
    let picture = RgbImage::from_fn(width, height, |x, y| {
        Rgb([shade(x, width), shade(y, height), 90])
    });
    encode(&DynamicImage::ImageRgb8(picture), format)
}

/// A picture of these colours at `(x, y)`, in a format by choice.
pub fn painted(
    format: ImageFormat,
    (width, height): (u32, u32),
    colour: impl Fn(u32, u32) -> [u8; 3],
) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| Rgb(colour(x, y)));
    encode(&DynamicImage::ImageRgb8(picture), format)
}

/// A JPEG of this quality, 1 to 100, of a grey picture or one in colour.
///
/// # Panics
/// Never: memory can be written to.
pub fn jpeg(picture: impl Into<DynamicImage>, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(&picture.into())
        .expect("memory can be written to");
    bytes
}

/// A grey PNG of 16 bits a pixel.
pub fn deep_png(width: u32, height: u32) -> Vec<u8> {
    let picture = ImageBuffer::from_fn(width, height, |x, y| Luma([(x * 700 + y * 900) as u16]));
    encode(&DynamicImage::ImageLuma16(picture), ImageFormat::Png)
}

/// A GIF of three pictures.
///
/// # Panics
/// Never: memory can be written to.
pub fn animated_gif(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let shades =
        [40, 120, 200].map(|v| RgbaImage::from_pixel(width, height, image::Rgba([v, v, v, 255])));
    GifEncoder::new(&mut bytes)
        .encode_frames(shades.map(Frame::new))
        .expect("memory can be written to");
    bytes
}

/// A JPEG of four inks (CMYK), all at the middle; `image` cannot write one, so this is made by hand from ITU T.81.
///
/// Every block holds only "no difference" and "end of block", a bit each: eight bits for the four inks of 8x8 pixels.
pub fn cmyk_jpeg(width: u16, height: u16) -> Vec<u8> {
    let ([h1, h0], [w1, w0]) = (height.to_be_bytes(), width.to_be_bytes());
    let mut bytes = vec![0xFF, 0xD8];
    let mut segment = |marker: u8, content: &[u8]| {
        let length = (content.len() + 2) as u16;
        bytes.extend([0xFF, marker]);
        bytes.extend(length.to_be_bytes());
        bytes.extend(content);
    };
    segment(0xEE, b"Adobe\0\x64\0\0\0\0\0"); // APP14, transform 0: CMYK as it is
    segment(0xDB, &[[0].as_slice(), &[1; 64]].concat()); // quantization: all ones
    segment(
        0xC0,
        &[
            8, h1, h0, w1, w0, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0,
        ],
    );
    let one_code = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]; // one code of one bit, for the value 0
    segment(0xC4, &[[0x00].as_slice(), &one_code].concat());
    segment(0xC4, &[[0x10].as_slice(), &one_code].concat());
    segment(0xDA, &[4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
    bytes.extend(vec![
        0;
        usize::from(width.div_ceil(8))
            * usize::from(height.div_ceil(8))
    ]);
    bytes.extend([0xFF, 0xD9]);
    bytes
}

/// A JPEG whose header has the size 0x0.
///
/// # Panics
/// Never: a JPEG has a frame header.
pub fn zero_jpeg() -> Vec<u8> {
    let mut bytes = scene(ImageFormat::Jpeg, 32, 32);
    let header = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .expect("a JPEG has a frame header");
    bytes[header + 5..header + 9].fill(0);
    bytes
}

/// The first half of a file.
pub fn half(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 2);
    bytes
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .expect("memory can be written to");
    bytes.into_inner()
}
