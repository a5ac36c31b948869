//! What an instruction that goes to a queue does to time, and when it is a fault, from docs/isa.md and
//! docs/microarchitecture.md.

use ediacara_arch::Machine;
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
fn inside(first: u128, dimensions: &[(u128, u128)], size: u128) -> Result<u128, FaultKind> {
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
            operation => self.vector(&operation),
        }
    }

    fn c(&self, register: C) -> u128 {
        self.config[register.index()] as u128
    }

    fn at(&self, address: Address) -> u128 {
        (u128::from(address.offset) + self.registers[usize::from(address.register)]) % MODULUS
    }

    fn nram(&self) -> u128 {
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
        let v = operands(operation);
        let rows = [u128::from(v.counts[0]), u128::from(v.counts[1])];
        let length = u128::from(v.length);
        let lanes = u128::from(self.machine.vector.lanes);
        let stride = |k: [C; 2]| [self.c(k[0]), self.c(k[1])];
        let (a, b, d) = (
            stride([C::VectorAStride1, C::VectorAStride2]),
            stride([C::VectorBStride1, C::VectorBStride2]),
            stride([C::VectorDStride1, C::VectorDStride2]),
        );
        let w = [self.c(C::VectorWindowCount1), self.c(C::VectorWindowCount2)];
        let ws = stride([C::VectorWindowStride1, C::VectorWindowStride2]);
        let clamps = !matches!(v.name, "fill" | "copy" | "load_table" | "table" | "transpose");
        if clamps && self.config[C::VectorLow.index()] > self.config[C::VectorHigh.index()] {
            return Err(FaultKind::Operand);
        }
        let windowed = matches!(v.name, "depthwise" | "max_pool" | "average_pool");
        let row = |s: [u128; 2]| vec![(rows[0], s[0]), (rows[1], s[1]), (length, 1)];
        match v.name {
            "load_table" => {}
            "transpose" => {
                inside(self.at(v.d), &[(length, d[0]), (rows[1], d[1]), (rows[0], 1)], self.nram())
                    .map(|_| ())?
            }
            _ => inside(self.at(v.d), &row(d), self.nram()).map(|_| ())?,
        }
        let mut a_dims = row(a);
        if windowed {
            a_dims.extend([(w[0], ws[0]), (w[1], ws[1])]);
        }
        match v.name {
            "fill" => {}
            "load_table" => inside(self.at(v.a), &[(256, 1)], self.nram()).map(|_| ())?,
            "requantise" => {
                inside(self.at(v.a), &a_dims, self.machine.aram_accumulators().into()).map(|_| ())?
            }
            _ => inside(self.at(v.a), &a_dims, self.nram()).map(|_| ())?,
        }
        match v.name {
            "depthwise" => {
                let dimensions = [(w[0] * w[1], self.c(C::VectorBWindowStride)), (length, 1)];
                inside(self.at(v.b), &dimensions, self.nram()).map(|_| ())?
            }
            "add" | "multiply" | "maximum" => inside(self.at(v.b), &row(b), self.nram()).map(|_| ())?,
            _ => {}
        }
        if matches!(v.name, "requantise" | "depthwise") {
            inside(self.at(v.p), &[(length, 1)], self.machine.pram_records().into())?;
        }
        let beats = match v.name {
            "load_table" => 256u128.div_ceil(lanes),
            "transpose" => rows[1] * rows[0].div_ceil(lanes) * length.div_ceil(lanes) * 2 * lanes,
            _ => rows[0] * rows[1] * length.div_ceil(lanes) * if windowed { w[0] * w[1] } else { 1 },
        };
        let ordered = !matches!(v.name, "fill" | "requantise");
        Ok(if ordered { Cost::OrderedBeats(beats as u64) } else { Cost::Beats(beats as u64) })
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

struct VectorOperands {
    name: &'static str,
    d: Address,
    a: Address,
    b: Address,
    p: Address,
    length: u32,
    counts: [u16; 2],
}

fn operands(operation: &Operation) -> VectorOperands {
    let zero = Address::new(0);
    let name = operation.mnemonic();
    macro_rules! of {
        ($o:expr, $d:expr, $a:expr, $b:expr, $p:expr) => {
            VectorOperands {
                name,
                d: $d,
                a: $a,
                b: $b,
                p: $p,
                length: $o.length,
                counts: [$o.count_1, $o.count_2],
            }
        };
    }
    match operation {
        Operation::Fill(o) => of!(o, o.d, zero, zero, zero),
        Operation::Copy(o) => of!(o, o.d, o.a, zero, zero),
        Operation::Requantise(o) => of!(o, o.d, o.a, zero, o.p),
        Operation::Depthwise(o) => of!(o, o.d, o.a, o.b, o.p),
        Operation::MaxPool(o) => of!(o, o.d, o.a, zero, zero),
        Operation::AveragePool(o) => of!(o, o.d, o.a, zero, zero),
        Operation::Add(o) => of!(o, o.d, o.a, o.b, zero),
        Operation::Multiply(o) => of!(o, o.d, o.a, o.b, zero),
        Operation::Maximum(o) => of!(o, o.d, o.a, o.b, zero),
        Operation::Table(o) => of!(o, o.d, o.a, zero, zero),
        Operation::Transpose(o) => of!(o, o.d, o.a, zero, zero),
        Operation::LoadTable(o) => {
            VectorOperands { name, d: zero, a: o.a, b: zero, p: zero, length: 256, counts: [1, 1] }
        }
        other => panic!("{other:?} is not of the vector engine"),
    }
}
