//! Instructions of the vector engine, with every stride and constant.

use ediacara_isa::{
    ElementBytes, ElementType, Memory, OperandTypes, Relation, TABLE_BYTES, VectorOperands, VectorOperation,
    VectorRule, VectorShape,
};

use crate::program::region::{Access, Dimension, Region};

/// A vector instruction. Fields that the operation does not use keep their default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vector {
    /// What it computes.
    pub op: VectorOperation,
    /// Destination, NRAM.
    pub d: u64,
    /// First operand: NRAM; ARAM for `requantise`, or where `float` says so.
    pub a: u64,
    /// Second operand, NRAM.
    pub b: u64,
    /// First record, PRAM.
    pub p: u64,
    /// Elements of a row.
    pub length: u64,
    /// Rows along dimensions 1 and 2.
    pub counts: [u64; 2],
    /// Elements between rows of a.
    pub a_strides: [u64; 2],
    /// Elements between rows of b.
    pub b_strides: [u64; 2],
    /// Elements between rows of d.
    pub d_strides: [u64; 2],
    /// Window positions along dimensions 1 (inner) and 2.
    pub window_counts: [u64; 2],
    /// Elements between window positions.
    pub window_strides: [u64; 2],
    /// Elements of b between window positions.
    pub b_window_stride: u64,
    /// Zero points of a, b, d.
    pub zeros: [i8; 3],
    /// Clamp.
    pub low: i8,
    /// Clamp.
    pub high: i8,
    /// Multipliers of a, b.
    pub multipliers: [u32; 2],
    /// Shift, 1 to 62.
    pub shift: u8,
    /// What `fill` writes.
    pub value: i8,
    /// What `transpose` carries.
    pub element: ElementBytes,
    /// What float instructions have besides.
    pub float: FloatOperands,
}

impl Vector {
    /// An operation of one row of `length` elements, everything else at rest.
    pub fn new(op: VectorOperation, d: u64, length: u64) -> Vector {
        Vector {
            op,
            d,
            a: 0,
            b: 0,
            p: 0,
            length,
            counts: [1; 2],
            a_strides: [0; 2],
            b_strides: [0; 2],
            d_strides: [0; 2],
            window_counts: [1; 2],
            window_strides: [0; 2],
            b_window_stride: 0,
            zeros: [0; 3],
            low: i8::MIN,
            high: i8::MAX,
            multipliers: [0; 2],
            shift: 1,
            value: 0,
            element: ElementBytes::default(),
            float: FloatOperands::default(),
        }
    }

    /// What it reads and writes, with its flags.
    pub fn rule(&self) -> VectorRule {
        self.op.rule_of(&self.flags())
    }

    /// Its operands without addresses and counts.
    pub(crate) fn flags(&self) -> VectorOperands {
        let float = &self.float;
        VectorOperands {
            memory: float.memory,
            scalar: float.scalar,
            constant: float.constant.is_some(),
            records: float.records,
            accumulate: float.accumulate,
            moves: float.moves,
            relation: float.relation,
            element: self.element,
            value: self.value,
            ..VectorOperands::default()
        }
    }

    fn rows(&self, memory: Memory, start: u64, run: u64, strides: [u64; 2], unit: u64) -> Region {
        let dimensions = [0, 1].map(|i| Dimension { stride: strides[i] * unit, count: self.counts[i] });
        Region::strided(memory, start, run, &dimensions)
    }

    fn a_region(&self, rule: &VectorRule, memory: Memory, unit: u64) -> Region {
        match rule.shape {
            VectorShape::Rows | VectorShape::RowReduction | VectorShape::Transpose => {
                self.rows(memory, self.a, self.length * unit, self.a_strides, unit)
            }
            VectorShape::Table => Region::run(memory, self.a, TABLE_BYTES.into()),
            VectorShape::Window => {
                let window =
                    (0..2).map(|i| (self.window_counts[i] - 1) * self.window_strides[i]).sum::<u64>();
                let rows = (0..2).map(|i| (self.counts[i] - 1) * self.a_strides[i]).sum::<u64>();
                Region::run(memory, self.a, (window + rows + self.length) * unit)
            }
        }
    }

