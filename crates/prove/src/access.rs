//! What every instruction reads and writes, as docs/isa.md says.
//!
//! It is written from that page alone. It uses neither the simulator's tables nor the compiler's, so that a
//! mistake there is not repeated here.

use ediacara_arch::Machine;
use ediacara_isa::{Address, ConfigRegister as C, Memory, Operation};

use crate::Property;
use crate::region::{Region, intersect, meets_itself, reach};
use crate::walk::State;

/// The memories, each with addresses of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Dram,
    Nram,
    Wram,
    Aram,
    Pram,
}

impl Place {
    /// Number of memories.
    pub(crate) const COUNT: usize = 5;

    /// A unit of its addresses, for people.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Place::Dram => "DRAM byte",
            Place::Nram => "NRAM byte",
            Place::Wram => "WRAM byte",
            Place::Aram => "accumulator",
            Place::Pram => "PRAM record",
        }
    }
}

/// One operand's access.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) operand: &'static str,
    pub(crate) place: Place,
    pub(crate) region: Region,
}

/// All that one instruction touches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accesses {
    pub(crate) reads: Vec<Access>,
    pub(crate) writes: Vec<Access>,
    /// Reads the table, or fills it.
    pub(crate) table: Option<TableUse>,
    /// What is wrong within the instruction itself.
    pub(crate) overlap: Option<String>,
}

/// What an instruction does with the vector engine's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableUse {
    Read,
    Fill,
}

/// An instruction that the machine would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) property: Property,
    pub(crate) detail: String,
}

/// Sizes of the memories in their units, and the shape of the array.
#[derive(Debug, Clone)]
pub(crate) struct Sizes {
    memories: [u64; Place::COUNT],
    rows: u64,
    columns: u64,
    code: (u64, u64),
}

impl Sizes {
    /// `code` is the first byte of the code segment and the one past its last.
    pub(crate) fn new(machine: &Machine, code: (u64, u64)) -> Sizes {
        let core = &machine.core;
        let memories = [
            machine.dram.bytes,
            core.nram_bytes,
            core.wram_bytes,
            machine.aram_accumulators(),
            machine.pram_records(),
        ];
        Sizes { memories, rows: machine.matrix.rows.into(), columns: machine.matrix.columns.into(), code }
    }

    /// The size of a memory, in its units.
    pub(crate) fn memory(&self, place: usize) -> u64 {
        self.memories[place]
    }
}

/// Progressions of an operand: `(count, stride)`.
type Progressions<'a> = &'a [(u64, u64)];

/// Collects what an instruction touches, and checks that it lies inside.
struct Collector<'a> {
    sizes: &'a Sizes,
    state: &'a State,
    mnemonic: &'static str,
    accesses: Accesses,
}

/// What `operation` touches with registers and configuration as they are; nothing for control's own
/// operations.
pub(crate) fn accesses(operation: &Operation, state: &State, sizes: &Sizes) -> Result<Accesses, Refused> {
    let mnemonic = operation.mnemonic();
    let mut collector = Collector { sizes, state, mnemonic, accesses: Accesses::default() };
    match operation {
        Operation::Load(load) => {
            let (place, unit) = match load.memory {
                Memory::Wram => (Place::Wram, 1),
                Memory::Pram => (Place::Pram, 12),
                // Decoding has refused every memory that a load cannot write.
                Memory::Nram | Memory::Dram | Memory::Aram => (Place::Nram, 1),
            };
            let counts = [load.count_1, load.count_2, load.count_3];
            let length = u64::from(load.length);
            collector.copy(
                LOAD,
                (Place::Dram, load.source, length),
                (place, load.destination, length / unit),
                counts,
            )?;
        }
        Operation::Move(op) => {
            let length = u64::from(op.length);
            let counts = [op.count_1, op.count_2, op.count_3];
            collector.copy(
                LOAD,
                (Place::Nram, op.source, length),
                (Place::Wram, op.destination, length),
                counts,
            )?;
        }
        Operation::Store(store) => {
            let length = u64::from(store.length);
            let counts = [store.count_1, store.count_2, store.count_3];
            let destination = (Place::Dram, store.destination, length);
            collector.copy(STORE, (Place::Nram, store.source, length), destination, counts)?;
            collector.spares_code()?;
        }
        Operation::Dot(dot) => collector.dot(dot)?,
        other => {
            if let Some(rows) = Rows::of(other) {
                collector.vector(&rows)?;
            }
        }
    }
    Ok(collector.accesses)
}

