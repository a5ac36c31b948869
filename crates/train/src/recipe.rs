//! Recipes: files that say what to train, on what, and how.

use std::path::Path;
use std::str::FromStr;

use ediacara_nn::optimisers::{Decay, Momentum, Optimiser};
use ediacara_nn::{LearningRate, Schedule};
use serde::Deserialize;

use crate::TrainError;

/// A training, as a TOML file says it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What it shows, in a sentence.
    pub title: String,
    /// The data set: `mnist`, `fashion-mnist`, `digits`, `and`, `or`, `xor` or `full-adder`.
    pub data: String,
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
}

/// What is made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// For classes.
    CrossEntropy,
    /// For numbers.
    MeanSquaredError,
    /// For bits as -1 and 1.
    Hinge,
}

/// `[optimiser]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimiserTable {
    /// Which one.
    pub kind: OptimiserKind,
    /// The base rate.
    pub rate: f64,
    /// Of `sgd`; 0 if it is left out.
    #[serde(default)]
    pub momentum: f32,
    /// Of `sgd`: `accumulated`, `velocity` or `nesterov`.
    #[serde(default)]
    pub form: Momentum,
    /// Of weights.
    #[serde(default)]
    pub l1: f32,
    /// Of weights.
    #[serde(default)]
    pub l2: f32,
}

/// The optimisers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimiserKind {
    /// Stochastic gradient descent.
    Sgd,
    /// RMSProp, decay 0.99.
    RmsProp,
    /// Adam, betas 0.9 and 0.999.
    Adam,
    /// The same with decoupled weight decay.
    AdamW,
}

/// `[schedule]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleTable {
    /// Which one.
    #[serde(default)]
    pub kind: ScheduleKind,
    /// Epochs in which the rate rises to its base.
    #[serde(default)]
    pub warm_up_epochs: f64,
    /// Of `stepwise`: epochs between two changes.
    #[serde(default)]
    pub every_epochs: f64,
    /// Of `stepwise`: what the rate is multiplied by at each.
    #[serde(default)]
    pub factor: f64,
    /// Of `cosine`: the rate at the end, relative to the base.
    #[serde(default)]
    pub last: f64,
}

/// The schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// The base rate throughout.
    #[default]
    Constant,
    /// Multiplied by a factor every so many epochs.
    Stepwise,
    /// Half a cosine down to its last value.
    Cosine,
}

/// The largest number in a layer.
const SIZE_LIMIT: usize = 1 << 16;

/// A layer of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LayerSpec {
    /// `flatten`
    Flatten,
    /// `dense OUTPUTS`
    Dense(usize),
    /// `conv OUTPUTS KERNEL` or `conv OUTPUTS KERNEL PADDING`
    Conv {
        /// Channels that come out.
        outputs: usize,
        /// Height and width of the kernel.
        kernel: usize,
        /// Zeros on each side.
        padding: usize,
    },
    /// `max_pool KERNEL`
    MaxPool(usize),
    /// `average_pool KERNEL`
    AveragePool(usize),
    /// `batch_norm`
    BatchNorm,
    /// `dropout PROBABILITY`
    Dropout(f32),
    /// `relu`
    Relu,
    /// `sigmoid`
    Sigmoid,
    /// `tanh`
    Tanh,
}

