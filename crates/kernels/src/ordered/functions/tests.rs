//! The function unit against closed forms, f64, and the numbers of a second implementation.

use super::*;
use crate::vectorise::tests::by_each;

type Unary = fn(f32) -> f32;
type InPlace = fn(&mut [f32]);

/// Inputs of a stride through all bit patterns; the stride is odd, so that every low bit occurs.
fn stride() -> impl Iterator<Item = f32> {
    (0..=u32::MAX).step_by(20_011).map(f32::from_bits)
}

#[track_caller]
fn check_bits(function: Unary, x: f32, expected: f32) {
    let found = function(x);
    assert_eq!(found.to_bits(), expected.to_bits(), "of {x:e}: {found:e}, expected {expected:e}");
}

/// Where the true result is a normal f32, the error is at most `limit` units of its last place.
#[track_caller]
fn check_error(function: Unary, exact: fn(f64) -> f64, limit: f64) {
    let mut checked = 0;
    for x in stride().filter(|x| !x.is_subnormal()) {
        let expected = exact(f64::from(x));
        if (f64::from(f32::MIN_POSITIVE)..2f64.powi(128)).contains(&expected.abs()) {
            let unit = f64::from_bits(((expected.to_bits() >> 52 & 0x7ff) - 23) << 52);
            let error = (f64::from(function(x)) - expected).abs() / unit;
            assert!(error <= limit, "of {x:e}: {error} ulp");
            checked += 1;
        }
    }
    assert!(checked > 10_000, "only {checked} inputs have a normal result");
}

/// The limits are those of docs/numerics.md.
#[test]
fn errors_keep_their_limits() {
    check_error(exp2, f64::exp2, 0.65);
    check_error(log2, f64::log2, 0.70);
    check_error(reciprocal, f64::recip, 0.62);
    check_error(reciprocal_root, |x| x.sqrt().recip(), 0.67);
    check_error(root, f64::sqrt, 0.67);
}

#[test]
fn powers_of_two_are_exact() {
    for exponent in -126..=127 {
        let power = f32::from_bits(((exponent + 127) as u32) << 23);
        check_bits(exp2, exponent as f32, power);
        check_bits(log2, power, exponent as f32);
        let inverse = if exponent == 127 { 0.0 } else { 2f32.powi(-exponent) };
        check_bits(reciprocal, power, inverse);
        check_bits(reciprocal, -power, -inverse);
        if exponent % 2 == 0 {
            check_bits(root, power, 2f32.powi(exponent / 2));
            check_bits(reciprocal_root, power, 2f32.powi(-exponent / 2));
        }
    }
}

#[test]
fn special_cases() {
    let infinity = f32::INFINITY;
    let least = f32::MIN_POSITIVE;
    let cases: [(Unary, &[(f32, f32)]); 5] = [
        (
            exp2,
            &[(infinity, infinity), (-infinity, 0.0), (0.0, 1.0), (-0.0, 1.0), (least, 1.0), (-least, 1.0)],
        ),
        (log2, &[(infinity, infinity), (-infinity, NAN), (0.0, -infinity), (-0.0, -infinity), (-1.0, NAN)]),
        (reciprocal, &[(infinity, 0.0), (-infinity, -0.0), (0.0, infinity), (-0.0, -infinity)]),
        (
            reciprocal_root,
            &[(infinity, 0.0), (-infinity, NAN), (0.0, infinity), (-0.0, -infinity), (-2.0, NAN)],
        ),
        (root, &[(infinity, infinity), (-infinity, NAN), (0.0, 0.0), (-0.0, -0.0), (-2.0, NAN)]),
    ];
    for (function, pairs) in cases {
        for &(x, expected) in pairs {
            check_bits(function, x, expected);
        }
        for bits in [0x7f80_0001, 0x7fc0_0000, 0x7fff_ffff, 0xff80_0001, 0xffc1_2345, u32::MAX] {
            check_bits(function, f32::from_bits(bits), NAN);
        }
        for subnormal in [f32::from_bits(1), f32::from_bits(0x7f_ffff)] {
            check_bits(function, subnormal, function(0.0));
            check_bits(function, -subnormal, function(-0.0));
        }
    }
}

#[test]
fn the_ends_of_the_range() {
    let (above, below) = (f32::next_up, f32::next_down);
    check_bits(exp2, 128.0, f32::INFINITY);
    check_bits(exp2, f32::MAX, f32::INFINITY);
    check_bits(exp2, below(-126.0), 0.0);
    check_bits(exp2, f32::MIN, 0.0);
    assert!(exp2(below(128.0)) < f32::INFINITY && exp2(above(-126.0)) > f32::MIN_POSITIVE);
    let last = 2f32.powi(126);
    check_bits(reciprocal, last, f32::MIN_POSITIVE);
    check_bits(reciprocal, above(last), 0.0);
    check_bits(reciprocal, -f32::MAX, -0.0);
}

/// Every row at every offset that occurs: the RTL relies on 28 bits with the first one set.
#[test]
fn quadratics_stay_in_their_binade() {
    let tables: [(&[Row], usize); 4] = [(&EXP2, 1), (&LOG2, 16), (&RECIPROCAL, 32), (&RECIPROCAL_ROOT, 16)];
    for (rows, step) in tables {
        for &row in rows {
            let values = (0..1 << 20).step_by(step).map(|t| quadratic(row, t));
            let (least, most) = values.fold((i32::MAX, i32::MIN), |(a, b), y| (a.min(y), b.max(y)));
            assert!(1 << 27 <= least && most < 1 << 28, "{row:?}: {least}..={most}");
        }
    }
}

