//! What operands each instruction of the vector engine has, as the tables of docs/isa.md say.
//!
//! It is written from that page alone, as `access.rs` is.

use ediacara_isa::{Address, ConfigRegister as C, Memory, Operation, VectorOperation};

use crate::place::{Place, TableUse};
use crate::walk::State;

/// The operands of an instruction of the vector engine, before registers are known.
pub(crate) struct Rows {
    pub(crate) d: Option<Address>,
    pub(crate) a: Option<(Place, Address)>,
    pub(crate) b: Option<Address>,
    pub(crate) p: Option<Address>,
    /// Elements of a row.
    pub(crate) length: u64,
    pub(crate) counts: [u64; 2],
    /// Units of its memory that an element of a, b, d takes.
    pub(crate) elements: [u64; 3],
    pub(crate) window: bool,
    pub(crate) transposes: bool,
    /// One element of d a row.
    pub(crate) reduces: bool,
    pub(crate) b_is_scalar: bool,
    pub(crate) b_moves: bool,
    pub(crate) reads_d: bool,
    pub(crate) clamps: bool,
    pub(crate) may_be_in_place: bool,
    pub(crate) table: Option<TableUse>,
    /// Whether it is a float instruction.
    pub(crate) float: bool,
    /// What it may not ask for.
    pub(crate) wrong: Option<&'static str>,
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
        elements: [1; 3],
        window: false,
        transposes: false,
        reduces: false,
        b_is_scalar: false,
        b_moves: false,
        reads_d: false,
        clamps: false,
        may_be_in_place: false,
        table: None,
        float: false,
        wrong: None,
    };

    /// Two operands, element by element.
    fn of_two(rows: Rows, a: Address, b: Address) -> Rows {
        Rows { a: Some((Place::Nram, a)), b: Some(b), may_be_in_place: true, ..rows }
    }

    /// The row of docs/isa.md's table; nothing for another engine's instruction.
    pub(crate) fn of(operation: &Operation, state: &State) -> Option<Rows> {
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
                let elements = [o.element.bytes(); 3];
                Rows { a: Some((Nram, o.a)), elements, transposes: true, clamps: false, ..rows!(o) }
            }
            Operation::LoadTable(o) => {
                Rows { a: Some((Nram, o.a)), length: 256, table: Some(TableUse::Fill), ..Rows::NONE }
            }
            other => return Rows::of_float(other, state),
        })
    }

    /// The row of a float instruction.
    fn of_float(operation: &Operation, state: &State) -> Option<Rows> {
        let (kind, o) = operation.vector()?;
        let [a_type, b_type, d_type] =
            [C::VectorAType, C::VectorBType, C::VectorDType].map(|register| state.config(register));
        let in_aram = o.memory == Memory::Aram;
        let has = sources(kind)?;
        let reads_b = has.b && !o.constant;
        let rows = Rows {
            d: Some(o.d),
            a: has.a.then_some((if in_aram { Place::Aram } else { Place::Nram }, o.a)),
            b: reads_b.then_some(o.b),
            p: (o.records || kind == VectorOperation::FloatScale).then_some(o.p),
            length: o.length.into(),
            counts: [o.count_1.into(), o.count_2.into()],
            elements: [if in_aram { 1 } else { bytes(a_type) }, bytes(b_type), bytes(d_type)],
            window: has.window,
            reduces: has.reduces,
            b_is_scalar: o.scalar,
            b_moves: o.moves,
            reads_d: o.accumulate || kind == VectorOperation::FloatSelect,
            clamps: d_type == I8,
            may_be_in_place: !has.window && !has.reduces && kind != VectorOperation::FloatSelect,
            float: true,
            ..Rows::NONE
        };
        let wrong = match (has.a, in_aram, a_type) {
            (true, true, I32 | F32) | (true, false, I8 | F16 | BF16 | F32) | (false, ..) => None,
            _ => Some("vector.a_type: is no type of a's memory"),
        };
        let wrong = wrong
            .or((reads_b && b_type == I32).then_some("vector.b_type: is i32"))
            .or((d_type == I32).then_some("vector.d_type: is i32"))
            .or((o.accumulate && d_type == I8).then_some("vector.d_type: is i8, which cannot accumulate"))
            .or((o.records && !in_aram).then_some("records: a is not in ARAM"))
            .or((o.scalar && o.constant).then_some("b: is scalar and constant"));
        Some(Rows { wrong, ..rows })
    }
}

// The types, by their codes.
const I8: i64 = 0;
const I32: i64 = 1;
const F16: i64 = 2;
const BF16: i64 = 3;
const F32: i64 = 4;

/// Bytes of an element in NRAM.
fn bytes(code: i64) -> u64 {
    match code {
        I8 => 1,
        F16 | BF16 => 2,
        _ => 4,
    }
}

/// What a float instruction reads, beside flags.
struct Sources {
    a: bool,
    b: bool,
    window: bool,
    reduces: bool,
}

/// Nothing for an instruction that is no float instruction.
fn sources(kind: VectorOperation) -> Option<Sources> {
    use VectorOperation as V;
    let (a, b) = match kind {
        V::FloatFill => (false, false),
        V::FloatCopy
        | V::FloatScale
        | V::FloatLog2
        | V::FloatReciprocal
        | V::FloatReciprocalRoot
        | V::FloatRoot
        | V::FloatRowSum
        | V::FloatRowMaximum
        | V::FloatWindowSum
        | V::FloatWindowMaximum => (true, false),
        V::FloatAdd
        | V::FloatSubtract
        | V::FloatMultiply
        | V::FloatMaximum
        | V::FloatMinimum
        | V::FloatCompare
        | V::FloatSelect
        | V::FloatExp2
        | V::FloatRowDot
        | V::FloatWindowDot => (true, true),
        _ => return None,
    };
    let window = matches!(kind, V::FloatWindowSum | V::FloatWindowDot | V::FloatWindowMaximum);
    let reduces = matches!(kind, V::FloatRowSum | V::FloatRowDot | V::FloatRowMaximum);
    Some(Sources { a, b, window, reduces })
}
