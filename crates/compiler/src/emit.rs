//! From ordered steps to instruction words.
//!
//! The configuration registers are shadowed: before a step, those that it reads and that hold something
//! else are written, five to a `config`. What a step does not read (the stride of a dimension of one step)
//! is left as it is.

use ediacara_isa::{
    AddScalar, Address, Config, ConfigRegister, ConfigWrites, Dot, ElementType, Instruction, Label, Load,
    MatrixOperation, Memory, Move, NO_LAYER, OperandTypes, Operation, REGISTERS, SourceLocation, Store,
    VectorOperands, VectorOperation, VectorRule, VectorShape, Word, encode,
};
use smallvec::SmallVec;

use crate::CompileError;
use crate::place::bindings::FIRST_FREE_REGISTER;
use crate::program::step::{self, Step, Transfer, Work};
use crate::program::vector::Vector;
use crate::synchronise::Ordered;

type Settings = SmallVec<[(ConfigRegister, i64); 20]>;

/// The code and, for each instruction, the layer it comes from.
#[derive(Debug, Default)]
pub(crate) struct Code {
    /// Instruction words.
    pub words: Vec<Word>,
    /// As long as `words`.
    pub source_map: Vec<SourceLocation>,
    /// Which tile the instructions from there on are for.
    pub labels: Vec<Label>,
}

/// Encodes the program, `halt` included. `layer_name` is for errors.
///
/// # Errors
/// [`CompileError::Field`] or [`CompileError::Layer`] if a value does not fit an instruction.
pub(crate) fn emit(program: &[Ordered], layer_name: impl Fn(u32) -> String) -> Result<Code, CompileError> {
    let mut emitter = Emitter {
        code: Code::default(),
        shadow: ConfigRegister::ALL.iter().map(|r| r.reset()).collect(),
        place: None,
        moved: Vec::new(),
    };
    emitter.prepare(program).map_err(|problem| problem.at("bindings".to_owned()))?;
    for ordered in program {
        emitter.step(ordered).map_err(|problem| problem.at(layer_name(ordered.step.layer)))?;
    }
    emitter
        .push(Instruction::new(Operation::Halt), NO_LAYER)
        .map_err(|problem| problem.at("halt".to_owned()))?;
    Ok(emitter.code)
}

/// What does not fit, before the layer's name is known.
enum Problem {
    Field { field: &'static str, value: u64, limit: u64 },
    Operand(ediacara_isa::OperandError),
}

impl Problem {
    fn at(self, layer: String) -> CompileError {
        match self {
            Problem::Field { field, value, limit } => CompileError::Field { layer, field, value, limit },
            Problem::Operand(error) => CompileError::Layer { layer, problem: error.to_string() },
        }
    }
}

impl From<ediacara_isa::OperandError> for Problem {
    fn from(error: ediacara_isa::OperandError) -> Problem {
        Problem::Operand(error)
    }
}

struct Emitter {
    code: Code,
    shadow: Vec<i64>,
    /// Layer and tile of the last step.
    place: Option<(u32, Option<u32>)>,
    /// By the registers of bindings and their strides, the register that holds the sum of the products.
    moved: Vec<([(u8, u64); 2], u8)>,
}

impl Emitter {
    fn push(&mut self, instruction: Instruction, layer: u32) -> Result<(), Problem> {
        self.code.words.push(encode(&instruction)?);
        self.code.source_map.push(SourceLocation { layer, line: 0 });
        Ok(())
    }

    /// Multiplies bindings by the strides that addresses move by, in registers that hold it from then on.
    fn prepare(&mut self, program: &[Ordered]) -> Result<(), Problem> {
        // The last register is for what is added.
        const ADDED: u8 = REGISTERS as u8 - 1;
        for ordered in program {
            let Work::Store(Transfer { moved: Some(moved), .. }) = ordered.step.work else { continue };
            let register = FIRST_FREE_REGISTER + self.moved.len() as u8;
            if self.moved.iter().any(|(known, _)| *known == moved.terms) {
                continue;
            }
            let limit = u64::from(ADDED - 1);
            if u64::from(register) > limit {
                return Err(Problem::Field { field: "scalar register", value: register.into(), limit });
            }
            self.moved.push((moved.terms, register));
            let [(first, stride), (second, other)] = moved.terms;
            self.multiply(register, first, stride)?;
            if second != 0 {
                self.multiply(ADDED, second, other)?;
                let sum = AddScalar { rd: register, ra: register, rb: ADDED, value: 0 };
                self.push(Instruction::new(sum), NO_LAYER)?;
            }
        }
        Ok(())
    }

