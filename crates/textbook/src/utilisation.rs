//! Utilisation against the size of the compute unit, where the on-chip memory has one bandwidth and DRAM
//! never limits.
//!
//! Utilisation is the multiply-adds over time times peak, as in the report of a run.
//!
//! Two machines have N multiply-accumulators of 16 bits. In the **array** they stand in R rows and C columns
//! (R = C, or C = 2 R if N is no square). It holds R x C weights and takes R inputs a cycle, each of which
//! all C columns use; sums stay in it. The **scalar** machine is N units that share nothing: each takes two
//! operands a cycle. Weights, inputs and results all pass one on-chip memory.
//!
//! The closed form counts bytes and products only. The simulated points are programs of [`crate::program`]
//! that run tile by tile. So they also show what is lost at the array's edges, where channels do not fill it,
//! and before the first tile arrives.

use ediacara_plot::{Axis, Chart, Mark, Point, Series};
use serde_json::{Value, json};

use crate::layers::Layer;
use crate::program::{AbstractMachine, Program};

/// Bytes of an operand.
const OPERAND_BYTES: u64 = 2;

/// How many tiles one layer is simulated in.
const TILES: u64 = 64;

/// How the multiply-accumulators are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    /// Rows and columns that share operands.
    Array,
    /// Units that share nothing.
    Scalar,
}

impl Arrangement {
    /// Both arrangements.
    pub const ALL: [Arrangement; 2] = [Arrangement::Array, Arrangement::Scalar];

    /// The name in the legend.
    pub fn name(self) -> &'static str {
        match self {
            Arrangement::Array => "array",
            Arrangement::Scalar => "scalar",
        }
    }
}

/// One machine: its multiply-accumulators, their clock, and the bandwidth that feeds them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// How the multiply-accumulators are arranged.
    pub arrangement: Arrangement,
    /// Multiply-accumulators, a power of two.
    pub macs: u64,
    /// Clock in hertz.
    pub clock_hz: u64,
    /// On-chip bandwidth in bytes a second.
    pub bytes_per_second: u64,
}

/// One point of the plot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// The machine.
    pub unit: Unit,
    /// The closed form, 0 to 1.
    pub closed_form: f64,
    /// The simulated share, 0 to 1.
    pub simulated: f64,
}

impl Unit {
    /// Rows and columns of the array.
    pub fn rows_columns(&self) -> (u64, u64) {
        let rows = 1 << (self.macs.max(1).ilog2() / 2);
        (rows, self.macs / rows)
    }

    /// Bytes that pass the on-chip memory for a layer.
    pub fn bytes(&self, layer: &Layer) -> u64 {
        let results = OPERAND_BYTES * layer.results();
        match self.arrangement {
            Arrangement::Scalar => 2 * OPERAND_BYTES * layer.macs() + results,
            Arrangement::Array => {
                let (_, columns) = self.rows_columns();
                let blocks = layer.groups * (layer.outputs / layer.groups).div_ceil(columns);
                let pixels = layer.batch * layer.pixels[0] * layer.pixels[1];
                OPERAND_BYTES * (layer.weights() + pixels * layer.reduction() * blocks) + results
            }
        }
    }

    /// Cycles in which the unit is occupied; at the array's edges channels do not fill it, and these count
    /// too.
    pub fn cycles(&self, layer: &Layer) -> u64 {
        match self.arrangement {
            Arrangement::Scalar => layer.macs().div_ceil(self.macs),
            Arrangement::Array => {
                let (rows, columns) = self.rows_columns();
                let blocks = layer.groups * (layer.outputs / layer.groups).div_ceil(columns);
                let pixels = layer.batch * layer.pixels[0] * layer.pixels[1];
                pixels * blocks * layer.reduction().div_ceil(rows)
            }
        }
    }

    /// Products / peak, summed over the layers, over the sum of max(products / peak, bytes / bandwidth).
    pub fn closed_form(&self, layers: &[Layer]) -> f64 {
        let peak = self.macs as f64 * self.clock_hz as f64;
        let products = |layer: &Layer| layer.macs() as f64 / peak;
        let time =
            |layer: &Layer| products(layer).max(self.bytes(layer) as f64 / self.bytes_per_second as f64);
        layers.iter().map(products).sum::<f64>() / layers.iter().map(time).sum::<f64>()
    }

