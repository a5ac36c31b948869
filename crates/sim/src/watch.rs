//! Keeps what instructions write to NRAM as they write it: a later instruction may overwrite it before the
//! run ends.
//!
//! Engines run ahead of one another, so that there need not be a cycle in which all of a buffer is there: its first bytes
//! may be overwritten while its last are still computed. So every write is taken by itself, when the simulator performs it.

use std::ops::Range;

use ediacara_isa::{Memory, VectorShape};

use crate::work::{Vector, Work};

/// Bytes of NRAM, and the instructions whose writes there are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The bytes.
    pub bytes: Range<u64>,
    /// Indices into the code segment.
    pub instructions: Range<u32>,
}

/// A watch with what it saw.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    watch: Watch,
    /// For each byte, what was written there last.
    written: Vec<Option<u8>>,
}

impl Watched {
    /// A watch that has seen nothing yet.
    ///
    /// The range must lie inside NRAM.
    pub(crate) fn new(watch: Watch) -> Watched {
        let bytes = (watch.bytes.end - watch.bytes.start) as usize;
        Watched { watch, written: vec![None; bytes] }
    }

    /// Forgets what was seen.
    pub(crate) fn reset(&mut self) {
        self.written.fill(None);
    }

    /// What was written last, byte by byte.
    pub(crate) fn written(&self) -> &[Option<u8>] {
        &self.written
    }

    /// Takes what an instruction has just written, if it is one of those watched.
    pub(crate) fn take(&mut self, instruction: u32, work: &Work, nram: &[i8]) {
        if self.watch.instructions.contains(&instruction) {
            written_rows(work, |row| self.take_row(row, nram));
        }
    }

    fn take_row(&mut self, row: Range<usize>, nram: &[i8]) {
        let (first, end) = (self.watch.bytes.start as usize, self.watch.bytes.end as usize);
        let (start, stop) = (row.start.max(first), row.end.min(end));
        if start < stop {
            let bytes = &nram[start..stop];
            for (kept, byte) in self.written[start - first..stop - first].iter_mut().zip(bytes) {
                *kept = Some(byte.cast_unsigned());
            }
        }
    }
}

/// Calls `visit` with every row of NRAM that an instruction writes.
fn written_rows(work: &Work, visit: impl FnMut(Range<usize>)) {
    match work {
        Work::Load(Memory::Nram, rows) => {
            let length = rows.length as usize;
            let starts = rows.addresses().map(|(_, destination)| destination as usize);
            starts.map(|start| start..start + length).for_each(visit);
        }
        Work::Vector(vector) => vector_rows(vector, visit),
        Work::Load(..) | Work::Move(..) | Work::Store(_) | Work::Dot(_) => {}
    }
}

fn vector_rows(vector: &Vector, mut visit: impl FnMut(Range<usize>)) {
    // A transposition writes `length` rows of `count_1` elements.
    let rows = match vector.rule.shape {
        VectorShape::Table => return,
        VectorShape::Transpose => vector.length,
        VectorShape::Rows | VectorShape::RowReduction | VectorShape::Window => vector.counts[0],
    };
    let length = vector.d_units();
    for i2 in 0..vector.counts[1] {
        for i1 in 0..rows {
            let start = vector.d.row(i1, i2);
            visit(start..start + length);
        }
    }
}
