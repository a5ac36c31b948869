//! Which tiling a convolution gets: candidates, what they hold on chip, what they cost.
//!
//! This is the seam for a search: [`choose`] takes a [`Problem`] and returns a [`Tiling`] that fits;
//! everything that depends on the choice follows from the tiling.

use std::fmt;

use ediacara_arch::RECORD_BYTES;
use ediacara_isa::Memory;

use crate::program::view::Image;
use crate::program::window::{Axis, Range, Tile, Window, largest_tile};
use crate::tile::claim::{Claim, TABLE_BYTES};
use crate::tile::cost::{Choice, Estimate, Rates, Search};
use crate::tile::epilogue::Epilogue;

/// A convolution as the tiler sees it. Groups are those after merging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Input.
    pub x: Image,
    /// Output.
    pub y: Image,
    /// Window.
    pub window: Window,
    /// Independent products side by side.
    pub groups: u64,
    /// Input channels of a group.
    pub inputs: u64,
    /// Output channels of a group.
    pub outputs: u64,
    /// In which order terms are summed.
    pub summation: Summation,
    /// What becomes of the sums, if they are not requantised. Then y lies nowhere.
    pub epilogue: Option<Epilogue>,
    /// What is added, an image of the output's extents, if anything.
    pub residual: Option<Image>,
    /// Whether results are looked up in a table.
    pub table: bool,
    /// How weights come to WRAM.
    pub staging: Staging,
    /// Whether weights and records lie on chip already, and stay there.
    pub held: bool,
}

/// In which order the terms of a sum are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Summation {
    /// In any: they are integers.
    Any,
    /// Of real numbers (N-FLOAT-DOT), the channels of a tap are a stretch.
    Taps,
    /// Of real numbers, a row of the window with its channels is a stretch.
    Rows,
}

/// How weights come to WRAM: constants lie in DRAM as WRAM wants them; what a layer computes passes through NRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Staging {
    /// They are loaded as they lie.
    Constant,
    /// A cache, which lies in DRAM as WRAM wants it, too.
    Packed,
    /// Rows of terms are loaded to NRAM.
    Loaded,
    /// Columns are loaded to NRAM, and transposed there.
    LoadedTransposed,
    /// Rows of terms lie in NRAM already; they are copied to where there is room for what pads them.
    Copied,
    /// Columns lie in NRAM already; they are transposed.
    Transposed,
}

impl Staging {
    /// Copies of a weight tile in NRAM on its way.
    pub fn copies(self) -> u64 {
        match self {
            Staging::Constant | Staging::Packed => 0,
            Staging::Loaded | Staging::Copied | Staging::Transposed => 1,
            Staging::LoadedTransposed => 2,
        }
    }

    /// Whether weights come from DRAM.
    pub fn loads(self) -> bool {
        !matches!(self, Staging::Copied | Staging::Transposed)
    }

    /// Beats of the vector unit for so many bytes. A square of lanes is transposed in twice as many beats as it has rows.
    fn beats(self, bytes: f64, rates: &Rates) -> f64 {
        let passes = match self {
            Staging::Constant | Staging::Packed | Staging::Loaded => 0.0,
            Staging::Copied => 1.0,
            Staging::LoadedTransposed | Staging::Transposed => 2.0,
        };
        passes * bytes / rates.lanes as f64
    }
}

/// A piece of the reduction: taps down and across, and channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Taps down, across.
    pub taps: [Range; 2],
    /// Channels of the group.
    pub channels: Range,
}

/// Which loop is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// A tile of weights stays while pixels pass.
    WeightsOuter,
    /// A chunk of a tile of weights stays while pixels pass, whose sums wait in ARAM for the next chunk: weights that are more
    /// than WRAM holds are loaded once for all pixels of all images.
    ChunksOuter,
    /// A tile of pixels stays while weights pass.
    PixelsOuter,
}

/// Slots of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// Input tiles.
    pub x: u64,
    /// Weight tiles.
    pub w: u64,
    /// Records.
    pub p: u64,
    /// Accumulators.
    pub acc: u64,
    /// Output tiles, and as many residual tiles if there is a residual.
    pub y: u64,
}

/// How a convolution is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    /// Output rows and columns of a tile.
    pub pixels: [u64; 2],
    /// Blocks of output channels of a tile.
    pub blocks: u64,
    /// Taps down and across of a chunk of the reduction.
    pub taps: [u64; 2],
    /// Channels of a chunk.
    pub channels: u64,
    /// Loop order.
    pub order: Order,
    /// Whether an input tile holds the channels of all groups.
    pub shared_input: bool,
    /// Slots on chip.
    pub slots: Slots,
}

