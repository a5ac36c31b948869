//! Instructions of the engines, with operands that mostly fit.

use ediacara_isa::{
    Address, Config, ConfigRegister as C, ConfigWrites, Dot, ElementBytes, Load, MatrixOperation, Memory,
    Move, Operation, Relation, Store, TABLE_BYTES, VectorOperands, VectorOperation, VectorRule, VectorShape,
};

use super::Generator;
use crate::vector_footprint::element;

impl Generator<'_> {
    /// An address at which `span` elements fit, if any.
    fn place(&mut self, span: u64, size: u64) -> Address {
        if self.random.chance(self.chaos) {
            return Address {
                offset: self.random.range(0, size + 3),
                register: self.random.range(0, 15) as u8,
            };
        }
        let room = size.saturating_sub(span);
        // Registers hold up to 300 in most programs.
        if room > 400 && self.random.chance(20) {
            return Address {
                offset: self.random.range(0, room - 400),
                register: self.random.range(0, 7) as u8,
            };
        }
        Address::new(self.random.range(0, room))
    }

    fn at(&self, register: C) -> u64 {
        self.config[register.index()] as u64
    }

    fn length(&mut self) -> u32 {
        let top = self.random.pick(&[4, 40, 300]);
        self.random.small(1, top) as u32
    }

    fn counts(&mut self) -> [u16; 3] {
        [0; 3].map(|_| if self.random.chance(60) { 1 } else { self.random.small(1, 5) as u16 })
    }

    fn span(&self, counts: &[u16], strides: &[C]) -> u64 {
        counts.iter().zip(strides).map(|(count, stride)| u64::from(count - 1) * self.at(*stride)).sum()
    }

    pub(super) fn load(&mut self) -> Operation {
        let [count_1, count_2, count_3] = self.counts();
        let counts = [count_1, count_2, count_3];
        let memory = self.random.pick(&[Memory::Nram, Memory::Nram, Memory::Wram, Memory::Pram]);
        let mut length = self.length();
        let size = match memory {
            Memory::Nram => self.machine.core.nram_bytes,
            Memory::Wram => self.machine.core.wram_bytes,
            _ => self.machine.pram_records(),
        };
        let unit = memory.unit_bytes() as u32;
        if memory == Memory::Pram && !self.random.chance(self.chaos) {
            length = length.next_multiple_of(unit);
        }
        let source = self.span(&counts, &[C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3]);
        let destination = self.span(
            &counts,
            &[C::LoadDestinationStride1, C::LoadDestinationStride2, C::LoadDestinationStride3],
        );
        Operation::Load(Load {
            memory,
            source: self.place(source + u64::from(length), self.machine.dram.bytes),
            destination: self.place(destination + u64::from(length / unit), size),
            length,
            count_1,
            count_2,
            count_3,
        })
    }

    pub(super) fn move_rows(&mut self) -> Operation {
        let [count_1, count_2, count_3] = self.counts();
        let counts = [count_1, count_2, count_3];
        let length = self.random.small(1, 40) as u32;
        let source = self.span(&counts, &[C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3]);
        let destination = self.span(
            &counts,
            &[C::LoadDestinationStride1, C::LoadDestinationStride2, C::LoadDestinationStride3],
        );
        Operation::Move(Move {
            memory: Memory::Wram,
            source: self.place(source + u64::from(length), self.machine.core.nram_bytes),
            destination: self.place(destination + u64::from(length), self.machine.core.wram_bytes),
            length,
            count_1,
            count_2,
            count_3,
        })
    }

    pub(super) fn store(&mut self) -> Operation {
        let [count_1, count_2, count_3] = self.counts();
        let counts = [count_1, count_2, count_3];
        let length = self.length();
        let source =
            self.span(&counts, &[C::StoreSourceStride1, C::StoreSourceStride2, C::StoreSourceStride3]);
        let strides = [C::StoreDestinationStride1, C::StoreDestinationStride2, C::StoreDestinationStride3];
        let destination = self.span(&counts, &strides);
        // The code lies low.
        let low = if self.random.chance(self.chaos) { 0 } else { 16 * 1024 };
        let mut to = self.place(destination + u64::from(length), self.machine.dram.bytes - low);
        to.offset += low;
        Operation::Store(Store {
            source: self.place(source + u64::from(length), self.machine.core.nram_bytes),
            destination: to,
            length,
            count_1,
            count_2,
            count_3,
        })
    }

    /// An instruction of the matrix engine; `float_dot` with a type and a stretch that it may mostly have.
    pub(super) fn dot(&mut self) -> Operation {
        let types = element::of_matrix(self.machine);
        let percent = if types.is_empty() { self.chaos } else { 60 };
        let operation =
            if self.random.chance(percent) { MatrixOperation::FloatDot } else { MatrixOperation::Dot };
        if operation == MatrixOperation::FloatDot && !types.is_empty() && !self.random.chance(self.chaos) {
            self.make_legal_dot(&types);
        }
        if !self.stretch_written && !self.random.chance(self.chaos) {
            let stretch = self.random.small(1, 50) as i64;
            let mut writes = ConfigWrites::default();
            if writes.push(C::MatrixStretch, stretch).is_ok() {
                self.config[C::MatrixStretch.index()] = stretch;
                self.stretch_written = true;
                self.push(Operation::Config(Config { writes }));
            }
        }
        let (pixels_x, pixels_y) = (self.random.small(1, 6) as u16, self.random.small(1, 4) as u16);
        let blocks = self.random.small(1, 3) as u16;
        let (wx, wy) = (self.at(C::MatrixWindowCountX), self.at(C::MatrixWindowCountY));
        let stretch = self.at(C::MatrixStretch);
        let x = u64::from(pixels_x - 1) * self.at(C::MatrixXStrideX)
            + u64::from(pixels_y - 1) * self.at(C::MatrixXStrideY)
            + (wx - 1) * self.at(C::MatrixWindowStrideX)
            + (wy - 1) * self.at(C::MatrixWindowStrideY)
            + stretch;
        let rows = u64::from(blocks - 1) * self.at(C::MatrixWBlockStride)
            + wx * wy * stretch.div_ceil(self.machine.matrix.rows.into());
        let acc = u64::from(pixels_x * pixels_y - 1) * self.at(C::MatrixAccStridePixel)
            + u64::from(blocks - 1) * self.at(C::MatrixAccStrideBlock)
            + u64::from(self.machine.matrix.columns);
        let row_bytes = self.machine.row_bytes();
        let mut w = self.place(rows, self.machine.core.wram_bytes / row_bytes);
        if !self.random.chance(self.chaos) {
            w = Address::new(w.offset * row_bytes);
        }
        operation.with(Dot {
            x: self.place(x, self.machine.core.nram_bytes),
            w,
            acc: self.place(acc, self.machine.aram_accumulators()),
            pixels_x,
            pixels_y,
            blocks,
            accumulate: self.random.chance(50),
        })
    }

    /// Writes a type of the matrix unit, and a stretch of whole elements, where they are others.
    fn make_legal_dot(&mut self, types: &[i64]) {
        let mut kind = self.config[C::MatrixType.index()];
        let mut writes = ConfigWrites::default();
        if !types.contains(&kind) || self.random.chance(15) {
            kind = self.random.pick(types);
            if writes.push(C::MatrixType, kind).is_ok() {
                self.config[C::MatrixType.index()] = kind;
            }
        }
        let (stretch, bytes) = (self.at(C::MatrixStretch), element::bytes(kind));
        if stretch == 0 || !stretch.is_multiple_of(bytes) {
            let stretch = (bytes * self.random.small(1, 50 / bytes)) as i64;
            if writes.push(C::MatrixStretch, stretch).is_ok() {
                self.config[C::MatrixStretch.index()] = stretch;
                self.stretch_written = true;
            }
        }
        if writes.iter().next().is_some() {
            self.push(Operation::Config(Config { writes }));
        }
    }

    pub(super) fn vector(&mut self) -> Operation {
        let has_float = self.machine.vector.float_lanes > 0;
        let is_float = if has_float { self.random.chance(60) } else { self.random.chance(self.chaos) };
        let some = VectorOperation::ALL.iter().filter(|operation| operation.rule().float == is_float);
        let operation = self.random.pick(&some.copied().collect::<Vec<_>>());
        let operands = VectorOperands {
            length: self.length(),
            count_1: self.random.small(1, 6) as u16,
            count_2: self.random.small(1, 3) as u16,
            value: if operation == VectorOperation::Fill { self.random.next() as i8 } else { 0 },
            ..VectorOperands::default()
        };
        if operation.rule().float {
            self.float(operation, operands)
        } else {
            self.integer(operation, operands)
        }
    }

    fn integer(&mut self, operation: VectorOperation, mut operands: VectorOperands) -> Operation {
        let rule = operation.rule();
        if rule.p.is_some() {
            operands.length = operands.length.min(self.machine.pram_records() as u32);
        }
        if rule.shape == VectorShape::Transpose {
            operands.length = operands.length.min(40);
            operands.element = self.random.pick(ElementBytes::ALL);
            if operands.element.bytes() > self.machine.vector.lanes.into() && !self.random.chance(self.chaos)
            {
                operands.element = ElementBytes::One;
            }
        }
        let n = u64::from(operands.length);
        let units = [operands.element.bytes(); 3];
        let memory = rule.a.unwrap_or(Memory::Nram);
        match rule.shape {
            VectorShape::Table => operands.a = self.place(TABLE_BYTES.into(), self.machine.core.nram_bytes),
            VectorShape::Transpose => {
                let span = u64::from(operands.length - 1) * self.at(C::VectorDStride1)
                    + u64::from(operands.count_2 - 1) * self.at(C::VectorDStride2)
                    + u64::from(operands.count_1);
                self.sources(&mut operands, rule, memory, [n, n, n], units);
                operands.d = self.place(span * units[2], self.machine.core.nram_bytes);
            }
            VectorShape::Rows | VectorShape::RowReduction | VectorShape::Window => {
                self.sources(&mut operands, rule, memory, [n, n, n], units);
            }
        }
        operation.with(&operands)
    }

    /// An instruction of floating point with types that it may mostly have.
    fn float(&mut self, operation: VectorOperation, mut operands: VectorOperands) -> Operation {
        let rule = operation.rule();
        let is_chaotic = self.random.chance(self.chaos * 2);
        let is_windowed = rule.shape == VectorShape::Window;
        if !is_windowed && self.random.chance(40) {
            operands.memory = Memory::Aram;
        }
        operands.records = self.random.chance(40) && (operands.memory == Memory::Aram || is_chaotic);
        (operands.scalar, operands.constant) = match self.random.range(0, 3) {
            0 => (true, is_chaotic),
            1 => (false, true),
            _ => (false, false),
        };
        operands.accumulate = self.random.chance(40);
        operands.moves = self.random.chance(40);
        operands.relation = self.random.pick(Relation::ALL);
        if !is_chaotic {
            self.make_legal(operation, &operands);
        }
        if operands.records || operation == VectorOperation::FloatScale {
            operands.length = operands.length.min(self.machine.pram_records() as u32);
        }
        let [a, b, d] = [C::VectorAType, C::VectorBType, C::VectorDType]
            .map(|kind| element::bytes(self.config[kind.index()]));
        let n = u64::from(operands.length);
        let rows = [
            n,
            if operands.scalar && !is_windowed { 1 } else { n },
            if rule.shape == VectorShape::RowReduction { 1 } else { n },
        ];
        let memory = operands.memory;
        let a = if memory == Memory::Aram { 1 } else { a };
        self.sources(&mut operands, rule, memory, rows, [a, b, d]);
        operation.with(&operands)
    }

    /// Writes types that an instruction with these flags may have, where they are others.
    fn make_legal(&mut self, operation: VectorOperation, operands: &VectorOperands) {
        use element::{BF16, F16, F32, I8, I32};
        let stored: &[i64] = &[I8, F16, BF16, F32];
        let accumulates = operation == VectorOperation::FloatWindowSum && operands.accumulate;
        let may = [
            (C::VectorAType, if operands.memory == Memory::Aram { &[I32, F32] } else { stored }),
            (C::VectorBType, stored),
            (C::VectorDType, if accumulates { &stored[1..] } else { stored }),
        ];
        let mut writes = ConfigWrites::default();
        for (register, kinds) in may {
            let kind = self.random.pick(kinds);
            let is_legal = kinds.contains(&self.config[register.index()]);
            if (!is_legal || self.random.chance(15)) && writes.push(register, kind).is_ok() {
                self.config[register.index()] = kind;
            }
        }
        // A machine without floating point would stop at the registers, and not at the instruction.
        if writes.iter().next().is_some() && self.machine.vector.float_lanes > 0 {
            self.push(Operation::Config(Config { writes }));
        }
    }

    /// Addresses of operands with rows of so many elements, of so many units of their memory each.
    fn sources(
        &mut self,
        operands: &mut VectorOperands,
        rule: &VectorRule,
        a_memory: Memory,
        [a_row, b_row, d_row]: [u64; 3],
        [a_unit, b_unit, d_unit]: [u64; 3],
    ) {
        let counts = [operands.count_1, operands.count_2];
        let nram = self.machine.core.nram_bytes;
        let positions = self.at(C::VectorWindowCount1) * self.at(C::VectorWindowCount2);
        let window = (self.at(C::VectorWindowCount1) - 1) * self.at(C::VectorWindowStride1)
            + (self.at(C::VectorWindowCount2) - 1) * self.at(C::VectorWindowStride2);
        let is_windowed = rule.shape == VectorShape::Window;
        let a_span = self.span(&counts, &[C::VectorAStride1, C::VectorAStride2]) + a_row;
        let mut b_span = self.span(&counts, &[C::VectorBStride1, C::VectorBStride2]) + b_row;
        let d_span = self.span(&counts, &[C::VectorDStride1, C::VectorDStride2]) + d_row;
        operands.d = self.place(d_span * d_unit, nram);
        operands.a = match a_memory {
            Memory::Aram => self.place(a_span, self.machine.aram_accumulators()),
            _ if is_windowed => self.place((a_span + window) * a_unit, nram),
            _ => self.place(a_span * a_unit, nram),
        };
        if is_windowed {
            let steps = (positions - 1) * self.at(C::VectorBWindowStride);
            b_span = steps + if operands.moves { b_span } else { b_row };
        }
        operands.b = self.place(b_span * b_unit, nram);
        operands.p = self.place(operands.length.into(), self.machine.pram_records());
    }
}
