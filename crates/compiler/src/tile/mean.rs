//! How the mean of whole maps is cut where the matrix unit sums them: piece by piece, each once over.
//!
//! A window on the vector unit wants all of a channel's map in NRAM, so that a large map is cut into few channels, less than a
//! burst of DRAM brings. Products with an identity matrix add pixels up in ARAM instead, whose sums wait for the next piece.

use std::fmt;

use ediacara_arch::RECORD_BYTES;
use ediacara_isa::Memory;

use crate::program::layer::{Pool, PoolMode};
use crate::program::view::Image;
use crate::program::window::Range;
use crate::tile::claim::Claim;
use crate::tile::convolution::Shortage;
use crate::tile::cost::{Choice, Estimate, Rates};

/// Bytes of a piece where memory is plenty: far more than arrive while DRAM takes to answer.
const PIECE_BYTES: u64 = 16 << 10;
/// Pixels whose sum, each at most 255, is sure to fit 32 bits.
const MOST_PIXELS: u64 = 1 << 23;

/// How the mean of a map is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeanTiling {
    /// Rows and columns of a piece of the map.
    pub pixels: [u64; 2],
    /// Channels of a piece.
    pub channels: u64,
    /// Slots of pieces.
    pub slots: u64,
}

/// What a tiling claims of each memory.
#[derive(Debug, Clone, Copy)]
pub struct MeanClaims {
    /// Pieces, NRAM bytes.
    pub x: Claim,
    /// Results, NRAM bytes.
    pub y: Claim,
    /// An identity matrix and as many zeros, WRAM bytes.
    pub w: Claim,
    /// Accumulators.
    pub acc: Claim,
    /// Records.
    pub p: Claim,
}

/// WRAM rows of an identity matrix over a block of columns.
pub(crate) fn identity_rows(rates: &Rates) -> u64 {
    rates.columns.div_ceil(rates.rows)
}

impl MeanTiling {
    /// Claims on NRAM (pieces, results), WRAM, ARAM and PRAM.
    pub fn claims(&self, [x, y]: [&Image; 2], rates: &Rates) -> MeanClaims {
        let [loaded, stored] = [x, y].map(|image| u64::from(!image.is_kept()));
        let (channels, sums) = (self.channels, self.channels.next_multiple_of(rates.columns));
        MeanClaims {
            x: Claim::new(self.pixels[0] * self.pixels[1] * channels * loaded, self.slots * loaded, 1),
            y: Claim::new(channels * stored, 2 * stored, 1),
            w: Claim::new((identity_rows(rates) + 1) * rates.row_bytes(), 1, rates.row_bytes()),
            acc: Claim::new(sums, 2, 1),
            p: Claim::new(channels, 1, 1),
        }
    }

    fn check(&self, images: [&Image; 2], rates: &Rates) -> Result<(), Shortage> {
        let claims = self.claims(images, rates);
        for (memory, units, room) in [
            (Memory::Nram, claims.x.units() + claims.y.units(), rates.nram),
            (Memory::Wram, claims.w.units(), rates.wram),
            (Memory::Aram, claims.acc.units(), rates.aram),
            (Memory::Pram, claims.p.units(), rates.pram),
        ] {
            if units > room {
                let unit = memory.unit_bytes();
                return Err(Shortage { memory, needed: units * unit, available: room * unit });
            }
        }
        Ok(())
    }

