//! What vector instructions do to the memories, element by element, straight from docs/isa.md and
//! docs/numerics.md. It shares nothing with the simulator.

use ediacara_isa::{ConfigRegister as C, Memory, VectorOperands, VectorOperation as V};
use ediacara_kernels::ordered;

use super::model::{self, Type};

/// The memories that the vector engine reads and writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memories {
    pub(crate) nram: Vec<u8>,
    pub(crate) aram: Vec<u32>,
    /// Bias and scale.
    pub(crate) pram: Vec<[u32; 2]>,
}

/// An instruction, and the registers that it is issued with.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) operation: V,
    pub(crate) operands: VectorOperands,
    pub(crate) config: Vec<(C, i64)>,
}

const TYPES: [Type; 5] = [Type::I8, Type::I32, Type::F16, Type::BF16, Type::F32];
const NEGATIVE_INFINITY: u32 = 0xff80_0000;

impl Case {
    pub(crate) fn config(&self, register: C) -> i64 {
        self.config.iter().find(|(known, _)| *known == register).map_or(register.reset(), |(_, value)| *value)
    }

    fn small(&self, register: C) -> i8 {
        self.config(register) as i8
    }

    fn real(&self, register: C) -> u32 {
        self.config(register) as u32
    }

    pub(crate) fn ty(&self, register: C) -> Type {
        TYPES[self.config(register) as usize]
    }

    pub(crate) fn is_float(&self) -> bool {
        self.operation.name().starts_with("float_")
    }

    pub(crate) fn is_windowed(&self) -> bool {
        self.operation.name().starts_with("float_window_")
    }

    /// Whether a row has one result.
    pub(crate) fn reduces(&self) -> bool {
        self.operation.name().starts_with("float_row_")
    }

    pub(crate) fn has_a(&self) -> bool {
        !matches!(self.operation, V::FloatFill | V::Fill)
    }

    pub(crate) fn a_in_aram(&self) -> bool {
        self.has_a() && self.operands.memory == Memory::Aram
    }

    /// Whether b is an operand in NRAM.
    pub(crate) fn reads_b(&self) -> bool {
        use V::*;
        let pair = matches!(
            self.operation,
            FloatAdd
                | FloatSubtract
                | FloatMultiply
                | FloatMaximum
                | FloatMinimum
                | FloatCompare
                | FloatSelect
        );
        let other = matches!(self.operation, FloatExp2 | FloatRowDot | FloatWindowDot);
        (pair || other) && !self.operands.constant
    }

    pub(crate) fn reads_records(&self) -> bool {
        self.operands.records || self.operation == V::FloatScale
    }

    /// T-VECTOR-WIDTH.
    pub(crate) fn width(&self, lanes: usize, float_lanes: usize) -> usize {
        if !self.is_float() {
            return lanes;
        }
        let mut widest = 1;
        if self.has_a() && !self.a_in_aram() {
            widest = widest.max(self.ty(C::VectorAType).bytes());
        }
        if self.reads_b() && !self.operands.scalar {
            widest = widest.max(self.ty(C::VectorBType).bytes());
        }
        if !self.reduces() {
            widest = widest.max(self.ty(C::VectorDType).bytes());
        }
        float_lanes.min(lanes / widest)
    }

    /// T-VECTOR.
    pub(crate) fn beats(&self, lanes: usize, float_lanes: usize) -> usize {
        let VectorOperands { length, count_1, count_2, element, .. } = self.operands;
        let (length, count_1, count_2) = (length as usize, usize::from(count_1), usize::from(count_2));
        if self.operation == V::Transpose {
            let side = lanes / element.bytes() as usize;
            return count_2 * count_1.div_ceil(side) * length.div_ceil(side) * 2 * side;
        }
        let windows = if self.is_windowed() {
            (self.config(C::VectorWindowCount1) * self.config(C::VectorWindowCount2)) as usize
        } else {
            1
        };
        count_1 * count_2 * length.div_ceil(self.width(lanes, float_lanes)) * windows
    }

    /// Elements of all its rows.
    pub(crate) fn elements(&self) -> usize {
        let VectorOperands { length, count_1, count_2, .. } = self.operands;
        length as usize * usize::from(count_1) * usize::from(count_2)
    }