    /// `R[rd] = R[ra] * factor`, bit by bit from the highest: doubled, and added where the bit is set.
    fn multiply(&mut self, rd: u8, ra: u8, factor: u64) -> Result<(), Problem> {
        let mut add =
            |ra: u8, rb: u8| self.push(Instruction::new(AddScalar { rd, ra, rb, value: 0 }), NO_LAYER);
        let Some(highest) = factor.checked_ilog2() else { return add(0, 0) };
        add(ra, 0)?;
        for bit in (0..highest).rev() {
            add(rd, rd)?;
            if factor >> bit & 1 == 1 {
                add(rd, ra)?;
            }
        }
        Ok(())
    }

    /// The register that a transfer's address in DRAM is relative to.
    fn base(&self, transfer: &Transfer) -> u8 {
        let key = transfer.moved.map(|moved| moved.terms);
        let found = self.moved.iter().find(|(known, _)| Some(*known) == key);
        found.map_or(0, |(_, register)| *register)
    }

    fn step(&mut self, ordered: &Ordered) -> Result<(), Problem> {
        let Step { work, layer, tile } = ordered.step;
        if self.place.replace((layer, tile)) != Some((layer, tile)) {
            let name = tile.map_or_else(|| "whole layer".to_owned(), |tile| format!("tile {tile}"));
            self.code.labels.push(Label { instruction: self.code.words.len() as u32, name });
        }
        let (settings, operation) = match &work {
            Work::Load(transfer) => load(transfer)?,
            Work::Store(transfer) => store(transfer, self.base(transfer))?,
            Work::Move(transfer) => move_rows(transfer)?,
            Work::Dot(dot) => matrix(dot)?,
            Work::Vector(vector) => vector_operation(vector)?,
        };
        self.configure(&settings, layer)?;
        self.push(Instruction::new(operation).waiting(ordered.wait).posting(ordered.post), layer)
    }

