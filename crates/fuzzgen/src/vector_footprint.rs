//! Footprints of the vector engine's instructions.
//!
//! What flags and types mean is written here again, from docs/isa.md; the table only says which operands
//! there are.

use ediacara_isa::{ConfigRegister as C, Memory, Operation, VectorOperands, VectorRule, VectorShape};

use crate::bits::Bits;
use crate::footprint::{Context, Footprint, Problem, add, rows};

/// Types of operands, as their registers hold them (docs/isa.md, "Configuration registers").
pub(crate) mod element {
    use ediacara_arch::{ElementType, Machine};

    pub(crate) const I8: i64 = 0;
    pub(crate) const I32: i64 = 1;
    pub(crate) const F16: i64 = 2;
    pub(crate) const BF16: i64 = 3;
    pub(crate) const F32: i64 = 4;

    /// Bytes of an element.
    pub(crate) fn bytes(code: i64) -> u64 {
        match code {
            I8 => 1,
            F16 | BF16 => 2,
            _ => 4,
        }
    }

    /// The types that `float_dot` of a machine takes.
    pub(crate) fn of_matrix(machine: &Machine) -> Vec<i64> {
        let types = machine.matrix.types.iter().filter_map(|ty| match ty {
            ElementType::Int8 => None,
            ElementType::F16 => Some(F16),
            ElementType::Bf16 => Some(BF16),
            ElementType::F32 => Some(F32),
        });
        types.collect()
    }
}

/// A source or the destination, its addresses in units of its memory: bytes of NRAM, accumulators of ARAM.
#[derive(Debug, Clone)]
struct Operand {
    memory: Memory,
    base: u64,
    /// Counts and strides of its rows, the inner dimension first.
    steps: [(u64, u64); 2],
    /// Counts and strides of the window's positions within a row.
    window: [(u64, u64); 2],
    /// Units of a row at one position of the window.
    row: u64,
    /// Units of an element.
    unit: u64,
    /// Whether one element stands for a row.
    is_scalar: bool,
}

impl Operand {
    /// Where every run of `row` units begins, in the order of the program's loops.
    fn runs(&self) -> Vec<u64> {
        let of = |base: u64, [inner, outer]: [(u64, u64); 2]| {
            rows(base, [inner.0, outer.0, 1], [inner.1, outer.1, 0])
        };
        let offsets = of(0, self.window);
        let starts = of(self.base, self.steps);
        starts.iter().flat_map(|start| offsets.iter().map(move |offset| start + offset)).collect()
    }

    /// Whether it has exactly the rows of the destination, element for element.
    ///
    /// A stride that is never taken does not matter.
    fn is_destination(&self, d: &Operand) -> bool {
        let strides = self.steps.iter().zip(&d.steps).all(|(own, other)| own.0 == 1 || own.1 == other.1);
        self.base == d.base && self.unit == d.unit && self.row == d.row && strides
    }
}

/// An instruction of the vector engine, its operands resolved.
struct Vector {
    rule: &'static VectorRule,
    d: Option<Operand>,
    a: Option<Operand>,
    b: Option<Operand>,
    /// First record.
    p: Option<u64>,
    length: u64,
    counts: [u64; 2],
    positions: u64,
    /// Whether what `d` held counts.
    reads_d: bool,
    /// Units of an element that is carried.
    element: u64,
}

/// No window: one position.
const ALONE: [(u64, u64); 2] = [(1, 0), (1, 0)];

/// The footprint of an instruction of the vector engine.
pub(crate) fn vector(context: &Context<'_>, operation: &Operation) -> Result<Footprint, Problem> {
    let v = resolve(context, operation)?;
    let mut footprint = Footprint {
        cycles: beats(context, &v) + 16,
        reads_table: matches!(operation, Operation::Table(_)),
        writes_table: matches!(operation, Operation::LoadTable(_)),
        ..Footprint::default()
    };
    // A refusal must come before the rows of something huge are counted.
    check(context, &v)?;
    if footprint.cycles > 1 << 16 {
        return Ok(footprint);
    }
    let mut d_overlaps = false;
    if let Some(d) = &v.d {
        d_overlaps = add(&mut footprint.writes[Memory::Nram as usize], &d.runs(), d.row);
        // Some rows would be read after others are written, or in an order that nobody knows.
        if d_overlaps && (v.reads_d || v.rule.shape == VectorShape::Transpose) {
            return Err(Problem::Hazard);
        }
    }
    if let Some(p) = v.p {
        footprint.reads[Memory::Pram as usize].add(p, p + v.length);
    }
    for source in [&v.a, &v.b].into_iter().flatten() {
        let mut reads = Bits::default();
        let runs = source.runs();
        add(&mut reads, &runs, source.row);
        let meets = source.memory == Memory::Nram && reads.meets(&footprint.writes[Memory::Nram as usize]);
        let in_place = v.rule.in_place && v.d.as_ref().is_some_and(|d| source.is_destination(d));
        if meets && (!in_place || d_overlaps) {
            return Err(Problem::Hazard);
        }
        add(&mut footprint.reads[source.memory as usize], &runs, source.row);
    }
    if let Some(d) = v.d.as_ref().filter(|_| v.reads_d) {
        add(&mut footprint.reads[Memory::Nram as usize], &d.runs(), d.row);
    }
    Ok(footprint)
}

