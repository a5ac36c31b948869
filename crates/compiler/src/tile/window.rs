//! Which tiling a window on the vector unit gets: depthwise convolution and pooling.

use std::fmt;

use ediacara_arch::RECORD_BYTES;
use ediacara_isa::Memory;

use crate::program::view::Image;
use crate::program::window::{Axis, Range, Tile, Window, largest_tile};
use crate::tile::claim::{Claim, TABLE_BYTES};
use crate::tile::convolution::{Shortage, parts};
use crate::tile::cost::{Choice, Estimate, Rates, Search};

/// A windowed operation as the tiler sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WindowProblem {
    /// Input.
    pub x: Image,
    /// Output, of as many channels.
    pub y: Image,
    /// Window.
    pub window: Window,
    /// Whether each channel has weights and a record (depthwise); pooling has neither.
    pub weighted: bool,
    /// Whether results are looked up in a table.
    pub table: bool,
    /// Bytes of an element; where they are several, channels are counted in bytes, and there are no records.
    pub element: u64,
}

/// How a windowed operation is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowTiling {
    /// Output rows and columns of a tile.
    pub pixels: [u64; 2],
    /// Channels of a tile.
    pub channels: u64,
    /// Neighbouring output pixels that form one row of the vector unit, so that few channels fill its
    /// lanes. Only where the horizontal stride is 1: then their windows are neighbours too.
    pub joined: u64,
    /// Slots of input, output, and of weights and records.
    pub slots: [u64; 3],
}

impl WindowProblem {
    /// The axes of the window.
    pub fn axes(&self) -> [Axis; 2] {
        [0, 1].map(|index| Axis::of(&self.window, &self.x, index))
    }

    fn taps(&self) -> u64 {
        self.window.kernel[0] * self.window.kernel[1]
    }
}

impl WindowTiling {
    /// The input tile under a rectangle of outputs.
    pub fn tile(&self, problem: &WindowProblem, pixels: [Range; 2], channels: u64) -> Tile {
        let [down, across] = problem.axes();
        let [kernel_down, kernel_across] = problem.window.kernel;
        Tile {
            rows: down.span(pixels[0], Range::new(0, kernel_down)),
            columns: across.span(pixels[1], Range::new(0, kernel_across)),
            pixel: channels,
        }
    }

    fn largest_tile(&self, problem: &WindowProblem) -> u64 {
        if problem.x.is_kept() {
            return 0;
        }
        let (outputs, kernel) = ([problem.y.height, problem.y.width], problem.window.kernel);
        largest_tile(problem.axes(), outputs, self.pixels, kernel, kernel, self.channels)
    }

    /// Claims on NRAM (x, y, weights, table) and PRAM.
    pub fn claims(&self, problem: &WindowProblem) -> WindowClaims {
        let weighted = if problem.weighted { self.slots[2] } else { 0 };
        let row = self.channels * self.joined;
        let stored = u64::from(!problem.y.is_kept());
        WindowClaims {
            x: Claim::new(self.largest_tile(problem), self.slots[0], 1),
            y: Claim::new(self.pixels[0] * self.pixels[1] * self.channels * stored, self.slots[1], 1),
            w: Claim::new(problem.taps() * row, weighted, 1),
            p: Claim::new(if problem.element > 1 { 0 } else { row }, weighted, 1),
            table: Claim::new(TABLE_BYTES, problem.table.into(), 1),
        }
    }

    /// Whether the next item's loads may be issued before this item computes.
    pub fn prefetches(&self, problem: &WindowProblem) -> bool {
        let channel_tiles = problem.x.channels.div_ceil(self.channels);
        (problem.x.is_kept() || self.slots[0] >= 2.min(self.tiles(problem)))
            && (!problem.weighted || self.slots[2] >= 2.min(channel_tiles))
    }

    fn tiles(&self, problem: &WindowProblem) -> u64 {
        let y = &problem.y;
        y.batch
            * y.height.div_ceil(self.pixels[0])
            * y.width.div_ceil(self.pixels[1])
            * y.channels.div_ceil(self.channels)
    }