/// Stride registers of a copying engine: of the source, of the destination.
type StrideRegisters = [[C; 3]; 2];

const LOAD: StrideRegisters = [
    [C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3],
    [C::LoadDestinationStride1, C::LoadDestinationStride2, C::LoadDestinationStride3],
];
const STORE: StrideRegisters = [
    [C::StoreSourceStride1, C::StoreSourceStride2, C::StoreSourceStride3],
    [C::StoreDestinationStride1, C::StoreDestinationStride2, C::StoreDestinationStride3],
];

impl Collector<'_> {
    fn refuse<T>(&self, property: Property, detail: String) -> Result<T, Refused> {
        Err(Refused { property, detail: format!("{} {detail}", self.mnemonic) })
    }

    fn unsigned(&self, register: C) -> u64 {
        self.state.config(register) as u64
    }

    /// The region of an operand, if it lies inside its memory.
    fn region(
        &self,
        operand: &'static str,
        place: Place,
        base: u64,
        progressions: Progressions<'_>,
    ) -> Result<Access, Refused> {
        let last = base.saturating_add(reach(progressions));
        let size = self.sizes.memories[place as usize];
        if last >= size {
            let unit = place.unit();
            let detail = format!("{operand}: {unit}s {base:#x} to {last:#x}, of {size:#x} that there are");
            return self.refuse(Property::Capacity, detail);
        }
        Ok(Access { operand, place, region: Region::new(base, progressions) })
    }

    fn read(
        &mut self,
        operand: &'static str,
        place: Place,
        base: u64,
        progressions: Progressions<'_>,
    ) -> Result<(), Refused> {
        let access = self.region(operand, place, base, progressions)?;
        self.accesses.reads.push(access);
        Ok(())
    }

    fn write(
        &mut self,
        operand: &'static str,
        place: Place,
        base: u64,
        progressions: Progressions<'_>,
    ) -> Result<(), Refused> {
        let access = self.region(operand, place, base, progressions)?;
        self.accesses.writes.push(access);
        Ok(())
    }

    /// "Load engine", "Store engine": rows of `length` units each, in three dimensions.
    fn copy(
        &mut self,
        [source_strides, destination_strides]: StrideRegisters,
        source: (Place, Address, u64),
        destination: (Place, Address, u64),
        counts: [u16; 3],
    ) -> Result<(), Refused> {
        let progressions = |strides: [C; 3], length| {
            let step = |k: usize| (u64::from(counts[k]), self.unsigned(strides[k]));
            [step(0), step(1), step(2), (length, 1)]
        };
        let (from, to) =
            (progressions(source_strides, source.2), progressions(destination_strides, destination.2));
        let (source_base, destination_base) =
            (self.state.address(source.1), self.state.address(destination.1));
        self.read("source", source.0, source_base, &from)?;
        self.write("destination", destination.0, destination_base, &to)
    }

    /// The span of a store stays clear of the code.
    fn spares_code(&self) -> Result<(), Refused> {
        let spans = self.accesses.writes.iter().map(|access| access.region.span());
        let (start, end) = self.sizes.code;
        for (first, past) in spans {
            if first < end && start < past {
                let detail = format!(
                    "destination: bytes {first:#x} to {:#x} meet the code segment, {start:#x} to {:#x}",
                    past - 1,
                    end - 1
                );
                return self.refuse(Property::Capacity, detail);
            }
        }
        Ok(())
    }

    /// "Matrix engine".
    fn dot(&mut self, dot: &ediacara_isa::Dot) -> Result<(), Refused> {
        let stretch = self.unsigned(C::MatrixStretch);
        if stretch == 0 {
            return self.refuse(Property::Operand, "matrix.stretch: is 0".to_owned());
        }
        let (rows, columns) = (self.sizes.rows, self.sizes.columns);
        let row_bytes = rows * columns;
        let w = self.state.address(dot.w);
        if !w.is_multiple_of(row_bytes) {
            return self.refuse(Property::Operand, format!("w: {w:#x} is no multiple of {row_bytes}, a row"));
        }
        let pixels = [u64::from(dot.pixels_x), u64::from(dot.pixels_y)];
        let windows = [self.unsigned(C::MatrixWindowCountX), self.unsigned(C::MatrixWindowCountY)];
        let x = [
            (pixels[0], self.unsigned(C::MatrixXStrideX)),
            (pixels[1], self.unsigned(C::MatrixXStrideY)),
            (windows[0], self.unsigned(C::MatrixWindowStrideX)),
            (windows[1], self.unsigned(C::MatrixWindowStrideY)),
            (stretch, 1),
        ];
        let blocks = u64::from(dot.blocks);
        let block_rows = windows[0] * windows[1] * stretch.div_ceil(rows);
        let block_stride = self.unsigned(C::MatrixWBlockStride).saturating_mul(row_bytes);
        let w_progressions = [(blocks, block_stride), (block_rows.saturating_mul(row_bytes), 1)];
        let acc = [
            (pixels[0] * pixels[1], self.unsigned(C::MatrixAccStridePixel)),
            (blocks, self.unsigned(C::MatrixAccStrideBlock)),
            (columns, 1),
        ];
        self.read("x", Place::Nram, self.state.address(dot.x), &x)?;
        self.read("w", Place::Wram, w, &w_progressions)?;
        let accumulators = self.state.address(dot.acc);
        if dot.accumulate {
            self.read("acc", Place::Aram, accumulators, &acc)?;
        }
        self.write("acc", Place::Aram, accumulators, &acc)
    }

    /// "Vector engine".
    fn vector(&mut self, rows: &Rows) -> Result<(), Refused> {
        if rows.clamps && self.state.config(C::VectorLow) > self.state.config(C::VectorHigh) {
            return self.refuse(Property::Operand, "vector.low: is above vector.high".to_owned());
        }
        let operand = |address: Address, strides: [C; 2]| Operand {
            base: self.state.address(address),
            // A stride that is never taken does not matter.
            steps: [0, 1].map(|k| match rows.counts[k] {
                1 => (1, 0),
                count => (count, self.unsigned(strides[k])),
            }),
            length: rows.length,
        };
        let d = rows.d.map(|address| operand(address, [C::VectorDStride1, C::VectorDStride2]));
        let a = rows.a.map(|(_, address)| operand(address, [C::VectorAStride1, C::VectorAStride2]));
        let b = rows.b.map(|address| operand(address, [C::VectorBStride1, C::VectorBStride2]));
        let window = match rows.window {
            true => [
                (self.unsigned(C::VectorWindowCount1), self.unsigned(C::VectorWindowStride1)),
                (self.unsigned(C::VectorWindowCount2), self.unsigned(C::VectorWindowStride2)),
            ],
            false => [(1, 0); 2],
        };
        if let (Some((place, _)), Some(a)) = (rows.a, &a) {
            let [step_1, step_2] = a.steps;
            self.read("a", place, a.base, &[step_1, step_2, window[0], window[1], (a.length, 1)])?;
        }
        if let Some(b) = &b {
            let weights = (window[0].0 * window[1].0, self.unsigned(C::VectorBWindowStride));
            let [step_1, step_2] = if rows.window { [weights, (1, 0)] } else { b.steps };
            self.read("b", Place::Nram, b.base, &[step_1, step_2, (b.length, 1)])?;
        }
        if let Some(p) = rows.p {
            self.read("p", Place::Pram, self.state.address(p), &[(rows.length, 1)])?;
        }
        if let Some(d) = &d {
            let progressions = match rows.transposes {
                true => [(d.length, self.unsigned(C::VectorDStride1)), d.steps[1], (rows.counts[0], 1)],
                false => [d.steps[0], d.steps[1], (d.length, 1)],
            };
            self.write("d", Place::Nram, d.base, &progressions)?;
            let in_place = |source: &Option<Operand>| rows.may_be_in_place && source.as_ref() == Some(d);
            let exempt = [("a", in_place(&a)), ("b", in_place(&b))];
            self.accesses.overlap = self.overlap(&progressions, rows.transposes, exempt);
        }
        self.accesses.table = rows.table;
        Ok(())
    }

    /// Checks that an instruction does not write what it reads, nor, transposing, what it wrote.
    ///
    /// An operand that is the destination itself is allowed, where no row meets another row.
    fn overlap(&self, d: &[(u64, u64); 3], transposes: bool, exempt: [(&str, bool); 2]) -> Option<String> {
        let written = &self.accesses.writes.last()?.region;
        if transposes && meets_itself(d) {
            return Some("d: a byte is written twice by the same instruction".to_owned());
        }
        let sources = self.accesses.reads.iter().filter(|access| access.place == Place::Nram);
        for source in sources {
            let in_place = exempt.iter().any(|&(operand, exempt)| exempt && operand == source.operand);
            let meets = if in_place { meets_itself(d) } else { intersect(written, &source.region) };
            if meets {
                return Some(format!(
                    "{}: a byte is also a destination of the same instruction",
                    source.operand
                ));
            }
        }
        None
    }
}

