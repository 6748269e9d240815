//! Orders weights for `vpmaddubsw` (AVX2), which multiplies bytes by weights and adds neighbouring products in 16 bits, where they
//! could saturate.
//!
//! A group is four neighbouring bytes of a line and their weights of eight outputs, half a block: 16 sums of two products. As a
//! byte is at most 255, a sum fits if its positive weights add up to 128 at most, and its negative ones to -128 at least. Groups that
//! fit come first, two by two where both fit together, so that one widening to 32 bits serves both. Of those that do not, all bytes
//! of a window of 16 are paired anew, so that most of the pairs fit (`shuffled`); any single product fits, so what is left is
//! multiplied in 16 bits (`split`).

/// Outputs of half a block.
pub(crate) const OUTPUTS: usize = 8;
/// Bytes of a group's weights: four neighbours of eight outputs.
pub(crate) const GROUP: usize = 4 * OUTPUTS;
/// Bytes of a line among which the places of a group may be chosen.
pub(crate) const WINDOW: usize = 16;
/// What the positive or the negative weights of one sum may add up to, without their sign.
const LIMIT: i32 = 128;
/// Candidates that are tried as the other of two.
const TRIED: usize = 24;
/// Bytes of the counts at the beginning of a head.
pub(crate) const COUNTS: usize = 8;
/// Bytes of a group in the head: its place in the line, of 16 bits, and which bytes of the window there it takes.
pub(crate) const ENTRY: usize = 6;

/// Bytes before the groups of half a block's line: how many there are of each kind, and an entry for each.
pub(crate) const fn head(groups: usize) -> usize {
    (COUNTS + ENTRY * groups).next_multiple_of(GROUP)
}

/// Bytes of half a block's line.
pub(crate) const fn bytes(groups: usize) -> usize {
    head(groups) + groups * GROUP
}

/// Where weight `k` of the block's output `lane` lies in a line of two halves that are not yet ordered.
pub(super) fn place(groups: usize, lane: usize, k: usize) -> usize {
    let (half, lane) = (lane / OUTPUTS, lane % OUTPUTS);
    half * bytes(groups) + head(groups) + k / 4 * GROUP + lane * 4 + k % 4
}

/// How groups are multiplied, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupCounts {
    /// Times two groups whose sums fit together.
    pub(crate) twos: usize,
    /// Groups whose sums fit.
    pub(crate) ones: usize,
    /// Groups of chosen bytes of a window, whose sums fit.
    pub(crate) shuffled: usize,
    /// Groups of chosen bytes of a window, of which only single products fit.
    pub(crate) split: usize,
}

impl GroupCounts {
    /// Of a head's first words; whatever they are, the counts are of `groups` groups.
    #[inline(always)]
    pub(crate) fn read(words: [u16; 3], groups: usize) -> Self {
        let [twos, ones, shuffled] = words.map(usize::from);
        let twos = twos.min(groups / 2);
        let ones = ones.min(groups - 2 * twos);
        let shuffled = shuffled.min(groups - 2 * twos - ones);
        Self {
            twos,
            ones,
            shuffled,
            split: groups - 2 * twos - ones - shuffled,
        }
    }
}

/// Half a block's line while it is ordered.
struct Line<'a> {
    entries: &'a mut [[u8; ENTRY]],
    weights: &'a mut [[u8; GROUP]],
}

