//! A convolution as a nest of seven loops, and three ways to cut it into tiles.
//!
//! They show what is where when, and what passes each memory.
//!
//! The three ways are named after what stays while the rest passes (Chen, Emer, Sze, "Eyeriss: a spatial
//! architecture for energy-efficient dataflow for convolutional neural networks", ISCA 2016). The loops over
//! tiles bring blocks from DRAM into NRAM (inputs), WRAM (weights) and ARAM (sums). The loops within a tile
//! bring them to an array of `lanes` x `columns` multipliers. Numbers are int8, sums int32.

use ediacara_arch::Machine;
use ediacara_plot::{Row, Span, Timeline};
use serde_json::{Value, json};

use crate::layers::Layer;

/// Bytes of a sum.
const SUM_BYTES: u64 = 4;

/// Steps that a picture shows.
const PICTURE_STEPS: usize = 12;

/// A loop over tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Images.
    N,
    /// Output channels.
    K,
    /// Input channels.
    C,
    /// Output rows.
    P,
    /// Output columns.
    Q,
}

use Dimension::{C, K, N, P, Q};

impl Dimension {
    fn name(self) -> &'static str {
        match self {
            N => "n",
            K => "k",
            C => "c",
            P => "p",
            Q => "q",
        }
    }
}

/// The operand that stays while the rest passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stationary {
    /// The sums: the reduction is innermost.
    Outputs,
    /// The weights: pixels are innermost.
    Weights,
    /// The inputs: output channels are innermost.
    Inputs,
}

impl Stationary {
    /// All three.
    pub const ALL: [Stationary; 3] = [Stationary::Outputs, Stationary::Weights, Stationary::Inputs];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Stationary::Outputs => "output-stationary",
            Stationary::Weights => "weight-stationary",
            Stationary::Inputs => "input-stationary",
        }
    }

    /// The loops over tiles, outermost first.
    pub fn order(self) -> [Dimension; 5] {
        match self {
            Stationary::Outputs => [N, K, P, Q, C],
            Stationary::Weights => [K, C, N, P, Q],
            Stationary::Inputs => [N, C, P, Q, K],
        }
    }
}

/// The tensors, and the loops that each depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// `x[n, c, y, x]`
    Inputs,
    /// `w[k, c, r, s]`
    Weights,
    /// `y[n, k, p, q]`
    Outputs,
}

impl Operand {
    const ALL: [Operand; 3] = [Operand::Inputs, Operand::Weights, Operand::Outputs];

    fn depends_on(self, dimension: Dimension) -> bool {
        match self {
            Operand::Inputs => dimension != K,
            Operand::Weights => matches!(dimension, K | C),
            Operand::Outputs => dimension != C,
        }
    }

    fn place(self) -> &'static str {
        match self {
            Operand::Inputs => "inputs in NRAM",
            Operand::Weights => "weights in WRAM",
            Operand::Outputs => "sums in ARAM",
        }
    }
}

/// The memories and the array that a tiling is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memories {
    /// The memory of inputs and outputs.
    pub nram_bytes: u64,
    /// The memory of weights.
    pub wram_bytes: u64,
    /// The memory of sums.
    pub aram_bytes: u64,
    /// Products that the array sums up in a cycle.
    pub lanes: u64,
    /// Output channels side by side.
    pub columns: u64,
}

impl Memories {
    /// The memories and the array of a machine.
    pub fn of(machine: &Machine) -> Memories {
        Memories {
            nram_bytes: machine.core.nram_bytes,
            wram_bytes: machine.core.wram_bytes,
            aram_bytes: machine.core.aram_bytes,
            lanes: machine.matrix.rows.into(),
            columns: machine.matrix.columns.into(),
        }
    }
}

/// Sizes of a tile, which takes one image at a time and all taps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Output channels.
    pub k: u64,
    /// Input channels.
    pub c: u64,
    /// Output rows.
    pub p: u64,
    /// Output columns.
    pub q: u64,
}

/// Bytes between DRAM and the memories on chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DramTraffic {
    /// Inputs loaded; rows and columns that neighbouring tiles share are loaded for each.
    pub inputs: u64,
    /// Weights loaded.
    pub weights: u64,
    /// Outputs stored.
    pub outputs: u64,
    /// Bytes of sums that are not complete, stored and loaded again.
    pub sums: u64,
}

impl DramTraffic {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.inputs + self.weights + self.outputs + self.sums
    }
}

/// Bytes between the memories on chip and the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrayTraffic {
    /// Inputs read from NRAM.
    pub nram_read: u64,
    /// Weights read from WRAM.
    pub wram_read: u64,
    /// Sums read from ARAM.
    pub aram_read: u64,
    /// Sums written to ARAM.
    pub aram_written: u64,
}

