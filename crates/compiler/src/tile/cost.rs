//! What steps will cost: an estimate in cycles from sizes alone.
//!
//! Engines overlap, so a layer takes the time of its busiest engine, plus what nothing overlaps with: the
//! first tile on its way in, the last on its way out. The rules are those of docs/microarchitecture.md,
//! without their interplay burst by burst.

use ediacara_arch::{Machine, MatrixKind};

use crate::program::layer::Held;
use crate::program::view::Image;

/// The machine's rates and sizes, as the estimates use them.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Lanes of one inner product.
    pub rows: u64,
    /// Output columns of a block.
    pub columns: u64,
    /// Cycles for which a row of WRAM occupies the array at least, however few pixels pass it: those in which the
    /// next one enters (T-DOT-SYSTOLIC-WS). 0 where it is used and gone.
    pub hold: u64,
    /// Vector lanes.
    pub lanes: u64,
    /// Real numbers that the vector unit takes a beat; 0 where it has no floating point.
    pub float_lanes: u64,
    /// Bytes of a row that `move` takes in a cycle.
    pub moved: u64,
    /// Bytes of a burst.
    pub burst: u64,
    /// DRAM cycles of a burst.
    pub burst_cycles: f64,
    /// Cycles from a request to its data.
    pub dram_latency: f64,
    /// Cycles through the matrix pipeline.
    pub matrix_latency: f64,
    /// Cycles through the vector pipeline.
    pub vector_latency: f64,
    /// Bytes of NRAM.
    pub nram: u64,
    /// Bytes of WRAM.
    pub wram: u64,
    /// Accumulators.
    pub aram: u64,
    /// Records.
    pub pram: u64,
}

/// What of the memories on chip a layer has for its tiles, in their units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Space {
    /// Bytes of NRAM.
    pub nram: u64,
    /// Bytes of WRAM.
    pub wram: u64,
    /// Records.
    pub pram: u64,
}

impl Space {
    /// What a layer that multiplies by held constants has for its tiles, beside `nram` bytes of NRAM.
    pub(crate) fn of_held(held: &Held, nram: u64) -> Space {
        Space { nram, wram: held.wram.end - held.wram.start, pram: held.pram.end - held.pram.start }
    }
}

impl Rates {
    /// What of the memories there is.
    pub fn space(&self) -> Space {
        Space { nram: self.nram, wram: self.wram, pram: self.pram }
    }

    /// The same rates with less room.
    pub fn within(&self, space: Space) -> Rates {
        Rates { nram: space.nram, wram: space.wram, pram: space.pram, ..*self }
    }

    /// Those of a machine.
    pub fn of(machine: &Machine) -> Rates {
        let rate = machine.dram.bytes_per_cycle;
        let cycles_per_byte = f64::from(rate.denominator) / f64::from(rate.numerator);
        Rates {
            rows: machine.matrix.rows.into(),
            columns: machine.matrix.columns.into(),
            hold: match machine.matrix.kind {
                MatrixKind::SystolicWs => machine.matrix.rows.into(),
                MatrixKind::Dot | MatrixKind::SystolicOs | MatrixKind::Scalar => 0,
            },
            lanes: machine.vector.lanes.into(),
            float_lanes: machine.vector.float_lanes.into(),
            moved: machine.load.move_bytes_per_cycle.into(),
            burst: machine.dram.burst_bytes.into(),
            // One burst a cycle is the most that is granted.
            burst_cycles: (f64::from(machine.dram.burst_bytes) * cycles_per_byte).max(1.0),
            dram_latency: machine.dram.latency_cycles.into(),
            matrix_latency: machine.matrix.latency_cycles.into(),
            vector_latency: machine.vector.latency_cycles.into(),
            nram: machine.core.nram_bytes,
            wram: machine.wram_rows() * machine.row_bytes(),
            aram: machine.aram_accumulators(),
            pram: machine.pram_records(),
        }
    }

    /// Cycles through the matrix and then the vector pipeline.
    pub fn pipelines(&self) -> f64 {
        self.matrix_latency + self.vector_latency
    }

    /// Bytes of a WRAM row.
    pub fn row_bytes(&self) -> u64 {
        self.rows * self.columns
    }