    fn b_region(&self, rule: &VectorRule, memory: Memory, unit: u64) -> Region {
        let positions = (self.window_counts[0] * self.window_counts[1] - 1) * self.b_window_stride;
        match rule.shape {
            VectorShape::Window if rule.b_moves => {
                let rows = (0..2).map(|i| (self.counts[i] - 1) * self.b_strides[i]).sum::<u64>();
                Region::run(memory, self.b, (positions + rows + self.length) * unit)
            }
            VectorShape::Window => Region::run(memory, self.b, (positions + self.length) * unit),
            VectorShape::Rows | VectorShape::RowReduction | VectorShape::Transpose | VectorShape::Table => {
                let elements = if rule.b_is_scalar { 1 } else { self.length };
                self.rows(memory, self.b, elements * unit, self.b_strides, unit)
            }
        }
    }

    fn d_region(&self, rule: &VectorRule, memory: Memory, unit: u64) -> Region {
        match rule.shape {
            // `length` rows of `count_1`.
            VectorShape::Transpose => {
                let dimensions = [
                    Dimension { stride: self.d_strides[0] * unit, count: self.length },
                    Dimension { stride: self.d_strides[1] * unit, count: self.counts[1] },
                ];
                Region::strided(memory, self.d, self.counts[0] * unit, &dimensions)
            }
            VectorShape::RowReduction => self.rows(memory, self.d, unit, self.d_strides, unit),
            VectorShape::Rows | VectorShape::Window | VectorShape::Table => {
                self.rows(memory, self.d, self.length * unit, self.d_strides, unit)
            }
        }
    }

    /// The regions that it reads and writes.
    pub(crate) fn access(&self) -> Access {
        let flags = self.flags();
        let rule = self.op.rule_of(&flags);
        let units = rule.element_units(&flags, self.float.types);
        let mut access = Access::default();
        access.reads.extend(rule.a.map(|memory| self.a_region(&rule, memory, units.a)));
        access.reads.extend(rule.b.map(|memory| self.b_region(&rule, memory, units.b)));
        access.reads.extend(rule.p.map(|memory| Region::run(memory, self.p, self.length)));
        access.writes.extend(rule.d.map(|memory| self.d_region(&rule, memory, units.d)));
        if rule.reads_d {
            access.reads.extend(access.writes.iter().copied());
        }
        access
    }
}

/// What a float instruction has beside the operands of all (docs/isa.md, "Float instructions").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FloatOperands {
    /// The memory of a.
    pub memory: Memory,
    /// The types of a, b and d.
    pub types: OperandTypes,
    /// What an i8 or an accumulator of a, and an i8 of b, is multiplied by.
    pub scales: [f32; 2],
    /// What a result is multiplied by on its way to i8.
    pub inverse_scale: f32,
    /// What `float_fill` writes, or what stands for b.
    pub constant: Option<f32>,
    /// b has one element a row.
    pub scalar: bool,
    /// a is read with records.
    pub records: bool,
    /// It begins with what d holds.
    pub accumulate: bool,
    /// b of a window has rows of its own.
    pub moves: bool,
    /// What `float_compare` asks.
    pub relation: Relation,
}

impl Default for FloatOperands {
    /// Of f32 in NRAM.
    fn default() -> FloatOperands {
        let real = ElementType::F32;
        FloatOperands {
            memory: Memory::Nram,
            types: OperandTypes { a: real, b: real, d: real },
            scales: [1.0; 2],
            inverse_scale: 1.0,
            constant: None,
            scalar: false,
            records: false,
            accumulate: false,
            moves: false,
            relation: Relation::default(),
        }
    }
}
