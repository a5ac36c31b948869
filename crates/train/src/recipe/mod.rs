//! Recipes of networks that learn from gradients.

mod layer;
mod tables;

use ediacara_nn::optimisers::{Decay, Optimiser};
use ediacara_nn::{LearningRate, Schedule};
use serde::{Deserialize, Serialize};

pub use layer::LayerSpec;
pub use tables::{
    EarlyStopTable, Half, Loss, OptimiserKind, OptimiserTable, PrecisionTable, PruningTable, ScheduleKind,
    ScheduleTable,
};

use crate::pruning::Ramp;

/// The largest pictures that samples are resized to.
const SIDE_LIMIT: usize = 1024;

/// A training, as a TOML file says it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What it shows, in a sentence.
    pub title: String,
    /// The data set, one of [`Dataset::names`](crate::Dataset::names).
    pub data: String,
    /// Pixels a side of the pictures that the layers are made for: pictures of another size are resized bilinearly. They
    /// stay as they are if it is left out.
    pub picture_side: Option<usize>,
    /// Decides initial values, the order of samples, and what is dropped.
    #[serde(default)]
    pub seed: u64,
    /// How often every sample is seen.
    pub epochs: u64,
    /// Samples a step. What is left of an epoch that it does not divide is not seen in that epoch.
    pub batch: usize,
    /// `cross_entropy`, `mean_squared_error` or `hinge`.
    pub loss: Loss,
    /// The network, layer by layer; [`LayerSpec`] says how each is written.
    pub layers: Vec<String>,
    /// How parameters follow their gradients.
    pub optimiser: OptimiserTable,
    /// How the rate changes; constant if it is left out.
    #[serde(default)]
    pub schedule: ScheduleTable,
    /// Largest Euclidean norm of all gradients together; none if it is left out.
    pub clip_norm: Option<f64>,
    /// Which weights become 0, and when; none if it is left out.
    pub pruning: Option<PruningTable>,
    /// What layers compute in; f32 if it is left out.
    pub precision: Option<PrecisionTable>,
    /// When a training ends before its time; never if it is left out.
    pub early_stop: Option<EarlyStopTable>,
}

