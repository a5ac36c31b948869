//! The vector engine's instructions.

use ediacara_isa::{
    Add, Address, AveragePool, ConfigRegister as C, Copy, Depthwise, Fill, LoadTable, MaxPool, Maximum,
    Multiply, Operation, Requantise, Table, Transpose,
};

use super::Builder;
use super::operands::Proposal;
use crate::footprint::Space;

const A: [C; 2] = [C::VectorAStride1, C::VectorAStride2];
const B: [C; 2] = [C::VectorBStride1, C::VectorBStride2];
const D: [C; 2] = [C::VectorDStride1, C::VectorDStride2];

/// Kinds of instruction, by what they have in common.
#[derive(Debug, Clone, std::marker::Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Fill,
    Copy,
    Requantise,
    Depthwise,
    MaxPool,
    AveragePool,
    Add,
    Multiply,
    Maximum,
    LoadTable,
    Table,
    Transpose,
}

pub(super) const KINDS: [Kind; 12] = [
    Kind::Fill,
    Kind::Copy,
    Kind::Requantise,
    Kind::Depthwise,
    Kind::MaxPool,
    Kind::AveragePool,
    Kind::Add,
    Kind::Multiply,
    Kind::Maximum,
    Kind::LoadTable,
    Kind::Table,
    Kind::Transpose,
];