    fn estimate(&self, [x, y]: [&Image; 2], rates: &Rates) -> Estimate {
        let tiles = (x.batch * x.channels.div_ceil(self.channels)) as f64;
        let pieces = (x.height.div_ceil(self.pixels[0]) * x.width.div_ceil(self.pixels[1])) as f64;
        let blocks = self.channels.div_ceil(rates.columns) as f64;
        let beats = (identity_rows(rates) * x.height * x.width) as f64 * blocks;
        let matrix = tiles * (beats + pieces * blocks * rates.hold as f64 + blocks);
        let vector = tiles * self.channels.div_ceil(rates.lanes) as f64;
        let piece = match x.is_kept() {
            true => 0.0,
            false => rates.image_bursts(x, self.pixels[0] as f64, self.pixels[1] as f64, self.channels),
        };
        let store = if y.is_kept() { 0.0 } else { rates.bursts(self.channels as f64) };
        let constants = rates.bursts((self.claims([x, y], rates).w.size + RECORD_BYTES * x.channels) as f64);
        let instructions = tiles * (pieces * (blocks + 1.0) + 4.0);
        let bursts = tiles * (pieces * piece + store) + constants + instructions * 32.0 / rates.burst as f64;
        let dram = bursts * rates.burst_cycles;
        let start = rates.dram_latency + (piece + constants) * rates.burst_cycles;
        let between = dram - piece * rates.burst_cycles;
        let period = match self.slots {
            // One slot is filled and read in turn.
            1 if !x.is_kept() => matrix + dram + tiles * pieces * rates.dram_latency,
            _ => matrix.max(between),
        };
        let drain = rates.pipelines() + if y.is_kept() { 0.0 } else { rates.dram_latency };
        Estimate { matrix, vector, dram, steady: period.max(instructions), start, drain }
    }
}

/// The way to sum a layer's maps on the matrix unit, if it is one of means of whole maps, that is estimated to take less than
/// `window` cycles.
pub(crate) fn faster(pool: &Pool, window: f64, rates: &Rates) -> Option<Choice<MeanTiling>> {
    let Pool { x, y, window: shape, mode, .. } = pool;
    let whole = shape.kernel == [x.height, x.width] && shape.before == [0; 2] && shape.dilation == [1; 2];
    let means = matches!(mode, PoolMode::Average { .. }) && [y.height, y.width] == [1, 1];
    if !whole || !means || x.height * x.width > MOST_PIXELS {
        return None;
    }
    let choice = choose([x, y], rates)?;
    (choice.estimate.cycles() < window).then_some(choice)
}

/// The largest pieces that leave room for three, of all channels if their sums and records fit.
fn choose([x, y]: [&Image; 2], rates: &Rates) -> Option<Choice<MeanTiling>> {
    let unit = rates.burst.max(rates.columns);
    let most = rates.pram.min(rates.aram / 2);
    let channels = if x.channels.next_multiple_of(rates.columns) <= most {
        x.channels
    } else {
        (most / unit * unit).min(x.channels)
    };
    if channels == 0 {
        return None;
    }
    let pixels = if x.is_kept() {
        // Instructions hold 16 bits of rows and columns.
        [x.height.min(u64::from(u16::MAX)), x.width.min(u64::from(u16::MAX))]
    } else {
        let room = (rates.nram / 4).min(PIECE_BYTES.max(channels)) / channels;
        let columns = x.width.min(room).max(1);
        [(room / columns).clamp(1, x.height), columns]
    };
    let tiling = MeanTiling { pixels, channels, slots: 3 };
    let tiling = [3, 2, 1]
        .map(|slots| MeanTiling { slots, ..tiling })
        .into_iter()
        .find(|tiling| tiling.check([x, y], rates).is_ok())?;
    let estimate = tiling.estimate([x, y], rates);
    Some(Choice { tiling, estimate, runner_up: None, considered: 1 })
}

/// The pieces of a map, in order.
pub(crate) fn pieces(x: &Image, tiling: &MeanTiling) -> Vec<[Range; 2]> {
    let rows = Range::cut(x.height, tiling.pixels[0]);
    let columns = Range::cut(x.width, tiling.pixels[1]);
    rows.iter().flat_map(|&rows| columns.iter().map(move |&columns| [rows, columns])).collect()
}

impl fmt::Display for MeanTiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MeanTiling { pixels, channels, slots } = self;
        write!(
            f,
            "pieces of {}x{} pixels of {channels} channels, summed by the matrix unit; slots: {slots} pieces",
            pixels[0], pixels[1]
        )
    }
}
