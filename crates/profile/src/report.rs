//! The object that `ediacara run --json` prints.
//!
//! Other tools rely on its fields.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{EngineReport, HostOpReport, LayerReport, MatrixBeats, Placement, Share, WhatIf};

/// Everything that one run has found.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The model's file or built-in name.
    pub model: String,
    /// The machine's name.
    pub machine: String,
    /// How much of the network ran on the DLP.
    pub on_dlp: Share,
    /// The same in short.
    pub placement: Placement,
    /// The arithmetic on the DLP: `int8`.
    pub precision: String,
    /// The basis of the cycle count: `rtl-verified-rules` or `modelled` (docs/fidelity.md).
    pub timing_basis: String,
    /// Cycles of all segments and of the network's border: the sum of the three that follow.
    pub cycles: u64,
    /// Cycles of the DLP: of each of its segments, from reset to the end of `halt`.
    pub dlp_cycles: u64,
    /// Cycles of the host, by the machine's `[host]` (docs/fidelity.md).
    pub host_cycles: u64,
    /// Cycles in which the network's inputs are converted and brought into DRAM, and its outputs taken from there.
    pub transfer_cycles: u64,
    /// `cycles` by what they rest on.
    pub cycles_by_basis: BTreeMap<String, u64>,
    /// The segments, in the order in which they run.
    pub segments: Vec<SegmentReport>,
    /// The network's nodes, as imported and optimised.
    pub nodes: Vec<NodeReport>,
    /// The machine's clock in Hz.
    pub clock_hz: u64,
    /// `cycles / clock_hz`.
    pub seconds_simulated: f64,
    /// Multiply-accumulates of the convolutions and fully connected layers on the DLP.
    pub macs: u64,
    /// Multiply-accumulates of the matrix unit over `cycles` times its peak, 0 to 1. If it has none, the same
    /// of the vector unit.
    pub mac_utilisation: f64,
    /// Bytes read from DRAM, whole bursts, instruction fetch included.
    pub dram_read_bytes: u64,
    /// Bytes written to DRAM, whole bursts.
    pub dram_write_bytes: u64,
    /// Bytes of `dram_read_bytes` that are instructions. With `dram_bytes` of the layers they sum to all that
    /// was read and written.
    pub fetch_bytes: u64,
    /// Instructions executed.
    pub instructions: u64,
    /// The largest compulsory work of any one engine or of the DRAM, which no program can beat.
    pub floor_cycles: u64,
    /// The sum of the layers' `roofline_cycles`: a yardstick, which good overlap can beat.
    pub layer_roofline_cycles: u64,
    /// `dlp_cycles / layer_roofline_cycles`.
    pub cycles_over_roofline: f64,
    /// The same under its former name, for one release.
    pub cycles_over_bound: f64,
    /// The purposes of the matrix engine's beats, which sum to its busy cycles.
    pub matrix_beats: MatrixBeats,
    /// Changes of the machine that were tried, if the caller asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_if: Option<Vec<WhatIf>>,
    /// The comparison with the host.
    pub check: Check,
    /// How the network was quantised, and how far the result is from f32.
    pub quantisation: Quantisation,
    /// The network's outputs.
    pub outputs: Vec<OutputReport>,
    /// The most probable classes, where the network classifies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<TopClass>,
    /// The inputs for which this run got no numbers and drew them from a seed, so that its outputs answer
    /// noise.
    ///
    /// Calibration has inputs of its own, of which `quantisation.seeded_inputs` tells the same.
    pub made_up_inputs: Vec<String>,
    /// Every layer; `cycles` sum to the total.
    pub layers: Vec<LayerReport>,
    /// Every engine, in JSON by name.
    #[serde(serialize_with = "crate::engines::by_name")]
    pub engines: Vec<EngineReport>,
    /// Doubtful inputs: no numbers, infinities, numbers far outside of what int8 stores.
    pub input_warnings: Vec<String>,
    /// What ran on the host, and why.
    pub host_ops: Vec<HostOpReport>,
    /// Wall time of each stage.
    pub wall_seconds: Map<String, Value>,
}

/// What ran without a pause in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentReport {
    /// `dlp` or `host`.
    pub place: &'static str,
    /// Its cycles.
    pub cycles: u64,
    /// How many nodes of the int8 network it runs.
    pub nodes: usize,
}

