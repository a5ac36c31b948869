//! Recipes of networks that learn from gradients.

mod check;
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

/// A training, as a TOML file describes it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What it shows, in a sentence.
    pub title: String,
    /// The data set, one of [`Dataset::names`](crate::Dataset::names).
    pub data: String,
    /// Pixels a side of the pictures that the layers are made for.
    ///
    /// Pictures of another size are resized bilinearly. They stay as they are if it is left out.
    pub picture_side: Option<usize>,
    /// Decides initial values, the order of samples, and what is dropped.
    #[serde(default)]
    pub seed: u64,
    /// How often every sample is seen.
    pub epochs: u64,
    /// Samples of a step.
    ///
    /// The rest of an epoch that it does not divide is not seen in that epoch.
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
    /// The largest Euclidean norm of all gradients together; none if it is left out.
    pub clip_norm: Option<f64>,
    /// Which weights become 0, and when; none if it is left out.
    pub pruning: Option<PruningTable>,
    /// The type that layers compute in; f32 if it is left out.
    pub precision: Option<PrecisionTable>,
    /// When a training ends before its time; never if it is left out.
    pub early_stop: Option<EarlyStopTable>,
}

impl Recipe {
    /// The same recipe over another number of epochs.
    ///
    /// A pruning ramp goes over the same share of a training that becomes shorter, so that it still ends.
    #[must_use]
    pub fn with_epochs(mut self, epochs: u64) -> Recipe {
        if let Some(pruning) = self.pruning.as_mut().filter(|_| epochs < self.epochs) {
            let share = epochs as f64 / self.epochs as f64;
            pruning.from_epoch *= share;
            pruning.to_epoch = (pruning.to_epoch * share).min(epochs as f64);
        }
        self.epochs = epochs;
        self
    }

    /// The layers.
    ///
    /// # Errors
    /// A layer is none; the error is about the first such layer.
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

    /// The pull of weights towards 0.
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
        layers = ["dense 8", "relu", "conv 3 5 2", "dropout 0.5", "conv 4 3 0 2", "leaky_relu 0.2"]
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
        let conv = LayerSpec::Conv { outputs: 3, kernel: 5, padding: 2, stride: 1 };
        let strided = LayerSpec::Conv { outputs: 4, kernel: 3, padding: 0, stride: 2 };
        assert_eq!(
            recipe.specs().unwrap(),
            [
                LayerSpec::Dense(8),
                LayerSpec::Relu,
                conv,
                LayerSpec::Dropout(0.5),
                strided,
                LayerSpec::LeakyRelu(0.2)
            ]
        );
        assert_eq!(recipe.optimiser(), Optimiser::Sgd { momentum: 0.9, form: Momentum::Nesterov });
        let rate = recipe.learning_rate(10);
        assert_eq!([0, 9, 10].map(|step| rate.at(step)), [0.5, 0.5, 0.05]);
    }

    #[test]
    fn momentum_has_either_sign() {
        assert_eq!(recipe(&SMALL.replace("0.9", "-0.9")).unwrap().optimiser.momentum, -0.9);
    }

    #[test]
    fn a_ramp_shrinks_with_its_training_and_does_not_grow() {
        let pruning = "[pruning]\nsparsity = 0.5\nfrom_epoch = 1.0\nto_epoch = 2.0\n[schedule]";
        let recipe = recipe(&SMALL.replace("[schedule]", pruning)).unwrap();
        let ramp = |epochs| {
            let table = recipe.clone().with_epochs(epochs).pruning.unwrap();
            (table.from_epoch, table.to_epoch)
        };
        assert_eq!([1, 2, 4].map(ramp), [(0.5, 1.0), (1.0, 2.0), (1.0, 2.0)]);
        recipe.with_epochs(1).check().unwrap();
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("layers = [", "layers = [\"dense many\",", "`many` is no whole number"),
            ("layers = [", "layers = [\"dense 0\",", "`0` is no whole number of 1 to"),
            ("layers = [", "layers = [\"dense 99999999999\",", "`99999999999` is no whole number"),
            ("layers = [", "layers = [\"dropout 1.0\",", "`1.0` is no probability"),
            ("layers = [", "layers = [\"densest 8\",", "none of flatten, dense"),
            ("layers = [", "layers = [\"conv 8 3 0 1 1\",", "none of flatten, dense"),
            ("layers = [", "layers = [\"conv 8 3 0 0\",", "`0` is no whole number of 1 to"),
            ("layers = [", "layers = [\"leaky_relu nan\",", "`nan` is no finite number"),
            ("epochs = 2", "epochs = 0", "epochs: 0"),
            ("rate = 0.5", "rate = -1.0", "optimiser.rate"),
            ("batch = 4", "bath = 4", "bath"),
            ("kind = \"sgd\"", "kind = \"sdg\"", "sdg"),
        ];
        let nonsense = [
            ("layers = [", "clip_norm = 0.0\nlayers = [", "clip_norm: 0 is no norm"),
            ("layers = [", "clip_norm = inf\nlayers = [", "clip_norm: inf is no finite number"),
            ("rate = 0.5", "rate = nan", "optimiser.rate: NaN is no finite number"),
            ("momentum = 0.9", "momentum = 1.0", "optimiser.momentum: 1 never dies away"),
            ("momentum = 0.9", "momentum = -1.0", "optimiser.momentum: -1 never dies away"),
            ("momentum = 0.9", "l1 = nan", "optimiser.l1: NaN"),
            ("momentum = 0.9", "l2 = -0.1", "optimiser.l2: -0.1 pulls weights away"),
            ("every_epochs = 1.0", "", "schedule.every_epochs: 0 is no step"),
            ("every_epochs = 1.0", "every_epochs = -inf", "schedule.every_epochs: -inf"),
            ("factor = 0.1", "", "schedule.factor: 0 is no factor"),
            ("factor = 0.1", "factor = 1.5", "schedule.factor: 1.5 is no factor"),
            ("factor = 0.1", "factor = 0.1\nwarm_up_epochs = nan", "schedule.warm_up_epochs: NaN"),
            ("factor = 0.1", "factor = 0.1\nlast = -1.0", "schedule.last: -1"),
            ("[schedule]", "[pruning]\nsparsity = nan\nto_epoch = 1.0\n[schedule]", "pruning.sparsity: NaN"),
            (
                "[schedule]",
                "[pruning]\nsparsity = 0.5\nto_epoch = 2.5\n[schedule]",
                "pruning.to_epoch: 2.5 is after",
            ),
            (
                "[schedule]",
                "[precision]\ncompute = \"f16\"\nloss_scale = inf\n[schedule]",
                "precision.loss_scale: inf",
            ),
            (
                "[schedule]",
                "[early_stop]\npatience = 2\nvalidation = nan\n[schedule]",
                "early_stop.validation: NaN",
            ),
            ("[schedule]", "[early_stop]\npatience = 0\n[schedule]", "early_stop.patience: 0"),
        ];
        for (from, to, expected) in cases.into_iter().chain(nonsense) {
            let error = recipe(&SMALL.replace(from, to)).unwrap_err().to_string();
            assert!(error.starts_with("small.toml: ") && error.contains(expected), "{error}");
        }
    }
}
