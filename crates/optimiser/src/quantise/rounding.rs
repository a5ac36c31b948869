//! Rounding of weights so that what one rounding does wrong, the next make good.

/// What is added to the diagonal of the covariance, relative to its mean: directions that calibration hardly saw
/// should not be trusted to make anything good.
const DAMPING: f64 = 0.01;

/// The Cholesky factor of a covariance, and the order in which the weights are rounded.
pub(crate) struct Factor {
    size: usize,
    /// Position `k` is input `order[k]`; the last is rounded first.
    order: Vec<usize>,
    /// Lower triangular `[size, size]`, divided by its diagonal column by column.
    lower: Vec<f32>,
}

impl Factor {
    /// Factors a covariance `[size, size]`; nothing if it is not positive even with damping (all inputs constant).
    pub(crate) fn new(covariance: &[f64], size: usize) -> Option<Factor> {
        let diagonal = |index: usize| covariance[index * size + index];
        let mean = (0..size).map(diagonal).sum::<f64>() / size as f64;
        if !(mean.is_finite() && mean > 0.0) {
            return None;
        }
        let mut order: Vec<usize> = (0..size).collect();
        // The inputs that vary most are rounded first, while the most others can make good for them.
        order.sort_by(|&left, &right| diagonal(left).total_cmp(&diagonal(right)));
        let mut lower = vec![0.0_f64; size * size];
        for row in 0..size {
            let (done, current) = lower.split_at_mut(row * size);
            for column in 0..=row {
                let other = if column == row { &current[..size] } else { &done[column * size..][..size] };
                let known: f64 = current[..column].iter().zip(&other[..column]).map(|(a, b)| a * b).sum();
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

    /// Rounds one row of weights to multiples of `scale`, at most 127 of them.
    ///
    /// With errors `e` of the weights the output's error has the variance `|L' e|^2`, `L` the factor of the inputs'
    /// covariance. From the last position on, each weight is rounded to where it best takes back what the errors behind
    /// it do in its row of `L'`: Babai's nearest plane, which is also GPTQ. Source: Frantar et al., GPTQ, 2023; Chen et
    /// al., The Geometry of LLM Quantization, 2025.
    pub(crate) fn round(&self, weights: &[f32], scale: f32, rounded: &mut [i8]) {
        let mut owed = vec![0.0_f32; self.size];
        for position in (0..self.size).rev() {
            let input = self.order[position];
            let wanted = weights[input] + owed[position];
            let stored = (wanted / scale).round_ties_even().clamp(-127.0, 127.0);
            rounded[input] = stored as i8;
            let error = weights[input] - stored * scale;
            let row = &self.lower[position * self.size..][..position];
            owed.iter_mut().zip(row).for_each(|(owed, entry)| *owed += entry * error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn independent_inputs_round_to_the_nearest() {
        let factor = Factor::new(&[1.0, 0.0, 0.0, 2.0], 2).unwrap();
        let mut rounded = [0; 2];
        factor.round(&[0.4, -1.6], 1.0, &mut rounded);
        assert_eq!(rounded, [0, -2]);
    }

    #[test]
    fn equal_inputs_make_good_for_each_other() {
        // Two inputs that are nearly the same: only the sum of their weights matters.
        let factor = Factor::new(&[1.0, 0.999, 0.999, 1.0], 2).unwrap();
        let mut rounded = [0; 2];
        factor.round(&[0.4, 0.4], 1.0, &mut rounded);
        assert_eq!(i32::from(rounded[0]) + i32::from(rounded[1]), 1);
    }

    #[test]
    fn constant_inputs_have_no_factor() {
        assert!(Factor::new(&[0.0; 4], 2).is_none());
    }
}