    /// What the tiling will cost.
    pub fn estimate(&self, problem: &WindowProblem, rates: &Rates) -> Estimate {
        let y = &problem.y;
        let tiles = self.tiles(problem) as f64;
        let claims = self.claims(problem);
        let (full, rest) = (y.channels / self.channels, y.channels % self.channels);
        let mut vector = 0.0;
        for (count, channels) in [(full, self.channels), (1, rest)] {
            if channels == 0 {
                continue;
            }
            let mut row = 0;
            for columns in Range::cut(y.width, self.pixels[1]) {
                row += columns.count / self.joined * (self.joined * channels).div_ceil(rates.lanes);
                row += (columns.count % self.joined * channels).div_ceil(rates.lanes);
            }
            vector += (count * y.batch * y.height * row * problem.taps()) as f64;
            // A table goes over a tile whose pixels are neighbours.
            let results = y.batch * y.height * (y.width * channels).div_ceil(rates.lanes);
            vector += (count * results * u64::from(problem.table)) as f64;
        }
        let axes = problem.axes();
        // Means over the tiles: rows and columns that exist, and all that a tile holds.
        let (mut valid, mut framed) = ([0.0; 2], [0.0; 2]);
        for axis in 0..2 {
            let outputs = Range::cut([y.height, y.width][axis], self.pixels[axis]);
            let taps = Range::new(0, problem.window.kernel[axis]);
            for &range in &outputs {
                let span = axes[axis].span(range, taps);
                valid[axis] += span.valid as f64 / outputs.len() as f64;
                framed[axis] += span.length() as f64 / outputs.len() as f64;
            }
        }
        let [loaded, stored] = [&problem.x, y].map(|image| f64::from(u8::from(!image.is_kept())));
        let painted = (framed[0] * framed[1] - valid[0] * valid[1]) * self.channels as f64 * loaded;
        let x_bursts = loaded * rates.image_bursts(&problem.x, valid[0], valid[1], self.channels);
        let y_bursts =
            stored * rates.image_bursts(y, self.pixels[0] as f64, self.pixels[1] as f64, self.channels);
        let constants =
            if problem.weighted { (claims.w.size + RECORD_BYTES * claims.p.size) as f64 } else { 0.0 };
        let instructions = tiles * 5.0;
        let bursts = tiles * (x_bursts + y_bursts)
            + rates.bursts(constants) * y.channels.div_ceil(self.channels) as f64
            + instructions * 32.0 / rates.burst as f64;
        let dram = bursts * rates.burst_cycles;
        // Each instruction waits for the one before it to leave the pipeline (T-VECTOR-ORDER).
        let passes = 1.0 + f64::from(u8::from(problem.table));
        let tile = vector / tiles + passes * rates.vector_latency + painted / rates.lanes as f64;
        let arrival = rates.dram_latency + x_bursts * rates.burst_cycles;
        let period = if !problem.x.is_kept() && self.slots[0] < self.tiles(problem) {
            tile.max((tile + arrival) / self.slots[0] as f64)
        } else {
            tile
        };
        let start = rates.dram_latency + x_bursts * rates.burst_cycles;
        // What DRAM moves before the first tile and after the last is counted there; about half of it shows again, as
        // engines wait for one another.
        let between = dram - 0.5 * (x_bursts + y_bursts) * rates.burst_cycles;
        let steady = if self.prefetches(problem) {
            (tiles * period).max(between).max(instructions)
        } else {
            tiles * (tile + 2.0 * rates.dram_latency) + between
        };
        let drain = rates.pipelines() + stored * rates.dram_latency + y_bursts * rates.burst_cycles;
        Estimate { matrix: 0.0, vector, dram, steady, start, drain }
    }
}

/// What a tiling claims of each memory.
#[derive(Debug, Clone, Copy)]
pub struct WindowClaims {
    /// Input tiles, NRAM bytes.
    pub x: Claim,
    /// Output tiles, NRAM bytes.
    pub y: Claim,
    /// Weights, NRAM bytes.
    pub w: Claim,
    /// Records.
    pub p: Claim,
    /// The table on its way to the vector unit, NRAM bytes.
    pub table: Claim,
}