impl Builder<'_> {
    pub(super) fn vector(&mut self) -> Option<Proposal> {
        let kind = self.random.pick(&KINDS);
        self.vector_of(kind)
    }

    pub(super) fn vector_of(&mut self, kind: Kind) -> Option<Proposal> {
        let mut writes = self.arithmetic();
        let nram = self.size(Space::Nram);
        let is_windowed = matches!(kind, Kind::Depthwise | Kind::MaxPool | Kind::AveragePool);
        let has_records = matches!(kind, Kind::Requantise | Kind::Depthwise);
        let mut most = if kind == Kind::Requantise { self.size(Space::Aram) } else { nram / 2 };
        if has_records {
            most = most.min(self.size(Space::Pram));
        }
        let length = self.length(most);
        let counts = match self.random.range(0, 3) {
            0 => [1, 1],
            _ => [self.random.small(1, 6), self.random.small(1, 3)],
        };
        let windows = if is_windowed { [self.random.small(1, 4), self.random.small(1, 3)] } else { [1, 1] };
        if kind == Kind::LoadTable {
            let operation = LoadTable { a: self.place(Space::Nram, 256)? }.into();
            return Some(Proposal { writes, operation });
        }
        if kind == Kind::Transpose {
            return self.transpose(writes);
        }
        let d = self.layout(counts, length, nram)?;
        let a_size = if kind == Kind::Requantise { self.size(Space::Aram) } else { nram };
        let a_dimensions = [windows[0], windows[1], counts[0], counts[1]];
        let a = self.layout(a_dimensions, length, a_size)?;
        writes.extend(d.writes(D));
        if is_windowed {
            let registers = [C::VectorWindowStride1, C::VectorWindowStride2, A[0], A[1]];
            writes.extend(a.writes(registers));
            writes.push((C::VectorWindowCount1, windows[0] as i64));
            writes.push((C::VectorWindowCount2, windows[1] as i64));
        } else {
            writes.extend([(A[0], a.strides[2] as i64), (A[1], a.strides[3] as i64)]);
        }
        let d_at = self.place(Space::Nram, d.span)?;
        let a_space = if kind == Kind::Requantise { Space::Aram } else { Space::Nram };
        let mut a_at = self.place(a_space, a.span)?;
        let mut b_at = Address::new(0);
        if kind == Kind::Depthwise {
            let b = self.layout([windows[0] * windows[1]], length, nram)?;
            writes.extend(b.writes([C::VectorBWindowStride]));
            b_at = self.place(Space::Nram, b.span)?;
        } else if matches!(kind, Kind::Add | Kind::Multiply | Kind::Maximum) {
            let b = self.layout(counts, length, nram)?;
            writes.extend(b.writes(B));
            b_at = self.place(Space::Nram, b.span)?;
        }
        let may_be_in_place =
            matches!(kind, Kind::Copy | Kind::Add | Kind::Multiply | Kind::Maximum | Kind::Table);
        if may_be_in_place && self.random.chance(35) {
            // Both operands may be the destination.
            let has_b = !matches!(kind, Kind::Copy | Kind::Table);
            if !has_b || self.random.chance(70) {
                a_at = d_at;
                writes.extend([(A[0], d.strides[0] as i64), (A[1], d.strides[1] as i64)]);
            }
            if has_b && self.random.chance(50) {
                b_at = d_at;
                writes.extend([(B[0], d.strides[0] as i64), (B[1], d.strides[1] as i64)]);
            }
        }
        let p = if has_records { self.place(Space::Pram, length)? } else { Address::new(0) };
        let value = self.zero() as i8;
        let (d, a, b, length) = (d_at, a_at, b_at, length as u32);
        let (count_1, count_2) = (counts[0] as u16, counts[1] as u16);
        let operation: Operation = match kind {
            Kind::Fill => Fill { d, value, length, count_1, count_2 }.into(),
            Kind::Copy => Copy { d, a, length, count_1, count_2 }.into(),
            Kind::Requantise => Requantise { d, a, p, length, count_1, count_2 }.into(),
            Kind::Depthwise => Depthwise { d, a, b, p, length, count_1, count_2 }.into(),
            Kind::MaxPool => MaxPool { d, a, length, count_1, count_2 }.into(),
            Kind::AveragePool => AveragePool { d, a, length, count_1, count_2 }.into(),
            Kind::Add => Add { d, a, b, length, count_1, count_2 }.into(),
            Kind::Multiply => Multiply { d, a, b, length, count_1, count_2 }.into(),
            Kind::Maximum => Maximum { d, a, b, length, count_1, count_2 }.into(),
            Kind::Table | Kind::LoadTable | Kind::Transpose => {
                Table { d, a, length, count_1, count_2 }.into()
            }
        };
        Some(Proposal { writes, operation })
    }

    /// Whole and partial tiles of lanes x lanes.
    fn transpose(&mut self, mut writes: Vec<(C, i64)>) -> Option<Proposal> {
        let lanes = u64::from(self.machine.vector.lanes);
        let nram = self.size(Space::Nram);
        let mut side = || match self.random.range(0, 3) {
            0 => lanes,
            1 => lanes + self.random.range(0, 2) - 1,
            _ => self.random.small(1, 2 * lanes + 1),
        };
        let (length, count_1) = (side(), side());
        let count_2 = if self.random.chance(60) { 1 } else { self.random.range(1, 3) };
        let a = self.layout([count_1, count_2], length, nram)?;
        // Columns of the destination do not overlap: their order is the hardware's own.
        let pad = if self.random.chance(50) { 0 } else { self.random.small(1, 9) };
        let stride_1 = count_1 + pad;
        let stride_2 = stride_1 * length + if self.random.chance(70) { 0 } else { self.random.small(0, 5) };
        let span = (length - 1) * stride_1 + (count_2 - 1) * stride_2 + count_1;
        writes.extend(a.writes(A));
        writes.extend([(D[0], stride_1 as i64), (D[1], stride_2 as i64)]);
        let operation = Transpose {
            d: self.place(Space::Nram, span)?,
            a: self.place(Space::Nram, a.span)?,
            length: length as u32,
            count_1: count_1 as u16,
            count_2: count_2 as u16,
        };
        Some(Proposal { writes, operation: operation.into() })
    }

    /// Zero points, clamps, multipliers and shifts, some of them, the ends of their ranges often.
    fn arithmetic(&mut self) -> Vec<(C, i64)> {
        let mut writes = Vec::new();
        if self.random.chance(40) {
            for register in [C::VectorAZero, C::VectorBZero, C::VectorDZero] {
                writes.push((register, self.zero()));
            }
        }
        if self.random.chance(50) {
            for register in [C::VectorAMultiplier, C::VectorBMultiplier] {
                writes.push((register, self.multiplier()));
            }
            let shift =
                if self.random.chance(40) { self.random.range(1, 62) } else { self.random.range(26, 36) };
            writes.push((C::VectorShift, shift as i64));
        }
        if self.random.chance(25) {
            let (one, other) = (self.zero(), self.zero());
            let whole = self.random.chance(50);
            writes.push((C::VectorLow, if whole { -128 } else { one.min(other) }));
            writes.push((C::VectorHigh, if whole { 127 } else { one.max(other) }));
        }
        writes
    }

    fn multiplier(&mut self) -> i64 {
        match self.random.range(0, 9) {
            0 => 0,
            1 => 1,
            2 => (1 << 31) - 1,
            3..=5 => 1 << 30,
            _ => (self.random.next() >> 33) as i64,
        }
    }
}