/// What a tiling lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// The memory.
    pub memory: Memory,
    /// Bytes needed.
    pub needed: u64,
    /// Bytes there are.
    pub available: u64,
}

impl Problem {
    /// The axes of the window.
    pub fn axes(&self) -> [Axis; 2] {
        [0, 1].map(|index| Axis::of(&self.window, &self.x, index))
    }

    /// The same convolution over as few, as long rows of pixels as its layout allows.
    pub fn simplified(mut self) -> Problem {
        let [down, across] = self.window.stride;
        // Padding after the input may lie under outputs, too.
        let inside = (self.y.height - 1) * down < self.x.height && (self.y.width - 1) * across < self.x.width;
        if self.window.kernel != [1, 1] || self.window.before != [0, 0] || !inside {
            return self;
        }
        self.x = self.x.subsample(self.window.stride, [self.y.height, self.y.width]);
        self.window = Window { dilation: [1; 2], ..Window::POINT };
        let residual = self.residual.map(|image| image.flatten());
        if let (Some(x), Some(y)) = (self.x.flatten(), self.y.flatten())
            && x.width == y.width
            && residual.is_none_or(|image| image.is_some_and(|image| image.width == y.width))
        {
            (self.x, self.y, self.residual) = (x, y, residual.flatten());
        }
        self
    }

    /// Tiles that are loaded, of each kind: of the input, of the residual; and of the output that are stored.
    fn in_dram(&self) -> [u64; 3] {
        if let Some(epilogue) = &self.epilogue {
            let [loaded, stored] = epilogue.crosses_dram();
            return [!self.x.is_kept(), loaded, stored].map(u64::from);
        }
        let residual = self.residual.is_some_and(|image| !image.is_kept());
        [!self.x.is_kept(), residual, !self.y.is_kept()].map(u64::from)
    }

    /// Blocks of output channels of a group.
    pub fn blocks(&self, rates: &Rates) -> u64 {
        self.outputs.div_ceil(rates.columns)
    }
}

impl Tiling {
    /// Bytes from a pixel of an input tile to the next, for a chunk of `channels`.
    pub fn pixel(&self, problem: &Problem, channels: u64) -> u64 {
        if problem.x.is_kept() {
            problem.x.pixel_stride
        } else if self.shared_input {
            problem.groups * problem.inputs
        } else {
            channels
        }
    }

    /// Whether the taps of a row are one stretch: their channels are contiguous in NRAM.
    pub fn merges_taps(&self, problem: &Problem, channels: u64) -> bool {
        match problem.summation {
            Summation::Any => problem.window.dilation[1] == 1 && self.pixel(problem, channels) == channels,
            Summation::Taps => false,
            Summation::Rows => true,
        }
    }

    /// Contiguous bytes of a stretch, and stretches across, of a chunk.
    pub fn stretch(&self, problem: &Problem, chunk: &Chunk) -> (u64, u64) {
        let (channels, across) = (chunk.channels.count, chunk.taps[1].count);
        if self.merges_taps(problem, channels) { (channels * across, 1) } else { (channels, across) }
    }

    /// WRAM rows of a block of a chunk: beats of one pixel.
    pub fn steps(&self, problem: &Problem, chunk: &Chunk, rates: &Rates) -> u64 {
        let (stretch, across) = self.stretch(problem, chunk);
        chunk.taps[0].count * across * stretch.div_ceil(rates.rows)
    }

