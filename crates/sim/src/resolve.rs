//! Resolves every operand of an instruction from registers and configuration, or finds its fault.
//!
//! Faults are those of docs/isa.md, "Faults": first `operand`, then `address`.

use std::ops::Range;

use ediacara_arch::{Machine, MatrixKind};
use ediacara_isa::{
    self as isa, Address, ConfigRegister as C, ElementType, Engine, Memory, OperandTypes, Operation,
    VectorOperands, VectorRule, VectorShape,
};
use ediacara_kernels::int8::ArrayDot;
use ediacara_kernels::ordered::Stored;

use crate::outcome::FaultKind;
use crate::work::{Dot, Float, Operand, Rows, Units, Vector, Work};

/// Scalar registers and addresses are taken modulo this.
pub(crate) const WORD_MASK: u64 = (1 << 40) - 1;

/// A fault found at issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: FaultKind,
    pub(crate) detail: String,
}

/// What the checks need to know of the machine and the program.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    nram: u64,
    wram: u64,
    accumulators: u64,
    records: u64,
    dram: u64,
    array: MatrixKind,
    rows: u64,
    columns: u64,
    lanes: u64,
    float_lanes: u64,
    /// Whether `float_dot` takes elements of a type, by its code in `matrix.type`.
    matrix_types: [bool; ElementType::OPERANDS.len()],
    /// Whether the machine has each configuration register.
    pub(crate) registers: [bool; C::COUNT],
    move_bytes: u64,
    codes: Vec<Range<u64>>,
}

impl Limits {
    /// `codes` are the bytes of the cores' code, which nothing may write.
    pub(crate) fn new(machine: &Machine, codes: Vec<Range<u64>>) -> Self {
        Self {
            nram: machine.core.nram_bytes,
            wram: machine.core.wram_bytes,
            accumulators: machine.aram_accumulators(),
            records: machine.pram_records(),
            dram: machine.dram.bytes,
            array: machine.matrix.kind,
            rows: machine.matrix.rows.into(),
            columns: machine.matrix.columns.into(),
            lanes: machine.vector.lanes.into(),
            float_lanes: machine.vector.float_lanes.into(),
            matrix_types: ElementType::OPERANDS.map(|element| element.is_on(&machine.matrix)),
            registers: std::array::from_fn(|index| C::ALL[index].is_on(machine)),
            move_bytes: machine.load.move_bytes_per_cycle.into(),
            codes,
        }
    }
}

/// Why a machine lacks the float instructions of an engine, and their registers.
pub(crate) fn no_float(engine: Engine) -> &'static str {
    match engine {
        Engine::Matrix => "the matrix unit has no floating point (matrix.types has no such type)",
        _ => "the machine has no floating point (vector.float_lanes is 0)",
    }
}

/// Registers and configuration, as they are when an instruction is issued.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) registers: [u64; 16],
    pub(crate) config: [i64; C::COUNT],
}

impl State {
    /// At reset.
    pub(crate) fn new() -> Self {
        let mut config = [0; C::COUNT];
        for register in C::ALL {
            config[register.index()] = register.reset();
        }
        Self { registers: [0; 16], config }
    }

    fn address(&self, address: Address) -> u64 {
        (address.offset + self.registers[usize::from(address.register)]) & WORD_MASK
    }

    /// A register that is never negative.
    fn unsigned(&self, register: C) -> u64 {
        self.config[register.index()] as u64
    }

    fn small(&self, register: C) -> i32 {
        self.config[register.index()] as i32
    }

    fn three(&self, registers: [C; 3]) -> [u64; 3] {
        registers.map(|register| self.unsigned(register))
    }

    fn two(&self, registers: [C; 2]) -> [usize; 2] {
        registers.map(|register| self.unsigned(register) as usize)
    }
}

/// Offset of the last element of an access with these dimensions from its first.
fn reach(dimensions: &[(u64, u64)]) -> u64 {
    dimensions.iter().map(|(count, stride)| (count - 1).saturating_mul(*stride)).fold(0, u64::saturating_add)
}