/// An operand of the vector engine: `count_2` x `count_1` rows of `length` elements.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Operand {
    base: u64,
    steps: [(u64, u64); 2],
    length: u64,
}

/// The operands of an instruction of the vector engine, before registers are known.
struct Rows {
    d: Option<Address>,
    a: Option<(Place, Address)>,
    b: Option<Address>,
    p: Option<Address>,
    length: u64,
    counts: [u64; 2],
    window: bool,
    transposes: bool,
    clamps: bool,
    may_be_in_place: bool,
    table: Option<TableUse>,
}

/// The rows of an instruction with a destination and counts, which clamps what it writes.
macro_rules! rows {
    ($o:ident) => {
        Rows {
            d: Some($o.d),
            length: $o.length.into(),
            counts: [$o.count_1.into(), $o.count_2.into()],
            clamps: true,
            ..Rows::NONE
        }
    };
}

impl Rows {
    const NONE: Rows = Rows {
        d: None,
        a: None,
        b: None,
        p: None,
        length: 1,
        counts: [1, 1],
        window: false,
        transposes: false,
        clamps: false,
        may_be_in_place: false,
        table: None,
    };

    /// Two operands, element by element.
    fn of_two(rows: Rows, a: Address, b: Address) -> Rows {
        Rows { a: Some((Place::Nram, a)), b: Some(b), may_be_in_place: true, ..rows }
    }

