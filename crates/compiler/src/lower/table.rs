//! Elementwise functions by the vector unit's table, in place in NRAM.

use ediacara_isa::{Memory, VectorOperation};

use crate::CompileError;
use crate::lower::lowering::{Context, Lowering};
use crate::lower::slots::Pool;
use crate::program::boxes::{JointBox, JointSide, Place, boxes, joint};
use crate::program::layer::Table;
use crate::program::step::Vector;
use crate::tile::claim::Claim;

/// Bytes of a tile where memory is plenty.
const TILE_BYTES: u64 = 8192;
/// Bytes of the table.
const TABLE_BYTES: u64 = ediacara_isa::TABLE_BYTES as u64;

struct State<'a> {
    layer: &'a Table,
    sides: Vec<JointSide<2>>,
    /// Slots, unless both operand and result are kept.
    tiles: Pool,
}

/// Appends the steps of an elementwise function.
pub(crate) fn lower(lowering: &mut Lowering, layer: &Table, context: Context) -> Result<(), CompileError> {
    let sides = joint([&layer.a, &layer.d]);
    let room = lowering.rates.nram.saturating_sub(TABLE_BYTES);
    let boxes = boxes(&sides, (room / 3).clamp(1, TILE_BYTES), sides.len());
    let largest = boxes.iter().map(JointBox::len).max().unwrap_or(1);
    let count = (boxes.len() as u64).min(3);
    let slots = if layer.a.is_kept() && layer.d.is_kept() { 0 } else { count };
    let claims = [Claim::new(TABLE_BYTES, 1, 1), Claim::new(largest, slots, 1)];
    let [mut table, tiles] = lowering.claim(Memory::Nram, claims, context)?;
    let address = address(lowering, layer, context)?;
    let place = table.next();
    lowering.load_run(Memory::Nram, address, place, TABLE_BYTES);
    lowering.vector(Vector { a: place, ..Vector::new(VectorOperation::LoadTable, 0, TABLE_BYTES) });
    let mut state = State { layer, sides, tiles };
    lowering.pipeline(&mut state, &boxes, count > 1, prepare, compute);
    Ok(())
}

/// Where the table lies in DRAM: with the first layer that looks it up.
fn address(lowering: &mut Lowering, layer: &Table, context: Context) -> Result<u64, CompileError> {
    let placed = layer.shared.and_then(|shared| lowering.tables.get(&shared).copied());
    if let Some(address) = placed {
        lowering.reused.push((lowering.layer(), address));
        return Ok(address);
    }
    let address = lowering.dram.place(layer.table.clone(), &format!("table of layer `{}`", context.name))?;
    if let Some(shared) = layer.shared {
        lowering.tables.insert(shared, address);
    }
    Ok(address)
}

fn prepare(lowering: &mut Lowering, state: &mut State, part: &JointBox<2>) -> Place {
    let a = &state.layer.a;
    if a.is_kept() {
        return Place::Kept(a.base);
    }
    let tile = state.tiles.next();
    lowering.load(Memory::Nram, &part.copy(&state.sides, 0, a.base, tile));
    Place::Slot(tile)
}

fn compute(lowering: &mut Lowering, state: &mut State, part: &JointBox<2>, a: Place) {
    let view = &state.layer.d;
    let d = match a {
        _ if view.is_kept() => Place::Kept(view.base),
        Place::Slot(tile) => Place::Slot(tile),
        Place::Kept(_) => Place::Slot(state.tiles.next()),
    };
    for sweep in part.sweeps(&state.sides, [a, d]) {
        lowering.vector(Vector {
            a: sweep.addresses[0],
            counts: sweep.counts,
            a_strides: sweep.strides[0],
            d_strides: sweep.strides[1],
            ..Vector::new(VectorOperation::Table, sweep.addresses[1], sweep.length)
        });
    }
    if let Place::Slot(tile) = d {
        lowering.store(&part.copy(&state.sides, 1, view.base, tile));
    }
}