/// Resolves instructions for one machine.
pub(crate) struct Resolver<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) state: &'a State,
    pub(crate) operation: &'a Operation,
}

impl Resolver<'_> {
    /// The work of an instruction that goes to a queue; `None` for one of control's own.
    pub(crate) fn resolve(&self) -> Result<Option<Work>, Refusal> {
        let work = match self.operation {
            Operation::Load(load) => self.load(load)?,
            Operation::Move(op) => self.move_rows(op)?,
            Operation::Store(store) => self.store(store)?,
            Operation::Dot(dot) => Work::Dot(self.dot(dot, None)?),
            Operation::FloatDot(dot) => Work::Dot(self.float_dot(dot)?),
            other => return Ok(self.vector(other)?.map(Work::Vector)),
        };
        Ok(Some(work))
    }

    fn operand(&self, detail: String) -> Refusal {
        Refusal { kind: FaultKind::Operand, detail: format!("{} {detail}", self.operation.mnemonic()) }
    }

    /// `first ..= first + reach` must lie inside a memory.
    fn inside(&self, operand: &str, memory: Memory, first: u64, reach: u64) -> Result<(), Refusal> {
        let size = match memory {
            Memory::Dram => self.limits.dram,
            Memory::Nram => self.limits.nram,
            Memory::Wram => self.limits.wram,
            Memory::Aram => self.limits.accumulators,
            Memory::Pram => self.limits.records,
        };
        self.below(operand, (memory, memory.units()), first, reach, size)
    }

    fn below(
        &self,
        operand: &str,
        (memory, unit): (Memory, &str),
        first: u64,
        reach: u64,
        size: u64,
    ) -> Result<(), Refusal> {
        let last = first.saturating_add(reach);
        if last < size {
            return Ok(());
        }
        let detail = format!(
            "{} {operand}: {unit} {first:#x} to {last:#x} are not all inside {}, which ends at {:#x}",
            self.operation.mnemonic(),
            memory.title(),
            size - 1
        );
        Err(Refusal { kind: FaultKind::Address, detail })
    }

    fn load(&self, load: &isa::Load) -> Result<Work, Refusal> {
        let (memory, unit) = (load.memory, load.memory.unit_bytes());
        let length = u64::from(load.length);
        let counts = [load.count_1, load.count_2, load.count_3].map(u64::from);
        let source_strides =
            self.state.three([C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3]);
        let strides = self.state.three([
            C::LoadDestinationStride1,
            C::LoadDestinationStride2,
            C::LoadDestinationStride3,
        ]);
        let source = self.state.address(load.source);
        let destination = self.state.address(load.destination);
        self.rows_inside("source", Memory::Dram, source, counts, source_strides, length)?;
        self.rows_inside("destination", memory, destination, counts, strides, length / unit)?;
        let rows = Rows {
            source,
            destination: destination * unit,
            length,
            counts,
            source_strides,
            destination_strides: strides.map(|stride| stride * unit),
        };
        Ok(Work::Load(memory, rows))
    }

    fn rows_inside(
        &self,
        operand: &str,
        memory: Memory,
        first: u64,
        counts: [u64; 3],
        strides: [u64; 3],
        length: u64,
    ) -> Result<(), Refusal> {
        let dimensions =
            [(counts[0], strides[0]), (counts[1], strides[1]), (counts[2], strides[2]), (length, 1)];
        self.inside(operand, memory, first, reach(&dimensions))
    }

    fn move_rows(&self, op: &isa::Move) -> Result<Work, Refusal> {
        let length = u64::from(op.length);
        let counts = [op.count_1, op.count_2, op.count_3].map(u64::from);
        let source_strides =
            self.state.three([C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3]);
        let destination_strides = self.state.three([
            C::LoadDestinationStride1,
            C::LoadDestinationStride2,
            C::LoadDestinationStride3,
        ]);
        let source = self.state.address(op.source);
        let destination = self.state.address(op.destination);
        self.rows_inside("source", Memory::Nram, source, counts, source_strides, length)?;
        self.rows_inside("destination", Memory::Wram, destination, counts, destination_strides, length)?;
        let rows = Rows { source, destination, length, counts, source_strides, destination_strides };
        // T-MOVE; the counts have 48 bits, the length 24.
        let beats = rows.count().saturating_mul(length.div_ceil(self.limits.move_bytes));
        Ok(Work::Move(rows, beats))
    }

    fn store(&self, store: &isa::Store) -> Result<Work, Refusal> {
        let length = u64::from(store.length);
        let counts = [store.count_1, store.count_2, store.count_3].map(u64::from);
        let source_strides =
            self.state.three([C::StoreSourceStride1, C::StoreSourceStride2, C::StoreSourceStride3]);
        let destination_strides = self.state.three([
            C::StoreDestinationStride1,
            C::StoreDestinationStride2,
            C::StoreDestinationStride3,
        ]);
        let source = self.state.address(store.source);
        let destination = self.state.address(store.destination);
        self.rows_inside("source", Memory::Nram, source, counts, source_strides, length)?;
        self.rows_inside("destination", Memory::Dram, destination, counts, destination_strides, length)?;
        let rows = Rows { source, destination, length, counts, source_strides, destination_strides };
        self.spares_code(&rows)?;
        Ok(Work::Store(rows))
    }

    /// A store must stay clear of the code segment from its first byte to its last.
    fn spares_code(&self, rows: &Rows) -> Result<(), Refusal> {
        let [count_1, count_2, count_3] = rows.counts;
        let [stride_1, stride_2, stride_3] = rows.destination_strides;
        let dimensions = [(count_1, stride_1), (count_2, stride_2), (count_3, stride_3), (rows.length, 1)];
        let (first, last) = (rows.destination, rows.destination + reach(&dimensions));
        let meets = |code: &&Range<u64>| last >= code.start && first < code.end;
        let Some(code) = self.limits.codes.iter().find(meets) else { return Ok(()) };
        let detail = format!(
            "{} destination: bytes {first:#x} to {last:#x} meet the code segment, {:#x} to {:#x}, which nothing may write",
            self.operation.mnemonic(),
            code.start,
            code.end - 1
        );
        Err(Refusal { kind: FaultKind::Address, detail })
    }

    /// `float_dot`: as `dot`, with elements of `matrix.type`.
    fn float_dot(&self, dot: &isa::FloatDot) -> Result<Dot, Refusal> {
        if !self.limits.matrix_types.contains(&true) {
            let detail = format!("{}: {}", self.operation.mnemonic(), no_float(Engine::Matrix));
            return Err(Refusal { kind: FaultKind::Opcode, detail });
        }
        let code = self.state.unsigned(C::MatrixType) as usize;
        // A register holds no value outside its range.
        let element = ElementType::OPERANDS.get(code).copied().unwrap_or(ElementType::F32);
        if !self.limits.matrix_types.get(code).is_some_and(|has| *has) {
            let name = element.name();
            return Err(self.operand(format!("matrix.type: {name} is no float type of matrix.types")));
        }
        let stored = match element {
            ElementType::F16 => Stored::F16,
            ElementType::BF16 => Stored::Bf16,
            _ => Stored::F32,
        };
        let (stretch, bytes) = (self.state.unsigned(C::MatrixStretch), stored.bytes());
        if !stretch.is_multiple_of(bytes as u64) {
            let detail = format!("matrix.stretch: {stretch} is not a multiple of {bytes} bytes, an element");
            return Err(self.operand(detail));
        }
        self.dot(&isa::Dot::from(*dot), Some(stored))
    }

    /// An instruction of the matrix engine; `stored` is what its elements are if they are no integers.
    fn dot(&self, dot: &isa::Dot, stored: Option<Stored>) -> Result<Dot, Refusal> {
        let (state, limits) = (self.state, self.limits);
        let stretch = state.unsigned(C::MatrixStretch);
        if stretch == 0 {
            return Err(self.operand(
                "matrix.stretch: 0 is outside 1..=16777215; write it before the first `dot`".into(),
            ));
        }
        let (x, w, acc) = (state.address(dot.x), state.address(dot.w), state.address(dot.acc));
        let row_bytes = limits.rows * limits.columns;
        if w % row_bytes != 0 {
            return Err(
                self.operand(format!("w: {w:#x} is not a multiple of a row of WRAM, {row_bytes} bytes"))
            );
        }
        let steps = stretch.div_ceil(limits.rows);
        let windows = [C::MatrixWindowCountX, C::MatrixWindowCountY].map(|register| state.unsigned(register));
        let window_strides = [C::MatrixWindowStrideX, C::MatrixWindowStrideY].map(|r| state.unsigned(r));
        let x_strides = [C::MatrixXStrideX, C::MatrixXStrideY].map(|register| state.unsigned(register));
        let pixels = [dot.pixels_x, dot.pixels_y].map(u64::from);
        let blocks = u64::from(dot.blocks);
        let w_block_stride = state.unsigned(C::MatrixWBlockStride);
        let acc_strides = [C::MatrixAccStridePixel, C::MatrixAccStrideBlock].map(|r| state.unsigned(r));

        let x_reach = reach(&[
            (pixels[0], x_strides[0]),
            (pixels[1], x_strides[1]),
            (windows[0], window_strides[0]),
            (windows[1], window_strides[1]),
            (stretch, 1),
        ]);
        self.inside("x", Memory::Nram, x, x_reach)?;
        let rows = windows[0] * windows[1] * steps;
        let w_reach = reach(&[(blocks, w_block_stride), (rows, 1)]);
        self.below("w", (Memory::Wram, "rows"), w / row_bytes, w_reach, limits.wram / row_bytes)?;
        let acc_reach =
            reach(&[(pixels[0] * pixels[1], acc_strides[0]), (blocks, acc_strides[1]), (limits.columns, 1)]);
        self.inside("acc", Memory::Aram, acc, acc_reach)?;

        let small = |pair: [u64; 2]| pair.map(|value| value as usize);
        let array = ArrayDot {
            rows: limits.rows as usize,
            columns: limits.columns as usize,
            x: x as usize,
            w_row: (w / row_bytes) as usize,
            acc: acc as usize,
            pixels: small(pixels),
            blocks: blocks as usize,
            x_strides: small(x_strides),
            stretch: stretch as usize,
            window_counts: small(windows),
            window_strides: small(window_strides),
            w_block_stride: w_block_stride as usize,
            acc_stride_pixel: acc_strides[0] as usize,
            acc_stride_block: acc_strides[1] as usize,
            x_zero: state.small(C::MatrixXZero) as i8,
            w_zero: state.small(C::MatrixWZero) as i8,
        };
        let beats = dot_beats(limits, blocks, pixels[0] * pixels[1], rows);
        Ok(Dot { array, stored, accumulate: dot.accumulate, steps: steps as usize, beats })
    }

    fn vector(&self, operation: &Operation) -> Result<Option<Vector>, Refusal> {
        let Some((operation, operands)) = operation.vector() else { return Ok(None) };
        let VectorOperands { d, a, b, p, value, length, count_1, count_2, .. } = operands;
        let state = self.state;
        let rule = operation.rule_of(&operands);
        let float = self.float(&operands);
        if rule.float {
            self.check_float(&rule, &operands, &float)?;
        }
        let units = rule.element_units(&operands, float.types);
        if rule.shape == VectorShape::Transpose && units.d > self.limits.lanes {
            let lanes = self.limits.lanes;
            return Err(self.operand(format!("element: {} bytes are more than the {lanes} lanes", units.d)));
        }
        let units = Units { a: units.a as usize, b: units.b as usize, d: units.d as usize };
        let operand = |address, strides, units| Operand {
            base: state.address(address) as usize,
            strides: state.two(strides).map(|stride| stride * units),
        };
        let mut vector = Vector {
            operation,
            rule,
            units,
            value,
            length: length as usize,
            counts: [usize::from(count_1), usize::from(count_2)],
            d: operand(d, [C::VectorDStride1, C::VectorDStride2], units.d),
            a: operand(a, [C::VectorAStride1, C::VectorAStride2], units.a),
            b: operand(b, [C::VectorBStride1, C::VectorBStride2], units.b),
            p: state.address(p) as usize,
            window_counts: state.two([C::VectorWindowCount1, C::VectorWindowCount2]),
            window_strides: state.two([C::VectorWindowStride1, C::VectorWindowStride2]).map(|s| s * units.a),
            b_window_stride: state.unsigned(C::VectorBWindowStride) as usize * units.b,
            a_zero: state.small(C::VectorAZero),
            b_zero: state.small(C::VectorBZero),
            d_zero: state.small(C::VectorDZero),
            low: state.small(C::VectorLow) as i8,
            high: state.small(C::VectorHigh) as i8,
            a_multiplier: state.small(C::VectorAMultiplier),
            b_multiplier: state.small(C::VectorBMultiplier),
            shift: state.unsigned(C::VectorShift) as u8,
            float,
            beats: 0,
        };
        let clamps = rule.clamps() || rule.float && float.types.d == ElementType::I8;
        if clamps && vector.low > vector.high {
            let (low, high) = (vector.low, vector.high);
            return Err(self.operand(format!("vector.low: {low} is above vector.high, {high}")));
        }
        self.vector_inside(&vector)?;
        vector.beats = beats(&vector, self.limits);
        Ok(Some(vector))
    }

    /// What the registers of float instructions hold.
    fn float(&self, operands: &VectorOperands) -> Float {
        let real = |register: C| f32::from_bits(self.state.unsigned(register) as u32);
        Float {
            types: OperandTypes::new(|register| self.state.config[register.index()]),
            a_scale: real(C::VectorAScale),
            b_scale: real(C::VectorBScale),
            d_inverse_scale: real(C::VectorDInverseScale),
            constant: real(C::VectorConstant),
            relation: operands.relation,
            accumulate: operands.accumulate,
        }
    }

    /// What a float instruction may not ask for (docs/isa.md, "Float instructions").
    fn check_float(
        &self,
        rule: &VectorRule,
        operands: &VectorOperands,
        float: &Float,
    ) -> Result<(), Refusal> {
        let mnemonic = self.operation.mnemonic();
        if self.limits.float_lanes == 0 {
            let detail = format!("{mnemonic}: {}", no_float(Engine::Vector));
            return Err(Refusal { kind: FaultKind::Opcode, detail });
        }
        let types = float.types;
        let refuse = |detail: String| Err(self.operand(detail));
        match rule.a {
            Some(Memory::Aram) if !matches!(types.a, ElementType::I32 | ElementType::F32) => {
                return refuse(format!("vector.a_type: {} is no type of ARAM", types.a.name()));
            }
            Some(Memory::Nram) if types.a == ElementType::I32 => {
                return refuse("vector.a_type: i32 is no type of NRAM".into());
            }
            _ => {}
        }
        if rule.b.is_some() && types.b == ElementType::I32 {
            return refuse("vector.b_type: i32 is no type of NRAM".into());
        }
        if types.d == ElementType::I32 {
            return refuse("vector.d_type: i32 is no type of NRAM".into());
        }
        if operands.accumulate && types.d == ElementType::I8 {
            return refuse("vector.d_type: an i8 cannot accumulate".into());
        }
        if operands.records && rule.a != Some(Memory::Aram) {
            return refuse("records: only what lies in ARAM is read with them".into());
        }
        if operands.scalar && operands.constant {
            return refuse("b: it is either scalar or constant".into());
        }
        Ok(())
    }

    fn vector_inside(&self, v: &Vector) -> Result<(), Refusal> {
        let rule = &v.rule;
        let counts = v.counts.map(|count| count as u64);
        let steps = |operand: &Operand, units: usize| {
            [
                (counts[0], operand.strides[0] as u64),
                (counts[1], operand.strides[1] as u64),
                (units as u64, 1),
            ]
        };
        let windows = [0, 1].map(|k| (v.window_counts[k] as u64, v.window_strides[k] as u64));
        if let Some(memory) = rule.d {
            let mut dimensions = steps(&v.d, v.d_units());
            if rule.shape == VectorShape::Transpose {
                dimensions[0].0 = v.length as u64;
            }
            self.inside("d", memory, v.d.base as u64, reach(&dimensions))?;
        }
        if let Some(memory) = rule.a {
            let reach = match rule.shape {
                VectorShape::Table => v.length as u64 - 1,
                VectorShape::Rows | VectorShape::RowReduction | VectorShape::Transpose => {
                    reach(&steps(&v.a, v.a_units()))
                }
                VectorShape::Window => reach(&steps(&v.a, v.a_units())).saturating_add(reach(&windows)),
            };
            self.inside("a", memory, v.a.base as u64, reach)?;
        }
        if let Some(memory) = rule.b {
            let positions = (windows[0].0 * windows[1].0, v.b_window_stride as u64);
            let row = (v.b_units() as u64, 1);
            let reach = match rule.shape {
                VectorShape::Window if rule.b_moves => {
                    reach(&steps(&v.b, v.b_units())).saturating_add(reach(&[positions]))
                }
                VectorShape::Window => reach(&[positions, row]),
                VectorShape::Rows
                | VectorShape::RowReduction
                | VectorShape::Transpose
                | VectorShape::Table => reach(&steps(&v.b, v.b_units())),
            };
            self.inside("b", memory, v.b.base as u64, reach)?;
        }
        if let Some(memory) = rule.p {
            self.inside("p", memory, v.p as u64, v.length as u64 - 1)?;
        }
        Ok(())
    }
}

