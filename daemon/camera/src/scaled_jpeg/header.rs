//! The markers before the first scan: sizes, sampling, tables. Only what the quick way reads; the rest is left to the decoder
//! of whole pictures, which also names what is broken.

use super::huffman::{HuffmanTable, TableClass};

/// One component.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Component {
    id: u8,
    /// Blocks across and down in a unit.
    pub(super) blocks: (usize, usize),
    /// Its quantization table.
    pub(super) steps: usize,
    /// Its Huffman tables.
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// What the markers define, and the tables.
#[derive(Debug)]
pub(super) struct Header {
    /// Width and height in pixels, both at least 1.
    pub(super) size_px: (u32, u32),
    components: [Component; 3],
    count: usize,
    /// Units from restart to restart; 0: no restarts.
    pub(super) restart: usize,
    /// Quantization tables in zigzag order.
    pub(super) steps: [[u16; 64]; 4],
    pub(super) dc: [HuffmanTable; 2],
    pub(super) ac: [HuffmanTable; 2],
}

impl Default for Header {
    fn default() -> Self {
        Self {
            size_px: (1, 1),
            components: Default::default(),
            count: 0,
            restart: 0,
            steps: [[0; 64]; 4],
            dc: [TableClass::Dc; 2].map(HuffmanTable::empty),
            ac: [TableClass::Ac; 2].map(HuffmanTable::empty),
        }
    }
}

impl Header {
    /// Reads the picture's markers; where its coded data begins. `None` if it is of a kind that the quick way does not
    /// read, or broken: inks, RGB, several passes, unusual sampling, twelve bits.
    pub(super) fn read(&mut self, jpeg: &[u8], standard_tables: &[u8]) -> Option<usize> {
        (self.count, self.restart) = (0, 0);
        let mut has_tables = false;
        let mut at = 2;
        loop {
            while jpeg.get(at) == Some(&0xFF) && jpeg.get(at + 1) == Some(&0xFF) {
                at += 1;
            }
            let &[0xFF, marker, high, low] = jpeg.get(at..)?.first_chunk()? else {
                return None;
            };
            let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
            let payload = jpeg.get(at + 4..end)?;
            at = end;
            match marker {
                0xC0 | 0xC1 => self.frame(payload)?,
                0xC4 => {
                    self.huffman(payload)?;
                    has_tables = true;
                }
                0xDB => self.quantization(payload)?,
                0xDD => self.restart = u16::from_be_bytes(*payload.first_chunk()?).into(),
                0xDA => {
                    if !has_tables {
                        self.huffman(standard_tables.get(4..)?)?;
                    }
                    return self.scan(payload).then_some(at);
                }
                // Adobe's, without the conversion to YCbCr.
                0xEE if payload.starts_with(b"Adobe") && payload.get(11) == Some(&0) => {
                    return None;
                }
                0xE0..=0xEF | 0xFE => {}
                _ => return None,
            }
        }
    }

    /// The components, one or three.
    pub(super) fn components(&self) -> &[Component] {
        &self.components[..self.count]
    }

    /// Blocks of luma across and down in a unit.
    pub(super) fn unit_blocks(&self) -> (usize, usize) {
        self.components[0].blocks
    }

    /// Blocks of each chroma across and down in a unit, if there is chroma.
    pub(super) fn chroma_blocks(&self) -> (usize, usize) {
        self.components[1].blocks
    }

    /// Luma samples to one of chroma, across and down: 1 or 2, and across 4. `None` if the two chromas differ, or chroma is finer.
    pub(super) fn per_chroma(&self) -> Option<(usize, usize)> {
        let [(w, h), (cw, ch), others] = self.components.map(|c| c.blocks);
        let counts = 1..=4;
        let in_range = [w, h, cw, ch].iter().all(|count| counts.contains(count));
        let whole = in_range && others == (cw, ch) && w % cw == 0 && h % ch == 0;
        let ratio = whole.then(|| (w / cw, h / ch))?;
        matches!(ratio, (1 | 2 | 4, 1 | 2)).then_some(ratio)
    }

    /// Units across and down.
    pub(super) fn units(&self) -> (usize, usize) {
        let (w, h) = self.unit_blocks();
        (
            (self.size_px.0 as usize).div_ceil(8 * w),
            (self.size_px.1 as usize).div_ceil(8 * h),
        )
    }

    fn frame(&mut self, payload: &[u8]) -> Option<()> {
        let (&[8, h1, h0, w1, w0, count], rest) = payload.split_first_chunk()? else {
            return None;
        };
        let size = [[w1, w0], [h1, h0]].map(|side| u32::from(u16::from_be_bytes(side)));
        if self.count != 0 || !matches!(count, 1 | 3) || size.contains(&0) {
            return None;
        }
        self.size_px = (size[0], size[1]);
        self.count = count.into();
        for (component, entry) in self.components.iter_mut().zip(rest.as_chunks::<3>().0) {
            *component = Component {
                id: entry[0],
                blocks: (usize::from(entry[1] >> 4), usize::from(entry[1] & 15)),
                steps: usize::from(entry[2] & 3),
                ..Component::default()
            };
        }
        let whole = rest.len() >= 3 * self.count;
        if count == 1 {
            // Alone, its blocks follow each other whatever its sampling.
            self.components[0].blocks = (1, 1);
            return whole.then_some(());
        }
        let usual = self.per_chroma().is_some();
        let is_rgb = self.components.map(|c| c.id) == *b"RGB";
        (whole && usual && !is_rgb).then_some(())
    }

    fn quantization(&mut self, mut payload: &[u8]) -> Option<()> {
        while let Some((&first, rest)) = payload.split_first() {
            let table = self.steps.get_mut(usize::from(first & 15))?;
            let bytes = if first >> 4 == 0 { 64 } else { 128 };
            let (values, rest) = rest.split_at_checked(bytes)?;
            for (i, step) in table.iter_mut().enumerate() {
                *step = match bytes {
                    64 => values[i].into(),
                    _ => u16::from_be_bytes([values[2 * i], values[2 * i + 1]]),
                };
            }
            payload = rest;
        }
        Some(())
    }

    fn huffman(&mut self, mut payload: &[u8]) -> Option<()> {
        while let Some((&first, rest)) = payload.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let (values, rest) = rest.split_at_checked(total)?;
            let tables = match first >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            tables.get_mut(usize::from(first & 15))?.set(counts, values);
            payload = rest;
        }
        Some(())
    }

    /// Whether the first scan holds all components, in their order.
    fn scan(&mut self, payload: &[u8]) -> bool {
        let Some((&count, rest)) = payload.split_first() else {
            return false;
        };
        let whole =
            self.count > 0 && usize::from(count) == self.count && rest.len() >= 2 * self.count;
        let mut pairs = rest.as_chunks::<2>().0.iter();
        whole
            && self.components[..self.count].iter_mut().all(|component| {
                let Some(&[id, tables]) = pairs.next() else {
                    return false;
                };
                (component.dc, component.ac) = (usize::from(tables >> 4), usize::from(tables & 15));
                id == component.id
                    && self.dc.get(component.dc).is_some_and(HuffmanTable::is_set)
                    && self.ac.get(component.ac).is_some_and(HuffmanTable::is_set)
            })
    }
}