/// The operands, or the fault for which there are none.
fn resolve(context: &Context<'_>, operation: &Operation) -> Result<Vector, Problem> {
    let Some((kind, operands)) = operation.vector() else { return Err(Problem::Fault) };
    let rule = kind.rule();
    let register = |register: C| context.config[register.index()];
    let is_i8 = rule.float && register(C::VectorDType) == element::I8;
    if (rule.clamps() || is_i8) && register(C::VectorLow) > register(C::VectorHigh) {
        return Err(Problem::Fault);
    }
    let carried = operands.element.bytes();
    let is_refused = match rule.float {
        true => refuses(context, rule, &operands, operation),
        false => carried > context.machine.vector.lanes.into(),
    };
    if is_refused {
        return Err(Problem::Fault);
    }
    let counts = [operands.count_1.into(), operands.count_2.into()];
    let windows = [context.c(C::VectorWindowCount1), context.c(C::VectorWindowCount2)];
    let is_windowed = rule.shape == VectorShape::Window;
    let unit = if rule.shape == VectorShape::Transpose { carried } else { 1 };
    let mut v = Vector {
        rule,
        d: None,
        a: None,
        b: None,
        p: None,
        length: operands.length.into(),
        counts,
        positions: if is_windowed { windows[0] * windows[1] } else { 1 },
        reads_d: operands.accumulate || matches!(operation, Operation::FloatSelect(_)),
        element: unit,
    };
    let reads_records = !rule.float || operands.records || matches!(operation, Operation::FloatScale(_));
    v.p = rule.p.filter(|_| reads_records).map(|_| context.at(operands.p));
    v.d = rule.d.map(|_| destination(context, &v, &operands));
    v.a = rule.a.map(|memory| first(context, &v, &operands, memory));
    v.b = rule.b.filter(|_| !operands.constant).map(|_| second(context, &v, &operands));
    Ok(v)
}

/// What a float instruction may not be: docs/isa.md, "Float instructions".
fn refuses(
    context: &Context<'_>,
    rule: &VectorRule,
    operands: &VectorOperands,
    operation: &Operation,
) -> bool {
    let [a, b, d] = [C::VectorAType, C::VectorBType, C::VectorDType].map(|r| context.config[r.index()]);
    let in_aram = operands.memory == Memory::Aram;
    let a_fits = if in_aram { [element::I32, element::F32].contains(&a) } else { a != element::I32 };
    let accumulates_i8 =
        matches!(operation, Operation::FloatWindowSum(o) if o.accumulate) && d == element::I8;
    context.machine.vector.float_lanes == 0
        || (rule.a.is_some() && !a_fits)
        || (rule.b.is_some() && !operands.constant && b == element::I32)
        || d == element::I32
        || (operands.records && !in_aram)
        || (operands.scalar && operands.constant)
        || accumulates_i8
}

/// Of an operand in NRAM: its strides in bytes, and the bytes of an element.
fn typed(context: &Context<'_>, v: &Vector, strides: [C; 2], kind: C) -> ([u64; 2], u64) {
    let unit = if v.rule.float { element::bytes(context.config[kind.index()]) } else { v.element };
    (strides.map(|stride| context.c(stride) * unit), unit)
}

