//! Bits of a 256-bit instruction word, little endian.

/// One instruction as it lies in memory.
pub type Word = [u8; WORD_BYTES];

/// Bytes of an instruction word.
pub const WORD_BYTES: usize = 32;

/// `width` bits (at most 64) from bit `lsb` on.
pub(crate) fn bits(word: &Word, lsb: u32, width: u32) -> u64 {
    debug_assert!(width <= 64 && lsb + width <= 256);
    let first = (lsb / 8) as usize;
    let last = ((lsb + width).div_ceil(8) as usize).min(WORD_BYTES);
    let mut value: u128 = 0;
    for (i, byte) in word[first..last].iter().enumerate() {
        value |= u128::from(*byte) << (8 * i);
    }
    ((value >> (lsb % 8)) & mask(width)) as u64
}

/// Puts the low `width` bits of `value` at bit `lsb`, which must be clear.
pub(crate) fn set_bits(word: &mut Word, lsb: u32, width: u32, value: u64) {
    debug_assert!(width <= 64 && lsb + width <= 256);
    let first = (lsb / 8) as usize;
    let last = ((lsb + width).div_ceil(8) as usize).min(WORD_BYTES);
    let shifted = (u128::from(value) & mask(width)) << (lsb % 8);
    for (i, byte) in word[first..last].iter_mut().enumerate() {
        *byte |= (shifted >> (8 * i)) as u8;
    }
}

fn mask(width: u32) -> u128 {
    (1u128 << width) - 1
}

/// Whether all bits outside `used` (sorted or not; pairs of first bit and width) are zero.
pub(crate) fn zero_outside(word: &Word, used: impl Iterator<Item = (u32, u32)>) -> bool {
    let mut rest = *word;
    for (lsb, width) in used {
        for bit in lsb..lsb + width {
            rest[(bit / 8) as usize] &= !(1 << (bit % 8));
        }
    }
    rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_back_and_nothing_else_changes() {
        for lsb in 0..256 {
            for width in 1..=64u32.min(256 - lsb) {
                let mut word = [0; WORD_BYTES];
                set_bits(&mut word, lsb, width, u64::MAX);
                assert_eq!(bits(&word, lsb, width), u64::MAX >> (64 - width));
                assert!(zero_outside(&word, [(lsb, width)].into_iter()));
                assert_eq!(word.iter().map(|byte| byte.count_ones()).sum::<u32>(), width);
            }
        }
    }
}