/// One way to cut a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiling {
    /// What stays.
    pub stationary: Stationary,
    /// The tile.
    pub tile: Tile,
}

/// Trips of the loops over tiles.
fn trips(layer: &Layer, tile: &Tile, dimension: Dimension) -> u64 {
    match dimension {
        N => layer.batch,
        K => layer.outputs.div_ceil(tile.k),
        C => layer.inputs.div_ceil(tile.c),
        P => layer.pixels[0].div_ceil(tile.p),
        Q => layer.pixels[1].div_ceil(tile.q),
    }
}

/// Input rows (axis 0) or columns (1) under the outputs from `first` to before `end`, without padding.
fn span(layer: &Layer, axis: usize, first: u64, end: u64) -> u64 {
    let place = |output: u64, tap: u64| {
        (output * layer.stride[axis] + tap * layer.dilation[axis]).saturating_sub(layer.padding[axis])
    };
    let last = place(end - 1, layer.kernel[axis] - 1) + 1;
    // If the last row of a tile lies in the padding above, a row that saturated to 0 would be counted.
    let in_padding = (end - 1) * layer.stride[axis] + (layer.kernel[axis] - 1) * layer.dilation[axis]
        < layer.padding[axis];
    if in_padding { 0 } else { last.min(layer.image[axis]).saturating_sub(place(first, 0)) }
}

/// Input rows or columns of all tiles of `size` outputs together.
fn spans(layer: &Layer, axis: usize, size: u64) -> u64 {
    let outputs = layer.pixels[axis];
    let tiles = (0..outputs).step_by(size.max(1) as usize);
    tiles.map(|first| span(layer, axis, first, (first + size).min(outputs))).sum()
}

impl Tiling {
    /// The tile with the least traffic to DRAM that fits twice (so that the next arrives while one is
    /// computed).
    ///
    /// It consists of whole blocks of the array. It is nothing if even the smallest does not fit.
    ///
    /// # Errors
    /// The layer has groups, which these loops do not have.
    pub fn best(
        layer: &Layer,
        memories: &Memories,
        stationary: Stationary,
    ) -> Result<Option<Tiling>, String> {
        if layer.groups != 1 {
            return Err(format!(
                "{} has {} groups of channels; the seven loops are of one",
                layer.name, layer.groups
            ));
        }
        let sizes = |all: u64, unit: u64| -> Vec<u64> {
            let mut sizes: Vec<u64> = std::iter::successors(Some(unit), |size| Some(2 * size))
                .take_while(|size| *size < all)
                .collect();
            sizes.push(all);
            sizes
        };
        let mut best: Option<(u64, u64, Tiling)> = None;
        for k in sizes(layer.outputs, memories.columns) {
            for c in sizes(layer.inputs, memories.lanes) {
                for p in sizes(layer.pixels[0], 1) {
                    for q in sizes(layer.pixels[1], 1) {
                        let tiling = Tiling { stationary, tile: Tile { k, c, p, q } };
                        if !tiling.fits(layer, memories) {
                            continue;
                        }
                        // At equal traffic, the tile with the fewest steps is best.
                        let cost = (tiling.dram_traffic(layer).total(), tiling.steps(layer));
                        if best.as_ref().is_none_or(|(bytes, steps, _)| cost < (*bytes, *steps)) {
                            best = Some((cost.0, cost.1, tiling));
                        }
                    }
                }
            }
        }
        Ok(best.map(|(_, _, tiling)| tiling))
    }

    fn fits(&self, layer: &Layer, memories: &Memories) -> bool {
        let Tile { k, c, p, q } = self.tile;
        let rows = (p - 1) * layer.stride[0] + (layer.kernel[0] - 1) * layer.dilation[0] + 1;
        let columns = (q - 1) * layer.stride[1] + (layer.kernel[1] - 1) * layer.dilation[1] + 1;
        let weights = k * c * layer.kernel[0] * layer.kernel[1];
        2 * (c * rows * columns + k * p * q) <= memories.nram_bytes
            && 2 * weights <= memories.wram_bytes
            && 2 * SUM_BYTES * k * p * q <= memories.aram_bytes
    }

    /// Tiles that are computed.
    pub fn steps(&self, layer: &Layer) -> u64 {
        self.stationary.order().into_iter().map(|dimension| trips(layer, &self.tile, dimension)).product()
    }

    /// The innermost loop over tiles that runs more than once and that an operand depends on, as an index
    /// into the order.
    fn changes_at(&self, layer: &Layer, operand: Operand) -> Option<usize> {
        let order = self.stationary.order();
        order.iter().rposition(|&loop_| operand.depends_on(loop_) && trips(layer, &self.tile, loop_) > 1)
    }

