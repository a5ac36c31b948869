//! Elementwise operations with two operands, in place in NRAM where the first is loaded.

use ediacara_isa::{Memory, VectorOperation};

use crate::CompileError;
use crate::lower::lowering::{Context, Lowering};
use crate::lower::slots::Pool;
use crate::program::boxes::{JointBox, JointSide, Place, boxes, joint};
use crate::program::layer::{Binary, BinaryOp};
use crate::program::vector::Vector;
use crate::program::view::View;
use crate::tile::claim::Claim;

/// Bytes of an operand's tile where memory is plenty: long enough to hide an instruction's cost, short
/// enough to start early.
const TILE_BYTES: u64 = 8192;

struct State<'a> {
    layer: &'a Binary,
    sides: Vec<JointSide<3>>,
    /// Slots of what is loaded, none for what is kept.
    a: Pool,
    b: Pool,
    /// Slots of what is stored and cannot be computed in place, as the first operand is kept.
    d: Pool,
}

/// Appends the steps of an elementwise operation.
pub(crate) fn lower(lowering: &mut Lowering, layer: &Binary, context: Context) -> Result<(), CompileError> {
    let sides = joint([&layer.a, &layer.b, &layer.d]);
    let repeated = sides.iter().position(|side| side.strides[1] == 0);
    let budget = (lowering.rates.nram / 6).clamp(1, TILE_BYTES);
    let boxes = boxes(&sides, budget, repeated.map_or(sides.len(), |index| index + 1));
    let largest = boxes.iter().map(JointBox::len).max().unwrap_or(1);
    let count = (boxes.len() as u64).min(3);
    let [a, b, d] = [&layer.a, &layer.b, &layer.d].map(View::is_kept);
    let claim = |there: bool| Claim::new(largest, if there { count } else { 0 }, 1);
    let claims = [claim(!a), claim(!b), claim(a && !d)];
    let [a, b, d] = lowering.claim(Memory::Nram, claims, context)?;
    let mut state = State { layer, sides, a, b, d };
    lowering.pipeline(&mut state, &boxes, count > 1, prepare, compute);
    Ok(())
}

fn prepare(lowering: &mut Lowering, state: &mut State, part: &JointBox<3>) -> [Place; 2] {
    let layer = state.layer;
    let mut operand = |pool: &mut Pool, k: usize, view: &View| {
        if view.is_kept() {
            return Place::Kept(view.base);
        }
        let slot = pool.next();
        lowering.load(Memory::Nram, &part.copy(&state.sides, k, view.base, slot));
        Place::Slot(slot)
    };
    [operand(&mut state.a, 0, &layer.a), operand(&mut state.b, 1, &layer.b)]
}

fn compute(lowering: &mut Lowering, state: &mut State, part: &JointBox<3>, [a, b]: [Place; 2]) {
    let layer = state.layer;
    let constants = &layer.constants;
    let op = match layer.op {
        BinaryOp::Add => VectorOperation::Add,
        BinaryOp::Multiply => VectorOperation::Multiply,
        BinaryOp::Maximum => VectorOperation::Maximum,
    };
    let d = match a {
        _ if layer.d.is_kept() => Place::Kept(layer.d.base),
        Place::Slot(slot) => Place::Slot(slot),
        Place::Kept(_) => Place::Slot(state.d.next()),
    };
    for sweep in part.sweeps(&state.sides, [a, b, d]) {
        lowering.vector(Vector {
            a: sweep.addresses[0],
            b: sweep.addresses[1],
            counts: sweep.counts,
            a_strides: sweep.strides[0],
            b_strides: sweep.strides[1],
            d_strides: sweep.strides[2],
            zeros: [constants.zeros[0], constants.zeros[1], constants.output.zero],
            low: constants.output.low,
            high: constants.output.high,
            multipliers: constants.multipliers,
            shift: constants.shift,
            ..Vector::new(op, sweep.addresses[2], sweep.length)
        });
    }
    if let Place::Slot(slot) = d {
        lowering.store(&part.copy(&state.sides, 2, layer.d.base, slot));
    }
}