    /// The chunks of the reduction, in order.
    pub fn chunks(&self, problem: &Problem) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        if problem.summation != Summation::Any {
            // Window row, window column, step.
            for down in Range::cut(problem.window.kernel[0], self.taps[0]) {
                for across in Range::cut(problem.window.kernel[1], self.taps[1]) {
                    let parts = Range::cut(problem.inputs, self.channels).into_iter();
                    chunks.extend(parts.map(|channels| Chunk { taps: [down, across], channels }));
                }
            }
            return chunks;
        }
        for channels in Range::cut(problem.inputs, self.channels) {
            for down in Range::cut(problem.window.kernel[0], self.taps[0]) {
                for across in Range::cut(problem.window.kernel[1], self.taps[1]) {
                    chunks.push(Chunk { taps: [down, across], channels });
                }
            }
        }
        chunks
    }

    /// The input tile under a rectangle of outputs and a chunk.
    pub fn tile(&self, problem: &Problem, pixels: [Range; 2], chunk: &Chunk) -> Tile {
        let [down, across] = problem.axes();
        Tile {
            rows: down.span(pixels[0], chunk.taps[0]),
            columns: across.span(pixels[1], chunk.taps[1]),
            pixel: self.pixel(problem, chunk.channels.count),
        }
    }

    /// Bytes of the largest input tile; none of an input that is kept.
    fn largest_tile(&self, problem: &Problem) -> u64 {
        if problem.x.is_kept() {
            return 0;
        }
        let outputs = [problem.y.height, problem.y.width];
        let pixel = self.pixel(problem, self.channels);
        largest_tile(problem.axes(), outputs, self.pixels, problem.window.kernel, self.taps, pixel)
    }

    fn counts(&self, problem: &Problem, rates: &Rates) -> Counts {
        let [rows, columns] = self.pixels;
        let pixel_tiles =
            problem.y.batch * problem.y.height.div_ceil(rows) * problem.y.width.div_ceil(columns);
        let chunks = problem.inputs.div_ceil(self.channels)
            * problem.window.kernel[0].div_ceil(self.taps[0])
            * problem.window.kernel[1].div_ceil(self.taps[1]);
        Counts {
            pixel_tiles,
            channel_tiles: problem.blocks(rates).div_ceil(self.blocks),
            chunks,
            groups: problem.groups,
        }
    }

    /// Pixels and output channels of a full tile.
    pub(crate) fn largest(&self, problem: &Problem, rates: &Rates) -> (u64, u64) {
        (self.pixels[0] * self.pixels[1], self.tile_outputs(problem, rates))
    }

    /// Output channels of a full tile.
    fn tile_outputs(&self, problem: &Problem, rates: &Rates) -> u64 {
        (self.blocks * rates.columns).min(problem.outputs)
    }

    /// Claims on NRAM (x, y, residual, staging, table), WRAM, ARAM and PRAM.
    pub fn claims(&self, problem: &Problem, rates: &Rates) -> Claims {
        let chunks = self.chunks(problem);
        let steps = chunks.iter().map(|chunk| self.steps(problem, chunk, rates)).max().unwrap_or(1);
        let pixels = self.pixels[0] * self.pixels[1];
        let outputs = self.tile_outputs(problem, rates);
        let Slots { x, w, p, acc, y } = self.slots;
        let [_, residual, stored] = problem.in_dram();
        let requantised = || {
            let tile = |slots: u64| Claim::new(pixels * outputs, slots, 1);
            [tile(stored * y), tile(residual * y), Claim::new(0, 0, 1)]
        };
        let [stored, loaded, between] =
            problem.epilogue.map_or_else(requantised, |epilogue| epilogue.claims(pixels, outputs, y));
        let has_records = problem.epilogue.is_none_or(|epilogue| epilogue.reads_records);
        Claims {
            x: Claim::new(self.largest_tile(problem), x, 1),
            y: stored,
            residual: loaded,
            between,
            staging: Claim::new(self.blocks * steps * rates.row_bytes(), problem.staging.copies(), 1),
            table: Claim::new(TABLE_BYTES, problem.table.into(), 1),
            w: Claim::new(self.blocks * steps * rates.row_bytes(), w, rates.row_bytes()),
            acc: Claim::new(pixels * self.blocks * rates.columns, acc, 1),
            p: Claim::new(if has_records { outputs } else { 1 }, p, 1),
            records: Claim::new(problem.epilogue.map_or(0, |epilogue| epilogue.records), 1, 1),
        }
    }
}

/// What a tiling claims of each memory.
#[derive(Debug, Clone, Copy)]
pub struct Claims {
    /// Input tiles, NRAM bytes.
    pub x: Claim,
    /// Output tiles, NRAM bytes.
    pub y: Claim,
    /// Residual tiles, or what an epilogue reads, NRAM bytes.
    pub residual: Claim,
    /// What passes between the steps of an epilogue, and what it reads for all rows, NRAM bytes.
    pub between: Claim,
    /// Weight tiles on their way, NRAM bytes.
    pub staging: Claim,
    /// The table on its way to the vector unit, NRAM bytes.
    pub table: Claim,
    /// Weights, WRAM bytes.
    pub w: Claim,
    /// Accumulators.
    pub acc: Claim,
    /// Records.
    pub p: Claim,
    /// Records of an epilogue's own.
    pub records: Claim,
}

