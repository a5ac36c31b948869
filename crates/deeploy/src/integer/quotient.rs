//! `((x * weight) tdiv deviation + bias) // divisor` in f32, with factors for which no rounding goes the wrong way.
//!
//! The quotient is about `x * share * (weight / divisor) + bias / divisor`, where `share` is the reciprocal of the deviation, perhaps scaled. Rounded to the nearest integer after half a
//! step is taken away, that is the quotient rounded down, except where f32 comes out on the other side of an integer. Which
//! factor is taken among those that lie a few units in the last place apart decides where that is. So factors are tried
//! until every number and every deviation that can occur give the right integer: the search is the proof.

use std::collections::HashMap;

use ediacara_graph::ops::{FRow, RowOperation};
use ediacara_graph::{Op, OpError, Tensor};

use crate::support::{Wide, floor_div};

/// Steps by which each of a channel's numbers is changed at most: units in the last place of the factor, and of the others
/// quarters of a grain, or units in the last place where those are larger.
const MOST_STEPS: i32 = 32;

/// Relative errors of less than this, with all roundings and changes: a reciprocal of 0.62 units in the last place, two products,
/// two sums, and three changes of 32 units are below 200 units of 2^-24.
const ERROR: f64 = 200.0 / (1 << 24) as f64;

/// How many numbers are tried that reciprocals are multiplied by, which rounds all products in another way.
const SCALES: u32 = 16;

/// Added and taken away, it leaves the nearest integer of an f64 of less than 2^51.
const NEAREST: f64 = 1.5 * (1_u64 << 52) as f64;

/// Where results are held: those of 8 bits.
const BOUNDS: [Wide; 2] = [-128, 127];

/// What the quotient is made of, for all channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quotient<'a> {
    /// The least and the most of x.
    pub(super) x: [i32; 2],
    /// The largest deviation; the smallest is 1.
    pub(super) largest_deviation: i32,
    /// Above 0.
    pub(super) divisor: Wide,
    /// One number for each channel.
    pub(super) weight: &'a [Wide],
    /// One number for each channel.
    pub(super) bias: &'a [Wide],
}

/// With them `x * share * factor + offset`, and `correction` more where x is negative, is nearest to the quotient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Factors {
    pub(super) factor: f32,
    pub(super) offset: f32,
    pub(super) correction: f32,
}

/// A number and a deviation for which the quotient is so near to an integer that rounding decides.
struct Edge {
    x: i32,
    share: f32,
    wanted: Wide,
}

impl Quotient<'_> {
    /// What the reciprocals are multiplied by, and the factors of every channel; nothing if there are none.
    ///
    /// # Errors
    /// The reciprocals cannot be computed.
    pub(super) fn factors(&self) -> Result<Option<(f32, Vec<Factors>)>, OpError> {
        let shares = shares(self.largest_deviation)?;
        // Corrections that are alike in all channels take an instruction less, and a scale of 1 does.
        let tries =
            [0, MOST_STEPS / 4].into_iter().flat_map(|most| (0..SCALES).map(move |scale| (most, scale)));
        let found = tries.map(|(most, scale)| (most, 1.0 + scale as f32 / SCALES as f32)).find_map(
            |(most, scale)| {
                let scaled: Vec<f32> = shares.iter().map(|share| share * scale).collect();
                self.of_channels(&scaled, scale, most).map(|factors| (scale, factors))
            },
        );
        Ok(found)
    }

    /// The factors of every channel.
    fn of_channels(&self, shares: &[f32], scale: f32, most: i32) -> Option<Vec<Factors>> {
        let mut found: HashMap<(Wide, Wide), Factors> = HashMap::new();
        let mut all = Vec::with_capacity(self.weight.len());
        for pair in self.weight.iter().copied().zip(self.bias.iter().copied()) {
            let factors = match found.get(&pair) {
                Some(&known) => known,
                None => self.of_channel(shares, pair, (scale, most))?,
            };
            found.insert(pair, factors);
            all.push(factors);
        }
        Some(all)
    }

    /// The factors of a channel; the correction is changed by `most` steps at most.
    fn of_channel(
        &self,
        shares: &[f32],
        (weight, bias): (Wide, Wide),
        (scale, most): (f32, i32),
    ) -> Option<Factors> {
        let (edges, divisor) = (self.edges(shares, weight, bias), self.divisor as f64);
        // The numbers that a division by the deviation can leave are multiples of this.
        let grain = 1.0 / (divisor * f64::from(self.largest_deviation));
        // Where a product is negative, tdiv rounds up: by less than one step of `1 / divisor`, at most a grain less.
        let upward = 1.0 / divisor - grain;
        let (more, correction) = if weight < 0 { (upward, -upward) } else { (0.0, upward) };
        let first = Factors {
            factor: (weight as f64 / divisor / f64::from(scale)) as f32,
            offset: (bias as f64 / divisor - 0.5 + grain / 2.0 + more) as f32,
            correction: correction as f32,
        };
        let changed = |number: f32, steps: i32| {
            let unit = f64::from(number).abs() / (1 << 23) as f64;
            (f64::from(number) + f64::from(steps) * unit.max(grain / 4.0)) as f32
        };
        let is_exact =
            |factors: &Factors| edges.iter().all(|edge| factors.of(edge.x, edge.share) == edge.wanted);
        let with = |[of_factor, of_offset, of_correction]: [i32; 3]| Factors {
            factor: moved(first.factor, of_factor),
            offset: changed(first.offset, of_offset),
            correction: changed(first.correction, of_correction),
        };
        let pairs = outward(MOST_STEPS).flat_map(|one| outward(MOST_STEPS).map(move |other| [one, other]));
        let all = pairs.flat_map(|[one, other]| outward(most).map(move |third| [one, other, third]));
        all.map(with).find(is_exact)
    }

    /// All numbers and deviations whose quotient is near to an integer within the bounds.
    fn edges(&self, shares: &[f32], weight: Wide, bias: Wide) -> Vec<Edge> {
        let (divisor, weight_real, bias_real) = (self.divisor as f64, weight as f64, bias as f64);
        // tdiv and what is added against it move a quotient by at most two steps, and changes by 16 grains.
        let steps = 3.0 / divisor + 16.0 / (divisor * f64::from(self.largest_deviation));
        let mut edges = Vec::new();
        for (deviation, &share) in (1..).zip(shares) {
            let (slope, start) = (weight_real / (deviation as f64 * divisor), bias_real / divisor);
            for x in self.x[0]..=self.x[1] {
                let product = f64::from(x) * slope;
                let quotient = product + start;
                let far = (quotient - ((quotient + NEAREST) - NEAREST)).abs();
                let error = steps + ERROR * (product.abs() + start.abs() + 1.0);
                if far > error || quotient.abs() > 130.0 + error {
                    continue;
                }
                let exact = floor_div(Wide::from(x) * weight / deviation + bias, self.divisor);
                edges.push(Edge { x, share, wanted: exact.clamp(BOUNDS[0], BOUNDS[1]) });
            }
        }
        edges
    }
}

