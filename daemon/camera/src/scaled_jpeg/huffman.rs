//! Huffman tables (ITU-T T.81, annex C and F.2), laid out so that most symbols are found by one look at the next bits.

/// Bits of the table of single symbols.
const SYMBOL_BITS: u32 = 10;
/// Bits of the table of several coefficients that nobody wants.
pub(super) const SKIP_BITS: u32 = 13;
/// What the end of a block advances by: more than any block holds.
pub(super) const END_OF_BLOCK: u32 = 128;

/// Which coefficients a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableClass {
    /// The first of each block: a symbol is the size of a difference.
    Dc,
    /// The others: a run of zeros and a size.
    Ac,
}

/// A symbol and how it is coded: from the lowest byte on the bits of code and value together, those of the code, those of
/// the value, and how far it advances in the block. 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Symbol(u32);

impl Symbol {
    const NONE: Self = Self(0);

    const fn new(class: TableClass, code_bits: u32, value: u8) -> Self {
        let (size, advance) = match class {
            TableClass::Dc if value > 15 => return Self::NONE,
            TableClass::Dc => (value as u32, 1),
            TableClass::Ac => match (value >> 4, value & 15) {
                (0, 0) => (0, END_OF_BLOCK),
                (15, 0) => (0, 16),
                // Bands of several blocks: progressive only.
                (_, 0) => return Self::NONE,
                (run, size) => (size as u32, run as u32 + 1),
            },
        };
        Self((code_bits + size) | (code_bits << 8) | (size << 16) | (advance << 24))
    }

    /// Bits of the code and the value.
    #[inline(always)]
    pub(super) const fn bits(self) -> u32 {
        self.0 & 0xFF
    }

    /// Coefficients that it stands for, with its own; [`END_OF_BLOCK`] for all that are left.
    #[inline(always)]
    pub(super) const fn advance(self) -> u32 {
        self.0 >> 24
    }

    /// Whether a value follows.
    #[inline(always)]
    pub(super) const fn has_value(self) -> bool {
        self.0 & 0xFF_0000 != 0
    }

    /// The value behind the code that begins at the top of `ahead`.
    #[inline(always)]
    pub(super) const fn value(self, ahead: u64) -> i32 {
        let (code, size) = (self.0 >> 8 & 0xFF, self.0 >> 16 & 0xFF);
        let at = ahead << code;
        // In two steps, as a size of 0 would shift by 64.
        let raw = (at >> 1 >> (63 - size)) as i32;
        // Those that begin with a 0 are negative.
        let below = if at >> 63 == 0 { (1 << size) - 1 } else { 0 };
        raw - below
    }
}

/// A table as it is looked up.
#[derive(Debug)]
pub(super) struct HuffmanTable {
    class: TableClass,
    counts: [u8; 16],
    values: Vec<u8>,
    symbols: Box<[Symbol; 1 << SYMBOL_BITS]>,
    /// Bits, at most [`SKIP_BITS`], and in the upper byte how far the whole symbols in them advance; 0: none is whole.
    skips: Box<[u16; 1 << SKIP_BITS]>,
}

impl HuffmanTable {
    /// A table without symbols.
    pub(super) fn empty(class: TableClass) -> Self {
        Self {
            class,
            counts: [0; 16],
            values: Vec::new(),
            symbols: Box::new([Symbol::NONE; 1 << SYMBOL_BITS]),
            skips: Box::new([0; 1 << SKIP_BITS]),
        }
    }

    /// Becomes the table with so many codes of 1 to 16 bits, for these values; cheap if it is that already.
    pub(super) fn set(&mut self, counts: &[u8; 16], values: &[u8]) {
        if self.counts == *counts && self.values == values {
            return;
        }
        self.counts = *counts;
        self.values.clear();
        self.values.extend_from_slice(values);
        for (i, symbol) in (0_u64..).zip(self.symbols.iter_mut()) {
            let symbol_ahead = i << (64 - SYMBOL_BITS);
            *symbol = lookup(self.class, counts, values, symbol_ahead, SYMBOL_BITS);
        }
        if self.class == TableClass::Ac {
            for i in 0..1 << SKIP_BITS {
                self.skips[i as usize] = self.skip_entry(i << (64 - SKIP_BITS));
            }
        }
    }

    /// Whether it has symbols.
    pub(super) fn is_set(&self) -> bool {
        !self.values.is_empty()
    }