    /// Does it.
    pub(crate) fn execute(&self, memories: &mut Memories) {
        for i2 in 0..usize::from(self.operands.count_2) {
            for i1 in 0..usize::from(self.operands.count_1) {
                self.row(i1, i2, memories);
            }
        }
    }

    fn row(&self, i1: usize, i2: usize, memories: &mut Memories) {
        let at = |base: u64, strides: [C; 2], units: usize| {
            base as usize
                + (i1 * self.config(strides[0]) as usize + i2 * self.config(strides[1]) as usize) * units
        };
        let length = self.operands.length as usize;
        let (a_strides, d_strides) =
            ([C::VectorAStride1, C::VectorAStride2], [C::VectorDStride1, C::VectorDStride2]);
        if !self.is_float() {
            let bytes = self.operands.element.bytes() as usize;
            let a = at(self.operands.a.offset, a_strides, bytes);
            for j in 0..length * bytes {
                let d = match self.operation {
                    V::Transpose => {
                        let row = j / bytes * self.config(C::VectorDStride1) as usize + i1;
                        let block = i2 * self.config(C::VectorDStride2) as usize;
                        self.operands.d.offset as usize + (block + row) * bytes + j % bytes
                    }
                    _ => at(self.operands.d.offset, d_strides, 1) + j,
                };
                memories.nram[d] = match self.operation {
                    V::Fill => self.operands.value as u8,
                    _ => memories.nram[a + j],
                };
            }
            return;
        }
        let a_units = if self.a_in_aram() { 1 } else { self.ty(C::VectorAType).bytes() };
        let a = at(self.operands.a.offset, a_strides, a_units);
        let b_bytes = self.ty(C::VectorBType).bytes();
        let mut b = at(self.operands.b.offset, [C::VectorBStride1, C::VectorBStride2], b_bytes);
        if self.is_windowed() && !self.operands.moves {
            b = self.operands.b.offset as usize;
        }
        let d_bytes = self.ty(C::VectorDType).bytes();
        let d = at(self.operands.d.offset, d_strides, d_bytes);
        if self.reduces() {
            let result = self.reduced(a, b, memories);
            return self.write(d, result, memories);
        }
        for j in 0..length {
            let result = if self.is_windowed() {
                Some(self.window(a + j * a_units, b + j * b_bytes, d + j * d_bytes, memories))
            } else {
                self.element(a, b, j, memories)
            };
            if let Some(result) = result {
                self.write(d + j * d_bytes, result, memories);
            }
        }
    }

