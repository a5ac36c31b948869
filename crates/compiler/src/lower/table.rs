//! Elementwise functions by the vector unit's table, in place in NRAM.

use crate::CompileError;
use crate::layer::Table;
use crate::lower::boxes::{JointBox, JointSide, boxes, joint};
use crate::lower::{Context, Lowering};
use crate::memory::{Claim, Pool};
use crate::region::Space;
use crate::step::{Vector, VectorOp};

/// Bytes of a tile where memory is plenty.
const TILE_BYTES: u64 = 8192;
/// Bytes of the table.
const TABLE_BYTES: u64 = 256;

struct State<'a> {
    layer: &'a Table,
    sides: Vec<JointSide<2>>,
    tiles: Pool,
}

/// Appends the steps of an elementwise function.
pub(crate) fn lower(lowering: &mut Lowering, layer: &Table, context: Context) -> Result<(), CompileError> {
    let sides = joint([&layer.a, &layer.d]);
    let room = lowering.rates.nram.saturating_sub(TABLE_BYTES);
    let boxes = boxes(&sides, (room / 3).clamp(1, TILE_BYTES), sides.len());
    let largest = boxes.iter().map(JointBox::len).max().unwrap_or(1);
    let count = (boxes.len() as u64).min(3);
    let claims = [Claim::new(TABLE_BYTES, 1, 1), Claim::new(largest, count, 1)];
    let mut pools = lowering.claim(Space::Nram, &claims, context)?;
    let (tiles, mut table) = (pools.pop().unwrap_or_default(), pools.pop().unwrap_or_default());
    let address = lowering.dram.place(layer.table.clone(), &format!("table of layer `{}`", context.name))?;
    let place = table.next();
    lowering.load_run(Space::Nram, address, place, TABLE_BYTES);
    lowering.vector(Vector { a: place, ..Vector::new(VectorOp::LoadTable, 0, TABLE_BYTES) });
    let mut state = State { layer, sides, tiles };
    lowering.pipeline(&mut state, &boxes, count > 1, prepare, compute);
    Ok(())
}

fn prepare(lowering: &mut Lowering, state: &mut State, part: &JointBox<2>) -> u64 {
    let tile = state.tiles.next();
    lowering.load(Space::Nram, &part.copy(&state.sides, 0, state.layer.a.base, tile));
    tile
}

fn compute(lowering: &mut Lowering, state: &mut State, part: &JointBox<2>, tile: u64) {
    lowering.vector(Vector { a: tile, ..Vector::new(VectorOp::Table, tile, part.len()) });
    lowering.store(&part.copy(&state.sides, 1, state.layer.d.base, tile));
}