    fn skip_entry(&self, ahead: u64) -> u16 {
        let (mut bits, mut advance) = (0, 0);
        while let Some(symbol) = self.symbol(ahead << bits) {
            if bits + symbol.bits() > SKIP_BITS || advance + symbol.advance() > 63 + END_OF_BLOCK {
                break;
            }
            bits += symbol.bits();
            advance += symbol.advance();
            if advance >= END_OF_BLOCK {
                break;
            }
        }
        // Both fit a byte.
        (bits | (advance << 8)) as u16
    }

    /// The symbol at the top of `ahead`.
    #[inline(always)]
    pub(super) fn symbol(&self, ahead: u64) -> Option<Symbol> {
        match self.symbols[(ahead >> (64 - SYMBOL_BITS)) as usize] {
            Symbol::NONE => self.long_symbol(ahead),
            symbol => Some(symbol),
        }
    }

    #[cold]
    fn long_symbol(&self, ahead: u64) -> Option<Symbol> {
        let found = lookup(self.class, &self.counts, &self.values, ahead, 16);
        (found != Symbol::NONE).then_some(found)
    }

    /// The bits of all whole symbols at the top of `ahead`, and how far they advance; 0 bits if that takes a longer look.
    #[inline(always)]
    pub(super) const fn skip(&self, ahead: u64) -> (u32, u32) {
        let entry = self.skips[(ahead >> (64 - SKIP_BITS)) as usize];
        (entry as u32 & 0xFF, entry as u32 >> 8)
    }
}

/// The plain way: codes of each length follow each other, and the next length begins at the double.
fn lookup(
    class: TableClass,
    counts: &[u8; 16],
    values: &[u8],
    ahead: u64,
    max_bits: u32,
) -> Symbol {
    let (mut first_code, mut first_value) = (0_u64, 0_usize);
    for (bits, &count) in (1..=max_bits).zip(counts) {
        let code = ahead >> (64 - bits);
        if code >= first_code && code < first_code + u64::from(count) {
            let value = values.get(first_value + (code - first_code) as usize);
            return value.map_or(Symbol::NONE, |&value| Symbol::new(class, bits, value));
        }
        first_code = (first_code + u64::from(count)) << 1;
        first_value += usize::from(count);
    }
    Symbol::NONE
}

#[cfg(test)]
// Grouped by code and value.
#[expect(clippy::unusual_byte_groupings)]
mod tests {
    use super::*;

    /// Codes 00, 01, 100, 1010, 11_bits... for: end of block, 1 bit, run 1 and 2 bits, 16 zeros, and a long one.
    fn table() -> HuffmanTable {
        let mut counts = [0; 16];
        (counts[1], counts[2], counts[3], counts[13]) = (2, 1, 1, 1);
        let mut table = HuffmanTable::empty(TableClass::Ac);
        table.set(&counts, &[0x00, 0x01, 0x12, 0xF0, 0x2A]);
        table
    }

    #[test]
    fn symbols_and_their_values() {
        let table = table();
        let read = |top: u64, bits: u32| {
            let ahead = top << (64 - bits);
            let symbol = table.symbol(ahead).unwrap();
            (symbol.bits(), symbol.advance(), symbol.value(ahead))
        };
        assert_eq!(read(0b00, 2), (2, END_OF_BLOCK, 0));
        assert_eq!(read(0b01_1, 3), (3, 1, 1));
        assert_eq!(read(0b01_0, 3), (3, 1, -1));
        assert_eq!(read(0b100_11, 5), (5, 2, 3));
        assert_eq!(read(0b100_00, 5), (5, 2, -3));
        assert_eq!(read(0b1010, 4), (4, 16, 0));
        // The code of 14 bits, then ten of a value.
        assert_eq!(
            read((0b1011_0000_0000_00 << 10) | 0b10_0000_0001, 24),
            (24, 3, 513)
        );
        assert_eq!(table.symbol(u64::MAX), None);
    }

    #[test]
    fn several_symbols_are_skipped_at_once_up_to_the_end_of_the_block() {
        let table = table();
        assert_eq!(
            table.skip(0b011_010_10011_011 << 50),
            (11, 4),
            "the third is whole, the next is not"
        );
        assert_eq!(table.skip(0b011_00_011 << 56), (5, 1 + END_OF_BLOCK));
        assert_eq!(table.skip(u64::MAX), (0, 0));
    }

    #[test]
    fn a_table_that_is_set_again_is_another() {
        let mut other = table();
        let mut counts = [0; 16];
        counts[0] = 1;
        other.set(&counts, &[0x01]);
        assert_eq!(other.symbol(0).map(Symbol::bits), Some(2));
        assert_eq!(other.symbol(1 << 63), None);
    }
}