impl FromStr for LayerSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<LayerSpec, String> {
        let number = |word: &str, least: usize| {
            let size = word.parse().ok().filter(|size| (least..=SIZE_LIMIT).contains(size));
            size.ok_or_else(|| {
                format!("layer `{text}`: `{word}` is no whole number of {least} to {SIZE_LIMIT}")
            })
        };
        let size = |word: &str| number(word, 1);
        let probability = |word: &str| {
            let share = word.parse().ok().filter(|share| (0.0..1.0).contains(share));
            share.ok_or_else(|| format!("layer `{text}`: `{word}` is no probability from 0 to less than 1"))
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match words[..] {
            ["flatten"] => LayerSpec::Flatten,
            ["dense", outputs] => LayerSpec::Dense(size(outputs)?),
            ["conv", outputs, kernel] => {
                LayerSpec::Conv { outputs: size(outputs)?, kernel: size(kernel)?, padding: 0 }
            }
            ["conv", outputs, kernel, padding] => LayerSpec::Conv {
                outputs: size(outputs)?,
                kernel: size(kernel)?,
                padding: number(padding, 0)?,
            },
            ["max_pool", kernel] => LayerSpec::MaxPool(size(kernel)?),
            ["average_pool", kernel] => LayerSpec::AveragePool(size(kernel)?),
            ["batch_norm"] => LayerSpec::BatchNorm,
            ["dropout", share] => LayerSpec::Dropout(probability(share)?),
            ["relu"] => LayerSpec::Relu,
            ["sigmoid"] => LayerSpec::Sigmoid,
            ["tanh"] => LayerSpec::Tanh,
            _ => {
                return Err(format!(
                    "layer `{text}` is none of flatten, dense OUTPUTS, conv OUTPUTS KERNEL [PADDING], max_pool KERNEL, average_pool KERNEL, batch_norm, dropout PROBABILITY, relu, sigmoid, tanh"
                ));
            }
        })
    }
}

/// The recipes that are built in, by name.
const RECIPES: [(&str, &str); 7] = [
    ("mnist-mlp", include_str!("../../../recipes/mnist-mlp.toml")),
    ("lenet5", include_str!("../../../recipes/lenet5.toml")),
    ("perceptron-and", include_str!("../../../recipes/perceptron-and.toml")),
    ("perceptron-or", include_str!("../../../recipes/perceptron-or.toml")),
    ("perceptron-xor", include_str!("../../../recipes/perceptron-xor.toml")),
    ("mlp-xor", include_str!("../../../recipes/mlp-xor.toml")),
    ("full-adder", include_str!("../../../recipes/full-adder.toml")),
];

impl Recipe {
    /// The names of the recipes that are built in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        RECIPES.iter().map(|(name, _)| *name)
    }

    /// A built-in recipe by its name, or a file.
    ///
    /// # Errors
    /// It is neither; the file is no recipe.
    pub fn load(name_or_path: &str) -> Result<Recipe, TrainError> {
        if let Some((name, text)) = RECIPES.iter().find(|(name, _)| *name == name_or_path) {
            return Recipe::parse(text, name);
        }
        let path = Path::new(name_or_path);
        if !path.exists() {
            let names = Recipe::names().collect::<Vec<_>>().join(", ");
            let problem =
                format!("there is no such file, and no recipe of this name is built in; there are {names}");
            return Err(TrainError::Recipe { path: name_or_path.to_owned(), problem });
        }
        Recipe::open(path)
    }

    /// Reads a recipe.
    ///
    /// # Errors
    /// The file cannot be read, or is no recipe; with its name and the line.
    pub fn open(path: &Path) -> Result<Recipe, TrainError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| TrainError::Recipe { path: name.clone(), problem: error.to_string() })?;
        Recipe::parse(&text, &name)
    }

    /// Parses a recipe; `name` only appears in errors.
    ///
    /// # Errors
    /// It is no TOML, lacks a field, has an unknown one, or one whose value makes no sense.
    pub fn parse(text: &str, name: &str) -> Result<Recipe, TrainError> {
        let problem = |problem: String| TrainError::Recipe { path: name.to_owned(), problem };
        let recipe: Recipe = toml::from_str(text).map_err(|error| problem(error.to_string()))?;
        recipe.check().map_err(problem)?;
        Ok(recipe)
    }

    /// What makes no sense in it, if anything does; a recipe that was changed may be one no more.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (field, value) in [("epochs", self.epochs), ("batch", self.batch as u64)] {
            if value == 0 {
                return Err(format!("{field}: 0 is no training; give 1 or more"));
            }
        }
        let rate = self.optimiser.rate;
        if !(rate.is_finite() && rate > 0.0) {
            return Err(format!("optimiser.rate: {rate} is no rate; give a number above 0"));
        }
        self.specs().map(drop)
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
        let recipe = Recipe::parse(SMALL, "small.toml").unwrap();
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
            let error = Recipe::parse(&SMALL.replace(from, to), "small.toml").unwrap_err().to_string();
            assert!(error.starts_with("small.toml: ") && error.contains(expected), "{error}");
        }
    }
}
