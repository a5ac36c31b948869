//! Instructions with every operand resolved: what waits in a queue.

use ediacara_isa::{Memory, OperandTypes, Relation, VectorOperation, VectorRule, VectorShape};
use ediacara_kernels::int8::ArrayDot;
use ediacara_kernels::ordered::Stored;

/// Engines of a core.
pub(crate) const ENGINES: usize = 5;

/// For every engine of every core, the number of its instructions that are known to have committed; nothing
/// outside of checked mode.
///
/// The engine of a core has the component `core * ENGINES + engine`.
pub(crate) type Clock = Vec<u32>;

/// An entry of an engine's queue.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) work: Work,
    pub(crate) wait: u16,
    pub(crate) post: u16,
    /// Index into the code segment.
    pub(crate) instruction: u32,
    /// What control knew to have committed when it issued this (checked mode).
    pub(crate) clock: Clock,
}

/// What an entry does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// DRAM to a memory on chip.
    Load(Memory, Rows),
    /// NRAM to WRAM, with the number of beats.
    Move(Rows, u64),
    /// NRAM to DRAM.
    Store(Rows),
    /// An instruction of the matrix engine.
    Dot(Dot),
    /// Any instruction of the vector engine.
    Vector(Vector),
}

/// Rows of bytes that go from one memory to another.
///
/// PRAM counts in bytes here, as everything else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) source: u64,
    pub(crate) destination: u64,
    /// Bytes of a row, at least 1.
    pub(crate) length: u64,
    /// Rows of dimension 1 (inner) to 3, each at least 1.
    pub(crate) counts: [u64; 3],
    pub(crate) source_strides: [u64; 3],
    pub(crate) destination_strides: [u64; 3],
}

impl Rows {
    /// Number of rows.
    pub(crate) fn count(&self) -> u64 {
        self.counts[0] * self.counts[1] * self.counts[2]
    }

    /// Source and destination of every row, in order.
    pub(crate) fn addresses(self) -> impl Iterator<Item = (u64, u64)> {
        let [count_1, count_2, count_3] = self.counts;
        let (s, d) = (self.source_strides, self.destination_strides);
        (0..count_3).flat_map(move |i3| {
            (0..count_2).flat_map(move |i2| {
                let source = self.source + i3 * s[2] + i2 * s[1];
                let destination = self.destination + i3 * d[2] + i2 * d[1];
                (0..count_1).map(move |i1| (source + i1 * s[0], destination + i1 * d[0]))
            })
        })
    }
}

/// `dot` or `float_dot`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dot {
    /// The operands, as the kernels take them.
    pub(crate) array: ArrayDot,
    /// What elements are in `float_dot`; nothing in `dot`.
    pub(crate) stored: Option<Stored>,
    pub(crate) accumulate: bool,
    /// Array steps of a stretch.
    pub(crate) steps: usize,
    pub(crate) beats: u64,
}

/// An operand of the vector engine, in units of its memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Operand {
    pub(crate) base: usize,
    pub(crate) strides: [usize; 2],
}

impl Operand {
    /// Where row `(i1, i2)` begins.
    #[inline]
    pub(crate) fn row(&self, i1: usize, i2: usize) -> usize {
        self.base + i1 * self.strides[0] + i2 * self.strides[1]
    }
}

/// Units of a memory that an element of each operand takes: bytes in NRAM, one accumulator in ARAM.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Units {
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) d: usize,
}

/// Any instruction of the vector engine; operands that it does not have are zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vector {
    pub(crate) operation: VectorOperation,
    /// What it reads and writes, with its flags.
    pub(crate) rule: VectorRule,
    pub(crate) units: Units,
    /// The byte that `fill` writes.
    pub(crate) value: i8,
    /// Elements of a row.
    pub(crate) length: usize,
    pub(crate) counts: [usize; 2],
    pub(crate) d: Operand,
    pub(crate) a: Operand,
    pub(crate) b: Operand,
    /// First record in PRAM.
    pub(crate) p: usize,
    pub(crate) window_counts: [usize; 2],
    /// In units of a.
    pub(crate) window_strides: [usize; 2],
    /// In units of b.
    pub(crate) b_window_stride: usize,
    pub(crate) a_zero: i32,
    pub(crate) b_zero: i32,
    pub(crate) d_zero: i32,
    pub(crate) low: i8,
    pub(crate) high: i8,
    pub(crate) a_multiplier: i32,
    pub(crate) b_multiplier: i32,
    pub(crate) shift: u8,
    pub(crate) float: Float,
    pub(crate) beats: u64,
}

/// What float instructions have beside the operands of all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Float {
    pub(crate) types: OperandTypes,
    pub(crate) a_scale: f32,
    pub(crate) b_scale: f32,
    pub(crate) d_inverse_scale: f32,
    pub(crate) constant: f32,
    pub(crate) relation: Relation,
    /// Whether it begins with what d holds.
    pub(crate) accumulate: bool,
}

impl Vector {
    /// Each window position, and where its row of a begins; `a` is where that of the first does.
    pub(crate) fn window(&self, a: usize) -> impl Iterator<Item = (usize, usize)> {
        let (counts, strides) = (self.window_counts, self.window_strides);
        (0..counts[1]).flat_map(move |w2| {
            (0..counts[0]).map(move |w1| (w2 * counts[0] + w1, a + w2 * strides[1] + w1 * strides[0]))
        })
    }

    /// Units of a row of a, at one position of the window.
    pub(crate) fn a_units(&self) -> usize {
        self.length * self.units.a
    }

    /// Units of a row of b, at one position of the window.
    pub(crate) fn b_units(&self) -> usize {
        if self.rule.b_is_scalar { self.units.b } else { self.length * self.units.b }
    }

    /// Units that a row writes; of a transposition, those of a column.
    pub(crate) fn d_units(&self) -> usize {
        let elements = match self.rule.shape {
            VectorShape::RowReduction => 1,
            VectorShape::Transpose => self.counts[0],
            VectorShape::Rows | VectorShape::Window | VectorShape::Table => self.length,
        };
        elements * self.units.d
    }
}
