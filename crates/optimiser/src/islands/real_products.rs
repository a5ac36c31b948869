//! Products of int8 whose results real nodes alone read give real numbers: an int8 between would round what is not stored.

use std::collections::HashSet;

use ediacara_graph::ops::{DequantizeLinear, FRow, FScale, QMatMul, QMatMulReal, Reading, Reshape};
use ediacara_graph::{Graph, NodeId, Tensor, ValueId};

use super::changes::{Changes, readers};
use crate::Result;

/// Replaces products whose int8 results only real nodes and the network's outputs read, but for those of `bounded`.
///
/// # Errors
/// The graph refuses a node, which is a fault of this pass.
pub(super) fn real_products(
    graph: &mut Graph,
    changes: &mut Changes,
    bounded: &HashSet<NodeId>,
) -> Result<()> {
    for id in graph.order().into_iter().filter(|id| !bounded.contains(id)) {
        let Some(op) = graph.node(id).op_as::<QMatMul>().copied() else { continue };
        let value = graph.output_of(id);
        let Some(readers) = readers(graph, value).filter(|readers| !readers.is_empty()) else { continue };
        // Only the ends of the range may be cut off.
        let is_whole = (op.low, op.high) == (i8::MIN, i8::MAX);
        let Some(scale) =
            common_scale(graph, &readers).filter(|reading| is_whole && reading.zero == op.y_zero)
        else {
            continue;
        };
        let inputs = graph.node(id).inputs.clone();
        let Some(factors) = factors(graph, [inputs[3], inputs[4]], f64::from(scale.scale))? else { continue };
        let factors = graph.add_constant(format!("{}.scale", graph.node(id).name), factors);
        let real = QMatMulReal { x_zero: op.x_zero, w_zero: op.w_zero };
        let real = changes.add(graph, id, real, &[inputs[0], inputs[1], inputs[2], factors])?;
        for (reader, read) in readers {
            read_real(graph, changes, (reader, read), real)?;
        }
    }
    graph.unlink_dead();
    Ok(())
}

/// What the sums of each output are multiplied by, where they were multiplied by a multiplier and shifted to steps of `step`.
///
/// # Errors
/// The constants are of other types, which the operator refuses.
pub(super) fn factors(graph: &Graph, [multiplier, shift]: [ValueId; 2], step: f64) -> Result<Option<Tensor>> {
    let (Some(multiplier), Some(shift)) = (graph.constant(multiplier), graph.constant(shift)) else {
        return Ok(None);
    };
    let factor =
        |(multiplier, shift): (i32, u8)| (f64::from(multiplier) * (-f64::from(shift)).exp2() * step) as f32;
    let numbers: Vec<f32> =
        multiplier.to_vec::<i32>()?.into_iter().zip(shift.to_vec::<u8>()?).map(factor).collect();
    Ok(Some(Tensor::from_vec(&[numbers.len()], numbers)?))
}

/// What all readers take the int8 for; nothing if they differ, or one is no real node.
fn common_scale(graph: &Graph, readers: &[(NodeId, ValueId)]) -> Option<Reading> {
    let mut common: Option<Reading> = None;
    for &(reader, value) in readers {
        let node = graph.node(reader);
        let mut found = Vec::new();
        if let Some(op) = node.op_as::<FRow>() {
            let operands = node.inputs.iter().zip([op.a, op.b]);
            found.extend(operands.filter(|(input, _)| **input == value).map(|(_, reading)| reading));
        } else if let Some(op) = node.op_as::<FScale>() {
            found.push(op.a);
        } else if node.op_as::<DequantizeLinear>().is_some() && graph.is_output(node.outputs[0]) {
            let scale = graph.constant(node.inputs[1])?.to_vec::<f32>().ok()?;
            let zero = graph.constant(*node.inputs.get(2)?)?.to_vec::<i8>().ok()?;
            let ([scale], [zero]) = (&scale[..], &zero[..]) else { return None };
            found.push(Reading { scale: *scale, zero: *zero });
        } else {
            return None;
        }
        for reading in found {
            if common.is_some_and(|common| common != reading) {
                return None;
            }
            common = Some(reading);
        }
    }
    common
}

/// Lets a node read real numbers in the place of an int8 value.
fn read_real(
    graph: &mut Graph,
    changes: &mut Changes,
    (reader, read): (NodeId, ValueId),
    real: ValueId,
) -> Result<()> {
    let node = graph.node(reader).clone();
    let mut real = real;
    if graph.ty(read).shape != graph.ty(real).shape {
        let shape = graph.ty(read).shape.clone();
        real = graph.add(format!("{}.shaped", node.name), Reshape { shape }, &[real])?;
    }
    let inputs: Vec<ValueId> =
        node.inputs.iter().map(|&input| if input == read { real } else { input }).collect();
    let new = if let Some(op) = node.op_as::<FRow>() {
        let of = |index: usize, reading: Reading| {
            if node.inputs.get(index) == Some(&read) { Reading::default() } else { reading }
        };
        changes.add(graph, reader, FRow { a: of(0, op.a), b: of(1, op.b), ..*op }, &inputs)?
    } else if let Some(op) = node.op_as::<FScale>() {
        changes.add(graph, reader, FScale { a: Reading::default(), ..*op }, &inputs)?
    } else {
        real
    };
    graph.replace_uses(node.outputs[0], new)?;
    Ok(())
}
