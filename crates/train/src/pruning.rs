//! Magnitude pruning: the smallest weights of each layer become 0 and stay 0, more and more of them along a
//! ramp.
//!
//! Zhu and Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression", 2017.

use ediacara_tensor::Tensor;

use crate::TrainError;
use crate::recipe::{PruningTable, Recipe};

/// How many weights are 0 when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    sparsity: f64,
    /// The ramp's first step, and its last.
    from: u64,
    to: u64,
    every: u64,
}

impl Recipe {
    /// How many weights are 0 when, for epochs of so many steps.
    pub fn ramp(&self, steps_an_epoch: u64) -> Option<Ramp> {
        let steps = self.epochs.saturating_mul(steps_an_epoch);
        self.pruning.as_ref().map(|table| table.ramp(steps_an_epoch, steps))
    }
}

impl PruningTable {
    /// The ramp in a training of so many steps; it ends in the last step at the latest.
    fn ramp(&self, steps_an_epoch: u64, steps: u64) -> Ramp {
        let last = steps.saturating_sub(1);
        let steps = |epochs: f64| ((epochs * steps_an_epoch as f64).round() as u64).min(last);
        Ramp {
            sparsity: self.sparsity,
            from: steps(self.from_epoch),
            to: steps(self.to_epoch),
            every: self.every_steps,
        }
    }
}

impl Ramp {
    /// Whether a training that has done so many steps is past all of it.
    pub fn is_over(&self, steps: u64) -> bool {
        steps > self.to
    }

    /// The share of weights that has to be 0 from this step on (from 0), if it changes there.
    ///
    /// It is `sparsity (1 - (1 - progress)³)`.
    pub fn at(&self, step: u64) -> Option<f64> {
        if !(self.from..=self.to).contains(&step)
            || (step != self.to && !(step - self.from).is_multiple_of(self.every))
        {
            return None;
        }
        let progress =
            if self.to == self.from { 1.0 } else { (step - self.from) as f64 / (self.to - self.from) as f64 };
        Some(self.sparsity * (1.0 - (1.0 - progress).powi(3)))
    }
}

/// A mask of a weight.
///
/// It is 0 for the share of elements that are nearest to 0 (of equal ones the first), and 1 for the others.
///
/// # Errors
/// The weight is not of f32.
pub fn mask(weight: &Tensor, share: f64) -> Result<Tensor, TrainError> {
    let values = weight.to_vec::<f32>()?;
    let zeros = (share * values.len() as f64).round() as usize;
    let mut mask = vec![1.0_f32; values.len()];
    let mut order: Vec<usize> = (0..values.len()).collect();
    if zeros > 0 && zeros < order.len() {
        order.select_nth_unstable_by(zeros, |&a, &b| {
            values[a].abs().total_cmp(&values[b].abs()).then(a.cmp(&b))
        });
    }
    order[..zeros.min(values.len())].iter().for_each(|&index| mask[index] = 0.0);
    Ok(Tensor::from_vec(weight.shape(), mask)?)
}

/// The share of a tensor's elements that are 0.
///
/// # Errors
/// It is not of f32.
pub fn zero_share(tensor: &Tensor) -> Result<f64, TrainError> {
    let values = tensor.to_vec::<f32>()?;
    Ok(values.iter().filter(|&&value| value == 0.0).count() as f64 / values.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_is_cubic_and_ends_at_its_target() {
        let table = PruningTable { sparsity: 0.5, from_epoch: 1.0, to_epoch: 3.0, every_steps: 10 };
        let ramp = table.ramp(20, 100);
        assert_eq!([0, 19, 25].map(|step| ramp.at(step)), [None; 3]);
        assert_eq!(ramp.at(20), Some(0.0));
        // Half way: 0.5 (1 - 0.5³).
        assert_eq!(ramp.at(40), Some(0.4375));
        assert_eq!([60, 61].map(|step| ramp.at(step)), [Some(0.5), None]);
        assert_eq!([59, 60, 61].map(|steps| ramp.is_over(steps)), [false, false, true]);
        // A training of 60 steps has no step 60.
        assert_eq!(table.ramp(20, 60).at(59), Some(0.5));
    }

    #[test]
    fn the_smallest_are_masked() {
        let weight = Tensor::from_vec(&[6], vec![3.0_f32, -0.5, 0.5, -4.0, 0.1, 1.0]).unwrap();
        let masked = |share| mask(&weight, share).unwrap().to_vec::<f32>().unwrap();
        assert_eq!(masked(0.0), [1.0; 6]);
        assert_eq!(masked(0.33), [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!(masked(0.5), [1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(masked(1.0), [0.0; 6]);
    }
}
