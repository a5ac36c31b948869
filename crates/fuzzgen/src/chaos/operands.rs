//! Instructions of the engines, with operands that mostly fit.

use ediacara_isa::{
    Address, Config, ConfigRegister as C, ConfigWrites, Dot, Load, Memory, Move, Operation, Store,
    TABLE_BYTES, VectorOperands, VectorOperation, VectorShape,
};

use super::Generator;

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

    pub(super) fn dot(&mut self) -> Operation {
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
        Operation::Dot(Dot {
            x: self.place(x, self.machine.core.nram_bytes),
            w,
            acc: self.place(acc, self.machine.aram_accumulators()),
            pixels_x,
            pixels_y,
            blocks,
            accumulate: self.random.chance(50),
        })
    }

    pub(super) fn vector(&mut self) -> Operation {
        let mut length = self.length();
        let (count_1, count_2) = (self.random.small(1, 6) as u16, self.random.small(1, 3) as u16);
        let counts = [count_1, count_2];
        let nram = self.machine.core.nram_bytes;
        let integer = VectorOperation::ALL.iter().filter(|operation| !operation.rule().float);
        let operation = self.random.pick(&integer.copied().collect::<Vec<_>>());
        let rule = operation.rule();
        if rule.p.is_some() {
            length = length.min(self.machine.pram_records() as u32);
        }
        let n = u64::from(length);
        let window = (self.at(C::VectorWindowCount1) - 1) * self.at(C::VectorWindowStride1)
            + (self.at(C::VectorWindowCount2) - 1) * self.at(C::VectorWindowStride2);
        let a_span = self.span(&counts, &[C::VectorAStride1, C::VectorAStride2]) + n;
        let b_span = self.span(&counts, &[C::VectorBStride1, C::VectorBStride2]) + n;
        let d_span = self.span(&counts, &[C::VectorDStride1, C::VectorDStride2]) + n;
        let mut operands = VectorOperands {
            d: self.place(d_span, nram),
            a: self.place(a_span + window, nram),
            b: self.place(b_span, nram),
            p: self.place(n, self.machine.pram_records()),
            value: 0,
            length,
            count_1,
            count_2,
            ..VectorOperands::default()
        };
        if operation == VectorOperation::Fill {
            operands.value = self.random.next() as i8;
        }
        if rule.a == Some(Memory::Aram) {
            operands.a = self.place(a_span, self.machine.aram_accumulators());
        }
        match rule.shape {
            VectorShape::Rows | VectorShape::RowReduction => {}
            VectorShape::Window if rule.b.is_some() => {
                let positions = self.at(C::VectorWindowCount1) * self.at(C::VectorWindowCount2);
                operands.b = self.place((positions - 1) * self.at(C::VectorBWindowStride) + n, nram);
            }
            VectorShape::Window => {}
            VectorShape::Table => operands.a = self.place(TABLE_BYTES.into(), nram),
            VectorShape::Transpose => {
                operands.length = length.min(40);
                let span = u64::from(operands.length - 1) * self.at(C::VectorDStride1)
                    + u64::from(count_2 - 1) * self.at(C::VectorDStride2)
                    + u64::from(count_1);
                operands.d = self.place(span, nram);
            }
        }
        operation.with(&operands)
    }
}
