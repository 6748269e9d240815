//! What a display shows now, band by band, so that only what changed is drawn and sent again.

use heapless::Vec;

/// Bands of one picture that are remembered; more are drawn every time.
const MAX_BANDS: usize = 64;

/// What a display shows now. Empty at first, and after [`SentBands::forget`].
#[derive(Debug, Default)]
pub struct SentBands {
    /// A signature for each band, in the order in which they are drawn.
    signatures: Vec<u32, MAX_BANDS>,
    /// The band that comes next.
    next: usize,
    /// The band that is drawn in any case.
    renewed: usize,
}

impl SentBands {
    /// The display may show anything: all of the next picture is drawn.
    pub fn forget(&mut self) {
        self.signatures.clear();
    }

    /// A picture begins.
    pub(crate) fn begin(&mut self) {
        self.next = 0;
    }

    /// Whether the next band must be drawn; remembers it as drawn.
    pub(crate) fn is_stale(&mut self, signature: u32) -> bool {
        let number = self.next;
        self.next += 1;
        let Some(shown) = self.signatures.get_mut(number) else {
            let _full = self.signatures.push(signature);
            return true;
        };
        let stale = *shown != signature || number == self.renewed;
        *shown = signature;
        stale
    }

    /// All bands of the picture are drawn.
    pub(crate) fn end(&mut self) {
        self.signatures.truncate(self.next);
        self.renewed = match self.renewed + 1 {
            number if number < self.next => number,
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn drawn(shown: &mut SentBands, bands: &[u32]) -> Vec<usize> {
        shown.begin();
        let stale = |(number, band): (usize, &u32)| shown.is_stale(*band).then_some(number);
        let drawn = bands.iter().enumerate().filter_map(stale).collect();
        shown.end();
        drawn
    }

    #[test]
    fn all_is_drawn_once_and_then_what_changed_and_one_band_more() {
        let mut shown = SentBands::default();
        assert_eq!(drawn(&mut shown, &[7, 8, 9]), [0, 1, 2]);
        assert_eq!(drawn(&mut shown, &[7, 8, 9]), [1]);
        assert_eq!(drawn(&mut shown, &[7, 8, 9]), [2]);
        assert_eq!(drawn(&mut shown, &[7, 1, 9]), [0, 1]);
        assert_eq!(drawn(&mut shown, &[7, 1]), [1]);
        assert_eq!(
            drawn(&mut shown, &[7, 1, 9]),
            [0, 2],
            "no longer remembered"
        );
        shown.forget();
        assert_eq!(drawn(&mut shown, &[7, 1, 9]), [0, 1, 2]);
    }

    #[test]
    fn bands_beyond_the_memory_are_drawn_every_time() {
        let mut shown = SentBands::default();
        let bands = [5; MAX_BANDS + 2];
        assert_eq!(drawn(&mut shown, &bands).len(), MAX_BANDS + 2);
        assert_eq!(drawn(&mut shown, &bands), [1, MAX_BANDS, MAX_BANDS + 1]);
    }
}