impl Factors {
    /// What the instructions compute (N-FLOAT: each product and each sum rounds by itself).
    fn of(&self, x: i32, share: f32) -> Wide {
        let scaled = (x as f32 * share) * self.factor + self.offset;
        let moved = if x < 0 { scaled + self.correction } else { scaled };
        (moved.round_ties_even() as Wide).clamp(BOUNDS[0], BOUNDS[1])
    }
}

/// 0, 1, -1, 2, -2 and so on.
fn outward(most: i32) -> impl Iterator<Item = i32> {
    std::iter::once(0).chain((1..=most).flat_map(|step| [step, -step]))
}

/// The number so many units in the last place further from zero; 0 stays.
fn moved(number: f32, units: i32) -> f32 {
    match number == 0.0 {
        true => number,
        false => f32::from_bits(number.to_bits().wrapping_add_signed(units)),
    }
}

/// The reciprocals of 1, 2, 3, ... as the function unit gives them.
fn shares(count: i32) -> Result<Vec<f32>, OpError> {
    let failed = |source| OpError::Tensor { op: "reciprocal", source };
    let numbers: Vec<f32> = (1..=count).map(|number| number as f32).collect();
    let numbers = Tensor::from_vec(&[numbers.len()], numbers).map_err(failed)?;
    let mut outputs = [numbers.clone()];
    FRow::new(RowOperation::Reciprocal).run(&[&numbers], &mut outputs)?;
    outputs[0].to_vec::<f32>().map_err(failed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where it fails")]
mod tests {
    use super::*;

    /// Every number and every deviation, not only those at an edge, by the formula in integers.
    fn check(quotient: &Quotient<'_>) {
        let (scale, factors) = quotient.factors().unwrap().unwrap();
        let shares: Vec<f32> =
            shares(quotient.largest_deviation).unwrap().into_iter().map(|share| share * scale).collect();
        for ((factors, &weight), &bias) in factors.iter().zip(quotient.weight).zip(quotient.bias) {
            for (deviation, &share) in (1..).zip(&shares) {
                for x in quotient.x[0]..=quotient.x[1] {
                    let exact = floor_div(Wide::from(x) * weight / deviation + bias, quotient.divisor);
                    let found = factors.of(x, share);
                    assert_eq!(found, exact.clamp(-128, 127), "{x} * {weight} / {deviation} + {bias}");
                }
            }
        }
    }

    #[test]
    fn factors_are_exact_for_every_number_and_deviation() {
        let weight = [231_997, 291_719, 254_321, 211_876, -245_480, 328_168, 0, 1, 16_384];
        let bias = [-27_564, 32_158, 0, -38_318, 33_810, 16_384, -16_384, 5, -1];
        check(&Quotient {
            x: [-255, 255],
            largest_deviation: 129,
            divisor: 16_384,
            weight: &weight,
            bias: &bias,
        });
    }

    #[test]
    fn factors_are_exact_without_a_bias_too() {
        let weight = [3_931_285, 2_508_504, 4_110_990];
        check(&Quotient {
            x: [-128, 127],
            largest_deviation: 128,
            divisor: 65_536,
            weight: &weight,
            bias: &[0; 3],
        });
        check(&Quotient {
            x: [-128, 127],
            largest_deviation: 128,
            divisor: 1,
            weight: &[1, 3, -7],
            bias: &[0; 3],
        });
    }

    /// 60 * 999,999,999 + 60 is 60 times the divisor, and 61 * 999,999,999 + 60 is one less than 61 times: no f32 tells.
    #[test]
    fn what_has_no_factors_is_refused() {
        let (weight, bias) = ([999_999_999], [60]);
        let quotient = Quotient {
            x: [-128, 127],
            largest_deviation: 1,
            divisor: 1_000_000_000,
            weight: &weight,
            bias: &bias,
        };
        assert_eq!(quotient.factors().unwrap(), None);
    }
}