    fn configure(&mut self, settings: &Settings, layer: u32) -> Result<(), Problem> {
        let changed: Settings = settings
            .iter()
            .copied()
            .filter(|&(register, value)| self.shadow[register.index()] != value)
            .collect();
        for chunk in changed.chunks(ConfigWrites::MAX) {
            let mut writes = ConfigWrites::default();
            for &(register, value) in chunk {
                writes.push(register, value)?;
                self.shadow[register.index()] = value;
            }
            self.push(Instruction::new(Config { writes }), layer)?;
        }
        Ok(())
    }
}

fn narrow<T: TryFrom<u64>>(field: &'static str, value: u64, bits: u32) -> Result<T, Problem> {
    let limit = (1 << bits) - 1;
    let problem = Problem::Field { field, value, limit };
    if value > limit {
        return Err(problem);
    }
    T::try_from(value).map_err(|_| problem)
}

/// Settings of the strides of those dimensions that have more than one step.
fn strides<const N: usize>(
    counts: &[u64; N],
    registers: [ConfigRegister; N],
    strides: &[u64; N],
    settings: &mut Settings,
) {
    for index in (0..N).filter(|&index| counts[index] > 1) {
        settings.push((registers[index], strides[index] as i64));
    }
}

/// The strides of the load engine.
fn load_settings(t: &Transfer) -> Settings {
    use ConfigRegister as R;
    let mut settings = Settings::new();
    strides(
        &t.counts,
        [R::LoadSourceStride1, R::LoadSourceStride2, R::LoadSourceStride3],
        &t.dram_strides,
        &mut settings,
    );
    let destination = [R::LoadDestinationStride1, R::LoadDestinationStride2, R::LoadDestinationStride3];
    strides(&t.counts, destination, &t.chip_strides, &mut settings);
    settings
}

fn load(t: &Transfer) -> Result<(Settings, Operation), Problem> {
    let operation = Load {
        memory: t.memory,
        source: Address::new(t.dram),
        destination: Address::new(t.chip),
        length: narrow("load length", t.length, 24)?,
        count_1: narrow("load count_1", t.counts[0], 16)?,
        count_2: narrow("load count_2", t.counts[1], 16)?,
        count_3: narrow("load count_3", t.counts[2], 16)?,
    };
    Ok((load_settings(t), operation.into()))
}

fn move_rows(t: &Transfer) -> Result<(Settings, Operation), Problem> {
    let operation = Move {
        memory: t.memory,
        source: Address::new(t.dram),
        destination: Address::new(t.chip),
        length: narrow("move length", t.length, 24)?,
        count_1: narrow("move count_1", t.counts[0], 16)?,
        count_2: narrow("move count_2", t.counts[1], 16)?,
        count_3: narrow("move count_3", t.counts[2], 16)?,
    };
    Ok((load_settings(t), operation.into()))
}

/// A store, whose address in DRAM is relative to the register `base`.
fn store(t: &Transfer, base: u8) -> Result<(Settings, Operation), Problem> {
    use ConfigRegister as R;
    let mut settings = Settings::new();
    strides(
        &t.counts,
        [R::StoreSourceStride1, R::StoreSourceStride2, R::StoreSourceStride3],
        &t.chip_strides,
        &mut settings,
    );
    let destination = [R::StoreDestinationStride1, R::StoreDestinationStride2, R::StoreDestinationStride3];
    strides(&t.counts, destination, &t.dram_strides, &mut settings);
    let operation = Store {
        source: Address::new(t.chip),
        destination: Address::relative(base, t.dram),
        length: narrow("store length", t.length, 24)?,
        count_1: narrow("store count_1", t.counts[0], 16)?,
        count_2: narrow("store count_2", t.counts[1], 16)?,
        count_3: narrow("store count_3", t.counts[2], 16)?,
    };
    Ok((settings, operation.into()))
}

fn matrix(dot: &step::Dot) -> Result<(Settings, Operation), Problem> {
    use ConfigRegister as R;
    let mut settings = Settings::new();
    settings.push((R::MatrixStretch, dot.stretch as i64));
    settings.push((R::MatrixWindowCountX, dot.window_counts[0] as i64));
    settings.push((R::MatrixWindowCountY, dot.window_counts[1] as i64));
    let is_real = dot.element != ElementType::I8;
    if is_real {
        settings.push((R::MatrixType, element_code(dot.element)));
    } else {
        settings.push((R::MatrixXZero, i64::from(dot.x_zero)));
        settings.push((R::MatrixWZero, i64::from(dot.w_zero)));
    }
    strides(&dot.pixels, [R::MatrixXStrideX, R::MatrixXStrideY], &dot.x_strides, &mut settings);
    let window = [R::MatrixWindowStrideX, R::MatrixWindowStrideY];
    strides(&dot.window_counts, window, &dot.window_strides, &mut settings);
    if dot.blocks > 1 {
        settings.push((R::MatrixWBlockStride, dot.w_block_stride as i64));
        settings.push((R::MatrixAccStrideBlock, dot.acc_stride_block as i64));
    }
    if dot.pixels[0] * dot.pixels[1] > 1 {
        settings.push((R::MatrixAccStridePixel, dot.acc_stride_pixel as i64));
    }
    let operands = Dot {
        x: Address::new(dot.x),
        w: Address::new(dot.w),
        acc: Address::new(dot.acc),
        pixels_x: narrow("dot pixels_x", dot.pixels[0], 16)?,
        pixels_y: narrow("dot pixels_y", dot.pixels[1], 16)?,
        blocks: narrow("dot blocks", dot.blocks, 12)?,
        accumulate: dot.accumulate,
    };
    let operation = if is_real { MatrixOperation::FloatDot } else { MatrixOperation::Dot };
    Ok((settings, operation.with(operands)))
}

/// Which constants and strides an operation reads.
fn vector_settings(v: &Vector) -> Settings {
    use ConfigRegister as R;
    let rule = v.rule();
    let mut settings = Settings::new();
    if rule.shape == VectorShape::Table {
        return settings;
    }
    // A transposition's destination has `length` rows, so its stride counts even where `count_1` is 1.
    let d_counts = if rule.shape == VectorShape::Transpose { [v.length, v.counts[1]] } else { v.counts };
    strides(&d_counts, [R::VectorDStride1, R::VectorDStride2], &v.d_strides, &mut settings);
    if rule.a.is_some() {
        strides(&v.counts, [R::VectorAStride1, R::VectorAStride2], &v.a_strides, &mut settings);
    }
    if rule.shape == VectorShape::Window {
        settings.push((R::VectorWindowCount1, v.window_counts[0] as i64));
        settings.push((R::VectorWindowCount2, v.window_counts[1] as i64));
        let registers = [R::VectorWindowStride1, R::VectorWindowStride2];
        strides(&v.window_counts, registers, &v.window_strides, &mut settings);
        if rule.b.is_some() && v.window_counts[0] * v.window_counts[1] > 1 {
            settings.push((R::VectorBWindowStride, v.b_window_stride as i64));
        }
    }
    if rule.b.is_some() && (rule.shape != VectorShape::Window || rule.b_moves) {
        strides(&v.counts, [R::VectorBStride1, R::VectorBStride2], &v.b_strides, &mut settings);
    }
    let read = rule.constants.iter().filter(|&&register| !rule.float || is_read(v, &rule, register));
    settings.extend(read.map(|&register| (register, constant(v, register))));
    settings
}

/// Whether a float instruction reads a register: it depends on the types of its operands.
fn is_read(v: &Vector, rule: &VectorRule, register: ConfigRegister) -> bool {
    use ConfigRegister as R;
    let OperandTypes { a, b, d } = v.float.types;
    let is_integer = |element| element == ElementType::I8;
    match register {
        R::VectorAType => rule.a.is_some(),
        R::VectorAZero => rule.a == Some(Memory::Nram) && is_integer(a),
        R::VectorAScale => match rule.a {
            Some(Memory::Aram) => !v.float.records,
            Some(_) => is_integer(a),
            None => false,
        },
        R::VectorBType => rule.b.is_some(),
        R::VectorBZero | R::VectorBScale => rule.b.is_some() && is_integer(b),
        R::VectorConstant => v.float.constant.is_some() || v.op == VectorOperation::FloatFill,
        R::VectorDInverseScale | R::VectorDZero | R::VectorLow | R::VectorHigh => is_integer(d),
        _ => true,
    }
}

/// The value of a constant that an operation reads.
fn constant(v: &Vector, register: ConfigRegister) -> i64 {
    use ConfigRegister as R;
    match register {
        R::VectorAZero => v.zeros[0].into(),
        R::VectorBZero => v.zeros[1].into(),
        R::VectorDZero => v.zeros[2].into(),
        R::VectorLow => v.low.into(),
        R::VectorHigh => v.high.into(),
        R::VectorAMultiplier => v.multipliers[0].into(),
        R::VectorBMultiplier => v.multipliers[1].into(),
        R::VectorShift => v.shift.into(),
        R::VectorAType => element_code(v.float.types.a),
        R::VectorBType => element_code(v.float.types.b),
        R::VectorDType => element_code(v.float.types.d),
        R::VectorAScale => v.float.scales[0].to_bits().into(),
        R::VectorBScale => v.float.scales[1].to_bits().into(),
        R::VectorDInverseScale => v.float.inverse_scale.to_bits().into(),
        R::VectorConstant => v.float.constant.unwrap_or_default().to_bits().into(),
        // Strides and windows are no constants, and other engines' registers are not read.
        other => other.reset(),
    }
}

/// The code of a type in `vector.a_type` and its like.
fn element_code(element: ElementType) -> i64 {
    ElementType::OPERANDS.iter().position(|&known| known == element).unwrap_or_default() as i64
}

fn vector_operation(v: &Vector) -> Result<(Settings, Operation), Problem> {
    let operands = VectorOperands {
        d: Address::new(v.d),
        a: Address::new(v.a),
        b: Address::new(v.b),
        p: Address::new(v.p),
        length: narrow("vector length", v.length, 24)?,
        count_1: narrow("vector count_1", v.counts[0], 16)?,
        count_2: narrow("vector count_2", v.counts[1], 16)?,
        ..v.flags()
    };
    Ok((vector_settings(v), v.op.with(&operands)))
}
