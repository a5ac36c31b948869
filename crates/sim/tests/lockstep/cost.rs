//! What an instruction that goes to a queue does to time, and when it is a fault, from docs/isa.md and
//! docs/microarchitecture.md.

use ediacara_arch::{ElementType, Machine};
use ediacara_isa::{self as isa, Address, ConfigRegister as C, Instruction, Memory, Operation};
use ediacara_sim::FaultKind;

/// Registers and addresses are taken modulo this.
pub(crate) const MODULUS: u128 = 1 << 40;

/// What an issued instruction will do to time.
#[derive(Debug)]
pub(crate) enum Cost {
    /// Addresses of bursts.
    Bursts(Vec<u64>),
    Move(u64),
    Beats(u64),
    /// Beats that start only after everything before them has committed.
    OrderedBeats(u64),
}

/// What costs depend on.
pub(crate) struct Situation<'a> {
    pub(crate) machine: &'a Machine,
    /// First byte of the code, and one past its last.
    pub(crate) code: (u64, u64),
    pub(crate) registers: &'a [u128; 16],
    pub(crate) config: &'a [i64],
}

/// The last element of an access, if it is inside a memory.
pub(crate) fn inside(first: u128, dimensions: &[(u128, u128)], size: u128) -> Result<u128, FaultKind> {
    let last = first + dimensions.iter().map(|(count, stride)| (count - 1) * stride).sum::<u128>();
    if last < size { Ok(last) } else { Err(FaultKind::Address) }
}