    /// The row of docs/isa.md's table; nothing for another engine's instruction.
    fn of(operation: &Operation) -> Option<Rows> {
        use Place::{Aram, Nram};
        Some(match operation {
            Operation::Fill(o) => Rows { clamps: false, ..rows!(o) },
            Operation::Copy(o) => {
                Rows { a: Some((Nram, o.a)), clamps: false, may_be_in_place: true, ..rows!(o) }
            }
            Operation::Requantise(o) => Rows { a: Some((Aram, o.a)), p: Some(o.p), ..rows!(o) },
            Operation::Depthwise(o) => {
                Rows { a: Some((Nram, o.a)), b: Some(o.b), p: Some(o.p), window: true, ..rows!(o) }
            }
            Operation::MaxPool(o) => Rows { a: Some((Nram, o.a)), window: true, ..rows!(o) },
            Operation::AveragePool(o) => Rows { a: Some((Nram, o.a)), window: true, ..rows!(o) },
            Operation::Add(o) => Rows::of_two(rows!(o), o.a, o.b),
            Operation::Multiply(o) => Rows::of_two(rows!(o), o.a, o.b),
            Operation::Maximum(o) => Rows::of_two(rows!(o), o.a, o.b),
            Operation::Table(o) => {
                let table = Some(TableUse::Read);
                Rows { a: Some((Nram, o.a)), clamps: false, may_be_in_place: true, table, ..rows!(o) }
            }
            Operation::Transpose(o) => {
                Rows { a: Some((Nram, o.a)), transposes: true, clamps: false, ..rows!(o) }
            }
            Operation::LoadTable(o) => {
                Rows { a: Some((Nram, o.a)), length: 256, table: Some(TableUse::Fill), ..Rows::NONE }
            }
            _ => return None,
        })
    }
}
