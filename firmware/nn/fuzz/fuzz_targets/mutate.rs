//! Changes a file where it matters: heads and numbers of its operators, the header, now and then a new small net.

use libfuzzer_sys::fuzzer_mutate;

#[path = "../../tests/support/builder.rs"]
#[allow(dead_code, unreachable_pub)]
mod builder;

use builder::{Builder, Random, Tail};

const HEADER: usize = 64;
const HEAD: usize = 20;

/// Mutates `data[..size]` in place; returns the new size. Length and checksum are right afterwards.
pub(crate) fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed));
    let mut size = size;
    if size < HEADER || random.within(0, 15) == 0 {
        let file = small_net(random.next());
        if file.len() > max_size {
            return size;
        }
        size = file.len();
        data[..size].copy_from_slice(&file);
    }
    for _ in 0..random.within(0, 3) {
        size = change(&mut random, data, size, max_size);
    }
    mend(&mut data[..size]);
    size
}

fn change(random: &mut Random, data: &mut [u8], size: usize, max_size: usize) -> usize {
    if size <= HEADER {
        return size;
    }
    let heads = heads(&data[..size]);
    let head = heads[random.within(0, heads.len() as i64 - 1) as usize];
    let place = match random.within(0, 7) {
        0 => return fuzzer_mutate(data, size, max_size),
        1 => random.within(16, HEADER as i64 - 1) as usize,
        2..=4 => head + random.within(0, HEAD as i64 - 1) as usize,
        5 => head + HEAD + random.within(0, 40) as usize,
        _ => random.within(16, size as i64 - 1) as usize,
    };
    let Some(byte) = data[..size].get_mut(place) else {
        return size;
    };
    *byte = match random.within(0, 5) {
        0 => random.byte(),
        1 => byte.wrapping_add(1),
        2 => byte.wrapping_sub(1),
        3 => *byte ^ 1 << random.within(0, 7),
        4 => [0, 1, 2, 3, 31, 62, 63, 127][random.within(0, 7) as usize],
        _ => [128, 129, 255, 254, 16, 17, 64, 32][random.within(0, 7) as usize],
    };
    size
}

/// Where operators begin, as far as the file makes sense; the header's end if nowhere.
fn heads(file: &[u8]) -> Vec<usize> {
    let word = |at: usize| {
        file.get(at..at + 4)
            .map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)
    };
    let mut channels = vec![word(20)];
    let mut at = HEADER + word(52).min(file.len()).next_multiple_of(4) + 4 * word(48).min(8);
    let mut heads = Vec::new();
    while let Some(head) = file.get(at..at + HEAD) {
        heads.push(at);
        let half = |at: usize| usize::from(head[at]) | usize::from(head[at + 1]) << 8;
        let inputs = channels.get(half(4)).copied().unwrap_or(1);
        let (taps, out) = (usize::from(head[1]).pow(2), half(8));
        let words = if head[3] == 1 { 2 } else { 3 };
        at += HEAD
            + match head[0] {
                1 => (taps * inputs * out).next_multiple_of(4) + 4 * words * out,
                2 => (taps * out).next_multiple_of(4) + 4 * words * out,
                3 => 12,
                6 => 8,
                _ => 0,
            };
        channels.push(out);
    }
    if heads.is_empty() {
        vec![HEADER.min(file.len())]
    } else {
        heads
    }
}

/// Length and checksum as the file now needs them, and the magic.
fn mend(file: &mut [u8]) {
    if file.len() < HEADER {
        return;
    }
    let length = (file.len() as u32).to_le_bytes();
    file[..8].copy_from_slice(b"moodnet1");
    file[8..12].copy_from_slice(&length);
    let crc = crc32(&file[16..]).to_le_bytes();
    file[12..16].copy_from_slice(&crc);
}

/// CRC-32 as in zlib, four bits at a time: the builder's own is too slow to be in every execution.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = {
        let (mut table, mut index) = ([0_u32; 16], 0);
        while index < 16 {
            let (mut value, mut bit) = (index as u32, 0);
            while bit < 4 {
                value = if value & 1 == 1 {
                    (value >> 1) ^ 0xedb8_8320
                } else {
                    value >> 1
                };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        let crc = crc ^ u32::from(byte);
        let crc = (crc >> 4) ^ TABLE[(crc & 15) as usize];
        (crc >> 4) ^ TABLE[(crc & 15) as usize]
    })
}

/// A net of a few operators on a few pixels. Not all of them are sound: pooling may leave nothing.
fn small_net(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut pick = |low, high| random.within(low, high) as usize;
    let size = (pick(1, 6) as u32, pick(1, 6) as u32);
    let mut net = Builder::new(
        seed,
        pick(1, 2) as u32,
        [1, 3][pick(0, 1)],
        size,
        pick(0, 1) as u32,
    );
    let tails = [Tail::Relu, Tail::Signed, Tail::Wild, Tail::Large];
    let mut last = 0;
    for _ in 0..pick(0, 4) {
        let out = [pick(1, 5), pick(1, 20)][usize::from(pick(0, 3) == 0)];
        let (kernel, stride) = ([1, 3][pick(0, 1)], pick(1, 2));
        let tail = tails[pick(0, 3)];
        last = match pick(0, 7) {
            0 => net.pool(last),
            1 => net.upsample(last),
            2 => net.add(last, last),
            3 => net.gap(last, 4),
            4 | 5 => net.depthwise(last, kernel, stride, tail),
            _ => net.conv(last, out, kernel, stride, tail),
        };
    }
    if pick(0, 1) == 0 && last > 0 {
        net.output(last);
    } else {
        net.conv(last, 7, 3, 1, Tail::Raw);
    }
    net.finish()
}
