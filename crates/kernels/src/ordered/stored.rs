//! Elements as memories hold them, and what they stand for (N-FLOAT-READ, N-FLOAT-WRITE).
//!
//! Memories are bytes, and elements lie in them little endian at any alignment. A function takes as many
//! elements as the shorter of its slices holds.

use half::{
    bf16, f16,
    slice::{HalfBitsSliceExt, HalfFloatSliceExt},
};

use super::value::{add, canonical, multiply};

/// Elements that go through a buffer at a time.
const CHUNK: usize = 64;

/// `(q - zero) * scale`
pub fn read_i8(stored: &[i8], zero: i32, scale: f32, out: &mut [f32]) {
    let scale = canonical(scale);
    for (out, &stored) in out.iter_mut().zip(stored) {
        *out = multiply((i32::from(stored) - zero) as f32, scale);
    }
}

/// Of f32s, their values.
pub fn read_f32(stored: &[i8], out: &mut [f32]) {
    for (out, bytes) in out.iter_mut().zip(stored.chunks_exact(4)) {
        let bytes = [bytes[0] as u8, bytes[1] as u8, bytes[2] as u8, bytes[3] as u8];
        *out = canonical(f32::from_le_bytes(bytes));
    }
}

/// Of bf16s, their values.
pub fn read_bf16(stored: &[i8], out: &mut [f32]) {
    for (out, bytes) in out.iter_mut().zip(stored.chunks_exact(2)) {
        *out = canonical(f32::from_bits(u32::from(half_bits(bytes)) << 16));
    }
}

/// Of f16s, their values; subnormals have theirs.
pub fn read_f16(stored: &[i8], out: &mut [f32]) {
    let mut bits = [0; CHUNK];
    for (out, stored) in out.chunks_mut(CHUNK).zip(stored.chunks(2 * CHUNK)) {
        let bits = &mut bits[..out.len().min(stored.len() / 2)];
        bits.iter_mut().zip(stored.chunks_exact(2)).for_each(|(bits, bytes)| *bits = half_bits(bytes));
        let out = &mut out[..bits.len()];
        bits.reinterpret_cast::<f16>().convert_to_f32_slice(out);
        out.iter_mut().for_each(|out| *out = canonical(*out));
    }
}

#[inline(always)]
fn half_bits(bytes: &[i8]) -> u16 {
    u16::from_le_bytes([bytes[0] as u8, bytes[1] as u8])
}

/// Of integer accumulators, `wrap32(acc + bias) * scale`, with the bias and the scale of each element.
pub fn read_accumulators(stored: &[i32], records: impl Iterator<Item = (i32, f32)>, out: &mut [f32]) {
    for ((out, &stored), (bias, scale)) in out.iter_mut().zip(stored).zip(records) {
        *out = multiply(stored.wrapping_add(bias) as f32, canonical(scale));
    }
}

/// Of accumulators that are bits of f32s, `acc * scale + bias`, or `acc * scale` where there is no bias.
pub fn read_float_accumulators(
    stored: &[i32],
    records: impl Iterator<Item = (Option<f32>, f32)>,
    out: &mut [f32],
) {
    for ((out, &stored), (bias, scale)) in out.iter_mut().zip(stored).zip(records) {
        let scaled = multiply(canonical(f32::from_bits(stored as u32)), canonical(scale));
        *out = bias.map_or(scaled, |bias| add(scaled, canonical(bias)));
    }
}

/// Writes f32s.
pub fn write_f32(values: &[f32], stored: &mut [i8]) {
    for (bytes, &value) in stored.chunks_exact_mut(4).zip(values) {
        let [a, b, c, d] = canonical(value).to_le_bytes();
        bytes.copy_from_slice(&[a as i8, b as i8, c as i8, d as i8]);
    }
}

