//! AVX2: `vpmaddubsw` multiplies bytes by weights and adds two products in 16 bits, `vpmaddwd` by ones adds two of those in 32.
//!
//! The first saturates where weights are large, so weights are ordered by what fits (`byte_pairs`): two groups that fit together
//! are added in 16 bits, one that fits alone goes by itself, others after other bytes became neighbours, and of what still does not
//! fit, bytes and weights are widened to 16 bits and left to `vpmaddwd`.

use core::arch::x86_64::*;
use core::array::from_fn;

use super::super::byte_pairs::{self, COUNTS, ENTRY, GROUP, GroupCounts, WINDOW};
use super::super::tile::{Tile, TileJob, for_each_tile};
use super::super::{AddRow, Row, RowOutput, portable};
use super::avx2_epilogue::Block;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: RowOutput<'_>) {
    for_each_tile::<Avx2>(row, sink);
}

/// Adds two rows: the portable loop, compiled for AVX2.
pub(crate) fn add(row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
    #[target_feature(enable = "avx2")]
    fn compiled(row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
        portable::add(row, a, b, y);
    }
    // SAFETY: this kernel is chosen only where the processor has AVX2.
    unsafe { compiled(row, a, b, y) }
}

struct Avx2;

impl Tile for Avx2 {
    const DEPTH: usize = 4;
    const FETCH: usize = WINDOW;
    const ANY_SHIFT: bool = false;

    fn line_bytes(groups: usize) -> usize {
        2 * byte_pairs::bytes(groups)
    }

    fn blocks(_: usize) -> usize {
        1
    }

    unsafe fn compute(job: &TileJob<'_>, _: usize, pixels: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has AVX2.
        unsafe { row(job, pixels) }
    }
}

/// # Safety
/// As [`Tile::compute`], with one block; the processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn row(job: &TileJob<'_>, pixels: usize) {
    // SAFETY: the words are the job's, and all pixels the caller's.
    unsafe {
        let block = Block::load(&job.epilogue);
        let mut pixel = 0;
        while pixel < pixels {
            pixel += match pixels - pixel {
                8.. => tile::<8>(job, &block, pixel),
                6.. => tile::<6>(job, &block, pixel),
                4.. => tile::<4>(job, &block, pixel),
                2.. => tile::<2>(job, &block, pixel),
                _ => tile::<1>(job, &block, pixel),
            };
        }
    }
}

/// `P` pixels from `pixel` on; returns `P`.
///
/// # Safety
/// As [`row`].
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn tile<const P: usize>(job: &TileJob<'_>, block: &Block<'_>, pixel: usize) -> usize {
    // SAFETY: as this function demands.
    let [low, high] = unsafe {
        [
            half::<P>(job, block, 0, pixel),
            half::<P>(job, block, 1, pixel),
        ]
    };
    let sums = from_fn(|p| [low[p], high[p]]);
    // SAFETY: the output row has room for all pixels.
    unsafe { block.store::<P>(pixel, &sums) };
    P
}

/// The sums of half a block: eight outputs of each pixel.
///
/// # Safety
/// As [`row`].
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn half<const P: usize>(
    job: &TileJob<'_>,
    block: &Block<'_>,
    half: usize,
    pixel: usize,
) -> [__m256i; P] {
    let mut acc = [block.bias()[half]; P];
    let first = job
        .weights
        .wrapping_add(half * byte_pairs::bytes(job.groups));
    for (index, line) in job.lines.iter().enumerate() {
        let input = line.as_ptr().wrapping_add(job.offset + pixel * job.step);
        let head = first.wrapping_add(index * job.line_stride);
        // SAFETY: the line reaches to the last group of the last pixel; head and groups are the line's.
        unsafe { add_line::<P>(&mut acc, input, head, job.step, job.groups) };
    }
    acc
}