impl Recipe {
    /// What makes no sense in it, if anything does; a recipe that was changed may be one no more.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (field, value) in [("epochs", self.epochs), ("batch", self.batch as u64)] {
            if value == 0 {
                return Err(format!("{field}: 0 is no training; give 1 or more"));
            }
        }
        if let Some(side) = self.picture_side
            && !(1..=SIDE_LIMIT).contains(&side)
        {
            return Err(format!("picture_side: {side} is no number of pixels from 1 to {SIDE_LIMIT}"));
        }
        let rate = self.optimiser.rate;
        if !(rate.is_finite() && rate > 0.0) {
            return Err(format!("optimiser.rate: {rate} is no rate; give a number above 0"));
        }
        if let Some(pruning) = &self.pruning {
            pruning.check()?;
        }
        if let Some(scale) = self.precision.as_ref().map(|table| table.loss_scale)
            && !(scale.is_finite() && scale >= 1.0)
        {
            return Err(format!("precision.loss_scale: {scale} makes nothing larger; give 1 or more"));
        }
        if let Some(stop) = &self.early_stop
            && !(stop.validation > 0.0 && stop.validation < 1.0)
        {
            return Err(format!("early_stop.validation: {} is no share from 0 to 1", stop.validation));
        }
        self.specs().map(drop)
    }

    /// How many weights are 0 when, for epochs of so many steps.
    pub fn ramp(&self, steps_an_epoch: u64) -> Option<Ramp> {
        self.pruning.as_ref().map(|table| table.ramp(steps_an_epoch))
    }

    /// The layers.
    ///
    /// # Errors
    /// The first one that is none.
    pub fn specs(&self) -> Result<Vec<LayerSpec>, String> {
        self.layers.iter().map(|layer| layer.parse()).collect()
    }

    /// The optimiser.
    pub fn optimiser(&self) -> Optimiser {
        let OptimiserTable { kind, momentum, form, .. } = self.optimiser;
        let adam = |decoupled| Optimiser::Adam { betas: [0.9, 0.999], epsilon: 1e-8, decoupled };
        match kind {
            OptimiserKind::Sgd => Optimiser::Sgd { momentum, form },
            OptimiserKind::RmsProp => Optimiser::RmsProp { decay: 0.99, epsilon: 1e-8 },
            OptimiserKind::Adam => adam(false),
            OptimiserKind::AdamW => adam(true),
        }
    }

    /// What pulls weights towards 0.
    pub fn decay(&self) -> Decay {
        Decay { l1: self.optimiser.l1, l2: self.optimiser.l2 }
    }

    /// The learning rate, for epochs of so many steps.
    pub fn learning_rate(&self, steps_an_epoch: u64) -> LearningRate {
        let steps = |epochs: f64| (epochs * steps_an_epoch as f64).round().max(0.0) as u64;
        let table = &self.schedule;
        let schedule = match table.kind {
            ScheduleKind::Constant => Schedule::Constant,
            ScheduleKind::Stepwise => {
                Schedule::Stepwise { every: steps(table.every_epochs).max(1), factor: table.factor }
            }
            ScheduleKind::Cosine => {
                Schedule::Cosine { steps: self.epochs.saturating_mul(steps_an_epoch), last: table.last }
            }
        };
        LearningRate { base: self.optimiser.rate, warm_up: steps(table.warm_up_epochs), schedule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RecipeFile, TrainError};
    use ediacara_nn::optimisers::Momentum;

    fn recipe(text: &str) -> Result<Recipe, TrainError> {
        RecipeFile::parse(text, "small.toml")?.training("small.toml")
    }

    const SMALL: &str = r#"
        title = "a test"
        data = "xor"
        epochs = 2
        batch = 4
        loss = "hinge"
        layers = ["dense 8", "relu", "conv 3 5 2", "dropout 0.5"]
        [optimiser]
        kind = "sgd"
        rate = 0.5
        momentum = 0.9
        form = "nesterov"
        [schedule]
        kind = "stepwise"
        every_epochs = 1.0
        factor = 0.1
    "#;

    #[test]
    fn a_recipe_is_what_it_says() {
        let recipe = recipe(SMALL).unwrap();
        let conv = LayerSpec::Conv { outputs: 3, kernel: 5, padding: 2 };
        assert_eq!(
            recipe.specs().unwrap(),
            [LayerSpec::Dense(8), LayerSpec::Relu, conv, LayerSpec::Dropout(0.5)]
        );
        assert_eq!(recipe.optimiser(), Optimiser::Sgd { momentum: 0.9, form: Momentum::Nesterov });
        let rate = recipe.learning_rate(10);
        assert_eq!([0, 9, 10].map(|step| rate.at(step)), [0.5, 0.5, 0.05]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("layers = [", "layers = [\"dense many\",", "`many` is no whole number"),
            ("layers = [", "layers = [\"dense 0\",", "`0` is no whole number of 1 to"),
            ("layers = [", "layers = [\"dense 99999999999\",", "`99999999999` is no whole number"),
            ("layers = [", "layers = [\"dropout 1.0\",", "`1.0` is no probability"),
            ("layers = [", "layers = [\"densest 8\",", "none of flatten, dense"),
            ("epochs = 2", "epochs = 0", "epochs: 0"),
            ("rate = 0.5", "rate = -1.0", "optimiser.rate"),
            ("batch = 4", "bath = 4", "bath"),
            ("kind = \"sgd\"", "kind = \"sdg\"", "sdg"),
        ];
        for (from, to, expected) in cases {
            let error = recipe(&SMALL.replace(from, to)).unwrap_err().to_string();
            assert!(error.starts_with("small.toml: ") && error.contains(expected), "{error}");
        }
    }
}
