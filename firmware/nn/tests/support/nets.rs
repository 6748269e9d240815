//! Random nets of realistic shape and size, for benches, examples and tests.

use super::builder::{Builder, Tail};

/// Grey 320x256, outputs at strides 8, 16, 32 with 16 channels, about 48 million multiply-accumulates.
pub fn detector(seed: u64) -> Vec<u8> {
    let mut net = Builder::new(seed, 2, 1, (320, 256), 32);
    net.note("name", "random-detector");
    net.note("version", "0");
    net.note("threshold", "0.6");
    let x = net.conv(0, 16, 3, 2, Tail::Relu);
    let x = net.conv(x, 16, 3, 2, Tail::Relu);
    let x = net.conv(x, 32, 3, 2, Tail::Relu);
    let y = net.conv(x, 32, 3, 1, Tail::Signed);
    let p8 = net.add(x, y);
    let x = net.conv(p8, 64, 3, 2, Tail::Relu);
    let p16 = net.conv(x, 64, 3, 1, Tail::Relu);
    let x = net.conv(p16, 64, 3, 2, Tail::Relu);
    let p32 = net.conv(x, 64, 1, 1, Tail::Relu);
    let up = net.upsample(p32);
    let n16 = net.add(p16, up);
    let x = net.conv(n16, 32, 1, 1, Tail::Signed);
    let up = net.upsample(x);
    let n8 = net.add(p8, up);
    net.conv(n8, 16, 3, 1, Tail::Raw);
    net.conv(n16, 16, 3, 1, Tail::Raw);
    net.conv(p32, 16, 3, 1, Tail::Raw);
    net.finish()
}

/// Grey 48x48, seven logits, about 34 million multiply-accumulates.
pub fn classifier(seed: u64) -> Vec<u8> {
    let mut net = Builder::new(seed, 1, 1, (48, 48), 0);
    net.note("name", "random-classifier");
    net.note("version", "0");
    net.note("labels", "angry,disgust,fear,happy,sad,surprise,neutral");
    net.note("temperature", "1.0");
    let x = net.conv(0, 16, 3, 1, Tail::Relu);
    let x = net.conv(x, 32, 3, 2, Tail::Relu);
    let x = net.conv(x, 64, 3, 1, Tail::Relu);
    let x = net.pool(x);
    let y = net.conv(x, 64, 3, 1, Tail::Relu);
    let y = net.conv(y, 64, 3, 1, Tail::Signed);
    let x = net.add(x, y);
    let x = net.conv(x, 128, 3, 1, Tail::Relu);
    let x = net.pool(x);
    let x = net.conv(x, 128, 1, 1, Tail::Relu);
    let x = net.gap(x, 36);
    net.conv(x, 7, 1, 1, Tail::Raw);
    net.finish()
}
