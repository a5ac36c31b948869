//! Layers to steps. One file an operator; what they share is in [`lowering`].
//!
//! A lowering cuts its layer into items, claims slots on chip, and writes the steps of one item after the
//! other as if nothing ran in parallel. It only keeps to one habit: what fills slots for the next item is
//! written before what computes the present one ([`lowering::Lowering::pipeline`]), so that engines, which take steps
//! in program order, need not wait for one another.

mod binary;
mod block;
mod conv;
mod copy;
mod depthwise;
mod float_window;
pub(crate) mod lowering;
mod mean;
mod picks;
mod pixels;
mod pool;
mod products;
mod rows;
pub(crate) mod slots;
mod staging;
mod table;
mod weights;

use crate::CompileError;
use crate::keep::residence::Room;
use crate::lower::lowering::{Context, Lowering};
use crate::program::layer::{Kind, Layer};
use crate::program::step::Work;

/// Appends the steps of a layer in the NRAM that is left to it.
///
/// # Errors
/// Its smallest tile does not fit, or DRAM is full.
pub(crate) fn lower(
    lowering: &mut Lowering,
    index: u32,
    layer: &Layer,
    room: &Room,
) -> Result<(), CompileError> {
    lowering.begin(index, room);
    let context = Context { name: &layer.info.name, op: layer.kind.name() };
    match &layer.kind {
        Kind::Conv(conv) => conv::lower(lowering, conv, context),
        Kind::Depthwise(conv) => depthwise::lower(lowering, conv, context),
        Kind::Block(block) => block::lower(lowering, block, context),
        Kind::Pool(pool) => pool::lower(lowering, pool, context),
        Kind::FloatWindow(window) => float_window::lower(lowering, window, context),
        Kind::Binary(binary) => binary::lower(lowering, binary, context),
        Kind::Table(table) => table::lower(lowering, table, context),
        Kind::Rows(rows) => rows::lower(lowering, rows, context),
        Kind::Copy(copy) => {
            let first = lowering.steps.len();
            copy::lower(lowering, copy, context)?;
            for step in &mut lowering.steps[first..] {
                if let Work::Store(transfer) = &mut step.work {
                    transfer.moved = copy.moved;
                }
            }
            Ok(())
        }
    }
}
