//! Which elements an instruction reads and writes, from docs/isa.md: its order to others rests on this.
//!
//! It is written from the document and not from the simulator, whose checked mode says whether both are
//! right.

use ediacara_arch::Machine;
use ediacara_isa::{self as isa, Address, ConfigRegister as C, Engine, Memory, Operation};

use crate::bits::Bits;
use crate::vector_footprint::element;

/// Why an orderly program does not have an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The machine refuses it.
    Fault,
    /// It reads what it writes, or its writes depend on an order that is not promised.
    Hazard,
    /// Nothing orders it after another instruction that it depends on.
    Race,
    /// Which post a wait takes depends on time.
    Ambiguous,
    /// It would wait for ever.
    Deadlock,
    /// The program is long enough.
    Full,
}

/// What one instruction touches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Footprint {
    pub(crate) reads: [Bits; 5],
    pub(crate) writes: [Bits; 5],
    pub(crate) reads_table: bool,
    pub(crate) writes_table: bool,
    /// Cycles that it needs with the machine to itself.
    pub(crate) cycles: u64,
}

impl Footprint {
    /// Whether the order of the two matters.
    pub(crate) fn conflicts(&self, other: &Self) -> bool {
        (0..5).any(|memory| {
            self.writes[memory].meets(&other.writes[memory])
                || self.writes[memory].meets(&other.reads[memory])
                || self.reads[memory].meets(&other.writes[memory])
        })
    }
}

/// Whose instruction it is.
pub(crate) fn engine(operation: &Operation) -> Engine {
    operation.spec().engine
}

/// What footprints depend on.
pub(crate) struct Context<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) registers: &'a [u64; 16],
    pub(crate) config: &'a [i64],
    /// Bytes of DRAM that no `store` may meet.
    pub(crate) code: (u64, u64),
}

