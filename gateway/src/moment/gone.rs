//! Who left the line ahead of somebody: the difference between a number and a position.

use std::ops::RangeInclusive;

/// Numbers beyond the watermark that nobody stands at any more, as sorted ranges that do not touch.
///
/// Kept whole, so positions are exact; a leaver costs 24 bytes until the watermark has passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gone {
    /// First, last, and how many are gone up to and including this range.
    ranges: Vec<(u64, u64, u64)>,
}

impl Gone {
    /// These and more, without those the watermark has passed.
    #[must_use]
    pub fn with(&self, more: &[RangeInclusive<u64>], serving: u64) -> Self {
        let mut all: Vec<(u64, u64)> = self
            .ranges
            .iter()
            .map(|(first, last, _)| (*first, *last))
            .chain(more.iter().map(|range| (*range.start(), *range.end())))
            .filter(|(first, last)| *last > serving && first <= last)
            .map(|(first, last)| (first.max(serving + 1), last))
            .collect();
        all.sort_unstable();
        let mut ranges: Vec<(u64, u64, u64)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match ranges.last_mut() {
                Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
                _ => ranges.push((first, last, 0)),
            }
        }
        let mut sum = 0;
        for range in &mut ranges {
            sum += range.1 - range.0 + 1;
            range.2 = sum;
        }
        Self { ranges }
    }

    /// How many are gone in `(after, before)`, both ends left out.
    pub fn between(&self, after: u64, before: u64) -> u64 {
        self.up_to(before.saturating_sub(1))
            .saturating_sub(self.up_to(after))
    }

    fn up_to(&self, number: u64) -> u64 {
        let at = self.ranges.partition_point(|(first, ..)| *first <= number);
        let Some((first, last, sum)) = at.checked_sub(1).and_then(|at| self.ranges.get(at)) else {
            return 0;
        };
        sum - (last - first + 1) + (number.min(*last) - first + 1)
    }

    /// Whether this number is gone.
    pub fn contains(&self, number: u64) -> bool {
        let at = self.ranges.partition_point(|(first, ..)| *first <= number);
        at > 0 && self.ranges[at - 1].1 >= number
    }

    /// At most `most` buckets for the public document: up to which number, how many gone since the
    /// last bucket. Few leavers stand there one by one, many are gathered into buckets of about the
    /// same size, and a position computed from them is off by less than one bucket.
    pub fn buckets(&self, most: usize) -> Vec<(u64, u64)> {
        let total = self.ranges.last().map_or(0, |(.., sum)| *sum);
        let size = total.div_ceil(most as u64).max(1);
        let mut buckets: Vec<(u64, u64)> = Vec::with_capacity(most.min(self.ranges.len()));
        let (mut told, mut at) = (0, 0);
        for (_, last, sum) in &self.ranges {
            at = *last;
            if sum - told >= size {
                buckets.push((at, sum - told));
                told = *sum;
            }
        }
        if total > told {
            buckets.push((at, total - told));
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        let gone = Gone::default().with(&[5..=5, 7..=9, 6..=6, 20..=20], 0);
        assert_eq!(gone.ranges, [(5, 9, 5), (20, 20, 6)]);
        assert_eq!(gone.with(&[], 7).ranges, [(8, 9, 2), (20, 20, 3)]);
    }

    proptest! {
        #[test]
        fn counting_by_ranges_is_counting_one_by_one(
            numbers in prop::collection::vec(1u64..300, 0..120),
            serving in 0u64..50, ask in 1u64..320,
        ) {
            let mut gone = Gone::default();
            for part in numbers.chunks(7) {
                let part: Vec<_> = part.iter().map(|n| *n..=*n).collect();
                gone = gone.with(&part, 0);
            }
            let gone = gone.with(&[], serving);
            let mut plain: Vec<u64> = numbers.into_iter().filter(|n| *n > serving).collect();
            plain.sort_unstable();
            plain.dedup();
            let expected = plain.iter().filter(|n| **n > serving && **n < ask).count() as u64;
            prop_assert_eq!(gone.between(serving, ask), expected);
            prop_assert_eq!(gone.contains(ask), plain.contains(&ask));
            let buckets = gone.buckets(64);
            prop_assert!(buckets.len() <= 64);
            prop_assert_eq!(buckets.iter().map(|(_, n)| n).sum::<u64>(), plain.len() as u64);
            prop_assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