#[derive(Debug, Clone, Copy)]
struct Counts {
    pixel_tiles: u64,
    channel_tiles: u64,
    chunks: u64,
    groups: u64,
}

impl Counts {
    fn tiles(&self) -> u64 {
        self.groups * self.pixel_tiles * self.channel_tiles
    }

    fn x_tiles(&self, shared: bool) -> u64 {
        self.pixel_tiles * self.chunks * if shared { 1 } else { self.groups }
    }

    fn w_tiles(&self) -> u64 {
        self.groups * self.channel_tiles * self.chunks
    }

    /// Loads of input tiles and of weight tiles over the whole layer.
    fn loads(&self, tiling: &Tiling) -> (u64, u64) {
        let (x_all, w_all) = (self.x_tiles(tiling.shared_input), self.w_tiles());
        let slots = tiling.slots;
        match tiling.order {
            Order::WeightsOuter | Order::ChunksOuter => {
                let x_resident = slots.x >= if tiling.shared_input { x_all } else { x_all / self.groups };
                let x_repeats = self.channel_tiles * if tiling.shared_input { self.groups } else { 1 };
                let w_resident = self.chunks == 1
                    || slots.w >= w_all
                    || slots.w > self.chunks
                    || tiling.order == Order::ChunksOuter;
                (
                    if x_resident { x_all } else { x_all * x_repeats },
                    if w_resident { w_all } else { w_all * self.pixel_tiles },
                )
            }
            Order::PixelsOuter => {
                let x_resident = self.chunks == 1 || slots.x >= x_all || slots.x > self.chunks;
                let x_repeats = self.channel_tiles * if tiling.shared_input { self.groups } else { 1 };
                let w_resident = slots.w >= w_all;
                (
                    if x_resident { x_all } else { x_all * x_repeats },
                    if w_resident { w_all } else { w_all * self.pixel_tiles },
                )
            }
        }
    }
}

/// Cycles of the load engine (T-MOVE) and beats of the vector unit for a weight tile on its way through NRAM.
fn staging_beats(problem: &Problem, claims: &Claims, rates: &Rates) -> (f64, f64) {
    let bytes = claims.staging.size as f64;
    (bytes / rates.rows.min(rates.moved) as f64, problem.staging.beats(bytes, rates))
}

/// Tiles of weights that may wait for the array.
const WEIGHTS_AHEAD: u64 = 16;

/// Beats of a full tile, over all chunks of the reduction.
fn chunks_beats(tiling: &Tiling, problem: &Problem, rates: &Rates) -> u64 {
    let steps: u64 = tiling.chunks(problem).iter().map(|chunk| tiling.steps(problem, chunk, rates)).sum();
    tiling.pixels[0] * tiling.pixels[1] * tiling.blocks * steps
}

/// Slots for a tiling whose sizes are settled: as many as are useful, or what is missing.
fn slots(tiling: &Tiling, problem: &Problem, rates: &Rates) -> Result<Slots, Shortage> {
    let one = Tiling { slots: Slots { x: 1, w: 1, p: 1, acc: 1, y: 1 }, ..*tiling };
    let claims = one.claims(problem, rates);
    let counts = tiling.counts(problem, rates);
    let (x_bytes, y_bytes) = (claims.x.units(), claims.y.units() + claims.residual.units());
    let fits = |memory, needed, available| {
        if needed <= available { Ok(()) } else { Err(Shortage { memory, needed, available }) }
    };
    let passing = claims.staging.units() + claims.table.units() + claims.between.units();
    fits(Memory::Nram, x_bytes + y_bytes + passing, rates.nram)?;
    fits(Memory::Wram, claims.w.units(), rates.wram)?;
    fits(Memory::Aram, claims.acc.size * 4, rates.aram * 4)?;
    let own_records = claims.records.units();
    fits(Memory::Pram, (claims.p.size + own_records) * RECORD_BYTES, rates.pram * RECORD_BYTES)?;
    let (x_all, w_all) = (counts.x_tiles(tiling.shared_input), counts.w_tiles());
    let p_all = counts.groups * counts.channel_tiles;
    // What is used again is kept whole if it fits; otherwise a few tiles let loads run ahead: those of weights as far as
    // instructions do, so that the next layer's follow them early.
    let useful = |all: u64, room: u64, few: u64| if all <= room { all } else { room.min(few) }.max(1);
    if problem.held {
        fits(Memory::Wram, w_all * claims.w.units(), rates.wram)?;
        fits(Memory::Pram, p_all * claims.p.size * RECORD_BYTES, rates.pram * RECORD_BYTES)?;
    }
    let w = useful(w_all, rates.wram / claims.w.units(), WEIGHTS_AHEAD);
    let p = useful(p_all, (rates.pram - own_records) / claims.p.size, WEIGHTS_AHEAD);
    let acc = (rates.aram / claims.acc.size).min(4).min(counts.tiles()).max(1);
    let room = rates.nram - passing;
    let y = if 2 * y_bytes + x_bytes * x_all.min(2) <= room { 2 } else { 1 };
    // A slot is free again once DRAM has its content: tiles that take less time want more of them.
    let beats = chunks_beats(tiling, problem, rates);
    let y = if y == 2 && beats < rates.dram_latency as u64 && 16 * y_bytes <= room { 4 } else { y };
    let x = match (room - y * y_bytes).checked_div(x_bytes) {
        None => 0,
        Some(fit) if y > 1 => useful(x_all, fit, 3),
        Some(_) => 1,
    };
    Ok(Slots { x, w, p, acc, y: if y_bytes == 0 { 0 } else { y } })
}

