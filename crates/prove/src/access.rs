//! What every instruction reads and writes, as docs/isa.md says.
//!
//! It is written from that page alone. It uses neither the simulator's tables nor the compiler's, so that a
//! mistake there is not repeated here.

use ediacara_arch::{ElementType, Machine};
use ediacara_isa::{Address, ConfigRegister as C, Dot, FloatDot, Memory, Operation};

use crate::Property;
use crate::finding::Refused;
use crate::operands::Rows;
use crate::place::{Place, TableUse};
use crate::region::{Region, intersect, meets_itself, reach};
use crate::walk::{Floats, State};

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

/// Sizes of the memories in their units, and the shape of the array.
#[derive(Debug, Clone)]
pub(crate) struct Sizes {
    memories: [u64; Place::COUNT],
    rows: u64,
    columns: u64,
    has: Floats,
    /// Whether `float_dot` takes f16, bf16 and f32.
    matrix_types: [bool; 3],
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
        let [rows, columns] = [machine.matrix.rows, machine.matrix.columns].map(u64::from);
        let types = [ElementType::F16, ElementType::Bf16, ElementType::F32];
        let matrix_types = types.map(|ty| machine.matrix.types.contains(&ty));
        Sizes { memories, rows, columns, has: Floats::of(machine), matrix_types, code }
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
        Operation::FloatDot(dot) => collector.float_dot(dot)?,
        other => {
            if let Some(rows) = Rows::of(other, state) {
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

    /// "Matrix engine": what `float_dot` asks for, beside what `dot` does.
    fn float_dot(&mut self, dot: &FloatDot) -> Result<(), Refused> {
        if !self.sizes.has.matrix {
            let detail = format!("is a float instruction, and {}", Floats::NOT_IN_MATRIX);
            return self.refuse(Property::Opcode, detail);
        }
        // The codes of f16, bf16 and f32, and the bytes of their elements.
        let types = [(2, 2), (3, 2), (4, 4)].into_iter().zip(self.sizes.matrix_types);
        let mut those = types.filter(|(_, has)| *has).map(|(ty, _)| ty);
        let Some((_, bytes)) = those.find(|(code, _)| *code == self.unsigned(C::MatrixType)) else {
            return self.refuse(Property::Operand, "matrix.type: is none of matrix.types".to_owned());
        };
        let stretch = self.unsigned(C::MatrixStretch);
        if !stretch.is_multiple_of(bytes) {
            let detail = format!("matrix.stretch: {stretch} is no multiple of {bytes}, an element");
            return self.refuse(Property::Operand, detail);
        }
        self.dot(&Dot::from(*dot))
    }

    /// "Matrix engine".
    fn dot(&mut self, dot: &Dot) -> Result<(), Refused> {
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
        if rows.float && !self.sizes.has.vector {
            let detail = format!("is a float instruction, and {}", Floats::NOT_IN_VECTOR);
            return self.refuse(Property::Opcode, detail);
        }
        if let Some(wrong) = rows.wrong {
            return self.refuse(Property::Operand, wrong.to_owned());
        }
        if rows.clamps && self.state.config(C::VectorLow) > self.state.config(C::VectorHigh) {
            return self.refuse(Property::Operand, "vector.low: is above vector.high".to_owned());
        }
        let operand = |address: Address, strides: [C; 2], element: u64, elements: u64| Operand {
            base: self.state.address(address),
            // A stride that is never taken does not matter.
            steps: [0, 1].map(|k| match rows.counts[k] {
                1 => (1, 0),
                count => (count, self.unsigned(strides[k]).saturating_mul(element)),
            }),
            length: elements.saturating_mul(element),
        };
        let [a_element, b_element, d_element] = rows.elements;
        let d_elements = if rows.reduces { 1 } else { rows.length };
        let d_strides = [C::VectorDStride1, C::VectorDStride2];
        let d = rows.d.map(|address| operand(address, d_strides, d_element, d_elements));
        let a_strides = [C::VectorAStride1, C::VectorAStride2];
        let a = rows.a.map(|(_, address)| operand(address, a_strides, a_element, rows.length));
        let b_elements = if rows.b_is_scalar { 1 } else { rows.length };
        let b_strides = [C::VectorBStride1, C::VectorBStride2];
        let b = rows.b.map(|address| operand(address, b_strides, b_element, b_elements));
        let step =
            |count: C, stride: C| (self.unsigned(count), self.unsigned(stride).saturating_mul(a_element));
        let window = match rows.window {
            true => [
                step(C::VectorWindowCount1, C::VectorWindowStride1),
                step(C::VectorWindowCount2, C::VectorWindowStride2),
            ],
            false => [(1, 0); 2],
        };
        if let (Some((place, _)), Some(a)) = (rows.a, &a) {
            let [step_1, step_2] = a.steps;
            self.read("a", place, a.base, &[step_1, step_2, window[0], window[1], (a.length, 1)])?;
        }
        if let Some(b) = &b {
            let stride = self.unsigned(C::VectorBWindowStride).saturating_mul(b_element);
            let weights = if rows.window { (window[0].0 * window[1].0, stride) } else { (1, 0) };
            let [step_1, step_2] = if rows.window && !rows.b_moves { [(1, 0); 2] } else { b.steps };
            self.read("b", Place::Nram, b.base, &[step_1, step_2, weights, (b.length, 1)])?;
        }
        if let Some(p) = rows.p {
            self.read("p", Place::Pram, self.state.address(p), &[(rows.length, 1)])?;
        }
        if let Some(d) = &d {
            let stride = self.unsigned(C::VectorDStride1).saturating_mul(d_element);
            let progressions = match rows.transposes {
                true => [(rows.length, stride), d.steps[1], (rows.counts[0].saturating_mul(d_element), 1)],
                false => [d.steps[0], d.steps[1], (d.length, 1)],
            };
            self.write("d", Place::Nram, d.base, &progressions)?;
            let in_place = |source: &Option<Operand>| rows.may_be_in_place && source.as_ref() == Some(d);
            let exempt = [("a", in_place(&a)), ("b", in_place(&b))];
            let once = rows.transposes || rows.reads_d;
            self.accesses.overlap = self.overlap(&progressions, once, exempt);
            if rows.reads_d {
                self.read("d", Place::Nram, d.base, &progressions)?;
            }
        }
        self.accesses.table = rows.table;
        Ok(())
    }

    /// Checks that an instruction does not write what it reads, nor what it wrote if it may write only `once`.
    ///
    /// An operand that is the destination itself is allowed, where no row meets another row.
    fn overlap(&self, d: &[(u64, u64); 3], once: bool, exempt: [(&str, bool); 2]) -> Option<String> {
        let written = &self.accesses.writes.last()?.region;
        if once && meets_itself(d) {
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

/// An operand of the vector engine: `count_2` x `count_1` rows of `length` units of its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Operand {
    base: u64,
    steps: [(u64, u64); 2],
    length: u64,
}
