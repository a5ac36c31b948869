//! The vector engine's instructions of floating point.

use ediacara_isa::{
    Address, ConfigRegister as C, Memory, Relation, VectorOperands, VectorOperation, VectorShape,
};

use super::Builder;
use super::operands::Proposal;
use super::vector::{A, B, D};
use crate::reals;
use crate::vector_footprint::element::{self, BF16, F16, F32, I8, I32};

/// Types of elements in NRAM.
const STORED: [i64; 5] = [I8, F16, BF16, F32, F32];

/// What an instruction is like, before it has addresses.
struct Draft {
    operation: VectorOperation,
    /// With flags and counts.
    operands: VectorOperands,
    /// Types of a, b and d.
    types: [i64; 3],
    /// Whether a and b are the destination.
    in_place: [bool; 2],
    windows: [u64; 2],
}

impl Draft {
    fn is_windowed(&self) -> bool {
        self.operation.rule().shape == VectorShape::Window
    }

    fn has_b(&self) -> bool {
        self.operation.rule().b.is_some() && !self.operands.constant
    }

    fn reads_records(&self) -> bool {
        self.operands.records || self.operation == VectorOperation::FloatScale
    }

    /// Elements of a row of b and of d.
    fn elements(&self) -> [u64; 2] {
        let length = self.operands.length.into();
        let b = if self.operands.scalar { 1 } else { length };
        let d = if self.operation.rule().shape == VectorShape::RowReduction { 1 } else { length };
        [b, d]
    }

    fn counts(&self) -> [u64; 2] {
        [self.operands.count_1.into(), self.operands.count_2.into()]
    }
}