/// Orders half a block's line, whose groups lie in the order of its bytes behind an empty head.
pub(super) fn order(line: &mut [u8], groups: usize) {
    let (head, weights) = line.split_at_mut(head(groups));
    let (counts, entries) = head.split_at_mut(COUNTS);
    let mut line = Line {
        entries: &mut entries.as_chunks_mut().0[..groups],
        weights: &mut weights.as_chunks_mut().0[..groups],
    };
    for group in 0..groups {
        line.entries[group] = entry(4 * group, IN_ORDER);
    }
    for first in (0..groups).step_by(WINDOW / 4) {
        line.pair_anew(first, groups.min(first + WINDOW / 4));
    }
    let fits = |line: &Line<'_>, group: usize| fit(&[line.weights[group]]);
    let is_in_order = |line: &Line<'_>, group: usize| line.entries[group][2..] == IN_ORDER;
    let split = line.partition(groups, fits);
    let in_order = line.partition(split, is_in_order);
    let twos = line.bring_twos_together(in_order);
    let values = [twos, in_order - 2 * twos, split - in_order];
    for (count, value) in counts.as_chunks_mut().0.iter_mut().zip(values) {
        *count = (value as u16).to_le_bytes(); // a line has less than 2^16 bytes
    }
}

/// The bytes of a group that nobody paired anew.
const IN_ORDER: [u8; 4] = [0, 1, 2, 3];

fn entry(place: usize, bytes: [u8; 4]) -> [u8; ENTRY] {
    let [a, b] = (place as u16).to_le_bytes(); // at most 3 * MAX_CHANNELS
    let [c, d, e, f] = bytes;
    [a, b, c, d, e, f]
}

impl Line<'_> {
    fn swap(&mut self, a: usize, b: usize) {
        self.entries.swap(a, b);
        self.weights.swap(a, b);
    }

    /// Brings those of the first `groups` groups that are `wanted` before the others; returns how many they are.
    fn partition(&mut self, groups: usize, wanted: impl Fn(&Self, usize) -> bool) -> usize {
        let mut count = 0;
        for group in 0..groups {
            if wanted(self, group) {
                self.swap(count, group);
                count += 1;
            }
        }
        count
    }

    /// Brings groups that fit together next to each other, before the other ones before `end`; returns how many times two.
    fn bring_twos_together(&mut self, mut end: usize) -> usize {
        let mut front = 0;
        while front < end {
            let fits = |other: &usize| fit(&[self.weights[front], self.weights[*other]]);
            match (front + 1..end.min(front + 1 + TRIED)).find(fits) {
                Some(other) => {
                    self.swap(front + 1, other);
                    front += 2;
                }
                None => {
                    end -= 1;
                    self.swap(front, end);
                }
            }
        }
        front / 2
    }

    /// Pairs the bytes of a window's groups that do not fit among themselves, or if that leaves some, all bytes of the window.
    fn pair_anew(&mut self, first: usize, end: usize) {
        let unfit = (first..end).filter(|&group| !fit(&[self.weights[group]]));
        let unfit = unfit.fold(0, |set, group| set | 0xf << (4 * (group - first)));
        if unfit == 0 {
            return;
        }
        let fits = self.pairs_that_fit(first, end);
        let all = u16::MAX >> (WINDOW - 4 * (end - first));
        let [some, all] = [unfit, all].map(|set| matching(&fits, set));
        let Matching { set, pairs, .. } = if all.left < some.left { all } else { some };
        self.write(first, end, set, pairs.as_flattened());
    }

    /// For each byte of a window, a bit for each other one with which it fits.
    fn pairs_that_fit(&self, first: usize, end: usize) -> [u16; WINDOW] {
        let weight = |byte: usize, output: usize| {
            i32::from(self.weights[first + byte / 4][4 * output + byte % 4].cast_signed())
        };
        let mut fits = [0; WINDOW];
        for a in 0..4 * (end - first) {
            for b in 0..a {
                let sums = |output| weight(a, output) + weight(b, output);
                if (0..OUTPUTS).all(|output| sums(output).abs() <= LIMIT) {
                    fits[a] |= 1 << b;
                    fits[b] |= 1 << a;
                }
            }
        }
        fits
    }

    /// Makes the window's groups whose bytes are in `set` anew from `bytes`.
    fn write(&mut self, first: usize, end: usize, set: u16, bytes: &[u8]) {
        let mut window = [[0; GROUP]; WINDOW / 4];
        window[..end - first].copy_from_slice(&self.weights[first..end]);
        let groups = (first..end).filter(|group| set >> (4 * (group - first)) & 1 != 0);
        for (group, bytes) in groups.zip(bytes.as_chunks::<4>().0) {
            self.entries[group] = entry(4 * first, *bytes);
            for (at, weight) in self.weights[group].iter_mut().enumerate() {
                let from = usize::from(bytes[at % 4]);
                *weight = window[from / 4][at / 4 * 4 + from % 4];
            }
        }
    }
}

