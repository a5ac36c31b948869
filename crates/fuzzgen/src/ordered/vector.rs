//! The vector engine's instructions.

use ediacara_isa::{
    Address, ConfigRegister as C, ElementBytes, Memory, TABLE_BYTES, VectorOperands, VectorOperation,
    VectorRule, VectorShape,
};

use super::Builder;
use super::operands::Proposal;

pub(super) const A: [C; 2] = [C::VectorAStride1, C::VectorAStride2];
pub(super) const B: [C; 2] = [C::VectorBStride1, C::VectorBStride2];
pub(super) const D: [C; 2] = [C::VectorDStride1, C::VectorDStride2];

impl Builder<'_> {
    pub(super) fn vector(&mut self) -> Option<Proposal> {
        let is_float = self.has_float() && self.random.chance(65);
        let some = VectorOperation::ALL.iter().filter(|operation| operation.rule().float == is_float);
        let operation = self.random.pick(&some.copied().collect::<Vec<_>>());
        self.vector_of(operation)
    }

    pub(super) fn vector_of(&mut self, operation: VectorOperation) -> Option<Proposal> {
        let rule = operation.rule();
        if rule.float {
            return self.float_of(operation);
        }
        let mut writes = self.arithmetic();
        let nram = self.size(Memory::Nram);
        let is_windowed = rule.shape == VectorShape::Window;
        let a_memory = rule.a.unwrap_or(Memory::Nram);
        let a_size = self.size(a_memory);
        let mut most = if a_memory == Memory::Nram { nram / 2 } else { a_size };
        if rule.p.is_some() {
            most = most.min(self.size(Memory::Pram));
        }
        let length = self.length(most);
        let counts = match self.random.range(0, 3) {
            0 => [1, 1],
            _ => [self.random.small(1, 6), self.random.small(1, 3)],
        };
        let windows = if is_windowed { [self.random.small(1, 4), self.random.small(1, 3)] } else { [1, 1] };
        match rule.shape {
            VectorShape::Table => {
                let a = self.place(Memory::Nram, TABLE_BYTES.into())?;
                let operation = operation.with(&VectorOperands { a, ..VectorOperands::default() });
                return Some(Proposal { writes, operation });
            }
            VectorShape::Transpose => return self.transpose(operation, writes),
            VectorShape::Rows | VectorShape::RowReduction | VectorShape::Window => {}
        }
        let d = self.layout(counts, length, nram)?;
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
        let d_at = self.place(Memory::Nram, d.span)?;
        let mut a_at = self.place(a_memory, a.span)?;
        let mut b_at = Address::new(0);
        if rule.b.is_some() && is_windowed {
            let b = self.layout([windows[0] * windows[1]], length, nram)?;
            writes.extend(b.writes([C::VectorBWindowStride]));
            b_at = self.place(Memory::Nram, b.span)?;
        } else if rule.b.is_some() {
            let b = self.layout(counts, length, nram)?;
            writes.extend(b.writes(B));
            b_at = self.place(Memory::Nram, b.span)?;
        }
        let [a_is_d, b_is_d] = self.choose_in_place(rule);
        if a_is_d {
            a_at = d_at;
            writes.extend(d.writes(A));
        }
        if b_is_d {
            b_at = d_at;
            writes.extend(d.writes(B));
        }
        let p = if rule.p.is_some() { self.place(Memory::Pram, length)? } else { Address::new(0) };
        let operands = VectorOperands {
            d: d_at,
            a: a_at,
            b: b_at,
            p,
            value: self.zero() as i8,
            length: length as u32,
            count_1: counts[0] as u16,
            count_2: counts[1] as u16,
            ..VectorOperands::default()
        };
        Some(Proposal { writes, operation: operation.with(&operands) })
    }

    /// Whether a and b are the destination; both may be.
    fn choose_in_place(&mut self, rule: &VectorRule) -> [bool; 2] {
        if !rule.in_place || !self.random.chance(35) {
            return [false; 2];
        }
        let has_b = rule.b.is_some();
        [!has_b || self.random.chance(70), has_b && self.random.chance(50)]
    }

    /// Whole and partial tiles of lanes x lanes, of elements of any size.
    fn transpose(&mut self, operation: VectorOperation, mut writes: Vec<(C, i64)>) -> Option<Proposal> {
        let lanes = u64::from(self.machine.vector.lanes);
        let sizes: Vec<_> = ElementBytes::ALL.iter().copied().filter(|size| size.bytes() <= lanes).collect();
        let element = self.random.pick(&sizes);
        let (bytes, tile) = (element.bytes(), lanes / element.bytes());
        let nram = self.size(Memory::Nram) / bytes;
        let mut side = || match self.random.range(0, 3) {
            0 => tile,
            1 => (tile + self.random.range(0, 2) - 1).max(1),
            _ => self.random.small(1, 2 * tile + 1),
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
        let operands = VectorOperands {
            d: self.place(Memory::Nram, span * bytes)?,
            a: self.place(Memory::Nram, a.span * bytes)?,
            element,
            length: length as u32,
            count_1: count_1 as u16,
            count_2: count_2 as u16,
            ..VectorOperands::default()
        };
        Some(Proposal { writes, operation: operation.with(&operands) })
    }

    /// Some of the zero points, clamps, multipliers and shifts, often at the ends of their ranges.
    pub(super) fn arithmetic(&mut self) -> Vec<(C, i64)> {
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