impl Builder<'_> {
    /// Whether the machine computes in floating point.
    pub(super) fn has_float(&self) -> bool {
        self.machine.vector.float_lanes > 0
    }

    /// An instruction of floating point.
    pub(super) fn float_of(&mut self, operation: VectorOperation) -> Option<Proposal> {
        let draft = self.draft(operation);
        self.placed(draft)
    }

    /// An instruction of floating point that reads no NRAM, so that it waits for none before it.
    pub(super) fn unordered_float(&mut self) -> Option<Proposal> {
        let reads_d = |operation: &VectorOperation| *operation == VectorOperation::FloatSelect;
        let floats = VectorOperation::ALL.iter().copied().filter(|operation| operation.rule().float);
        let may: Vec<_> = floats
            .filter(|operation| operation.rule().shape != VectorShape::Window && !reads_d(operation))
            .collect();
        let operation = self.random.pick(&may);
        let mut draft = self.draft(operation);
        if operation.rule().a.is_some() {
            draft.operands.memory = Memory::Aram;
            draft.types[0] = self.random.pick(&[I32, F32]);
        }
        draft.operands.constant = operation.rule().b.is_some();
        draft.operands.scalar = false;
        draft.in_place = [false; 2];
        self.placed(draft)
    }

    fn draft(&mut self, operation: VectorOperation) -> Draft {
        let rule = operation.rule();
        let is_windowed = rule.shape == VectorShape::Window;
        let mut operands = VectorOperands::default();
        if rule.a.is_some() && !is_windowed && self.random.chance(45) {
            operands.memory = Memory::Aram;
            let may = rule.p.is_some() && operation != VectorOperation::FloatScale;
            operands.records = may && self.random.chance(50);
        }
        if rule.b.is_some() && !is_windowed {
            let choice = self.random.range(0, 3);
            (operands.scalar, operands.constant) = (choice == 0, choice == 1);
        }
        operands.moves = operation == VectorOperation::FloatWindowDot && self.random.chance(50);
        operands.accumulate = operation == VectorOperation::FloatWindowSum && self.random.chance(50);
        operands.relation = self.random.pick(Relation::ALL);
        let mut types = [0; 3].map(|_| self.random.pick(&STORED));
        if operands.memory == Memory::Aram {
            types[0] = self.random.pick(&[I32, F32]);
        }
        if operands.accumulate {
            types[2] = self.random.pick(&STORED[1..]);
        }
        let mut in_place = [false; 2];
        if rule.in_place && self.random.chance(40) {
            in_place =
                [operands.memory == Memory::Nram, rule.b.is_some()].map(|may| may && self.random.chance(70));
            in_place[1] &= !operands.scalar && !operands.constant;
        }
        for k in (0..2).filter(|k| in_place[*k]) {
            // What has as many bytes may be another type.
            let is_half = [F16, BF16].contains(&types[2]);
            types[k] = if is_half { self.random.pick(&[F16, BF16]) } else { types[2] };
        }
        let counts = match self.random.range(0, 3) {
            0 => [1, 1],
            _ => [self.random.small(1, 6), self.random.small(1, 3)],
        };
        [operands.count_1, operands.count_2] = counts.map(|count| count as u16);
        let windows = if is_windowed { [self.random.small(1, 4), self.random.small(1, 3)] } else { [1, 1] };
        let mut draft = Draft { operation, operands, types, in_place, windows };
        draft.operands.length = self.float_length(&draft) as u32;
        draft
    }

    /// Elements of a row; around whole sixteens where they are added up.
    fn float_length(&mut self, draft: &Draft) -> u64 {
        let most = self.size(Memory::Nram) / 8;
        let wanted = match draft.operation.rule().shape {
            VectorShape::RowReduction if self.random.chance(60) => {
                16 * self.random.small(1, 4) + self.random.range(0, 2) - 1
            }
            _ => self.length(most),
        };
        let mut most = most;
        if draft.operands.memory == Memory::Aram {
            most = most.min(self.size(Memory::Aram));
        }
        if draft.reads_records() {
            most = most.min(self.size(Memory::Pram));
        }
        wanted.clamp(1, most.max(1))
    }

    /// The draft with strides and addresses.
    fn placed(&mut self, mut draft: Draft) -> Option<Proposal> {
        let mut writes = self.float_arithmetic(&draft);
        let [a, b, d] = draft.types.map(element::bytes);
        let nram = self.size(Memory::Nram);
        let (counts, [b_elements, d_elements]) = (draft.counts(), draft.elements());
        let length = u64::from(draft.operands.length);
        let to = self.layout(counts, d_elements, nram / d)?;
        writes.extend(to.writes(D));
        draft.operands.d = self.place(Memory::Nram, to.span * d)?;
        let same = |registers: [C; 2]| to.writes(registers);
        let rule = draft.operation.rule();
        if draft.in_place[0] {
            writes.extend(same(A));
            draft.operands.a = draft.operands.d;
        } else if rule.a.is_some() {
            let [w1, w2] = draft.windows;
            let (memory, unit) = match draft.operands.memory {
                Memory::Aram => (Memory::Aram, 1),
                _ => (Memory::Nram, a),
            };
            let from = self.layout([w1, w2, counts[0], counts[1]], length, self.size(memory) / unit)?;
            let [step_1, step_2, stride_1, stride_2] = from.strides.map(|stride| stride as i64);
            writes.extend([(A[0], stride_1), (A[1], stride_2)]);
            if draft.is_windowed() {
                writes.extend([(C::VectorWindowStride1, step_1), (C::VectorWindowStride2, step_2)]);
                writes.extend([(C::VectorWindowCount1, w1 as i64), (C::VectorWindowCount2, w2 as i64)]);
            }
            draft.operands.a = self.place(memory, from.span * unit)?;
        }
        if draft.in_place[1] {
            writes.extend(same(B));
            draft.operands.b = draft.operands.d;
        } else if draft.has_b() {
            let positions = draft.windows[0] * draft.windows[1];
            let moves = if draft.is_windowed() && !draft.operands.moves { [1, 1] } else { counts };
            let from = self.layout([positions, moves[0], moves[1]], b_elements, nram / b)?;
            let [step, stride_1, stride_2] = from.strides.map(|stride| stride as i64);
            if draft.is_windowed() {
                writes.push((C::VectorBWindowStride, step));
            }
            if !draft.is_windowed() || draft.operands.moves {
                writes.extend([(B[0], stride_1), (B[1], stride_2)]);
            }
            draft.operands.b = self.place(Memory::Nram, from.span * b)?;
        }
        if draft.reads_records() {
            draft.operands.p = self.place(Memory::Pram, length)?;
        }
        Some(Proposal { writes, operation: draft.operation.with(&draft.operands) })
    }

    /// The types, and some of the zero points, clamps, scales and constants.
    fn float_arithmetic(&mut self, draft: &Draft) -> Vec<(C, i64)> {
        let rule = draft.operation.rule();
        let mut writes = self.arithmetic();
        let [a, b, d] = draft.types;
        writes.push((C::VectorDType, d));
        if rule.a.is_some() {
            writes.push((C::VectorAType, a));
        }
        if draft.has_b() {
            writes.push((C::VectorBType, b));
        }
        for register in [C::VectorAScale, C::VectorBScale, C::VectorDInverseScale] {
            if rule.constants.contains(&register) && self.random.chance(25) {
                writes.push((register, reals::scale(self.random).into()));
            }
        }
        if rule.constants.contains(&C::VectorConstant) && self.random.chance(40) {
            writes.push((C::VectorConstant, reals::real(self.random, F32).into()));
        }
        writes
    }

    /// Registers and operands that are a fault, with whatever addresses.
    pub(super) fn float_fault(&mut self) -> (Vec<(C, i64)>, ediacara_isa::Operation) {
        let mut operands = VectorOperands { d: Address::new(0), length: 1, ..VectorOperands::default() };
        let types =
            |a: i64, b: i64, d: i64| vec![(C::VectorAType, a), (C::VectorBType, b), (C::VectorDType, d)];
        let (writes, operation) = match self.random.range(0, 7) {
            0 => (types(I32, F32, F32), VectorOperation::FloatCopy),
            1 => (types(F32, I32, F32), VectorOperation::FloatAdd),
            2 => (types(F32, F32, I32), VectorOperation::FloatFill),
            3 => {
                operands.memory = Memory::Aram;
                let kind = self.random.pick(&[I8, F16, BF16]);
                (types(kind, F32, F32), VectorOperation::FloatRowSum)
            }
            4 => {
                operands.records = true;
                (types(F32, F32, F32), VectorOperation::FloatExp2)
            }
            5 => {
                (operands.scalar, operands.constant) = (true, true);
                (types(F32, F32, F32), VectorOperation::FloatRowDot)
            }
            6 => {
                operands.accumulate = true;
                (types(F32, F32, I8), VectorOperation::FloatWindowSum)
            }
            _ => {
                let ends = vec![(C::VectorDType, I8), (C::VectorLow, 1), (C::VectorHigh, 0)];
                (ends, VectorOperation::FloatFill)
            }
        };
        (writes, operation.with(&operands))
    }
}
