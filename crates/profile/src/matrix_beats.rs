//! What the beats of the matrix engine were for.

use std::fmt;

use ediacara_arch::Machine;
use serde::Serialize;

use crate::LayerReport;
use crate::number::thousands;

/// Beats of the matrix engine by their purpose; together they are its busy cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MatrixBeats {
    /// Beats that the network's products take on full lanes, rounded down in each layer.
    pub products: u64,
    /// Beats that were lost in lanes that no channel fills.
    pub idle_lanes: u64,
    /// Beats for products of rows that blocks compute once more, because the windows of two tiles see them.
    pub repeated: u64,
    /// Beats for channels that were only moved, by products with zeros and ones.
    pub moves: u64,
    /// Beats for channels that were only summed, to their mean, by products with ones.
    pub sums: u64,
}

impl MatrixBeats {
    /// The beats of layers.
    pub fn of(machine: &Machine, layers: &[LayerReport]) -> MatrixBeats {
        let mut beats = MatrixBeats::default();
        for layer in layers {
            if layer.matrix_macs == 0 {
                let is_mean = layer.op == "average_pool";
                *(if is_mean { &mut beats.sums } else { &mut beats.moves }) += layer.matrix_cycles;
                continue;
            }
            let once = layer.matrix_cycles - layer.repeated_matrix_cycles.min(layer.matrix_cycles);
            let bytes = layer.matrix_macs * layer.matrix_element_bytes;
            let products = (bytes / machine.peak_macs_per_cycle()).min(once);
            beats.products += products;
            beats.idle_lanes += once - products;
            beats.repeated += layer.matrix_cycles - once;
        }
        beats
    }

    /// All beats.
    pub fn total(&self) -> u64 {
        self.products + self.idle_lanes + self.repeated + self.moves + self.sums
    }
}

impl fmt::Display for MatrixBeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} for products", thousands(self.total()), thousands(self.products))?;
        for (beats, what) in [
            (self.idle_lanes, "in idle lanes"),
            (self.repeated, "for rows computed twice"),
            (self.moves, "to move channels"),
            (self.sums, "to sum channels"),
        ] {
            if beats > 0 {
                write!(f, ", {} {what}", thousands(beats))?;
            }
        }
        Ok(())
    }
}