/// A node of the network as imported and optimised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// `dlp`, or `host` if not all that was made of it ran on the DLP.
    pub place: &'static str,
    /// Why it is on the host; null for a node on the DLP.
    pub reason: Option<String>,
    /// The segment in which it ran, by index; the last of several; null if nothing was left of it.
    pub segment: Option<usize>,
    /// Its multiply-accumulates.
    pub macs: u64,
    /// Cycles of the layers that end with it: a node that is fused with a later one has 0.
    pub cycles: u64,
}

/// The comparison of the simulated memory with the host's results.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// The reference: `host int8`, or `none` when the run carried no values.
    pub reference: String,
    /// Whether every compared byte is equal; null when nothing was compared.
    pub bit_exact: Option<bool>,
    /// The largest difference, in units of the last place.
    pub max_abs_error: Option<f64>,
    /// How many tensors were compared: every activation that the DLP wrote.
    pub tensors: usize,
    /// How many of them stayed in NRAM.
    pub tensors_in_nram: usize,
    /// How many bytes were compared.
    pub bytes: u64,
    /// The first tensor that differs, in the order of the layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_difference: Option<Difference>,
}

impl Check {
    /// A check that compared nothing.
    pub fn none() -> Check {
        Check {
            reference: "none".to_owned(),
            bit_exact: None,
            max_abs_error: None,
            tensors: 0,
            tensors_in_nram: 0,
            bytes: 0,
            first_difference: None,
        }
    }
}

/// Where an activation of the DLP differs from the host's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The value's name in the int8 graph.
    pub tensor: String,
    /// The layer that completes it.
    pub layer: String,
    /// Its shape, channels last where it is made of images.
    pub shape: Vec<usize>,
    /// The first element that differs, by its index along each axis.
    pub index: Vec<usize>,
    /// The DLP's element, of real numbers a byte of it; null where no instruction wrote it.
    pub found: Option<i8>,
    /// The host's element.
    pub expected: i8,
    /// How many elements differ.
    pub elements: usize,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { tensor, layer, shape, index, elements, expected, .. } = self;
        let count: usize = shape.iter().product();
        write!(f, "`{tensor}` of layer `{layer}` in {elements} of {count} elements, first at {index:?}: ")?;
        match self.found {
            Some(found) => write!(f, "{found}, not {expected}"),
            None => write!(f, "never written, not {expected}"),
        }
    }
}

/// How the network was quantised and what that cost.
#[derive(Debug, Clone, Serialize)]
pub struct Quantisation {
    /// `min-max over N samples (source)`, `imported (QDQ)`, or `assumed` where nothing was measured.
    pub method: String,
    /// The inputs whose calibration samples were made up from seeds, so that the ranges of int8 fit noise.
    ///
    /// `made_up_inputs` of the report says the same of the run's own numbers.
    pub seeded_inputs: Vec<String>,
    /// Signal-to-quantisation-noise ratio of the DLP's worst output against the host's f32, in dB.
    ///
    /// It is null where there is no f32 result.
    pub sqnr_db: Option<f64>,
    /// Whether the most probable class is that of f32; null where the network does not classify.
    pub top1_equals_f32: Option<bool>,
    /// The smallest number of distinct int8 values in any layer's output; null when the run carried no values.
    pub fewest_distinct_values: Option<usize>,
}

impl Quantisation {
    /// A quantisation by a method, with the inputs that were seeded for it, and nothing measured yet.
    pub fn by(method: String, seeded_inputs: Vec<String>) -> Quantisation {
        let (sqnr_db, top1_equals_f32, fewest_distinct_values) = (None, None, None);
        Quantisation { method, seeded_inputs, sqnr_db, top1_equals_f32, fewest_distinct_values }
    }
}

/// One of the network's outputs.
#[derive(Debug, Clone, Serialize)]
pub struct OutputReport {
    /// The name in the model.
    pub name: String,
    /// The shape.
    pub shape: Vec<usize>,
    /// The element type.
    pub dtype: String,
    /// Signal-to-quantisation-noise ratio against the host's f32, in dB; null where there is no f32 result, or no difference.
    pub sqnr_db: Option<f64>,
}

/// One of the most probable classes.
#[derive(Debug, Clone, Serialize)]
pub struct TopClass {
    /// The index.
    pub class: usize,
    /// Its label, or the index in words.
    pub label: String,
    /// Its probability, 0 to 1.
    pub probability: f64,
}
