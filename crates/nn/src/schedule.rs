//! How the learning rate changes over the training.

/// The learning rate at every step, relative to the base rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// Always the base rate.
    Constant,
    /// `factor^floor(step / every)`: stepwise exponential decay.
    Stepwise {
        /// Steps between two changes, at least 1.
        every: u64,
        /// What the rate is multiplied by at each.
        factor: f64,
    },
    /// From 1 to `last` along half a cosine, without restarts.
    ///
    /// Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    Cosine {
        /// The length of the training.
        steps: u64,
        /// The rate at its end, relative to the base rate.
        last: f64,
    },
}

/// A schedule behind a warm-up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRate {
    /// The base rate.
    pub base: f64,
    /// Steps in which the rate rises linearly from `base / warm_up` to the base rate; 0 for none.
    pub warm_up: u64,
    /// What follows.
    pub schedule: Schedule,
}

impl LearningRate {
    /// The rate of a step, from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warm_up {
            return self.base * (step + 1) as f64 / self.warm_up as f64;
        }
        let step = step - self.warm_up;
        self.base
            * match self.schedule {
                Schedule::Constant => 1.0,
                Schedule::Stepwise { every, factor } => factor.powf((step / every.max(1)) as f64),
                Schedule::Cosine { steps, last } => {
                    let whole = steps.saturating_sub(self.warm_up).max(1);
                    let at = (step as f64 / whole as f64).min(1.0);
                    last + (1.0 - last) * 0.5 * (1.0 + (std::f64::consts::PI * at).cos())
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_formulas() {
        let rate = |warm_up, schedule| LearningRate { base: 0.5, warm_up, schedule };
        assert_eq!(rate(0, Schedule::Constant).at(1000), 0.5);
        let warming = rate(4, Schedule::Constant);
        assert_eq!([0, 1, 2, 3, 4].map(|step| warming.at(step)), [0.125, 0.25, 0.375, 0.5, 0.5]);
        let stepwise = rate(0, Schedule::Stepwise { every: 10, factor: 0.5 });
        assert_eq!([0, 9, 10, 25].map(|step| stepwise.at(step)), [0.5, 0.5, 0.25, 0.125]);
        let cosine = rate(0, Schedule::Cosine { steps: 100, last: 0.1 });
        let middle = 0.5 * (0.1 + 0.9 * 0.5);
        for (step, expected) in [(0, 0.5), (50, middle), (100, 0.05), (200, 0.05)] {
            assert!((cosine.at(step) - expected).abs() < 1e-12, "{step}: {}", cosine.at(step));
        }
    }
}