impl Tiling {
    /// Whether the next item's loads may be issued before this item computes: every kind of slot holds two
    /// generations.
    pub fn prefetches(&self, problem: &Problem, rates: &Rates) -> bool {
        let counts = self.counts(problem, rates);
        let deep = |slots: u64, all: u64| slots >= 2.min(all);
        let [loaded, residual, stored] = problem.in_dram();
        deep(self.slots.x, loaded * counts.x_tiles(self.shared_input))
            && deep(self.slots.w, counts.w_tiles())
            && deep(self.slots.p, counts.groups * counts.channel_tiles)
            && deep(self.slots.y, stored.max(residual) * counts.tiles())
    }

    /// What the tiling will cost.
    pub fn estimate(&self, problem: &Problem, rates: &Rates) -> Estimate {
        let counts = self.counts(problem, rates);
        let claims = self.claims(problem, rates);
        let (x_loads, w_loads) = counts.loads(self);
        let [loaded, residual, stored] = problem.in_dram();
        let x_loads = loaded * x_loads;
        let w_loads = if problem.held { 0 } else { w_loads };
        let outputs = self.tile_outputs(problem, rates);
        let pixels = (problem.y.batch * problem.y.height * problem.y.width) as f64;
        let tiles = counts.tiles() as f64;

        let steps: u64 = self.chunks(problem).iter().map(|chunk| self.steps(problem, chunk, rates)).sum();
        let groups = problem.groups as f64;
        let y_pixels = [problem.y.height, problem.y.width];
        let pixel_tiles = (problem.y.batch
            * y_pixels[0].div_ceil(self.pixels[0])
            * y_pixels[1].div_ceil(self.pixels[1])) as f64;
        let passes = pixel_tiles * (pixels / pixel_tiles).max(rates.hold as f64);
        let matrix = groups * passes * (problem.blocks(rates) * steps) as f64
            + tiles * (counts.chunks * rates.hold) as f64;
        let full = problem.outputs / outputs;
        let rest = problem.outputs % outputs;
        let chunks_of_lanes = full * outputs.div_ceil(rates.lanes) + rest.div_ceil(rates.lanes);
        let passes_of_results = match &problem.epilogue {
            Some(epilogue) => epilogue.steps,
            None => 1 + u64::from(problem.residual.is_some()) + u64::from(problem.table),
        };
        let beats = match &problem.epilogue {
            Some(epilogue) => epilogue.beats,
            None => chunks_of_lanes * passes_of_results,
        };
        let requantised = groups * pixels * beats as f64;
        let (moves, passes) = staging_beats(problem, &claims, rates);
        let vector = requantised + w_loads as f64 * passes;

        let x_bursts = loaded as f64 * self.x_bursts(problem, rates);
        let in_dram = !problem.held && problem.staging.loads();
        let w_bursts = if in_dram { rates.bursts(claims.w.size as f64) } else { 0.0 };
        let y_tile =
            [0, 1].map(|axis| y_pixels[axis] as f64 / y_pixels[axis].div_ceil(self.pixels[axis]) as f64);
        let y_bursts = match &problem.epilogue {
            Some(epilogue) => rates.bursts(epilogue.traffic(y_tile[0] * y_tile[1], outputs)),
            None => {
                rates.image_bursts(&problem.y, y_tile[0], y_tile[1], outputs) * (stored + residual) as f64
            }
        };
        let p_bursts = rates.bursts(12.0 * outputs as f64);
        let loads = (x_loads + w_loads) as f64;
        let instructions = tiles * (counts.chunks as f64 + 3.0) + 1.5 * loads;
        let bursts = x_loads as f64 * x_bursts
            + w_loads as f64 * w_bursts
            + tiles * y_bursts
            + w_loads as f64 / counts.chunks as f64 * p_bursts
            + instructions * 32.0 / rates.burst as f64;
        // While the load engine moves, it loads nothing; nor while a move waits for what it moves (T-MOVE).
        let dealt = match problem.staging {
            Staging::Constant | Staging::Packed => 0.0,
            Staging::Loaded | Staging::LoadedTransposed => moves + rates.dram_latency,
            Staging::Copied | Staging::Transposed => moves + rates.vector_latency,
        };
        let dram = bursts * rates.burst_cycles + w_loads as f64 * dealt;

        // What reads the results in NRAM waits until the pass before has left the pipeline (T-VECTOR-ORDER).
        let bubbles = (passes_of_results - 1) as f64 * rates.vector_latency;
        let (matrix_tile, vector_tile) = (matrix / tiles, vector / tiles + bubbles);
        let together = matrix_tile + vector_tile + rates.pipelines();
        let mut period = matrix_tile.max(vector_tile).max(together / self.slots.acc as f64);
        // A slot is busy while it is computed with, and then while its next content arrives.
        let mut refill = |loads: u64, slots: u64, all: u64, bursts: f64| {
            if loads > 0 && slots < all {
                let share = tiles / loads as f64;
                let arrival = rates.dram_latency + bursts * rates.burst_cycles;
                period = period.max((share * matrix_tile + arrival) / slots as f64 / share);
            }
        };
        refill(x_loads, self.slots.x, counts.x_tiles(self.shared_input), x_bursts);
        refill(w_loads, self.slots.w, counts.w_tiles(), w_bursts);
        if stored * self.slots.y > 0 && counts.tiles() > self.slots.y {
            let leaves = rates.vector_latency + rates.dram_latency + y_bursts * rates.burst_cycles;
            period = period.max((vector_tile + leaves) / self.slots.y as f64);
        }
        // Layers that hold their weights follow one another step by step, and wait for their instructions.
        let fetched =
            if problem.held { instructions * 32.0 / rates.burst as f64 * rates.burst_cycles } else { 0.0 };
        let start = rates.dram_latency + (x_bursts + w_bursts) * rates.burst_cycles;
        // What DRAM moves before the first tile and after the last is counted there.
        let between = dram - (x_bursts + w_bursts + y_bursts) * rates.burst_cycles;
        let steady = if self.prefetches(problem, rates) {
            (tiles * period
                + self.first_pass(problem, counts, matrix, [x_bursts, w_bursts], rates)
                + self.turnover(
                    problem,
                    counts,
                    matrix_tile,
                    rates.dram_latency + w_bursts * rates.burst_cycles,
                ))
            .max(between)
            .max(instructions)
        } else {
            tiles * (together + 2.0 * rates.dram_latency) + between
        };
        let store = if stored == 0 { 0.0 } else { rates.dram_latency + y_bursts * rates.burst_cycles };
        let drain = vector_tile + rates.pipelines() + store;
        Estimate { matrix, vector, dram, steady: steady + fetched, start, drain }
    }