    /// Bursts that a contiguous, aligned piece of `bytes` takes.
    pub fn bursts(&self, bytes: f64) -> f64 {
        (bytes / self.burst as f64).ceil()
    }

    /// Bursts of a box of an image, `channels` from a channel that is a multiple of `channels`.
    pub fn image_bursts(&self, image: &Image, rows: f64, columns: f64, channels: u64) -> f64 {
        let (mut run, mut count) = (channels as f64, rows * columns);
        let mut stride = image.pixel_stride;
        if image.pixel_stride == channels {
            (run, count, stride) = (columns * channels as f64, rows, image.row_stride);
            if image.row_stride as f64 == run {
                (run, count, stride) = (run * rows, 1.0, 0);
            }
        }
        // Of a row that is cut, only the first piece is sure to begin where a burst does.
        let cut = columns < image.width as f64 && !image.pixel_stride.is_multiple_of(self.burst);
        let aligned = image.base.is_multiple_of(self.burst)
            && stride.is_multiple_of(self.burst)
            && !cut
            && (channels == image.channels || channels.is_multiple_of(self.burst));
        let burst = self.burst as f64;
        let each = if aligned { (run / burst).ceil() } else { (run - 1.0) / burst + 1.0 };
        each * count
    }
}

/// Cycles of the parts of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// Beats of the matrix unit.
    pub matrix: f64,
    /// Beats of the vector unit.
    pub vector: f64,
    /// DRAM cycles, instructions included.
    pub dram: f64,
    /// Cycles while tiles follow one another.
    pub steady: f64,
    /// Before the first tile computes.
    pub start: f64,
    /// After the last tile has computed.
    pub drain: f64,
}

/// The share of hidden work that shows all the same: engines meet at semaphores, and bursts at the arbiter.
const IMPERFECT_OVERLAP: f64 = 0.1;
/// What a DRAM cycle is worth where cycles are equal.
const TRAFFIC: f64 = 0.01;

impl Estimate {
    /// The cycles that a layer alone is expected to take.
    pub fn cycles(&self) -> f64 {
        self.steady + self.start + self.drain
    }

    /// What tilings are compared by. Of two with the same busiest engine, the one that moves less and issues less wins, not
    /// the one with the smallest first tile: a small tile costs instructions and bursts all along.
    pub fn total(&self) -> f64 {
        let busiest = self.matrix.max(self.vector).max(self.dram);
        let hidden = self.matrix + self.vector + self.dram - busiest;
        self.cycles() + IMPERFECT_OVERLAP * hidden
    }

    /// Of two tilings whose cycles are known well, the one that moves less wins.
    pub(crate) fn traffic_share(&self) -> f64 {
        TRAFFIC * self.dram
    }
}

/// What a search found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice<T> {
    /// The best.
    pub tiling: T,
    /// What it will cost.
    pub estimate: Estimate,
    /// The second best.
    pub runner_up: Option<(T, Estimate)>,
    /// How many fitted.
    pub considered: usize,
}

/// A search in progress. Of equals, the one offered first is kept.
#[derive(Debug)]
pub(crate) struct Search<T> {
    best: Option<(T, Estimate, f64)>,
    second: Option<(T, Estimate, f64)>,
    considered: usize,
}

impl<T: Copy> Search<T> {
    pub(crate) fn new() -> Search<T> {
        Search { best: None, second: None, considered: 0 }
    }

    /// The best so far.
    pub(crate) fn best(&self) -> Option<&T> {
        self.best.as_ref().map(|(tiling, ..)| tiling)
    }

    /// One that fits; the smallest `rank` wins.
    pub(crate) fn offer(&mut self, tiling: T, estimate: Estimate, rank: f64) {
        self.considered += 1;
        let better =
            |than: &Option<(T, Estimate, f64)>| than.as_ref().is_none_or(|(_, _, least)| rank < *least);
        if better(&self.best) {
            self.second = self.best.replace((tiling, estimate, rank));
        } else if better(&self.second) {
            self.second = Some((tiling, estimate, rank));
        }
    }

    pub(crate) fn finish(self) -> Option<Choice<T>> {
        let (tiling, estimate, _) = self.best?;
        let runner_up = self.second.map(|(tiling, estimate, _)| (tiling, estimate));
        Some(Choice { tiling, estimate, runner_up, considered: self.considered })
    }
}