    /// How often each block of an operand comes.
    ///
    /// It comes once for every turn of the loops that the operand does not depend on and that lie outside the
    /// innermost loop that it depends on.
    fn visits(&self, layer: &Layer, operand: Operand) -> u64 {
        let order = self.stationary.order();
        let outside = &order[..self.changes_at(layer, operand).unwrap_or(0)];
        let unrelated = outside.iter().filter(|&&loop_| !operand.depends_on(loop_));
        unrelated.map(|&loop_| trips(layer, &self.tile, loop_)).product()
    }

    /// The bytes that pass between DRAM and the chip.
    pub fn dram_traffic(&self, layer: &Layer) -> DramTraffic {
        let image = spans(layer, 0, self.tile.p) * spans(layer, 1, self.tile.q);
        let again = self.visits(layer, Operand::Outputs) - 1;
        DramTraffic {
            inputs: self.visits(layer, Operand::Inputs) * layer.batch * layer.inputs * image,
            weights: self.visits(layer, Operand::Weights) * layer.weights(),
            outputs: layer.results(),
            sums: again * 2 * SUM_BYTES * layer.results(),
        }
    }

    /// The bytes that pass between the memories on chip and the array.
    ///
    /// The order of loops within a tile keeps the same operand in the array's registers. Whole vectors are
    /// read, even where channels do not fill them.
    pub fn array_traffic(&self, layer: &Layer, memories: &Memories) -> ArrayTraffic {
        let pixels = layer.batch * layer.pixels[0] * layer.pixels[1];
        let blocks = layer.outputs.div_ceil(memories.columns);
        let steps = layer.reduction().div_ceil(memories.lanes);
        let beats = pixels * blocks * steps;
        let (lanes, columns) = (memories.lanes, memories.columns);
        let every_beat = SUM_BYTES * columns * beats;
        match self.stationary {
            Stationary::Outputs => ArrayTraffic {
                nram_read: lanes * beats,
                wram_read: lanes * columns * beats,
                aram_read: 0,
                aram_written: SUM_BYTES * columns * pixels * blocks,
            },
            Stationary::Weights => ArrayTraffic {
                nram_read: lanes * beats,
                wram_read: lanes * columns * blocks * steps * self.pixel_tiles(layer),
                aram_read: every_beat - SUM_BYTES * columns * pixels * blocks,
                aram_written: every_beat,
            },
            Stationary::Inputs => ArrayTraffic {
                nram_read: lanes * pixels * steps * trips(layer, &self.tile, K),
                wram_read: lanes * columns * beats,
                aram_read: every_beat - SUM_BYTES * columns * pixels * blocks,
                aram_written: every_beat,
            },
        }
    }

    /// Tiles of pixels; for each of them the array's weights are loaded again.
    fn pixel_tiles(&self, layer: &Layer) -> u64 {
        [N, P, Q].into_iter().map(|dimension| trips(layer, &self.tile, dimension)).product()
    }

    /// The loops as code: over tiles, with what is loaded and stored where, and within a tile.
    pub fn code(&self, layer: &Layer) -> String {
        let order = self.stationary.order();
        let mut lines = Vec::new();
        let mut stores = Vec::new();
        let mut depth = 0;
        let mut load = |at: Option<usize>, depth: usize, lines: &mut Vec<String>| {
            let indent = "    ".repeat(depth);
            for operand in Operand::ALL.into_iter().filter(|&operand| self.changes_at(layer, operand) == at) {
                match operand {
                    Operand::Inputs => lines.push(format!("{indent}load x tile into NRAM")),
                    Operand::Weights => lines.push(format!("{indent}load w tile into WRAM")),
                    Operand::Outputs if self.visits(layer, operand) > 1 => {
                        lines
                            .push(format!("{indent}load sums of y tile into ARAM if c > 0, else clear them"));
                        stores.push(format!("{indent}store y tile: sums, or outputs if c is the last"));
                    }
                    Operand::Outputs => {
                        lines.push(format!("{indent}clear sums of y tile in ARAM"));
                        stores.push(format!("{indent}store y tile"));
                    }
                }
            }
        };
        load(None, 0, &mut lines);
        for (index, &dimension) in order.iter().enumerate() {
            let trips = trips(layer, &self.tile, dimension);
            if trips > 1 {
                let name = dimension.name();
                lines.push(format!("{}for {name} in 0..{trips}        # tiles", "    ".repeat(depth)));
                depth += 1;
                load(Some(index), depth, &mut lines);
            }
        }
        let Tile { k, c, p, q } = self.tile;
        let inner = match self.stationary {
            Stationary::Outputs => {
                [format!("{p} x {q} pixels"), format!("{k} columns"), format!("{c} channels x taps")]
            }
            Stationary::Weights => {
                [format!("{k} columns"), format!("{c} channels x taps"), format!("{p} x {q} pixels")]
            }
            Stationary::Inputs => {
                [format!("{p} x {q} pixels"), format!("{c} channels x taps"), format!("{k} columns")]
            }
        };
        for (level, what) in inner.into_iter().enumerate() {
            lines.push(format!("{}for each of {what}", "    ".repeat(depth + level)));
        }
        lines.push(format!("{}y += x * w        # lanes x columns at once", "    ".repeat(depth + 3)));
        lines.extend(stores.into_iter().rev());
        lines.join("\n")
    }