/// Beats of a `dot` of so many blocks and pixels, each of which sees `rows` rows of weights.
fn dot_beats(limits: &Limits, blocks: u64, pixels: u64, rows: u64) -> u64 {
    match limits.array {
        // T-DOT-SYSTOLIC-WS: each tile of weights stays while all pixels pass, and hides the next one's entry.
        MatrixKind::SystolicWs => {
            blocks.saturating_mul(rows).saturating_mul(pixels.max(limits.rows)).saturating_add(limits.rows)
        }
        // T-DOT. No machine of the last two kinds is valid yet.
        MatrixKind::Dot | MatrixKind::SystolicOs | MatrixKind::Scalar => {
            (blocks * pixels).saturating_mul(rows)
        }
    }
}

/// T-VECTOR
fn beats(v: &Vector, limits: &Limits) -> u64 {
    let [count_1, count_2] = v.counts.map(|count| count as u64);
    let chunks = (v.length as u64).div_ceil(width(v, limits));
    let rows = (count_1 * count_2).saturating_mul(chunks);
    match v.rule.shape {
        VectorShape::Rows | VectorShape::RowReduction | VectorShape::Table => rows,
        VectorShape::Window => rows.saturating_mul((v.window_counts[0] * v.window_counts[1]) as u64),
        VectorShape::Transpose => {
            let side = limits.lanes / v.units.d as u64;
            let tiles = count_2.saturating_mul(count_1.div_ceil(side) * (v.length as u64).div_ceil(side));
            tiles.saturating_mul(2 * side)
        }
    }
}

/// Elements a beat: T-VECTOR-WIDTH of a float instruction.
fn width(v: &Vector, limits: &Limits) -> u64 {
    if !v.rule.float {
        return limits.lanes;
    }
    let a = v.units.a * usize::from(v.rule.a == Some(Memory::Nram));
    let b = v.units.b * usize::from(v.rule.b.is_some() && !v.rule.b_is_scalar);
    let d = v.units.d * usize::from(v.rule.shape != VectorShape::RowReduction);
    let widest = a.max(b).max(d).max(1) as u64;
    limits.float_lanes.min(limits.lanes / widest)
}
