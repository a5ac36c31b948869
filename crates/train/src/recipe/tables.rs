//! The tables of a recipe.

use ediacara_graph::DType;
use ediacara_nn::optimisers::Momentum;
use serde::{Deserialize, Serialize};

/// The quantity that is made small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OptimiserTable {
    /// Which one.
    pub kind: OptimiserKind,
    /// The base rate.
    pub rate: f64,
    /// For `sgd`; 0 if it is left out.
    #[serde(default)]
    pub momentum: f32,
    /// For `sgd`: `accumulated`, `velocity` or `nesterov`.
    #[serde(default)]
    pub form: Momentum,
    /// For weights.
    #[serde(default)]
    pub l1: f32,
    /// For weights.
    #[serde(default)]
    pub l2: f32,
}

/// The optimisers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimiserKind {
    /// Stochastic gradient descent.
    Sgd,
    /// RMSProp, decay 0.99.
    RmsProp,
    /// Adam, betas 0.9 and 0.999.
    Adam,
    /// Adam with decoupled weight decay.
    AdamW,
}

/// `[schedule]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleTable {
    /// Which one.
    #[serde(default)]
    pub kind: ScheduleKind,
    /// Epochs in which the rate rises to its base.
    #[serde(default)]
    pub warm_up_epochs: f64,
    /// For `stepwise`: epochs between two changes.
    #[serde(default)]
    pub every_epochs: f64,
    /// For `stepwise`: the factor of the rate at each change.
    #[serde(default)]
    pub factor: f64,
    /// For `cosine`: the rate at the end, relative to the base.
    #[serde(default)]
    pub last: f64,
}

/// The schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
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

/// `[pruning]`: weights of small magnitude become 0, more and more of them.
///
/// Zhu and Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression", 2017.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PruningTable {
    /// The share of each layer's weights that is 0 in the end, 0 to less than 1.
    pub sparsity: f64,
    /// Epochs before the ramp.
    #[serde(default)]
    pub from_epoch: f64,
    /// Epochs at the end of the ramp.
    pub to_epoch: f64,
    /// Steps between two prunings on the ramp.
    #[serde(default = "hundred")]
    pub every_steps: u64,
}

fn hundred() -> u64 {
    100
}

/// `[precision]`: the type that layers compute in and store.
///
/// Micikevicius et al., "Mixed precision training", 2018.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PrecisionTable {
    /// `f16` or `bf16`.
    ///
    /// Parameters, their updates and the loss stay f32.
    pub compute: Half,
    /// The first factor of the loss, so that small gradients do not become 0.
    ///
    /// It is halved when a gradient overflows (that step is left out), and doubled after 1,000 steps without
    /// an overflow, up to 2^24.
    #[serde(default = "loss_scale")]
    pub loss_scale: f32,
}

fn loss_scale() -> f32 {
    65_536.0
}

/// The types of half the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// IEEE 754's binary16.
    F16,
    /// The upper half of an f32.
    Bf16,
}

impl Half {
    /// The element type.
    pub fn dtype(self) -> DType {
        match self {
            Half::F16 => DType::F16,
            Half::Bf16 => DType::BF16,
        }
    }
}

/// `[early_stop]`: ends a training that gets no better, and takes the best parameters that there were.
///
/// With `[pruning]`, only parameters from the end of the ramp on count.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopTable {
    /// Epochs without a better accuracy after which the training ends.
    pub patience: u64,
    /// The share of the training samples, the last ones, that are not learnt from but evaluated after every
    /// epoch.
    #[serde(default = "tenth")]
    pub validation: f64,
}

fn tenth() -> f64 {
    0.1
}
