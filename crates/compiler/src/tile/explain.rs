//! Why a layer is cut as it is.

use std::fmt::Display;

use crate::tile::cost::{Choice, Estimate};

/// The choice of a layer's tiling, for people. Layers that only move or combine elements have no choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Index of the layer.
    pub layer: u32,
    /// How it is cut.
    pub tiling: String,
    /// What that was estimated to cost.
    pub estimate: Estimate,
    /// The second best way, and what it was estimated to cost.
    pub runner_up: Option<(String, Estimate)>,
    /// How many ways fitted the machine.
    pub considered: usize,
}

impl Explanation {
    /// Of a layer's choice.
    pub(crate) fn of<T: Display>(layer: u32, choice: &Choice<T>) -> Explanation {
        Explanation {
            layer,
            tiling: choice.tiling.to_string(),
            estimate: choice.estimate,
            runner_up: choice.runner_up.as_ref().map(|(tiling, estimate)| (tiling.to_string(), *estimate)),
            considered: choice.considered,
        }
    }

    /// The engine that the estimate says is busiest: `matrix`, `vector` or `dram`.
    pub fn busiest(&self) -> &'static str {
        let Estimate { matrix, vector, dram, .. } = self.estimate;
        if matrix >= vector.max(dram) {
            "matrix"
        } else if vector >= dram {
            "vector"
        } else {
            "dram"
        }
    }
}