impl Context<'_> {
    /// The footprint of an engine's instruction.
    pub(crate) fn footprint(&self, operation: &Operation) -> Result<Footprint, Problem> {
        match operation {
            Operation::Load(o) => self.load(o),
            Operation::Move(o) => self.move_rows(o),
            Operation::Store(o) => self.store(o),
            Operation::Dot(o) => self.dot(o),
            Operation::FloatDot(o) => self.float_dot(o),
            other => crate::vector_footprint::vector(self, other),
        }
    }

    pub(crate) fn c(&self, register: C) -> u64 {
        self.config[register.index()] as u64
    }

    pub(crate) fn at(&self, address: Address) -> u64 {
        (address.offset + self.registers[usize::from(address.register)]) % (1 << 40)
    }

    /// Elements of a memory.
    pub(crate) fn size(&self, memory: Memory) -> u64 {
        match memory {
            Memory::Dram => self.machine.dram.bytes,
            Memory::Nram => self.machine.core.nram_bytes,
            Memory::Wram => self.machine.core.wram_bytes,
            Memory::Aram => self.machine.aram_accumulators(),
            Memory::Pram => self.machine.pram_records(),
        }
    }

    /// Checks that an access lies inside its memory, from its first element to the last of its furthest row.
    pub(crate) fn inside(
        &self,
        memory: Memory,
        first: u64,
        dimensions: &[(u64, u64)],
    ) -> Result<u64, Problem> {
        let reach: u64 = dimensions.iter().map(|(count, stride)| (count - 1) * stride).sum();
        if first + reach < self.size(memory) { Ok(first + reach) } else { Err(Problem::Fault) }
    }

    /// Cycles of the bursts of rows at these addresses.
    fn bursts(&self, rows: &[u64], length: u64) -> u64 {
        let dram = &self.machine.dram;
        let burst = u64::from(dram.burst_bytes);
        let count: u64 = rows.iter().map(|at| (at + length - 1) / burst - at / burst + 1).sum();
        let rate = dram.bytes_per_cycle;
        let each = (burst * u64::from(rate.denominator)).div_ceil(rate.numerator.into());
        // With few bursts in flight, latency counts too.
        let latency = u64::from(dram.latency_cycles);
        let exposed = latency.div_ceil(dram.bursts_in_flight.into());
        count * each.max(exposed) + latency + 2
    }

    fn strides(&self, registers: [C; 3]) -> [u64; 3] {
        registers.map(|register| self.c(register))
    }

    fn load(&self, o: &isa::Load) -> Result<Footprint, Problem> {
        let counts = [o.count_1, o.count_2, o.count_3].map(u64::from);
        let s = self.strides([C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3]);
        let d =
            self.strides([C::LoadDestinationStride1, C::LoadDestinationStride2, C::LoadDestinationStride3]);
        let length = u64::from(o.length);
        let units = length / o.memory.unit_bytes();
        if !length.is_multiple_of(o.memory.unit_bytes()) {
            return Err(Problem::Fault);
        }
        let (source, destination) = (self.at(o.source), self.at(o.destination));
        self.inside(Memory::Dram, source, &dimensions(counts, s, length))?;
        self.inside(o.memory, destination, &dimensions(counts, d, units))?;
        let mut footprint = Footprint::default();
        let sources = rows(source, counts, s);
        add(&mut footprint.reads[Memory::Dram as usize], &sources, length);
        add(&mut footprint.writes[o.memory as usize], &rows(destination, counts, d), units);
        footprint.cycles = self.bursts(&sources, length);
        Ok(footprint)
    }

    fn move_rows(&self, o: &isa::Move) -> Result<Footprint, Problem> {
        let counts = [o.count_1, o.count_2, o.count_3].map(u64::from);
        let s = self.strides([C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3]);
        let d =
            self.strides([C::LoadDestinationStride1, C::LoadDestinationStride2, C::LoadDestinationStride3]);
        let length = u64::from(o.length);
        let (source, destination) = (self.at(o.source), self.at(o.destination));
        self.inside(Memory::Nram, source, &dimensions(counts, s, length))?;
        self.inside(Memory::Wram, destination, &dimensions(counts, d, length))?;
        let mut footprint = Footprint::default();
        add(&mut footprint.reads[Memory::Nram as usize], &rows(source, counts, s), length);
        add(&mut footprint.writes[Memory::Wram as usize], &rows(destination, counts, d), length);
        let beats = length.div_ceil(self.machine.load.move_bytes_per_cycle.into());
        footprint.cycles = counts.iter().product::<u64>() * beats + 2;
        Ok(footprint)
    }

    fn store(&self, o: &isa::Store) -> Result<Footprint, Problem> {
        let counts = [o.count_1, o.count_2, o.count_3].map(u64::from);
        let s = self.strides([C::StoreSourceStride1, C::StoreSourceStride2, C::StoreSourceStride3]);
        let d = self.strides([
            C::StoreDestinationStride1,
            C::StoreDestinationStride2,
            C::StoreDestinationStride3,
        ]);
        let length = u64::from(o.length);
        let (source, destination) = (self.at(o.source), self.at(o.destination));
        self.inside(Memory::Nram, source, &dimensions(counts, s, length))?;
        let last = self.inside(Memory::Dram, destination, &dimensions(counts, d, length))?;
        if last >= self.code.0 && destination < self.code.1 {
            return Err(Problem::Fault);
        }
        let mut footprint = Footprint::default();
        let destinations = rows(destination, counts, d);
        add(&mut footprint.reads[Memory::Nram as usize], &rows(source, counts, s), length);
        add(&mut footprint.writes[Memory::Dram as usize], &destinations, length);
        footprint.cycles = self.bursts(&destinations, length);
        Ok(footprint)
    }

    fn float_dot(&self, o: &isa::FloatDot) -> Result<Footprint, Problem> {
        let kind = self.config[C::MatrixType.index()];
        let is_refused = !element::of_matrix(self.machine).contains(&kind);
        if is_refused || !self.c(C::MatrixStretch).is_multiple_of(element::bytes(kind)) {
            return Err(Problem::Fault);
        }
        self.dot(&isa::Dot::from(*o))
    }

    fn dot(&self, o: &isa::Dot) -> Result<Footprint, Problem> {
        let row_bytes = self.machine.row_bytes();
        let stretch = self.c(C::MatrixStretch);
        let (x, w, acc) = (self.at(o.x), self.at(o.w), self.at(o.acc));
        if stretch == 0 || w % row_bytes != 0 {
            return Err(Problem::Fault);
        }
        let columns = u64::from(self.machine.matrix.columns);
        let (px, py, blocks) = (u64::from(o.pixels_x), u64::from(o.pixels_y), u64::from(o.blocks));
        let (wx, wy) = (self.c(C::MatrixWindowCountX), self.c(C::MatrixWindowCountY));
        let x_dimensions = [
            (px, self.c(C::MatrixXStrideX)),
            (py, self.c(C::MatrixXStrideY)),
            (wx, self.c(C::MatrixWindowStrideX)),
            (wy, self.c(C::MatrixWindowStrideY)),
            (stretch, 1),
        ];
        self.inside(Memory::Nram, x, &x_dimensions)?;
        let w_rows = wx * wy * stretch.div_ceil(self.machine.matrix.rows.into());
        let block_stride = self.c(C::MatrixWBlockStride);
        if w / row_bytes + (blocks - 1) * block_stride + w_rows > self.machine.wram_rows() {
            return Err(Problem::Fault);
        }
        let strides = [self.c(C::MatrixAccStridePixel), self.c(C::MatrixAccStrideBlock)];
        let acc_dimensions = [(px * py, strides[0]), (blocks, strides[1]), (columns, 1)];
        self.inside(Memory::Aram, acc, &acc_dimensions)?;
        let mut footprint = Footprint { cycles: blocks * px * py * w_rows + 16, ..Footprint::default() };
        if footprint.cycles > 1 << 16 {
            return Ok(footprint);
        }
        let windows = rows(0, [wx, wy, 1], [x_dimensions[2].1, x_dimensions[3].1, 0]);
        for pixel in rows(x, [px, py, 1], [x_dimensions[0].1, x_dimensions[1].1, 0]) {
            windows.iter().for_each(|window| {
                footprint.reads[Memory::Nram as usize].add(pixel + window, pixel + window + stretch);
            });
        }
        for block in 0..blocks {
            let first = w + block * block_stride * row_bytes;
            footprint.reads[Memory::Wram as usize].add(first, first + w_rows * row_bytes);
        }
        let accumulators = rows(acc, [px * py, blocks, 1], [strides[0], strides[1], 0]);
        add(&mut footprint.writes[Memory::Aram as usize], &accumulators, columns);
        Ok(footprint)
    }
}

fn dimensions(counts: [u64; 3], strides: [u64; 3], length: u64) -> [(u64, u64); 4] {
    [(counts[0], strides[0]), (counts[1], strides[1]), (counts[2], strides[2]), (length, 1)]
}

/// First elements of all rows, in order.
pub(crate) fn rows(first: u64, counts: [u64; 3], strides: [u64; 3]) -> Vec<u64> {
    let mut rows = Vec::new();
    for i3 in 0..counts[2] {
        for i2 in 0..counts[1] {
            for i1 in 0..counts[0] {
                rows.push(first + i1 * strides[0] + i2 * strides[1] + i3 * strides[2]);
            }
        }
    }
    rows
}

/// Adds rows to a set, and returns whether one met another, or what was there.
pub(crate) fn add(bits: &mut Bits, rows: &[u64], length: u64) -> bool {
    rows.iter().fold(false, |met, row| bits.add(*row, row + length) | met)
}