/// The bytes of a window, or some of them, two by two.
struct Matching {
    /// A bit for each of the bytes.
    set: u16,
    /// Those that fit come first.
    pairs: [[u8; 2]; WINDOW / 2],
    /// Pairs in groups that do not fit as a whole; a group has two.
    left: usize,
}

/// Pairs the bytes of `set`, so that most of the pairs fit.
fn matching(fits: &[u16; WINDOW], set: u16) -> Matching {
    let mut pairs = [[0; 2]; WINDOW / 2];
    let (mut left, mut lone, mut count) = (set, 0_u16, 0);
    // Who has the fewest choices chooses first, and takes who has the fewest others.
    let fewest = |among: u16, left: u16| {
        let members = (0..WINDOW).filter(|byte| among >> byte & 1 != 0);
        members.min_by_key(|&byte| (fits[byte] & left).count_ones())
    };
    while let Some(a) = fewest(left, left) {
        left &= !(1 << a);
        match fewest(fits[a] & left, left) {
            Some(b) => {
                left &= !(1 << b);
                pairs[count] = [a as u8, b as u8];
                count += 1;
            }
            None => lone |= 1 << a,
        }
    }
    let total = set.count_ones() as usize / 2;
    let mut members = (0..WINDOW as u8).filter(|byte| lone >> byte & 1 != 0);
    for pair in &mut pairs[count..total] {
        *pair = [members.next().unwrap_or(0), members.next().unwrap_or(0)];
    }
    Matching {
        set,
        pairs,
        left: total - count / 2 * 2,
    }
}

