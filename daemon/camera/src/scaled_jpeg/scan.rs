//! Walks the coded data unit by unit: decodes the blocks that are wanted and skips the others.

use super::{
    bits::{Bits, CodedData},
    cosine::{self, Weights},
    header::{Component, Header},
    huffman::{END_OF_BLOCK, HuffmanTable, SKIP_BITS},
};

/// Looks at the table of skips that a refill is enough for.
const LOOKS: u32 = 56 / SKIP_BITS;
/// The same after a mean, which takes up to 16 bits of code and 15 of value.
const LOOKS_BEHIND_MEAN: u32 = (56 - 31) / SKIP_BITS;

/// A place from which the walk can go on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checkpoint {
    /// In bits.
    place: u64,
    /// The last mean of each component, as coded.
    means: [i32; 3],
    part: u32,
}

/// A walk through the coded data. Every step is `None` where the data is broken.
#[derive(Clone, Debug)]
pub(super) struct Scan<'a> {
    header: &'a Header,
    coded: &'a CodedData,
    bits: Bits<'a>,
    means: [i32; 3],
    /// The next unit.
    unit: usize,
    part: usize,
}

impl<'a> Scan<'a> {
    /// At the begin.
    pub(super) fn new(header: &'a Header, coded: &'a CodedData) -> Option<Self> {
        Some(Self {
            header,
            coded,
            bits: coded.part(0)?,
            means: [0; 3],
            unit: 0,
            part: 0,
        })
    }

    /// Goes on at this unit, of which an earlier walk took this [`Scan::checkpoint`].
    pub(super) fn resume(
        header: &'a Header,
        coded: &'a CodedData,
        unit: usize,
        checkpoint: &Checkpoint,
    ) -> Self {
        Self {
            header,
            coded,
            bits: coded.at(checkpoint.place),
            means: checkpoint.means,
            unit,
            part: checkpoint.part as usize,
        }
    }

    /// The place before the next unit, after [`Scan::begin_unit`] for it.
    pub(super) const fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            place: self.bits.place(),
            means: self.means,
            part: self.part as u32,
        }
    }

    /// Goes to the next unit: its blocks follow, component by component.
    #[inline(always)]
    pub(super) fn begin_unit(&mut self) -> Option<()> {
        let interval = self.header.restart;
        if interval > 0
            && self.unit > 0
            && self.unit.is_multiple_of(interval)
            && self.unit / interval > self.part
        {
            self.is_within()?;
            self.part += 1;
            self.bits = self.coded.part(self.part)?;
            self.means = [0; 3];
        }
        Some(())
    }

    /// Call this after the blocks of a unit.
    #[inline(always)]
    pub(super) const fn end_unit(&mut self) {
        self.unit += 1;
    }

    /// Whether no bit was read that is not there.
    pub(super) fn is_within(&self) -> Option<()> {
        let within = self.coded.is_within(self.part, self.bits.place());
        within.then_some(())
    }

    /// The next block of component `index` as pixels.
    #[inline(always)]
    pub(super) fn block<const W: usize, const H: usize>(
        &mut self,
        index: usize,
        component: &Component,
        weights: &Weights,
    ) -> Option<[[u8; W]; H]> {
        let mean = self.mean(index, component)?;
        let mut coefficients = [[0.0; W]; H];
        let (_, factor) = weights.of(0);
        let mean = mean as f32 * factor;
        let table = &self.header.ac[component.ac & 1];
        let (mut k, mut is_flat) = (1, true);
        let kept = coefficients.as_flattened_mut();
        while k <= weights.last() {
            self.bits.refill();
            let ahead = self.bits.ahead();
            let symbol = table.symbol(ahead)?;
            self.bits.consume(symbol.bits());
            k += symbol.advance();
            if symbol.has_value() {
                let (place, factor) = weights.of(k as usize - 1);
                if let Some(slot) = kept.get_mut(place) {
                    *slot = symbol.value(ahead) as f32 * factor;
                    is_flat = false;
                }
            }
        }
        self.skip_from(table, k)?;
        if is_flat {
            // The factor is that of a block's mean in both directions, whatever its size.
            return Some([[cosine::pixel(mean); W]; H]);
        }
        coefficients[0][0] = mean;
        Some(cosine::pixels(&coefficients))
    }

    /// The mean of the next block, of component `index`, as coded; the rest of it is skipped.
    #[inline(always)]
    pub(super) fn skip_block(&mut self, index: usize, component: &Component) -> Option<i32> {
        let mean = self.mean(index, component)?;
        let table = &self.header.ac[component.ac & 1];
        // The bits behind a mean are enough for what most blocks hold.
        let mut k = 1;
        self.skip_whole(table, &mut k, LOOKS_BEHIND_MEAN);
        self.skip_from(table, k)?;
        Some(mean)
    }

    /// The last mean of component `index`, as coded.
    #[inline(always)]
    pub(super) const fn last_mean(&self, index: usize) -> i32 {
        self.means[index]
    }

    #[inline(always)]
    fn mean(&mut self, index: usize, component: &Component) -> Option<i32> {
        self.bits.refill();
        let ahead = self.bits.ahead();
        let symbol = self.header.dc[component.dc & 1].symbol(ahead)?;
        self.bits.consume(symbol.bits());
        let mean = self.means.get_mut(index)?;
        *mean = mean.wrapping_add(symbol.value(ahead));
        Some(*mean)
    }

    /// Skips what is left of a block from coefficient `k` on.
    #[inline(always)]
    fn skip_from(&mut self, table: &HuffmanTable, mut k: u32) -> Option<()> {
        while k < 64 {
            self.bits.refill();
            if self.skip_whole(table, &mut k, LOOKS) {
                continue;
            }
            self.bits.refill();
            let symbol = table.symbol(self.bits.ahead())?;
            self.bits.consume(symbol.bits());
            k += symbol.advance();
        }
        // Beyond the block only if its end was coded.
        (k == 64 || k >= END_OF_BLOCK).then_some(())
    }

    /// Skips several symbols at once, up to `looks` times, for which the bits ahead are enough; `false` where a symbol takes a longer look.
    #[inline(always)]
    fn skip_whole(&mut self, table: &HuffmanTable, k: &mut u32, looks: u32) -> bool {
        for _ in 0..looks {
            let (bits, advance) = table.skip(self.bits.ahead());
            // What comes after the block's last coefficient belongs to the next block.
            let whole = *k + advance % END_OF_BLOCK;
            if bits == 0 || whole > 64 || (whole == 64 && advance >= END_OF_BLOCK) {
                return false;
            }
            self.bits.consume(bits);
            *k += advance;
            if *k >= 64 {
                break;
            }
        }
        true
    }
}