    /// An element of NRAM as N-FLOAT-READ has it.
    fn read(&self, ty: Type, at: usize, zero: C, scale: C, memories: &Memories) -> u32 {
        let bytes = &memories.nram[at..at + ty.bytes()];
        let bits = bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u32::from(byte));
        let value = model::from(ty, bits, self.small(zero));
        if ty == Type::I8 { model::multiply(value, self.real(scale)) } else { value }
    }

    fn read_a(&self, at: usize, j: usize, memories: &Memories) -> u32 {
        let ty = self.ty(C::VectorAType);
        if !self.a_in_aram() {
            return self.read(ty, at, C::VectorAZero, C::VectorAScale, memories);
        }
        let acc = memories.aram[at];
        if !self.operands.records {
            return model::multiply(model::from(ty, acc, 0), self.real(C::VectorAScale));
        }
        let [bias, scale] = memories.pram[self.operands.p.offset as usize + j];
        match ty {
            Type::I32 => model::multiply(model::from(ty, acc.wrapping_add(bias), 0), scale),
            _ => model::add(model::multiply(acc, scale), bias),
        }
    }

    fn read_b(&self, at: usize, memories: &Memories) -> u32 {
        if self.operands.constant {
            return model::number(self.real(C::VectorConstant));
        }
        self.read(self.ty(C::VectorBType), at, C::VectorBZero, C::VectorBScale, memories)
    }

    /// Element j of rows at a and b; nothing where d stays.
    fn element(&self, a: usize, b: usize, j: usize, memories: &Memories) -> Option<u32> {
        if self.operation == V::FloatFill {
            return Some(model::number(self.real(C::VectorConstant)));
        }
        let units = if self.a_in_aram() { 1 } else { self.ty(C::VectorAType).bytes() };
        let x = self.read_a(a + j * units, j, memories);
        let b_step = if self.operands.scalar { 0 } else { self.ty(C::VectorBType).bytes() };
        let has_b = self.reads_b() || self.operands.constant;
        let y = if has_b { self.read_b(b + j * b_step, memories) } else { 0 };
        let function = |f: fn(f32) -> f32, x: u32| model::number(f(f32::from_bits(x)).to_bits());
        Some(match self.operation {
            V::FloatAdd => model::add(x, y),
            V::FloatSubtract => model::subtract(x, y),
            V::FloatMultiply => model::multiply(x, y),
            V::FloatMaximum => model::maximum(x, y),
            V::FloatMinimum => model::minimum(x, y),
            V::FloatCompare if model::holds(self.operands.relation as u32, x, y) => 1f32.to_bits(),
            V::FloatCompare => 0,
            V::FloatSelect if f32::from_bits(x) == 0.0 => return None,
            V::FloatSelect => y,
            V::FloatScale => {
                let [bias, scale] = memories.pram[self.operands.p.offset as usize + j];
                model::add(model::multiply(x, scale), bias)
            }
            V::FloatExp2 => function(ordered::exp2, model::subtract(x, y)),
            V::FloatLog2 => function(ordered::log2, x),
            V::FloatReciprocal => function(ordered::reciprocal, x),
            V::FloatReciprocalRoot => function(ordered::reciprocal_root, x),
            V::FloatRoot => function(ordered::root, x),
            _ => x,
        })
    }

    /// N-FLOAT-ROW
    fn reduced(&self, a: usize, b: usize, memories: &Memories) -> u32 {
        let units = if self.a_in_aram() { 1 } else { self.ty(C::VectorAType).bytes() };
        let b_step = if self.operands.scalar { 0 } else { self.ty(C::VectorBType).bytes() };
        let elements = (0..self.operands.length as usize).map(|j| {
            let x = self.read_a(a + j * units, j, memories);
            match self.operation {
                V::FloatRowDot => model::multiply(x, self.read_b(b + j * b_step, memories)),
                _ => x,
            }
        });
        if self.operation == V::FloatRowMaximum {
            return elements.reduce(model::maximum).unwrap();
        }
        let mut partial = vec![0; 16];
        for (j, element) in elements.enumerate() {
            partial[j % 16] = model::add(partial[j % 16], element);
        }
        while partial.len() > 1 {
            partial = partial.chunks(2).map(|pair| model::add(pair[0], pair[1])).collect();
        }
        partial[0]
    }

    /// N-FLOAT-WINDOW of the element that lies at a, b and d for the first position.
    fn window(&self, a: usize, b: usize, d: usize, memories: &Memories) -> u32 {
        let a_bytes = self.ty(C::VectorAType).bytes();
        let b_bytes = self.ty(C::VectorBType).bytes();
        let mut running = match self.operation {
            V::FloatWindowMaximum => NEGATIVE_INFINITY,
            _ if self.operands.accumulate => {
                self.read(self.ty(C::VectorDType), d, C::VectorDZero, C::VectorAScale, memories)
            }
            _ => 0,
        };
        let mut position = 0;
        for w2 in 0..self.config(C::VectorWindowCount2) {
            for w1 in 0..self.config(C::VectorWindowCount1) {
                let steps =
                    w2 * self.config(C::VectorWindowStride2) + w1 * self.config(C::VectorWindowStride1);
                let x = self.read_a(a + steps as usize * a_bytes, 0, memories);
                running = match self.operation {
                    V::FloatWindowMaximum => model::maximum(running, x),
                    V::FloatWindowDot => {
                        let step = self.config(C::VectorBWindowStride) as usize;
                        let y = self.read_b(b + position * step * b_bytes, memories);
                        model::add(running, model::multiply(x, y))
                    }
                    _ => model::add(running, x),
                };
                position += 1;
            }
        }
        running
    }

    /// N-FLOAT-WRITE
    fn write(&self, at: usize, value: u32, memories: &mut Memories) {
        let ty = self.ty(C::VectorDType);
        let value =
            if ty == Type::I8 { model::multiply(value, self.real(C::VectorDInverseScale)) } else { value };
        let [zero, low, high] = [C::VectorDZero, C::VectorLow, C::VectorHigh].map(|r| self.small(r));
        let bits = model::to(ty, value, zero, low, high);
        memories.nram[at..at + ty.bytes()].copy_from_slice(&bits.to_le_bytes()[..ty.bytes()]);
    }
}
