//! The source pixels under an output pixel in one direction, and their weights. Whole numbers only.

/// One direction of the picture: `from` source pixels become `to`.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) from: u32,
    pub(super) to: u32,
}

/// The source pixels `first..=last` under one output pixel and their weights, which sum to [`Axis::total`].
pub(super) struct Taps {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) first_weight: u64,
    pub(super) inner_weight: u64,
    pub(super) last_weight: u64,
}

impl Axis {
    /// Both at most [`crate::frame::Frame::MAX_SIDE_PX`], so no product below leaves its type.
    pub(super) const fn new(from: u32, to: u32) -> Self {
        Self { from, to }
    }

    pub(super) const fn total(self) -> u64 {
        if self.to <= self.from {
            self.from as u64
        } else {
            2 * self.to as u64
        }
    }

    pub(super) fn taps(self, at: u32) -> Taps {
        if self.to <= self.from {
            self.area(at)
        } else {
            self.linear(at)
        }
    }

    /// In units of `1 / to` source pixels the output pixel covers `at * from .. (at + 1) * from`.
    fn area(self, at: u32) -> Taps {
        let (start, end) = (at * self.from, (at + 1) * self.from);
        let (first, last) = (start / self.to, (end - 1) / self.to);
        let one = first == last;
        Taps {
            first,
            last,
            first_weight: u64::from(if one {
                self.from
            } else {
                (first + 1) * self.to - start
            }),
            inner_weight: u64::from(self.to),
            last_weight: u64::from(if one { 0 } else { end - last * self.to }),
        }
    }

    /// The output pixel's centre lies at `(at + 1/2) * from / to - 1/2` counted from the first source pixel's centre.
    fn linear(self, at: u32) -> Taps {
        let unit = 2 * u64::from(self.to);
        let centre = (2 * u64::from(at) + 1) * u64::from(self.from);
        let centre = centre.saturating_sub(u64::from(self.to));
        let first = (centre / unit) as u32;
        let last = (first + 1).min(self.from - 1);
        let part = if last == first { 0 } else { centre % unit };
        Taps {
            first,
            last,
            first_weight: unit - part,
            inner_weight: 0,
            last_weight: part,
        }
    }
}

impl Taps {
    pub(super) fn weight(&self, at: u32) -> u64 {
        if at == self.first {
            self.first_weight
        } else if at == self.last {
            self.last_weight
        } else {
            self.inner_weight
        }
    }

    /// The weighted sum of what `sample` gives at each place.
    pub(super) fn sum(&self, sample: impl Fn(usize) -> u8) -> u64 {
        let inner: u32 = (self.first + 1..self.last)
            .map(|x| u32::from(sample(x as usize)))
            .sum();
        let (first, last) = (sample(self.first as usize), sample(self.last as usize));
        self.first_weight * u64::from(first)
            + self.inner_weight * u64::from(inner)
            + self.last_weight * u64::from(last)
    }
}