impl Situation<'_> {
    /// The cost of an instruction, or its fault.
    pub(crate) fn cost(&self, instruction: &Instruction) -> Result<Cost, FaultKind> {
        match instruction.operation {
            Operation::Load(o) => self.load(&o),
            Operation::Store(o) => self.store(&o),
            Operation::Move(o) => self.move_rows(&o),
            Operation::Dot(o) => self.dot(&o),
            Operation::FloatDot(o) => self.float_dot(&o),
            operation => self.vector(&operation),
        }
    }

    pub(crate) fn c(&self, register: C) -> u128 {
        self.config[register.index()] as u128
    }

    pub(crate) fn at(&self, address: Address) -> u128 {
        (u128::from(address.offset) + self.registers[usize::from(address.register)]) % MODULUS
    }

    pub(crate) fn nram(&self) -> u128 {
        self.machine.core.nram_bytes.into()
    }

    fn wram(&self) -> u128 {
        self.machine.core.wram_bytes.into()
    }

    fn load_strides(&self) -> ([u128; 3], [u128; 3]) {
        let s = [C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3];
        let d = [C::LoadDestinationStride1, C::LoadDestinationStride2, C::LoadDestinationStride3];
        (s.map(|register| self.c(register)), d.map(|register| self.c(register)))
    }

    fn load(&self, o: &isa::Load) -> Result<Cost, FaultKind> {
        let counts = [o.count_1, o.count_2, o.count_3].map(u128::from);
        let (s, d) = self.load_strides();
        let length = u128::from(o.length);
        let (size, units) = match o.memory {
            Memory::Nram => (self.nram(), length),
            Memory::Wram => (self.wram(), length),
            Memory::Pram => (self.machine.pram_records().into(), length / 12),
            Memory::Dram | Memory::Aram => return Err(FaultKind::Operand),
        };
        inside(self.at(o.source), &dims(counts, s, length), self.machine.dram.bytes.into())?;
        inside(self.at(o.destination), &dims(counts, d, units), size)?;
        Ok(Cost::Bursts(self.bursts_of(self.at(o.source), counts, s, length)))
    }

    fn store(&self, o: &isa::Store) -> Result<Cost, FaultKind> {
        let counts = [o.count_1, o.count_2, o.count_3].map(u128::from);
        let s = [C::StoreSourceStride1, C::StoreSourceStride2, C::StoreSourceStride3]
            .map(|register| self.c(register));
        let d = [C::StoreDestinationStride1, C::StoreDestinationStride2, C::StoreDestinationStride3]
            .map(|register| self.c(register));
        let length = u128::from(o.length);
        inside(self.at(o.source), &dims(counts, s, length), self.nram())?;
        let first = self.at(o.destination);
        let last = inside(first, &dims(counts, d, length), self.machine.dram.bytes.into())?;
        if last >= u128::from(self.code.0) && first < u128::from(self.code.1) {
            return Err(FaultKind::Address);
        }
        Ok(Cost::Bursts(self.bursts_of(first, counts, d, length)))
    }

    fn move_rows(&self, o: &isa::Move) -> Result<Cost, FaultKind> {
        let counts = [o.count_1, o.count_2, o.count_3].map(u128::from);
        let (s, d) = self.load_strides();
        let length = u128::from(o.length);
        inside(self.at(o.source), &dims(counts, s, length), self.nram())?;
        inside(self.at(o.destination), &dims(counts, d, length), self.wram())?;
        let beats =
            counts.iter().product::<u128>() * length.div_ceil(self.machine.load.move_bytes_per_cycle.into());
        Ok(Cost::Move(beats as u64))
    }

    fn float_dot(&self, o: &isa::FloatDot) -> Result<Cost, FaultKind> {
        use ElementType::{Bf16, F16, F32, Int8};
        let types = &self.machine.matrix.types;
        if *types == [Int8] {
            return Err(FaultKind::Opcode);
        }
        // By the codes of docs/isa.md.
        let (ty, bytes) = match self.c(C::MatrixType) {
            2 => (F16, 2),
            3 => (Bf16, 2),
            4 => (F32, 4),
            _ => return Err(FaultKind::Operand),
        };
        if !types.contains(&ty) || !self.c(C::MatrixStretch).is_multiple_of(bytes) {
            return Err(FaultKind::Operand);
        }
        self.dot(&(*o).into())
    }

    fn dot(&self, o: &isa::Dot) -> Result<Cost, FaultKind> {
        let row = u128::from(self.machine.row_bytes());
        if self.c(C::MatrixStretch) == 0 || !self.at(o.w).is_multiple_of(row) {
            return Err(FaultKind::Operand);
        }
        let steps = self.c(C::MatrixStretch).div_ceil(self.machine.matrix.rows.into());
        let (px, py, blocks) = (o.pixels_x.into(), o.pixels_y.into(), o.blocks.into());
        let (wx, wy) = (self.c(C::MatrixWindowCountX), self.c(C::MatrixWindowCountY));
        let x = [
            (px, self.c(C::MatrixXStrideX)),
            (py, self.c(C::MatrixXStrideY)),
            (wx, self.c(C::MatrixWindowStrideX)),
            (wy, self.c(C::MatrixWindowStrideY)),
            (self.c(C::MatrixStretch), 1),
        ];
        inside(self.at(o.x), &x, self.nram())?;
        let w = [(blocks, self.c(C::MatrixWBlockStride)), (wx * wy * steps, 1)];
        inside(self.at(o.w) / row, &w, self.wram() / row)?;
        let acc = [
            (px * py, self.c(C::MatrixAccStridePixel)),
            (blocks, self.c(C::MatrixAccStrideBlock)),
            (self.machine.matrix.columns.into(), 1),
        ];
        inside(self.at(o.acc), &acc, self.machine.aram_accumulators().into())?;
        Ok(Cost::Beats((blocks * py * px * wx * wy * steps) as u64))
    }

    fn vector(&self, operation: &Operation) -> Result<Cost, FaultKind> {
        crate::vector::cost(self, operation)
    }

    /// T-DMA-BURSTS
    fn bursts_of(&self, first: u128, counts: [u128; 3], strides: [u128; 3], length: u128) -> Vec<u64> {
        let burst = u128::from(self.machine.dram.burst_bytes);
        let mut bursts = Vec::new();
        for i3 in 0..counts[2] {
            for i2 in 0..counts[1] {
                for i1 in 0..counts[0] {
                    let row = first + i1 * strides[0] + i2 * strides[1] + i3 * strides[2];
                    for number in row / burst..=(row + length - 1) / burst {
                        bursts.push((number * burst) as u64);
                    }
                    // More than any test waits for.
                    if bursts.len() > 100_000 {
                        return bursts;
                    }
                }
            }
        }
        bursts
    }
}

fn dims(counts: [u128; 3], strides: [u128; 3], length: u128) -> [(u128, u128); 4] {
    [(counts[0], strides[0]), (counts[1], strides[1]), (counts[2], strides[2]), (length, 1)]
}
