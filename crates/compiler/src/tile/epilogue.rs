//! What the tiler of products knows of a chain that goes on with their sums.

use crate::program::rows::Rows;
use crate::tile::claim::Claim;
use crate::tile::cost::Rates;
use crate::tile::rows::{Plan, beats, moved_bytes, record_count};

/// A chain that goes on with the sums of a product, a tile at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epilogue {
    /// Elements of a row: the output channels.
    length: u64,
    /// Bytes of NRAM that are loaded once; and of a row those that are loaded, between steps, stored.
    bytes: [u64; 4],
    /// Bytes of a row that cross DRAM.
    moved: u64,
    /// Records beside those of the sums.
    pub records: u64,
    /// Whether sums are read with records.
    pub reads_records: bool,
    /// Beats of the vector unit that a row takes.
    pub beats: u64,
    /// Instructions for a tile.
    pub steps: u64,
    /// Whether a tile may have a part of the output channels.
    pub may_be_cut: bool,
}

impl Epilogue {
    /// That of a chain which reads sums.
    pub(crate) fn of(rows: &Rows, rates: &Rates) -> Epilogue {
        Epilogue {
            length: rows.length,
            bytes: Plan::new(rows, 1, rows.length).bytes,
            moved: moved_bytes(rows, false) + moved_bytes(rows, true),
            records: record_count(rows),
            reads_records: rows.sums.is_some_and(|sums| sums.scale.is_none()),
            // One number a row takes a part of a beat.
            beats: rows.steps.iter().map(|step| beats(rows, step, 1, rates)).sum(),
            steps: rows.steps.len() as u64,
            may_be_cut: rows.goes_by_element() && rows.values.iter().all(|value| value.length == rows.length),
        }
    }

    /// Claims for tiles of so many pixels and output channels, `slots` of what is loaded and of what is stored: what is stored,
    /// what is loaded, and what else lies in NRAM.
    pub(crate) fn claims(&self, pixels: u64, outputs: u64, slots: u64) -> [Claim; 3] {
        let [whole, loaded, between, stored] = self.bytes;
        let part = |bytes: u64| if self.may_be_cut { bytes / self.length * outputs } else { bytes };
        let slots_of = |bytes: u64| if bytes > 0 { slots } else { 0 };
        let rest = whole + pixels * part(between);
        [
            Claim::new(pixels * part(stored), slots_of(stored), 1),
            Claim::new(pixels * part(loaded), slots_of(loaded), 1),
            Claim::new(rest, u64::from(rest > 0), 1),
        ]
    }

    /// Whether tiles are loaded, and whether some are stored.
    pub(crate) fn crosses_dram(&self) -> [bool; 2] {
        [self.bytes[1] > 0, self.bytes[3] > 0]
    }

    /// Bytes of a tile that cross DRAM.
    pub(crate) fn traffic(&self, pixels: f64, outputs: u64) -> f64 {
        pixels * self.moved as f64 * outputs as f64 / self.length as f64
    }
}
