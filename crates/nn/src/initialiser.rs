//! What parameters hold before training.

use ediacara_data::Random;
use ediacara_tensor::Tensor;

use crate::NnError;

/// A distribution of initial values.
///
/// The same seed and name give the same values everywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initialiser {
    /// This value everywhere.
    Constant(f32),
    /// Uniform in ±sqrt(6 / fan-in), for weights that ReLU follows: He et al., "Delving deep into
    /// rectifiers", 2015.
    He {
        /// How many elements one output sums over.
        fan_in: usize,
    },
    /// Uniform in ±sqrt(6 / (fan-in + fan-out)): Glorot and Bengio, "Understanding the difficulty of
    /// training deep feedforward neural networks", 2010.
    Glorot {
        /// How many elements one output sums over.
        fan_in: usize,
        /// How many outputs one element goes into.
        fan_out: usize,
    },
    /// Uniform in ±bound.
    Uniform {
        /// The largest magnitude.
        bound: f32,
    },
    /// Mean 0 and this deviation, within ±3.5 deviations.
    Normal {
        /// The standard deviation.
        deviation: f32,
    },
}

impl Initialiser {
    /// The initial tensor of a parameter.
    ///
    /// # Errors
    /// The shape has too many elements.
    pub fn tensor(self, shape: &[usize], seed: u64, name: &str) -> Result<Tensor, NnError> {
        let mut random = Random::named(seed, name);
        let uniform = |random: &mut Random, bound: f32| (2.0 * random.unit() - 1.0) * bound;
        let mut tensor = Tensor::full(shape, 0.0_f32)?;
        for element in tensor.as_mut_slice::<f32>()? {
            *element = match self {
                Initialiser::Constant(value) => value,
                Initialiser::He { fan_in } => uniform(&mut random, (6.0 / fan_in.max(1) as f32).sqrt()),
                Initialiser::Glorot { fan_in, fan_out } => {
                    uniform(&mut random, (6.0 / (fan_in + fan_out).max(1) as f32).sqrt())
                }
                Initialiser::Uniform { bound } => uniform(&mut random, bound),
                Initialiser::Normal { deviation } => random.bell() * deviation,
            };
        }
        Ok(tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of a uniform distribution in ±b are 0 and b²/3.
    #[test]
    fn the_variance_is_the_papers() {
        let cases = [
            (Initialiser::He { fan_in: 50 }, 2.0_f32 / 50.0),
            (Initialiser::Glorot { fan_in: 30, fan_out: 70 }, 2.0 / 100.0),
            (Initialiser::Normal { deviation: 0.5 }, 0.25),
            (Initialiser::Uniform { bound: 3.0 }, 3.0),
        ];
        for (initialiser, variance) in cases {
            let tensor = initialiser.tensor(&[200, 200], 7, "weight").unwrap();
            let values = tensor.to_vec::<f32>().unwrap();
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            let square = values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32;
            assert!(mean.abs() < 0.02 * variance.sqrt(), "{initialiser:?}: mean {mean}");
            assert!((square / variance - 1.0).abs() < 0.02, "{initialiser:?}: variance {square}");
        }
    }
}
