//! Copies of any rank as `load` and `store` instructions of at most three dimensions.

use ediacara_isa::Memory;
use smallvec::SmallVec;

use crate::program::step::Transfer;

/// Longest row of one instruction (24 bits).
const LENGTH_LIMIT: u64 = (1 << 24) - 1;
/// Largest count of one instruction (16 bits).
const COUNT_LIMIT: u64 = (1 << 16) - 1;
/// Largest stride (32 bits).
const STRIDE_LIMIT: u64 = (1 << 32) - 1;

/// One dimension of a [`Box`](BoxCopy).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Side {
    /// Repetitions.
    pub count: u64,
    /// DRAM bytes between them.
    pub dram: u64,
    /// On-chip bytes between them.
    pub chip: u64,
}

/// A copy between DRAM and a memory on chip: a row of `run` contiguous bytes, repeated along `sides`,
/// innermost first.
#[derive(Debug, Clone)]
pub(crate) struct BoxCopy {
    /// DRAM address.
    pub dram: u64,
    /// On-chip address.
    pub chip: u64,
    /// Contiguous bytes.
    pub run: u64,
    /// Dimensions, innermost first.
    pub sides: SmallVec<[Side; 6]>,
}

impl BoxCopy {
    /// The same copy with as few dimensions as possible.
    fn canonical(&self) -> BoxCopy {
        let mut result = BoxCopy { sides: SmallVec::new(), ..*self };
        for &side in self.sides.iter().filter(|side| side.count > 1) {
            if let Some(last) = result.sides.last_mut() {
                let joins = side.dram == last.count * last.dram && side.chip == last.count * last.chip;
                if joins {
                    last.count *= side.count;
                    continue;
                }
            } else if side.dram == result.run
                && side.chip == result.run
                && result.run * side.count <= LENGTH_LIMIT
            {
                result.run *= side.count;
                continue;
            }
            result.sides.push(side);
        }
        result
    }

    /// The instructions, in order, whose rows together are the copy.
    pub(crate) fn transfers(&self, memory: Memory) -> Vec<Transfer> {
        let mut found = Vec::new();
        if self.run > 0 && self.sides.iter().all(|side| side.count > 0) {
            split(&self.canonical(), memory, &mut found);
        }
        found
    }
}

fn split(copy: &BoxCopy, memory: Memory, found: &mut Vec<Transfer>) {
    if copy.run > LENGTH_LIMIT {
        let half = LENGTH_LIMIT / 64 * 64;
        split(&BoxCopy { run: half, ..copy.clone() }, memory, found);
        let rest = BoxCopy {
            run: copy.run - half,
            dram: copy.dram + half,
            chip: copy.chip + half,
            sides: copy.sides.clone(),
        };
        return split(&rest, memory, found);
    }
    let unfit = |side: &Side| side.dram > STRIDE_LIMIT || side.chip > STRIDE_LIMIT;
    // What an instruction cannot hold becomes a loop here: a stride that is too wide, a fourth dimension.
    let looped = copy.sides.iter().position(unfit).or((copy.sides.len() > 3).then(|| copy.sides.len() - 1));
    if let Some(index) = looped {
        let side = copy.sides[index];
        let mut inner = copy.clone();
        inner.sides.remove(index);
        for i in 0..side.count {
            inner.dram = copy.dram + i * side.dram;
            inner.chip = copy.chip + i * side.chip;
            split(&inner, memory, found);
        }
        return;
    }
    if let Some(index) = copy.sides.iter().position(|side| side.count > COUNT_LIMIT) {
        let side = copy.sides[index];
        let mut done = 0;
        while done < side.count {
            let mut part = copy.clone();
            part.sides[index].count = COUNT_LIMIT.min(side.count - done);
            part.dram += done * side.dram;
            part.chip += done * side.chip;
            done += part.sides[index].count;
            split(&part, memory, found);
        }
        return;
    }
    let mut transfer = Transfer::row(memory, copy.dram, copy.chip, copy.run);
    for (index, side) in copy.sides.iter().enumerate() {
        transfer.counts[index] = side.count;
        transfer.dram_strides[index] = side.dram;
        transfer.chip_strides[index] = side.chip;
    }
    found.push(transfer);
}

/// Dimensions (count, DRAM stride, chip stride), innermost first.
pub(crate) fn sides(list: &[(u64, u64, u64)]) -> SmallVec<[Side; 6]> {
    list.iter().map(|&(count, dram, chip)| Side { count, dram, chip }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallvec::smallvec;

    fn bytes(transfers: &[Transfer]) -> Vec<(u64, u64)> {
        let mut all = Vec::new();
        for t in transfers {
            for i in 0..t.counts[2] {
                for j in 0..t.counts[1] {
                    for k in 0..t.counts[0] {
                        let at = |s: [u64; 3]| k * s[0] + j * s[1] + i * s[2];
                        all.extend(
                            (0..t.length)
                                .map(|b| (t.dram + at(t.dram_strides) + b, t.chip + at(t.chip_strides) + b)),
                        );
                    }
                }
            }
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn rows_that_join_become_one() {
        let sides = smallvec![Side { count: 7, dram: 8, chip: 8 }, Side { count: 5, dram: 56, chip: 72 }];
        let copy = BoxCopy { dram: 100, chip: 3, run: 8, sides };
        let transfers = copy.transfers(Memory::Nram);
        assert_eq!(transfers.len(), 1);
        assert_eq!((transfers[0].length, transfers[0].counts), (56, [5, 1, 1]));
    }

    #[test]
    fn any_rank_copies_the_same_bytes() {
        let sides: SmallVec<[Side; 6]> = smallvec![
            Side { count: 2, dram: 9, chip: 3 },
            Side { count: 3, dram: 40, chip: 7 },
            Side { count: 2, dram: 500, chip: 31 },
            Side { count: 2, dram: 5_000_000_000, chip: 100 },
            Side { count: 3, dram: 3000, chip: 300 },
        ];
        let copy = BoxCopy { dram: 1, chip: 2, run: 3, sides: sides.clone() };
        let transfers = copy.transfers(Memory::Nram);
        assert_eq!(transfers.len(), 2 * 3);
        let mut want = Vec::new();
        for index in 0..72 {
            let (mut rest, mut dram, mut chip) = (index, 1, 2);
            for side in &sides {
                dram += rest % side.count * side.dram;
                chip += rest % side.count * side.chip;
                rest /= side.count;
            }
            want.extend((0..3).map(|b| (dram + b, chip + b)));
        }
        want.sort_unstable();
        assert_eq!(bytes(&transfers), want);
    }

    #[test]
    fn wide_counts_are_split() {
        let copy =
            BoxCopy { dram: 0, chip: 0, run: 1, sides: smallvec![Side { count: 70_000, dram: 2, chip: 1 }] };
        assert_eq!(bytes(&copy.transfers(Memory::Nram)).len(), 70_000);
    }
}
