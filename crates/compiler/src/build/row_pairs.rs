//! Two steps of a chain as one instruction that rounds as they do: a product and its sum along a row, and a factor and an
//! addend for each element of a row.

use std::collections::HashMap;

use ediacara_isa::{ElementType, VectorOperation};

use crate::program::rows::{RowOperand, RowStep, Rows};

/// Joins pairs of steps. `vectors` has what constants of a row's length hold, and `records` is how many records PRAM holds.
pub(super) fn join_pairs(rows: &mut Rows, vectors: &HashMap<usize, Vec<f32>>, records: u64) {
    let taken = |rows: &Rows| rows.steps.iter().filter(|step| step.records.is_some()).count() as u64;
    let mut index = 0;
    while index < rows.steps.len() {
        let has_room = (taken(rows) + 1) * rows.length <= records;
        match joined(rows, index, vectors, has_room) {
            Some((earlier, step)) => {
                rows.steps[index] = step;
                rows.steps.remove(earlier);
            }
            None => index += 1,
        }
    }
    for number in 0..rows.values.len() {
        if !rows.values[number].written && !rows.steps.iter().any(|step| reads(step, number)) {
            rows.values[number].tensor = None;
        }
    }
}

/// The step of a multiplication that a step alone goes on with, and what both are together.
fn joined(
    rows: &Rows,
    index: usize,
    vectors: &HashMap<usize, Vec<f32>>,
    has_room: bool,
) -> Option<(usize, RowStep)> {
    let step = &rows.steps[index];
    let earlier = rows.steps[..index].iter().position(|earlier| earlier.d == step.a)?;
    let (product, between) = (&rows.steps[earlier], step.a);
    let alone = rows.steps.iter().filter(|step| reads(step, between)).count() == 1
        && step.b != RowOperand::Value(between)
        && rows.values[between].tensor.is_none();
    let reads_sums = rows.reads_sums(product);
    let is_whole = rows.length > 1 && rows.values[product.a].length == rows.length;
    let is_real = rows.values[between].element == ElementType::F32;
    if product.operation != VectorOperation::FloatMultiply || !alone || !is_whole || !is_real {
        return None;
    }
    let step = match step.operation {
        VectorOperation::FloatRowSum => {
            let operation = VectorOperation::FloatRowDot;
            RowStep { operation, d: step.d, writing: step.writing, ..product.clone() }
        }
        VectorOperation::FloatAdd if has_room && !reads_sums => {
            let (RowOperand::Value(scale), RowOperand::Value(bias)) = (product.b, step.b) else {
                return None;
            };
            let (scale, bias) = (vectors.get(&scale)?, vectors.get(&bias)?);
            let records = bias.iter().zip(scale).map(|(&bias, &scale)| [bias, scale]).collect();
            RowStep {
                operation: VectorOperation::FloatScale,
                b: RowOperand::None,
                d: step.d,
                writing: step.writing,
                records: Some(records),
                ..product.clone()
            }
        }
        _ => return None,
    };
    Some((earlier, step))
}

fn reads(step: &RowStep, value: usize) -> bool {
    step.a == value || step.b == RowOperand::Value(value)
}
