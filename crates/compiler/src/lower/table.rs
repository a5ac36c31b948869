//! Elementwise functions by the vector unit's table, in place in NRAM: of whole tensors, and of what a product is about to
//! store.

use ediacara_isa::{Memory, VectorOperation};

use crate::CompileError;
use crate::lower::lowering::{Context, Lowering};
use crate::lower::pixels::{Part, Pixels, joined_rows};
use crate::lower::slots::Pool;
use crate::program::boxes::{JointBox, JointSide, Place, boxes, joint};
use crate::program::layer::{Lookup, Table};
use crate::program::vector::Vector;
use crate::tile::claim::{Claim, TABLE_BYTES};

/// Bytes of a tile where memory is plenty.
const TILE_BYTES: u64 = 8192;

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
    let [table, tiles] = lowering.claim(Memory::Nram, claims, context)?;
    lowering.load_table(&layer.lookup, table, context)?;
    let mut state = State { layer, sides, tiles };
    lowering.pipeline(&mut state, &boxes, count > 1, prepare, compute);
    Ok(())
}

impl Lowering {
    /// Brings a table through `place` to the vector unit, where it stays for the layer.
    pub(crate) fn load_table(
        &mut self,
        lookup: &Lookup,
        mut place: Pool,
        context: Context,
    ) -> Result<(), CompileError> {
        let address = self.table_address(lookup, context)?;
        let place = place.next();
        self.load_run(Memory::Nram, address, place, TABLE_BYTES);
        self.vector(Vector { a: place, ..Vector::new(VectorOperation::LoadTable, 0, TABLE_BYTES) });
        Ok(())
    }

    /// Where a table lies in DRAM: with the first layer that looks it up.
    fn table_address(&mut self, lookup: &Lookup, context: Context) -> Result<u64, CompileError> {
        let placed = lookup.shared.and_then(|shared| self.tables.get(&shared).copied());
        if let Some(address) = placed {
            self.reused.push((self.layer(), address));
            return Ok(address);
        }
        let address = self.dram.place(lookup.bytes.clone(), &format!("table of layer `{}`", context.name))?;
        if let Some(shared) = lookup.shared {
            self.tables.insert(shared, address);
        }
        Ok(address)
    }

    /// Looks up a rectangle of pixels, in place.
    pub(crate) fn look_up(&mut self, y: &Pixels, part: &Part) {
        let (length, counts, [strides]) = joined_rows(part, [y]);
        self.vector(Vector {
            a: y.address,
            counts,
            a_strides: strides,
            d_strides: strides,
            ..Vector::new(VectorOperation::Table, y.address, length)
        });
    }
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
