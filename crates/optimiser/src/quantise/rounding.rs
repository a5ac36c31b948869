//! Rounding of weights so that later roundings compensate the errors of earlier ones.

use rayon::prelude::*;

/// Added to the diagonal of the covariance, relative to its mean.
///
/// Directions that calibration hardly saw should not be trusted to compensate anything.
const DAMPING: f64 = 0.01;

/// Sums of products are taken in so many parts, because each addition to one sum would wait for the one
/// before.
const PARTS: usize = 8;
/// So many rows of weights are rounded side by side, so that an entry of the factor is read once for all of
/// them.
const ROWS: usize = 8;

/// The Cholesky factor of a covariance, and the order in which the weights are rounded.
pub(crate) struct Factor {
    size: usize,
    /// Position `k` is input `order[k]`; the last is rounded first.
    order: Vec<usize>,
    /// Lower triangular `[size, size]`, divided by its diagonal column by column.
    lower: Vec<f32>,
}

impl Factor {
    /// Factors a covariance `[size, size]`; nothing if it is not positive even with damping (all inputs
    /// constant).
    pub(crate) fn new(covariance: &[f64], size: usize) -> Option<Factor> {
        let diagonal = |index: usize| covariance[index * size + index];
        let mean = (0..size).map(diagonal).sum::<f64>() / size as f64;
        if !(mean.is_finite() && mean > 0.0) {
            return None;
        }
        let mut order: Vec<usize> = (0..size).collect();
        // The inputs that vary most are rounded first, while the most others can still compensate for them.
        order.sort_by(|&left, &right| diagonal(left).total_cmp(&diagonal(right)));
        let mut lower = vec![0.0_f64; size * size];
        for row in 0..size {
            let (done, current) = lower.split_at_mut(row * size);
            for column in 0..=row {
                let other = if column == row { &current[..size] } else { &done[column * size..][..size] };
                let known = dot(&current[..column], &other[..column]);
                let damping = if column == row { mean * DAMPING } else { 0.0 };
                let rest = covariance[order[row] * size + order[column]] + damping - known;
                current[column] = if column < row {
                    rest / done[column * size + column]
                } else if rest > 0.0 {
                    rest.sqrt()
                } else {
                    return None;
                };
            }
        }
        let scaled = |(index, &entry): (usize, &f64)| (entry / lower[index % size * (size + 1)]) as f32;
        let lower = lower.iter().enumerate().map(scaled).collect();
        Some(Factor { size, order, lower })
    }

    /// Rounds rows of weights to multiples of their scales, at most 127 of them.
    ///
    /// With errors `e` of a row's weights the output's error has the variance `|L' e|^2`, where `L` is the
    /// factor of the inputs' covariance. Weights are rounded from the last position on. Each goes to where it
    /// best takes back what the errors behind it do in its row of `L'`. This is Babai's nearest plane, which
    /// is also GPTQ. Source: Frantar et al., GPTQ, 2023; Chen et al., The Geometry of LLM Quantization, 2025.
    pub(crate) fn round(&self, weights: &[f32], scales: &[f32], rounded: &mut [i8]) {
        let rows = ROWS * self.size;
        weights
            .par_chunks(rows)
            .zip(scales.par_chunks(ROWS))
            .zip(rounded.par_chunks_mut(rows))
            .for_each(|((weights, scales), rounded)| self.round_side_by_side(weights, scales, rounded));
    }

    /// Rounds at most [`ROWS`] rows.
    fn round_side_by_side(&self, weights: &[f32], scales: &[f32], rounded: &mut [i8]) {
        let mut owed = vec![[0.0_f32; ROWS]; self.size];
        for position in (0..self.size).rev() {
            let mut errors = [0.0_f32; ROWS];
            for (row, &scale) in scales.iter().enumerate() {
                let at = row * self.size + self.order[position];
                let wanted = weights[at] + owed[position][row];
                let stored = (wanted / scale).round_ties_even().clamp(-127.0, 127.0);
                rounded[at] = stored as i8;
                errors[row] = weights[at] - stored * scale;
            }
            let entries = &self.lower[position * self.size..][..position];
            for (owed, entry) in owed.iter_mut().zip(entries) {
                owed.iter_mut().zip(&errors).for_each(|(owed, error)| *owed += entry * error);
            }
        }
    }
}

/// The sum of products, in [`PARTS`] parts.
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut parts = [0.0; PARTS];
    let (left, right) = (left.chunks_exact(PARTS), right.chunks_exact(PARTS));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (left, right) in left.zip(right) {
        for ((part, a), b) in parts.iter_mut().zip(left).zip(right) {
            *part += a * b;
        }
    }
    parts.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn independent_inputs_round_to_the_nearest() {
        let factor = Factor::new(&[1.0, 0.0, 0.0, 2.0], 2).unwrap();
        let mut rounded = [0; 2];
        factor.round(&[0.4, -1.6], &[1.0], &mut rounded);
        assert_eq!(rounded, [0, -2]);
    }

    #[test]
    fn equal_inputs_make_good_for_each_other() {
        // Two inputs are nearly the same, so that only the sum of their weights matters.
        let factor = Factor::new(&[1.0, 0.999, 0.999, 1.0], 2).unwrap();
        let mut rounded = [0; 2];
        factor.round(&[0.4, 0.4], &[1.0], &mut rounded);
        assert_eq!(i32::from(rounded[0]) + i32::from(rounded[1]), 1);
    }

    #[test]
    fn rows_do_not_see_each_other() {
        let covariance = |index: usize| 0.5_f64.powi((index / 20).abs_diff(index % 20) as i32);
        let factor = Factor::new(&(0..400).map(covariance).collect::<Vec<_>>(), 20).unwrap();
        let weights: Vec<f32> = (0..220).map(|index| ((index * 37 % 101) as f32 - 50.0) / 3.0).collect();
        let scales: Vec<f32> = (0..11).map(|row| 0.3 + row as f32 / 8.0).collect();
        let mut together = [0; 220];
        factor.round(&weights, &scales, &mut together);
        for (row, &scale) in scales.iter().enumerate() {
            let mut alone = [0; 20];
            factor.round(&weights[row * 20..][..20], &[scale], &mut alone);
            assert_eq!(alone, together[row * 20..][..20], "row {row}");
        }
    }

    #[test]
    fn sums_in_parts_are_sums() {
        let numbers: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(dot(&numbers, &numbers), 338_350.0);
        assert_eq!(dot(&numbers[..7], &numbers[..7]), 140.0);
    }

    #[test]
    fn constant_inputs_have_no_factor() {
        assert!(Factor::new(&[0.0; 4], 2).is_none());
    }
}