/// A step of one input never goes the wrong way at the border of two segments, nor at that of two octaves.
#[test]
fn borders_of_segments_are_monotonic() {
    for index in 0..1 << 16 {
        let border = f32::from_bits(index << 15);
        let (low, high) = (border.next_down(), border);
        if border.is_normal() && low.is_normal() {
            assert!(log2(low) <= log2(high), "log2 of {border:e}");
            assert!(root(low) <= root(high), "root of {border:e}");
            assert!(reciprocal(low) >= reciprocal(high), "reciprocal of {border:e}");
            assert!(reciprocal_root(low) >= reciprocal_root(high), "reciprocal_root of {border:e}");
        }
        let border = (index as i32 - (1 << 15)) as f32 / 128.0;
        assert!(exp2(border.next_down()) <= exp2(border), "exp2 of {border:e}");
        assert!(exp2(border) <= exp2(border.next_up()), "exp2 of {border:e}");
    }
}

/// The row forms give the bits of the plain ones by every instruction set, vectors filled or not.
#[test]
fn rows_are_their_elements() {
    let pairs: [(Unary, InPlace); 5] = [
        (exp2, exp2_row),
        (log2, log2_row),
        (reciprocal, reciprocal_row),
        (reciprocal_root, reciprocal_root_row),
        (root, root_row),
    ];
    let mut inputs: Vec<f32> = stride().collect();
    inputs.truncate(inputs.len() / 64 * 64 - 3);
    for (function, of_row) in pairs {
        let expected: Vec<u32> = inputs.iter().map(|&x| function(x).to_bits()).collect();
        by_each(|| {
            let mut row = inputs.clone();
            of_row(&mut row);
            for ((x, y), expected) in inputs.iter().zip(&row).zip(&expected) {
                assert_eq!(y.to_bits(), *expected, "of {x:e}");
            }
        });
    }
}

/// Inputs and results as bits, from integers of any length in Python with the coefficients of the rule.
///
/// Among them are the inputs with the largest errors.
#[test]
fn a_second_implementation_agrees() {
    let cases: [(Unary, &[(u32, u32)]); 5] = [
        (exp2, &PINS_EXP2),
        (log2, &PINS_LOG2),
        (reciprocal, &PINS_RECIPROCAL),
        (reciprocal_root, &PINS_RECIPROCAL_ROOT),
        (root, &PINS_ROOT),
    ];
    for (function, pairs) in cases {
        for &(x, expected) in pairs {
            check_bits(function, f32::from_bits(x), f32::from_bits(expected));
        }
    }
}

const PINS_EXP2: [(u32, u32); 10] = [
    (0x3f00_0000, 0x3fb5_04f3),
    (0xbf00_0000, 0x3f35_04f3),
    (0x3eaa_aaab, 0x3fa1_4518),
    (0xc2fb_6666, 0x009d_963a),
    (0x42ff_fae1, 0x7f7e_3b37),
    (0x38d1_b717, 0x3f80_0245),
    (0xb155_07c7, 0x3f80_0000),
    (0xbd20_1009, 0x3f79_28ac),
    (0x40c0_a3d7, 0x4281_c96c),
    (0xc18a_6666, 0x36cf_efcd),
];
const PINS_LOG2: [(u32, u32); 10] = [
    (0x4040_0000, 0x3fca_e00d),
    (0x3f33_3333, 0xbf03_bb12),
    (0x3f8a_ff44, 0x3df3_87c5),
    (0x3fc0_0000, 0x3f15_c01a),
    (0x3f40_0000, 0xbed4_7fcc),
    (0x7e96_7699, 0x42fc_776f),
    (0x00d9_c7dd, 0xc2fa_776f),
    (0x4120_0000, 0x4054_9a78),
    (0x3f7f_ffff, 0xb3b8_aa3c),
    (0x3f80_0001, 0x3438_aa3a),
];
const PINS_RECIPROCAL: [(u32, u32); 10] = [
    (0x4040_0000, 0x3eaa_aaab),
    (0xc0e0_0000, 0xbe12_4925),
    (0x0086_7cd0, 0x7e73_a69c),
    (0x3dcc_cccd, 0x4120_0000),
    (0x7e70_bdc2, 0x0088_1cea),
    (0xbfff_ffff, 0xbf00_0000),
    (0x3f80_8000, 0x3f7f_00ff),
    (0x3f80_0001, 0x3f7f_fffe),
    (0x3fff_ffff, 0x3f00_0000),
    (0x7e7f_ffff, 0x0080_0000),
];
const PINS_RECIPROCAL_ROOT: [(u32, u32); 10] = [
    (0x4000_0000, 0x3f35_04f3),
    (0x4040_0000, 0x3f13_cd3a),
    (0x0080_fff0, 0x5eff_018e),
    (0x7f7f_c99e, 0x1f80_0d9b),
    (0x3dcc_cccd, 0x404a_62c2),
    (0x3f00_0000, 0x3fb5_04f3),
    (0x4120_0000, 0x3ea1_e89b),
    (0x3f80_0001, 0x3f7f_ffff),
    (0x3fff_ffff, 0x3f35_04f4),
    (0x407f_ffff, 0x3f00_0000),
];
const PINS_ROOT: [(u32, u32); 10] = [
    (0x4000_0000, 0x3fb5_04f3),
    (0x4040_0000, 0x3fdd_b3d7),
    (0x0176_cf50, 0x207b_5ce7),
    (0x7f7f_c99e, 0x5f7f_e4cd),
    (0x3dcc_cccd, 0x3ea1_e89b),
    (0x3f00_0000, 0x3f35_04f3),
    (0x4120_0000, 0x404a_62c2),
    (0x3f80_0001, 0x3f80_0000),
    (0x3fff_ffff, 0x3fb5_04f3),
    (0x407f_ffff, 0x3fff_ffff),
];
