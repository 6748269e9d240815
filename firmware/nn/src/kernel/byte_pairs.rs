//! Orders weights for `vpmaddubsw` (AVX2), which multiplies bytes by weights and adds neighbouring products in 16 bits, where they could
//! saturate: the lines of half a block begin with the groups whose sums cannot.
//!
//! A group's sums are 16: two of each of eight outputs. As a byte is at most 255, a sum fits if the positive weights in it add up to
//! 128 at most, and the negative ones to -128 at least. Many groups are such, and many of these fit together with another one, so that
//! one widening to 32 bits serves both; any single product fits.

/// Outputs of half a block.
pub(crate) const OUTPUTS: usize = 8;
/// Bytes of a group: four neighbours of eight outputs.
pub(crate) const GROUP: usize = 4 * OUTPUTS;
/// What the positive or the negative weights of one sum may add up to, without their sign.
const LIMIT: i32 = 128;
/// Candidates that are tried as the other of two.
const TRIED: usize = 24;
/// Words before the places of the groups.
const COUNTS: usize = 2;

/// Bytes before the groups of half a block's line: two counts, and each group's place in the line, in words of 16 bits.
pub(crate) const fn head(groups: usize) -> usize {
    (2 * (COUNTS + groups)).next_multiple_of(GROUP)
}

/// Bytes of half a block's line.
pub(crate) const fn bytes(groups: usize) -> usize {
    head(groups) + groups * GROUP
}

/// Where weight `k` of the block's output `lane` lies in a line of two halves.
pub(super) fn place(groups: usize, lane: usize, k: usize) -> usize {
    let (half, lane) = (lane / OUTPUTS, lane % OUTPUTS);
    half * bytes(groups) + head(groups) + k / 4 * GROUP + lane * 4 + k % 4
}

/// How groups are multiplied; the counts are those of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupCounts {
    /// Times two groups whose sums fit together.
    pub(crate) twos: usize,
    /// Groups whose sums fit alone.
    pub(crate) ones: usize,
    /// Groups of which only single products are known to fit.
    pub(crate) splits: usize,
}

impl GroupCounts {
    /// Of a head; whatever it holds, the counts are of `groups` groups.
    #[inline(always)]
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(crate) fn read(head: [u16; COUNTS], groups: usize) -> Self {
        let twos = usize::from(head[0]).min(groups / 2);
        let ones = usize::from(head[1]).min(groups - 2 * twos);
        Self {
            twos,
            ones,
            splits: groups - 2 * twos - ones,
        }
    }
}

/// Orders half a block's line, whose groups lie in the order of its bytes behind an empty head.
pub(super) fn order(line: &mut [u8], groups: usize) {
    let Some((head, weights)) = line.split_at_mut_checked(head(groups)) else {
        return;
    };
    let (Some(words), Some(weights)) = (
        head.as_chunks_mut::<2>().0.get_mut(..COUNTS + groups),
        weights.as_chunks_mut::<GROUP>().0.get_mut(..groups),
    ) else {
        return;
    };
    let (counts, places) = words.split_at_mut(COUNTS);
    for (index, place) in places.iter_mut().enumerate() {
        *place = ((4 * index) as u16).to_le_bytes(); // at most 3 * MAX_CHANNELS
    }
    let mut swap = |weights: &mut [[u8; GROUP]], a: usize, b: usize| {
        weights.swap(a, b);
        places.swap(a, b);
    };
    // Before `front` stand the twos, from `end` on those that found no other.
    let (mut front, mut end) = (0, groups);
    while front < end {
        let fits = |index: &usize| fit(&[weights[front], weights[*index]]);
        match (front + 1..end.min(front + 1 + TRIED)).find(fits) {
            Some(other) => {
                swap(weights, front + 1, other);
                front += 2;
            }
            None => {
                end -= 1;
                swap(weights, front, end);
            }
        }
    }
    let twos = front / 2;
    let mut split = groups;
    while front < split {
        if fit(&[weights[front]]) {
            front += 1;
        } else {
            split -= 1;
            swap(weights, front, split);
        }
    }
    for (count, value) in counts.iter_mut().zip([twos, split - 2 * twos]) {
        *count = (value as u16).to_le_bytes();
    }
}

/// Whether each sum of these groups, added in 16 bits, fits whatever the bytes are.
fn fit<const N: usize>(groups: &[[u8; GROUP]; N]) -> bool {
    (0..GROUP / 2).all(|sum| {
        let weights = groups
            .iter()
            .flat_map(|group| &group[2 * sum..][..2])
            .map(|&w| i32::from(w.cast_signed()));
        let (positive, negative) = weights.fold((0, 0), |(p, n), w| (p + w.max(0), n - w.min(0)));
        positive <= LIMIT && negative <= LIMIT
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line whose group `g` holds `weights[g]` in its first sum, ordered.
    fn ordered(weights: &[[i8; 2]]) -> (GroupCounts, [usize; 8], [[i8; 2]; 8]) {
        let groups = weights.len();
        let mut line = [0; head(8) + 8 * GROUP];
        for (group, pair) in weights.iter().enumerate() {
            let first = head(groups) + group * GROUP;
            line[first..first + 2].copy_from_slice(&pair.map(i8::cast_unsigned));
        }
        order(&mut line, groups);
        let word = |index: usize| u16::from_le_bytes([line[2 * index], line[2 * index + 1]]);
        let pair = |g: usize| [0, 1].map(|k| line[head(groups) + g * GROUP + k].cast_signed());
        let of = |g: usize| {
            if g < groups {
                (usize::from(word(COUNTS + g)) / 4, pair(g))
            } else {
                (0, [0; 2])
            }
        };
        (
            GroupCounts::read([word(0), word(1)], groups),
            core::array::from_fn(|g| of(g).0),
            core::array::from_fn(|g| of(g).1),
        )
    }

    #[test]
    fn groups_stand_by_what_fits_and_keep_their_weights() {
        let weights = [
            [127, 127],
            [100, 28],
            [-64, -64],
            [64, -64],
            [-127, 127],
            [-64, -65],
        ];
        let (counts, places, pairs) = ordered(&weights);
        for (place, pair) in places.into_iter().zip(pairs).take(weights.len()) {
            assert_eq!(weights[place], pair);
        }
        assert_eq!(
            counts,
            GroupCounts {
                twos: 1,
                ones: 2,
                splits: 2
            }
        );
        // 128 and -128 are the most that fits: 100 + 28 beside -64 - 64.
        assert_eq!(places[0] + places[1], 3);
        assert!(places[..2].contains(&1));
        assert!(places[2..4].contains(&3) && places[2..4].contains(&4));
    }

    #[test]
    fn counts_are_of_the_groups_whatever_the_head_says() {
        let all = GroupCounts::read([u16::MAX, u16::MAX], 5);
        assert_eq!(
            all,
            GroupCounts {
                twos: 2,
                ones: 1,
                splits: 0
            }
        );
        assert_eq!(GroupCounts::read([0, 0], 5).splits, 5);
    }
}