/// A number as bf16, rounded to nearest even.
#[inline(always)]
pub fn to_bf16(value: f32) -> bf16 {
    let bits = canonical(value).to_bits();
    // The upper half of the NaN is already that of bf16, and rounding would not change it.
    bf16::from_bits(((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16)
}

/// A number as f16, rounded to nearest even; subnormals stay, and a NaN is 0x7e00.
pub fn to_f16(value: f32) -> f16 {
    if value.is_nan() { f16::from_bits(0x7e00) } else { f16::from_f32(value) }
}

/// Writes bf16s, rounded to nearest even.
pub fn write_bf16(values: &[f32], stored: &mut [i8]) {
    for (bytes, &value) in stored.chunks_exact_mut(2).zip(values) {
        put_half(bytes, to_bf16(value).to_bits());
    }
}

/// Writes f16s, rounded to nearest even; subnormals stay, and a NaN is 0x7e00.
pub fn write_f16(values: &[f32], stored: &mut [i8]) {
    let mut halves = [f16::ZERO; CHUNK];
    for (stored, values) in stored.chunks_mut(2 * CHUNK).zip(values.chunks(CHUNK)) {
        let halves = &mut halves[..values.len()];
        halves.convert_from_f32_slice(values);
        for ((bytes, half), value) in stored.chunks_exact_mut(2).zip(&*halves).zip(values) {
            put_half(bytes, if value.is_nan() { 0x7e00 } else { half.to_bits() });
        }
    }
}

#[inline(always)]
fn put_half(bytes: &mut [i8], bits: u16) {
    let [low, high] = bits.to_le_bytes();
    bytes.copy_from_slice(&[low as i8, high as i8]);
}

/// How results become signed bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiser {
    /// What a result is multiplied by.
    pub inverse_scale: f32,
    /// The integer that stands for zero, -128 to 127.
    pub zero: i32,
    /// The least that is written.
    pub low: i8,
    /// The most that is written, not below `low`.
    pub high: i8,
}

/// Writes `clamp(rne(v * inverse_scale) + zero, low, high)`; a NaN counts as 0 before `zero` is added.
pub fn write_i8(values: &[f32], quantiser: &Quantiser, stored: &mut [i8]) {
    let Quantiser { inverse_scale, zero, low, high } = *quantiser;
    let inverse_scale = canonical(inverse_scale);
    for (stored, &value) in stored.iter_mut().zip(values) {
        let scaled = multiply(value, inverse_scale);
        let number = if scaled.is_nan() { 0.0 } else { scaled };
        // 2^20 is far beyond every clamp. Then the sum with 1.5 * 2^23 rounds to an integer, ties to even.
        let bounded = number.clamp(-1_048_576.0, 1_048_576.0);
        let rounded = (bounded + ROUNDER) - ROUNDER;
        *stored = (rounded as i32 + zero).max(low.into()).min(high.into()) as i8;
    }
}

/// An f32 whose last place is one.
const ROUNDER: f32 = 12_582_912.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[u16]) -> Vec<i8> {
        words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| byte as i8).collect()
    }

    #[test]
    fn halves_are_read_with_their_subnormals_and_bfloats_without() {
        let stored = bytes(&[0x3c00, 0x0001, 0x8000, 0x7c00, 0xfe01]);
        let mut out = [0.0; 5];
        read_f16(&stored, &mut out);
        assert_eq!(out[..2], [1.0, 2f32.powi(-24)]);
        assert_eq!(out.map(f32::to_bits)[2..], [0x8000_0000, 0x7f80_0000, 0x7fc0_0000]);
        read_bf16(&bytes(&[0x3f80, 0x0001, 0x8001, 0xff80, 0x7f81]), &mut out);
        assert_eq!(out.map(f32::to_bits), [0x3f80_0000, 0, 0x8000_0000, 0xff80_0000, 0x7fc0_0000]);
    }

    #[test]
    fn halves_are_written_to_nearest_even() {
        // 65,519.996 is the last below the tie with infinity; 2^-25 ties with zero.
        let values = [65_519.996, 65_520.0, 2f32.powi(-25), 1.5 * 2f32.powi(-25), f32::NAN, -0.0];
        let mut stored = [0i8; 12];
        write_f16(&values, &mut stored);
        assert_eq!(stored.to_vec(), bytes(&[0x7bff, 0x7c00, 0x0000, 0x0001, 0x7e00, 0x8000]));
        // 1 + 2^-8 ties with 1; 1 + 3 * 2^-8 ties with 1 + 2^-6.
        let values = [1.0 + 2f32.powi(-8), 1.0 + 3.0 * 2f32.powi(-8), f32::MAX, -f32::NAN, f32::MIN_POSITIVE];
        let mut stored = [0i8; 10];
        write_bf16(&values, &mut stored);
        assert_eq!(stored.to_vec(), bytes(&[0x3f80, 0x3f82, 0x7f80, 0x7fc0, 0x0080]));
    }

    #[test]
    fn bytes_are_scaled_about_their_zero_point() {
        let mut out = [0.0; 3];
        read_i8(&[-128, 0, 127], -128, 0.5, &mut out);
        assert_eq!(out, [0.0, 64.0, 127.5]);
        let quantiser = Quantiser { inverse_scale: 2.0, zero: 3, low: -100, high: 100 };
        let values = [0.25, 0.75, -0.25, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -0.0];
        let mut stored = [0; 8];
        write_i8(&values, &quantiser, &mut stored);
        assert_eq!(stored, [3, 5, 3, 3, 100, -100, 100, 3]);
    }

    #[test]
    fn accumulators_take_a_bias_before_or_after_their_scale() {
        let mut out = [0.0; 2];
        read_accumulators(&[i32::MAX, 16_777_217], [(1, 1.0), (0, 0.5)].into_iter(), &mut out);
        assert_eq!(out, [-2_147_483_648.0, 8_388_608.0]);
        let stored = [2.0f32, -0.0].map(|value| value.to_bits() as i32);
        read_float_accumulators(&stored, [(Some(1.0), 3.0), (None, 1.0)].into_iter(), &mut out);
        assert_eq!(out.map(f32::to_bits), [7.0f32.to_bits(), 0x8000_0000]);
    }
}