    /// Cycles for which the array waits while what stays on chip arrives: all of it in the first pass over it, which may take
    /// less time than the loads.
    fn first_pass(
        &self,
        problem: &Problem,
        counts: Counts,
        matrix: f64,
        [x_bursts, w_bursts]: [f64; 2],
        rates: &Rates,
    ) -> f64 {
        let slots = self.slots;
        let (passes, loaded) = match self.order {
            Order::WeightsOuter | Order::ChunksOuter => {
                let all = counts.x_tiles(self.shared_input);
                let own = if self.shared_input { all } else { all / counts.groups };
                let resident = !problem.x.is_kept() && slots.x >= own;
                (counts.groups * counts.channel_tiles, if resident { own as f64 * x_bursts } else { 0.0 })
            }
            Order::PixelsOuter => {
                let all = counts.w_tiles();
                (counts.pixel_tiles, if slots.w >= all { all as f64 * w_bursts } else { 0.0 })
            }
        };
        if passes == 1 { 0.0 } else { (loaded * rates.burst_cycles - matrix / passes as f64).max(0.0) }
    }

    /// Cycles for which the array waits where one tile of output channels follows another, and the weights of both do not
    /// fit: those of a chunk arrive only after the last tile of pixels is done with the slot that they take.
    fn turnover(&self, problem: &Problem, counts: Counts, matrix_tile: f64, arrival: f64) -> f64 {
        let (chunks, slots) = (counts.chunks, self.slots.w);
        let resident = slots > chunks && slots < (2 * chunks).min(counts.w_tiles());
        if self.order != Order::WeightsOuter || !resident {
            return 0.0;
        }
        let last: u64 = [0, 1]
            .map(|axis| {
                let extent = [problem.y.height, problem.y.width][axis];
                (extent - 1) % self.pixels[axis] + 1
            })
            .iter()
            .product();
        let dot = matrix_tile / chunks as f64;
        let last_dot = dot * last as f64 / (self.pixels[0] * self.pixels[1]) as f64;
        let until_used = (chunks - 1) as f64 * last_dot + (slots - chunks) as f64 * dot;
        let tiles = (counts.groups * counts.channel_tiles - 1) as f64;
        tiles * (arrival - until_used).max(0.0)
    }

