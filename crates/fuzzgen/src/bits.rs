//! Sets of small numbers: which elements of a memory an instruction touches.

/// A set that grows with what is put into it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// Adds `start..end`, which must not be empty, and returns whether some of it was there already.
    pub(crate) fn add(&mut self, start: u64, end: u64) -> bool {
        let (first, last) = (start / 64, (end - 1) / 64);
        if self.words.len() <= last as usize {
            self.words.resize(last as usize + 1, 0);
        }
        let mut met = false;
        for word in first..=last {
            let low = if word == first { start % 64 } else { 0 };
            let high = if word == last { (end - 1) % 64 } else { 63 };
            let mask = (u64::MAX >> (63 - high)) & (u64::MAX << low);
            met |= self.words[word as usize] & mask != 0;
            self.words[word as usize] |= mask;
        }
        met
    }

    /// Whether the two have an element in common.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(a, b)| a & b != 0)
    }

    /// Whether `element` is in the set.
    pub(crate) fn has(&self, element: u64) -> bool {
        self.words.get(element as usize / 64).is_some_and(|word| word >> (element % 64) & 1 == 1)
    }

    /// Elements in the set.
    pub(crate) fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_across_words() {
        let mut bits = Bits::default();
        assert!(!bits.add(60, 70), "nothing was there");
        assert!(bits.add(69, 200), "69 was");
        assert!(!bits.add(0, 60));
        assert_eq!(bits.len(), 200);
        assert!(bits.has(199) && !bits.has(200) && !bits.has(1000));
        let mut other = Bits::default();
        other.add(200, 201);
        assert!(!bits.meets(&other));
        bits.add(128, 201);
        assert!(bits.meets(&other));
    }
}