/// Whether each sum of these groups, added in 16 bits, fits whatever the bytes are.
fn fit<const N: usize>(groups: &[[u8; GROUP]; N]) -> bool {
    (0..GROUP / 2).all(|sum| {
        let weights = groups.iter().flat_map(|group| &group[2 * sum..][..2]);
        let (positive, negative) = weights.fold((0, 0), |(positive, negative), &w| {
            let w = i32::from(w.cast_signed());
            (positive + w.max(0), negative - w.min(0))
        });
        positive <= LIMIT && negative <= LIMIT
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    /// The sums of one pixel as the kernel makes them, with arithmetic that panics where 16 bits do not hold a sum.
    fn sums(line: &[u8], x: &[u8], groups: usize) -> [i32; OUTPUTS] {
        let word = |at: usize| u16::from_le_bytes([line[at], line[at + 1]]);
        let counts = GroupCounts::read([word(0), word(2), word(4)], groups);
        let product = |group: usize, k: usize, output: usize| {
            let entry = &line[COUNTS + ENTRY * group..][..ENTRY];
            let place = usize::from(u16::from_le_bytes([entry[0], entry[1]]));
            let weight = line[head(groups) + group * GROUP + 4 * output + k].cast_signed();
            i32::from(x[place + usize::from(entry[2 + k])]) * i32::from(weight)
        };
        let pair = |group: usize, k: usize, output: usize| {
            let sum = product(group, k, output) + product(group, k + 1, output);
            i16::try_from(sum).unwrap()
        };
        core::array::from_fn(|output| {
            let wide = |sum: i16| i32::from(sum);
            let mut sum = 0;
            for two in 0..counts.twos {
                for k in [0, 2] {
                    let [a, b] = [2 * two, 2 * two + 1].map(|group| pair(group, k, output));
                    sum += wide(a.checked_add(b).unwrap());
                }
            }
            let fitting = 2 * counts.twos..groups - counts.split;
            sum += fitting
                .map(|g| wide(pair(g, 0, output)) + wide(pair(g, 2, output)))
                .sum::<i32>();
            let split = groups - counts.split..groups;
            sum + split
                .flat_map(|g| (0..4).map(move |k| product(g, k, output)))
                .sum::<i32>()
        })
    }

    /// A line of `weights[k][output]`, not yet ordered.
    fn line(weights: &[[i8; OUTPUTS]]) -> Vec<u8> {
        let groups = weights.len().div_ceil(4);
        let mut line = vec![0; bytes(groups)];
        for (k, weights) in weights.iter().enumerate() {
            for (output, weight) in weights.iter().enumerate() {
                line[place(groups, output, k)] = weight.cast_unsigned();
            }
        }
        line
    }

    /// Small weights, and large ones here and there.
    fn weights() -> impl Strategy<Value = Vec<[i8; OUTPUTS]>> {
        let weight =
            prop_oneof![6 => -40..40i8, 1 => -127..=127i8, 1 => Just(127), 1 => Just(-127)];
        proptest::collection::vec(proptest::array::uniform8(weight), 1..120)
    }

    proptest! {
        #[test]
        fn ordered_lines_have_the_same_sums(weights in weights(), bytes: u64, most: bool) {
            let groups = weights.len().div_ceil(4);
            let mut random = bytes;
            let x: Vec<u8> = (0..groups * 4 + WINDOW).map(|_| {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                if most { 255 } else { (random >> 56) as u8 }
            }).collect();
            let truth: [i32; OUTPUTS] = core::array::from_fn(|output| {
                weights.iter().zip(&x).map(|(w, &x)| i32::from(w[output]) * i32::from(x)).sum()
            });
            let mut line = line(&weights);
            order(&mut line, groups);
            prop_assert_eq!(sums(&line, &x, groups), truth);
        }
    }

    fn counts(pairs: &[[i8; 2]]) -> GroupCounts {
        let weights: Vec<_> = pairs.as_flattened().iter().map(|&w| [w; OUTPUTS]).collect();
        let groups = weights.len().div_ceil(4);
        let mut line = line(&weights);
        order(&mut line, groups);
        let word = |at: usize| u16::from_le_bytes([line[at], line[at + 1]]);
        GroupCounts::read([word(0), word(2), word(4)], groups)
    }

    #[test]
    fn groups_are_of_the_cheapest_kind_that_fits() {
        let kinds = |pairs: &[[i8; 2]]| {
            let counts = counts(pairs);
            [counts.twos, counts.ones, counts.shuffled, counts.split]
        };
        // 128 and -128 are the most that fits.
        assert_eq!(
            kinds(&[[100, 28], [0, 0], [-64, -64], [0, 0]]),
            [1, 0, 0, 0]
        );
        assert_eq!(kinds(&[[100, 28], [0, 0], [1, 0], [0, 0]]), [0, 2, 0, 0]);
        // Paired 100 with -100 instead of 100.
        assert_eq!(kinds(&[[100, 100], [-100, -100]]), [0, 0, 1, 0]);
        assert_eq!(kinds(&[[100, 100], [100, 100]]), [0, 0, 0, 1]);
        // Four small ones help out four large ones.
        assert_eq!(
            kinds(&[[100, 100], [100, 100], [9, 9], [9, 9]]),
            [0, 0, 2, 0]
        );
    }

    #[test]
    fn counts_are_of_the_groups_whatever_the_head_says() {
        let all = GroupCounts::read([u16::MAX; 3], 5);
        let expected = GroupCounts {
            twos: 2,
            ones: 1,
            shuffled: 0,
            split: 0,
        };
        assert_eq!(all, expected);
        assert_eq!(GroupCounts::read([0; 3], 5).split, 5);
    }
}