fn destination(context: &Context<'_>, v: &Vector, operands: &VectorOperands) -> Operand {
    let (strides, unit) = typed(context, v, [C::VectorDStride1, C::VectorDStride2], C::VectorDType);
    let (rows, elements) = match v.rule.shape {
        VectorShape::Transpose => (v.length, v.counts[0]),
        VectorShape::RowReduction => (v.counts[0], 1),
        VectorShape::Rows | VectorShape::Window | VectorShape::Table => (v.counts[0], v.length),
    };
    Operand {
        memory: Memory::Nram,
        base: context.at(operands.d),
        steps: [(rows, strides[0]), (v.counts[1], strides[1])],
        window: ALONE,
        row: elements * unit,
        unit,
        is_scalar: false,
    }
}

fn first(context: &Context<'_>, v: &Vector, operands: &VectorOperands, memory: Memory) -> Operand {
    let memory = if v.rule.float { operands.memory } else { memory };
    let registers = [C::VectorAStride1, C::VectorAStride2];
    let (mut strides, mut unit) = typed(context, v, registers, C::VectorAType);
    if memory == Memory::Aram {
        (strides, unit) = (registers.map(|stride| context.c(stride)), 1);
    }
    let mut steps = [(v.counts[0], strides[0]), (v.counts[1], strides[1])];
    let mut window = ALONE;
    match v.rule.shape {
        VectorShape::Table => steps = ALONE,
        VectorShape::Window => {
            window = [
                (context.c(C::VectorWindowCount1), context.c(C::VectorWindowStride1) * unit),
                (context.c(C::VectorWindowCount2), context.c(C::VectorWindowStride2) * unit),
            ];
        }
        VectorShape::Rows | VectorShape::RowReduction | VectorShape::Transpose => {}
    }
    let base = context.at(operands.a);
    Operand { memory, base, steps, window, row: v.length * unit, unit, is_scalar: false }
}

fn second(context: &Context<'_>, v: &Vector, operands: &VectorOperands) -> Operand {
    let (strides, unit) = typed(context, v, [C::VectorBStride1, C::VectorBStride2], C::VectorBType);
    let mut steps = [(v.counts[0], strides[0]), (v.counts[1], strides[1])];
    let mut window = ALONE;
    if v.rule.shape == VectorShape::Window {
        window[0] = (v.positions, context.c(C::VectorBWindowStride) * unit);
        if !operands.moves {
            steps = ALONE;
        }
    }
    let elements = if operands.scalar { 1 } else { v.length };
    let (memory, base) = (Memory::Nram, context.at(operands.b));
    Operand { memory, base, steps, window, row: elements * unit, unit, is_scalar: operands.scalar }
}

/// Checks that everything lies inside its memory.
fn check(context: &Context<'_>, v: &Vector) -> Result<(), Problem> {
    for operand in [&v.d, &v.a, &v.b].into_iter().flatten() {
        let [[s1, s2], [w1, w2]] = [operand.steps, operand.window];
        context.inside(operand.memory, operand.base, &[s1, s2, w1, w2, (operand.row, 1)])?;
    }
    v.p.map_or(Ok(0), |p| context.inside(Memory::Pram, p, &[(v.length, 1)])).map(drop)
}

/// T-VECTOR
fn beats(context: &Context<'_>, v: &Vector) -> u64 {
    let lanes = u64::from(context.machine.vector.lanes);
    let [count_1, count_2] = v.counts;
    match v.rule.shape {
        VectorShape::Transpose => {
            let side = lanes / v.element;
            count_2 * count_1.div_ceil(side) * v.length.div_ceil(side) * 2 * side
        }
        VectorShape::Table => v.length.div_ceil(lanes),
        VectorShape::Rows | VectorShape::RowReduction | VectorShape::Window => {
            count_1 * count_2 * v.length.div_ceil(width(context, v)) * v.positions
        }
    }
}

/// Elements a beat: of a float instruction, T-VECTOR-WIDTH.
fn width(context: &Context<'_>, v: &Vector) -> u64 {
    let (lanes, float_lanes) =
        (context.machine.vector.lanes.into(), context.machine.vector.float_lanes.into());
    if !v.rule.float {
        return lanes;
    }
    let d = v.d.as_ref().filter(|_| v.rule.shape != VectorShape::RowReduction);
    let counting = [d, v.a.as_ref(), v.b.as_ref()].into_iter().flatten();
    let counting = counting.filter(|operand| operand.memory == Memory::Nram && !operand.is_scalar);
    counting.map(|operand| operand.unit).max().map_or(float_lanes, |bytes| float_lanes.min(lanes / bytes))
}