    /// Bursts of an input tile, on average.
    fn x_bursts(&self, problem: &Problem, rates: &Rates) -> f64 {
        let axes = problem.axes();
        let valid = [0, 1].map(|axis| {
            let outputs = Range::cut([problem.y.height, problem.y.width][axis], self.pixels[axis]);
            let taps = Range::new(0, self.taps[axis]);
            let all: u64 = outputs.iter().map(|&range| axes[axis].span(range, taps).valid).sum();
            all as f64 / outputs.len() as f64
        });
        rates.image_bursts(&problem.x, valid[0], valid[1], self.pixel(problem, self.channels))
    }
}

/// The distinct values of `ceil(total / k)`, largest first, at most `limit`.
pub(crate) fn parts(total: u64, limit: usize) -> Vec<u64> {
    let mut found: Vec<u64> = Vec::new();
    let mut pieces = 1;
    while pieces <= total {
        let size = total.div_ceil(pieces);
        found.push(size);
        // The fewest pieces whose size is smaller.
        pieces = if size == 1 { break } else { total.div_ceil(size - 1) };
    }
    if found.len() > limit {
        let step = (found.len() - 1) as f64 / (limit - 1) as f64;
        found = (0..limit).map(|i| found[(i as f64 * step).round() as usize]).collect();
    }
    found
}

/// The ways to cut the reduction, the fewest cuts first.
fn reductions(problem: &Problem, rates: &Rates) -> Vec<([u64; 2], u64)> {
    let kernel = problem.window.kernel;
    let channels = |limit: usize| -> Vec<u64> {
        let lanes = problem.inputs.div_ceil(rates.rows);
        parts(lanes, limit).into_iter().map(|steps| (steps * rates.rows).min(problem.inputs)).collect()
    };
    let mut found = vec![(kernel, problem.inputs)];
    if problem.summation != Summation::Any {
        // Between window rows, else between taps, else between the steps of one tap.
        let rows = parts(kernel[0], 4).into_iter().skip(1);
        found.extend(rows.map(|down| ([down, kernel[1]], problem.inputs)));
        if problem.summation == Summation::Taps {
            let taps = parts(kernel[1], 6).into_iter().skip(1);
            found.extend(taps.map(|across| ([1, across], problem.inputs)));
            found.extend(channels(12).into_iter().skip(1).map(|channels| ([1, 1], channels)));
        }
        return found;
    }
    found.extend(channels(12).into_iter().skip(1).map(|c| (kernel, c)));
    for down in parts(kernel[0], 4).into_iter().skip(1) {
        found.extend(channels(4).into_iter().map(|c| ([down, kernel[1]], c)));
    }
    for across in parts(kernel[1], 6).into_iter().skip(1) {
        found.extend(channels(4).into_iter().map(|c| ([1, across], c)));
    }
    found
}

