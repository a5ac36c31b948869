//! Elementwise operations with two operands, in place in NRAM.

use crate::CompileError;
use crate::layer::{Binary, BinaryOp};
use crate::lower::boxes::{JointBox, JointSide, boxes, joint};
use crate::lower::{Context, Lowering};
use crate::memory::{Claim, Pool};
use crate::region::Space;
use crate::step::{Vector, VectorOp};

/// Bytes of an operand's tile where memory is plenty: long enough to hide an instruction's cost, short
/// enough to start early.
const TILE_BYTES: u64 = 8192;

struct State<'a> {
    layer: &'a Binary,
    sides: Vec<JointSide<3>>,
    /// The side along which the second operand does not move.
    repeated: Option<usize>,
    a: Pool,
    b: Pool,
}

/// Appends the steps of an elementwise operation.
pub(crate) fn lower(lowering: &mut Lowering, layer: &Binary, context: Context) -> Result<(), CompileError> {
    let sides = joint([&layer.a, &layer.b, &layer.d]);
    let repeated = sides.iter().position(|side| side.strides[1] == 0);
    let budget = (lowering.rates.nram / 6).clamp(1, TILE_BYTES);
    let boxes = boxes(&sides, budget, repeated.map_or(sides.len(), |index| index + 1));
    let largest = boxes.iter().map(JointBox::len).max().unwrap_or(1);
    let count = (boxes.len() as u64).min(3);
    let claim = Claim::new(largest, count, 1);
    let mut pools = lowering.claim(Space::Nram, &[claim, claim], context)?;
    let (b, a) = (pools.pop().unwrap_or_default(), pools.pop().unwrap_or_default());
    let mut state = State { layer, sides, repeated, a, b };
    lowering.pipeline(&mut state, &boxes, count > 1, prepare, compute);
    Ok(())
}

fn prepare(lowering: &mut Lowering, state: &mut State, part: &JointBox<3>) -> [u64; 2] {
    let (a, b) = (state.a.next(), state.b.next());
    lowering.load(Space::Nram, &part.copy(&state.sides, 0, state.layer.a.base, a));
    lowering.load(Space::Nram, &part.copy(&state.sides, 1, state.layer.b.base, b));
    [a, b]
}

fn compute(lowering: &mut Lowering, state: &mut State, part: &JointBox<3>, [a, b]: [u64; 2]) {
    let constants = &state.layer.constants;
    let op = match state.layer.op {
        BinaryOp::Add => VectorOp::Add,
        BinaryOp::Multiply => VectorOp::Multiply,
    };
    // Where the second operand is repeated, each repetition is a row.
    let (length, rows) = match state.repeated {
        Some(index) => (part.counts[..index].iter().product(), part.counts[index]),
        None => (part.len(), 1),
    };
    lowering.vector(Vector {
        a,
        b,
        counts: [rows, 1],
        a_strides: [length, 0],
        b_strides: [0, 0],
        d_strides: [length, 0],
        zeros: [constants.zeros[0], constants.zeros[1], constants.output.zero],
        low: constants.output.low,
        high: constants.output.high,
        multipliers: constants.multipliers,
        shift: constants.shift,
        ..Vector::new(op, a, length)
    });
    lowering.store(&part.copy(&state.sides, 2, state.layer.d.base, a));
}