    /// The utilisation of programs that run tile by tile.
    ///
    /// Products beyond the layer's are time in which the unit does not count as working.
    ///
    /// # Errors
    /// Numbers too large to be timed exactly.
    pub fn simulate(&self, layers: &[Layer]) -> Result<f64, String> {
        let machine = self.machine()?;
        let program =
            Program::parse(&self.program(layers), "utilisation").map_err(|errors| errors.to_string())?;
        let estimate = program.estimate(&machine).map_err(|errors| errors.to_string())?;
        let products: u64 = layers.iter().map(Layer::macs).sum();
        let peak_per_nanosecond = self.macs as f64 * self.clock_hz as f64 / 1e9;
        Ok(products as f64 / peak_per_nanosecond / estimate.time.to_f64())
    }

    /// A program in which tile t + 1 arrives while tile t is computed.
    fn program(&self, layers: &[Layer]) -> String {
        let mut text = String::new();
        for layer in layers {
            let (bytes, work) =
                (self.bytes(layer).div_ceil(TILES), (self.cycles(layer) * self.macs).div_ceil(TILES));
            text += &format!(
                "move SharedRAM NRAM {bytes}\nsync\n\
                 loop {}\nmove SharedRAM NRAM {bytes}\ncompute MAC16 {work}\nsync\nendloop\n\
                 compute MAC16 {work}\nsync\n",
                TILES - 1
            );
        }
        text
    }

    fn machine(&self) -> Result<AbstractMachine, String> {
        let text = format!(
            "name = \"unit\"\ndescription = \"\"\nsource = \"\"\ncores = 1\nclock_hz = {}\n\
             [memory]\nnram_bytes = 1\nwram_bytes = 0\nshared_ram_bytes = 1\n\
             [bandwidth]\ndram = 1_000_000_000\nshared_ram = {}\n[operations_per_cycle]\nmac16 = {}\n",
            self.clock_hz, self.bytes_per_second, self.macs
        );
        AbstractMachine::from_toml(&text, "utilisation").map_err(|error| error.to_string())
    }
}

/// Both arrangements at 1, 2, 4, ..., `largest` multiply-accumulators.
///
/// # Errors
/// Numbers too large to be timed exactly.
pub fn sweep(
    layers: &[Layer],
    clock_hz: u64,
    bytes_per_second: u64,
    largest: u64,
) -> Result<Vec<Measurement>, String> {
    let sizes = (0..=largest.max(1).ilog2()).map(|power| 1 << power);
    let units = Arrangement::ALL.into_iter().flat_map(|arrangement| {
        sizes.clone().map(move |macs| Unit { arrangement, macs, clock_hz, bytes_per_second })
    });
    units
        .map(|unit| {
            let simulated = unit.simulate(layers)?;
            Ok(Measurement { unit, closed_form: unit.closed_form(layers), simulated })
        })
        .collect()
}

/// The closed forms as lines, the simulations as circles.
pub fn chart(measurements: &[Measurement], title: &str) -> Chart {
    let mut series = Vec::new();
    for (colour, arrangement) in Arrangement::ALL.into_iter().enumerate() {
        let own = measurements.iter().filter(|one| one.unit.arrangement == arrangement);
        let points = |value: fn(&Measurement) -> f64| -> Vec<Point> {
            own.clone().map(|one| Point::from((one.unit.macs as f64, 100.0 * value(one)))).collect()
        };
        let name = arrangement.name();
        series.push(Series {
            name: format!("{name}, closed form"),
            mark: Mark::Line,
            colour,
            points: points(|one| one.closed_form),
        });
        series.push(Series {
            name: format!("{name}, simulated"),
            mark: Mark::Rings,
            colour,
            points: points(|one| one.simulated),
        });
    }
    Chart {
        title: title.to_owned(),
        x: Axis::log2("multiply-accumulators"),
        y: Axis::linear("multiply-adds, % of the peak").range(0.0, 105.0),
        series,
    }
}

/// The measurements for other tools.
pub fn to_json(measurements: &[Measurement]) -> Value {
    measurements
        .iter()
        .map(|one| {
            json!({
                "arrangement": one.unit.arrangement.name(),
                "macs": one.unit.macs,
                "closed_form": one.closed_form,
                "simulated": one.simulated,
            })
        })
        .collect()
}