    /// Which block is on chip in each step, one row for each memory.
    fn rows(&self, layer: &Layer) -> Vec<Row> {
        let order = self.stationary.order();
        let counts = order.map(|dimension| trips(layer, &self.tile, dimension));
        let steps = self.steps(layer).min(PICTURE_STEPS as u64);
        let block = |operand: Operand, step: u64| -> String {
            let mut rest = step;
            let mut parts: Vec<String> = Vec::new();
            for (&dimension, &count) in order.iter().zip(&counts).rev() {
                if count > 1 && operand.depends_on(dimension) {
                    parts.insert(0, format!("{}{}", dimension.name(), rest % count));
                }
                rest /= count;
            }
            if parts.is_empty() { "all".to_owned() } else { parts.join(" ") }
        };
        let row = |operand: Operand| {
            let mut spans: Vec<Span> = Vec::new();
            for step in 0..steps {
                let name = block(operand, step);
                match spans.last_mut() {
                    Some(last) if last.name == name => last.end = (step + 1) as f64,
                    _ => spans.push(Span {
                        start: step as f64,
                        end: (step + 1) as f64,
                        kind: operand as usize,
                        name,
                    }),
                }
            }
            Row { name: format!("{}: {}", self.stationary.name(), operand.place()), spans }
        };
        Operand::ALL.map(row).to_vec()
    }
}

/// The convolution by its definition, as seven loops.
pub fn definition(layer: &Layer) -> String {
    let loops = [
        ("n", layer.batch, "images"),
        ("k", layer.outputs, "output channels"),
        ("p", layer.pixels[0], "output rows"),
        ("q", layer.pixels[1], "output columns"),
        ("c", layer.inputs, "input channels"),
        ("r", layer.kernel[0], "taps down"),
        ("s", layer.kernel[1], "taps across"),
    ];
    let place = |output: &str, tap: &str, axis: usize| {
        let product =
            |name: &str, factor: u64| if factor == 1 { name.to_owned() } else { format!("{factor}*{name}") };
        let place =
            format!("{} + {}", product(output, layer.stride[axis]), product(tap, layer.dilation[axis]));
        if layer.padding[axis] == 0 { place } else { format!("{place} - {}", layer.padding[axis]) }
    };
    let mut lines: Vec<String> = loops
        .iter()
        .enumerate()
        .map(|(depth, (name, count, what))| {
            format!("{}for {name} in 0..{count}        # {what}", "    ".repeat(depth))
        })
        .collect();
    lines.push(format!(
        "{}y[n, k, p, q] += x[n, c, {}, {}] * w[k, c, r, s]",
        "    ".repeat(loops.len()),
        place("p", "r", 0),
        place("q", "s", 1)
    ));
    lines.join("\n")
}

/// What is where when, for each way, step by step from the first step on.
pub fn timeline(layer: &Layer, tilings: &[Tiling]) -> Timeline {
    Timeline {
        title: format!("{}: which block is on chip, tile by tile", layer.name),
        axis: format!("tiles computed (the first {PICTURE_STEPS} at most)"),
        kinds: ["inputs", "weights", "sums"].map(str::to_owned).to_vec(),
        rows: tilings.iter().flat_map(|tiling| tiling.rows(layer)).collect(),
    }
}

/// The loops and their traffic for other tools.
pub fn to_json(layer: &Layer, memories: &Memories, tilings: &[Tiling]) -> Value {
    tilings
        .iter()
        .map(|tiling| {
            let (dram, array) = (tiling.dram_traffic(layer), tiling.array_traffic(layer, memories));
            let Tile { k, c, p, q } = tiling.tile;
            json!({
                "name": tiling.stationary.name(),
                "tile": { "output_channels": k, "input_channels": c, "rows": p, "columns": q },
                "tiles": tiling.steps(layer),
                "code": tiling.code(layer),
                "dram_bytes": {
                    "inputs": dram.inputs, "weights": dram.weights, "outputs": dram.outputs,
                    "sums": dram.sums, "total": dram.total(),
                },
                "array_bytes": {
                    "nram_read": array.nram_read, "wram_read": array.wram_read,
                    "aram_read": array.aram_read, "aram_written": array.aram_written,
                },
            })
        })
        .collect()
}