fn pixel_tiles(problem: &Problem) -> Vec<[u64; 2]> {
    let (height, width) = (problem.y.height, problem.y.width);
    if height == 1 {
        return parts(width, 48).into_iter().map(|columns| [1, columns]).collect();
    }
    let mut found: Vec<[u64; 2]> = parts(height, 24).into_iter().map(|rows| [rows, width]).collect();
    for columns in parts(width, 16).into_iter().skip(1) {
        found.extend([1, 2, 4, 8].into_iter().filter(|&rows| rows <= height).map(|rows| [rows, columns]));
    }
    found
}

/// The best tiling found, with its estimate and the next best.
///
/// # Errors
/// The least shortage of the smallest tile, if none fits.
pub fn choose(problem: &Problem, rates: &Rates) -> Result<Choice<Tiling>, Shortage> {
    let mut search = Search::new();
    let mut missing: Option<Shortage> = None;
    let blocks = parts(problem.blocks(rates), 20);
    let pixels = pixel_tiles(problem);
    let mut extra_levels = 1;
    for (taps, channels) in reductions(problem, rates) {
        // Once a way to cut the reduction fits with room to spare, finer ones only cost.
        let settled = search.best().is_some_and(|tiling: &Tiling| tiling.prefetches(problem, rates));
        if settled {
            if extra_levels == 0 {
                break;
            }
            extra_levels -= 1;
        }
        let alone = problem.groups == 1 || problem.x.is_kept();
        for shared_input in if alone { vec![false] } else { vec![true, false] } {
            if shared_input && channels < problem.inputs {
                continue;
            }
            for &pixels in &pixels {
                for &blocks in &blocks {
                    // Slots do not matter before they are counted.
                    let slots_unknown = Slots { x: 1, w: 1, p: 1, acc: 1, y: 1 };
                    let tiling = Tiling {
                        pixels,
                        blocks,
                        taps,
                        channels,
                        order: Order::WeightsOuter,
                        shared_input,
                        slots: slots_unknown,
                    };
                    consider(tiling, problem, rates, &mut search, &mut missing);
                }
            }
        }
    }
    search.finish().ok_or(missing.unwrap_or(Shortage { memory: Memory::Nram, needed: 0, available: 0 }))
}

fn consider(
    tiling: Tiling,
    problem: &Problem,
    rates: &Rates,
    search: &mut Search<Tiling>,
    missing: &mut Option<Shortage>,
) {
    // Instructions hold 16 bits of pixels and 12 of blocks.
    if tiling.pixels[0] * tiling.pixels[1] >= 1 << 16 || tiling.blocks >= 1 << 12 {
        return;
    }
    // A stretch is contiguous.
    if problem.summation == Summation::Rows && tiling.pixel(problem, tiling.channels) != tiling.channels {
        return;
    }
    if problem.epilogue.is_some_and(|epilogue| !epilogue.may_be_cut) && tiling.blocks < problem.blocks(rates)
    {
        return;
    }
    let accumulators = tiling.pixels[0] * tiling.pixels[1] * tiling.blocks * rates.columns;
    if accumulators > rates.aram && (tiling.blocks > 1 || tiling.pixels != [1, 1]) {
        return;
    }
    match slots(&tiling, problem, rates) {
        Err(shortage) => {
            let lack = |s: &Shortage| s.needed - s.available;
            if missing.is_none_or(|least| lack(&shortage) < lack(&least)) {
                *missing = Some(shortage);
            }
        }
        Ok(slots) => {
            let mut offer = |order, slots| {
                let tiling = Tiling { order, slots, ..tiling };
                let estimate = tiling.estimate(problem, rates);
                search.offer(tiling, estimate, estimate.total());
            };
            offer(Order::WeightsOuter, slots);
            offer(Order::PixelsOuter, slots);
            let counts = tiling.counts(problem, rates);
            let room = rates.aram / accumulators.max(1);
            if counts.chunks > 1 && (2..=room).contains(&counts.pixel_tiles) {
                offer(Order::ChunksOuter, Slots { acc: counts.pixel_tiles, ..slots });
            }
        }
    }
}

impl fmt::Display for Tiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tiling { pixels, blocks, taps, channels, slots, .. } = self;
        let order = match self.order {
            Order::WeightsOuter => "weights stay",
            Order::ChunksOuter => "chunks of weights stay",
            Order::PixelsOuter => "pixels stay",
        };
        write!(
            f,
            "{}x{} pixels, {blocks} blocks of columns, {}x{} taps of {channels} channels, {order}; \
             slots: {} inputs, {} weights, {} accumulators, {} outputs",
            pixels[0], pixels[1], taps[0], taps[1], slots.x, slots.w, slots.acc, slots.y
        )
    }
}