/// Adds the products of one line of the kernel.
///
/// # Safety
/// `input` reaches to the last of `groups` groups of the last pixel, `step` bytes from pixel to pixel, rounded up to whole windows; `head`
/// begins half a block's line of as many groups.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn add_line<const P: usize>(
    acc: &mut [__m256i; P],
    input: *const u8,
    head: *const u8,
    step: usize,
    groups: usize,
) {
    let ones = _mm256_set1_epi16(1);
    // SAFETY: the head holds its counts.
    let count = |index: usize| unsafe { head.cast::<u16>().add(index).read_unaligned() };
    let counts = GroupCounts::read([count(0), count(1), count(2)], groups);
    let entry = |group: usize| head.wrapping_add(COUNTS + ENTRY * group);
    // A group's bytes of the first pixel; a place past the last one's is taken for it.
    let place = |group: usize, last: usize| {
        // SAFETY: the head holds an entry for each group.
        let place = unsafe { entry(group).cast::<u16>().read_unaligned() };
        input.wrapping_add(usize::from(place).min(last))
    };
    let (last, last_window) = (4 * (groups - 1), (groups - 1) / 4 * WINDOW);
    let weights = head.wrapping_add(byte_pairs::head(groups));
    // SAFETY: the weights are the line's.
    let weights = |group: usize| unsafe { _mm256_loadu_si256(weights.add(group * GROUP).cast()) };
    // SAFETY: as this function demands.
    let bytes = |place: *const u8, p: usize| unsafe {
        _mm256_set1_epi32(place.add(p * step).cast::<i32>().read_unaligned())
    };
    // SAFETY: as this function demands; which bytes of the window are chosen does not matter to memory.
    let window = |place: *const u8, p: usize| unsafe {
        _mm256_broadcastsi128_si256(_mm_loadu_si128(place.add(p * step).cast()))
    };
    // SAFETY: the head holds an entry for each group.
    let chosen = |group: usize| unsafe { entry(group).add(2).cast::<u32>().read_unaligned() };

    let mut group = 0;
    for _ in 0..counts.twos {
        let (first, second) = (place(group, last), place(group + 1, last));
        let (v, w) = (weights(group), weights(group + 1));
        for (p, acc) in acc.iter_mut().enumerate() {
            let a = _mm256_maddubs_epi16(bytes(first, p), v);
            let b = _mm256_maddubs_epi16(bytes(second, p), w);
            let sums = _mm256_madd_epi16(_mm256_add_epi16(a, b), ones);
            *acc = _mm256_add_epi32(*acc, sums);
        }
        group += 2;
    }
    for _ in 0..counts.ones {
        let (place, w) = (place(group, last), weights(group));
        for (p, acc) in acc.iter_mut().enumerate() {
            let sums = _mm256_maddubs_epi16(bytes(place, p), w);
            *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(sums, ones));
        }
        group += 1;
    }
    for _ in 0..counts.shuffled {
        let (place, w) = (place(group, last_window), weights(group));
        let order = _mm256_set1_epi32(chosen(group).cast_signed());
        for (p, acc) in acc.iter_mut().enumerate() {
            let x = _mm256_shuffle_epi8(window(place, p), order);
            let sums = _mm256_maddubs_epi16(x, w);
            *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(sums, ones));
        }
        group += 1;
    }
    for _ in 0..counts.split {
        let (place, w) = (place(group, last_window), weights(group));
        // First and second of each pair, widened to 16 bits: a place whose highest bit is set yields 0.
        let chosen = chosen(group);
        let orders = [chosen, chosen >> 8].map(|order| order & 0x00ff_00ff | 0x8000_8000);
        let orders = orders.map(|order| _mm256_set1_epi32(order.cast_signed()));
        let w = [_mm256_slli_epi16::<8>(w), w].map(|w| _mm256_srai_epi16::<8>(w));
        for (p, acc) in acc.iter_mut().enumerate() {
            let x = window(place, p);
            let a = _mm256_madd_epi16(_mm256_shuffle_epi8(x, orders[0]), w[0]);
            let b = _mm256_madd_epi16(_mm256_shuffle_epi8(x, orders[1]), w[1]);
            *acc = _mm256_add_epi32(*acc, _mm256_add_epi32(a, b));
        }
        group += 1;
    }
}
