//! Real numbers as memories hold them: mostly such as a network computes, some at the ends of their format.

use crate::Random;
use crate::vector_footprint::element;

/// A format's bits of fraction and of exponent, and its bytes.
struct Format {
    fraction: u32,
    exponent: u32,
    bytes: u64,
}

fn format(kind: i64) -> Format {
    match kind {
        element::F16 => Format { fraction: 10, exponent: 5, bytes: 2 },
        element::BF16 => Format { fraction: 7, exponent: 8, bytes: 2 },
        _ => Format { fraction: 23, exponent: 8, bytes: 4 },
    }
}

/// The bits of an element of a type of floating point.
pub(crate) fn real(random: &mut Random, kind: i64) -> u32 {
    let Format { fraction, exponent, bytes } = format(kind);
    let bits = (random.next() >> 32) as u32 >> (32 - 8 * bytes as u32);
    let sign = (bits >> (8 * bytes - 1)) << (8 * bytes - 1);
    let low = bits & ((1 << fraction) - 1);
    let (most, bias) = ((1 << exponent) - 1, (1 << (exponent - 1)) - 1);
    let field = match random.range(0, 99) {
        // Around one.
        0..=69 => bias + random.range(0, 12) as u32 - 8,
        70..=84 => random.range(1, most - 1) as u32,
        // Zeros, and subnormals.
        85..=89 => return sign,
        90..=91 => 0,
        // Infinities, NaNs, numbers that nearly overflow.
        92..=93 => return sign | (most as u32) << fraction,
        94 => most as u32,
        95..=96 => most as u32 - 1,
        _ => return bits,
    };
    // Few bits, so that sums and products are ties now and then.
    let low = if random.chance(25) { low >> (fraction / 2 + 1) << (fraction / 2 + 1) } else { low };
    sign | field << fraction | low
}

/// The bits of an f32 by which an operand is scaled.
pub(crate) fn scale(random: &mut Random) -> u32 {
    match random.range(0, 9) {
        0..=5 => 0x3f80_0000 - (random.range(0, 12) << 23) as u32 + (random.next() >> 41) as u32,
        6..=7 => 0x3f80_0000 + (random.range(0, 8) << 23) as u32 - (4 << 23),
        _ => real(random, element::F32),
    }
}

/// Puts real numbers of one type or another into most stretches of 64 bytes; the others stay noise.
pub(crate) fn strew(random: &mut Random, memory: &mut [u8]) {
    for stretch in memory.chunks_mut(64) {
        let kind = random.pick(&[element::F32, element::F32, element::F16, element::BF16, element::I8]);
        if kind == element::I8 {
            continue;
        }
        let bytes = element::bytes(kind) as usize;
        for place in stretch.chunks_exact_mut(bytes) {
            place.copy_from_slice(&real(random, kind).to_le_bytes()[..bytes]);
        }
    }
}

/// A record of a float instruction: the bias of an integer or of a real number, and a scale.
pub(crate) fn record(random: &mut Random) -> [u8; 12] {
    let mut record = [0; 12];
    let bias = match random.range(0, 2) {
        0 => (random.next() as i32 >> random.range(8, 31)) as u32,
        _ => real(random, element::F32),
    };
    record[..4].copy_from_slice(&bias.to_le_bytes());
    record[4..8].copy_from_slice(&scale(random).to_le_bytes());
    // Nobody reads the rest.
    record[8..].copy_from_slice(&(random.next() as u32).to_le_bytes());
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_number_occurs() {
        let mut random = Random::new(0);
        let (mut normal, mut zero, mut subnormal, mut infinite, mut nan) = (0, 0, 0, 0, 0);
        for _ in 0..2000 {
            match f32::from_bits(real(&mut random, element::F32)).classify() {
                std::num::FpCategory::Normal => normal += 1,
                std::num::FpCategory::Zero => zero += 1,
                std::num::FpCategory::Subnormal => subnormal += 1,
                std::num::FpCategory::Infinite => infinite += 1,
                std::num::FpCategory::Nan => nan += 1,
            }
        }
        assert!(normal > 1500 && [zero, subnormal, infinite, nan].iter().all(|count| *count > 10));
        for kind in [element::F16, element::BF16] {
            assert!((0..500).all(|_| real(&mut random, kind) >> 16 == 0), "two bytes");
        }
    }
}