/// Slots for a tiling whose sizes are settled, or what is missing.
fn slots(tiling: &WindowTiling, problem: &WindowProblem, rates: &Rates) -> Result<[u64; 3], Shortage> {
    let claims = WindowTiling { slots: [1; 3], ..*tiling }.claims(problem);
    let WindowClaims { x, y, w, p, table } = claims;
    let [x, y, w, p, table] = [x, y, w, p, table].map(|claim| claim.units());
    if x + y + w + table > rates.nram {
        return Err(Shortage { memory: Memory::Nram, needed: x + y + w + table, available: rates.nram });
    }
    let room = rates.nram - table;
    if p > rates.pram {
        return Err(Shortage {
            memory: Memory::Pram,
            needed: p * RECORD_BYTES,
            available: rates.pram * RECORD_BYTES,
        });
    }
    let all = tiling.tiles(problem);
    let constants = if 2 * p <= rates.pram && x + y + 2 * w <= room { 2 } else { 1 };
    let slots = |input: u64, output: u64| [input.min(all) * x.min(1), output * y.min(1), constants];
    for (input, output) in [(3, 2), (2, 2), (1, 1)] {
        if input.min(all) * x + output * y + constants * w <= room {
            return Ok(slots(input, output));
        }
    }
    Ok([x.min(1), y.min(1), 1])
}

/// How many neighbours to join, for a tile of `channels`.
fn joins(problem: &WindowProblem, channels: u64, columns: u64, rates: &Rates) -> Vec<u64> {
    let contiguous = |image: &Image| image.has_contiguous_pixels(channels);
    if problem.window.stride[1] != 1 || !contiguous(&problem.x) || !contiguous(&problem.y) {
        return vec![1];
    }
    if !problem.weighted {
        return vec![columns];
    }
    let mut found = vec![1];
    if !channels.is_multiple_of(rates.lanes) {
        found.extend((2..=columns.min(8)).filter(|joined| joined * channels <= 16 * rates.lanes));
    }
    found
}

/// The best tiling found, with its estimate and the next best.
///
/// # Errors
/// The least shortage, if none fits.
pub fn choose(problem: &WindowProblem, rates: &Rates) -> Result<Choice<WindowTiling>, Shortage> {
    let mut search = Search::new();
    let mut missing: Option<Shortage> = None;
    let channels = problem.x.channels;
    let mut channel_tiles = vec![channels];
    // Cut where bursts or lanes end, if the channels are that many.
    let unit = rates.burst.max(rates.lanes);
    channel_tiles
        .extend(parts(channels.div_ceil(unit), 16).into_iter().map(|units| (units * unit).min(channels)));
    channel_tiles.extend(parts(channels, 12));
    channel_tiles.retain(|channels| channels.is_multiple_of(problem.element));
    channel_tiles.dedup();
    let mut pixels: Vec<[u64; 2]> = Vec::new();
    for columns in parts(problem.y.width, 6) {
        pixels.extend(parts(problem.y.height, 20).into_iter().map(|rows| [rows, columns]));
    }
    for channels in channel_tiles {
        for &pixels in &pixels {
            if pixels[0] * pixels[1] >= 1 << 16 {
                continue;
            }
            for joined in joins(problem, channels, pixels[1], rates) {
                let tiling = WindowTiling { pixels, channels, joined, slots: [1; 3] };
                match slots(&tiling, problem, rates) {
                    Err(shortage) => {
                        let lack = |s: &Shortage| s.needed - s.available;
                        if missing.is_none_or(|least| lack(&shortage) < lack(&least)) {
                            missing = Some(shortage);
                        }
                    }
                    Ok(slots) => {
                        let tiling = WindowTiling { slots, ..tiling };
                        let estimate = tiling.estimate(problem, rates);
                        search.offer(tiling, estimate, estimate.total());
                    }
                }
            }
        }
    }
    search.finish().ok_or(missing.unwrap_or(Shortage { memory: Memory::Nram, needed: 0, available: 0 }))
}

impl fmt::Display for WindowTiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WindowTiling { pixels, channels, joined, slots } = self;
        write!(
            f,
            "{}x{} pixels of {channels} channels, {joined} joined; slots: {} inputs, {} outputs, {} weights",
            pixels[0], pixels[1], slots[0], slots[1], slots[2]
        )
    }
}
