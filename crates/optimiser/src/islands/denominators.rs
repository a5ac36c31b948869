//! A softmax before a product is not normalised: the product multiplies powers, and its rows are divided by their sums.
//!
//! A power of the largest of a row is one, so that all of 8 bits are used in every row, however many shares it is divided
//! into. The sum is that of the powers as they are stored.

use ediacara_graph::ops::{FRow, QMatMul, QMatMulReal, Reading, Reshape, Writing};
use ediacara_graph::{Graph, NodeId, ValueId};
use ediacara_kernels::ordered::RowOperation as R;

use super::changes::{Changes, readers};
use super::real_products::factors;
use crate::Result;

/// Powers from 0 to 1 in 8 bits.
const POWERS: Reading = Reading { scale: 1.0 / 255.0, zero: -128 };

/// A softmax whose int8 result products alone multiply by.
struct Softmax {
    /// The powers.
    powers: NodeId,
    /// Their sum in each row, and its reciprocal.
    sum: NodeId,
    share: NodeId,
    /// The product of both, stored in int8 of such steps.
    shares: NodeId,
    scale: f32,
    /// The products of matrices that read it, each with what it reads.
    products: Vec<(NodeId, ValueId)>,
}

/// Moves the division of softmax behind the products that follow it.
///
/// # Errors
/// The graph refuses a node, which is a fault of this pass.
pub(super) fn move_denominators(graph: &mut Graph, changes: &mut Changes) -> Result<()> {
    for id in graph.order() {
        if let Some(softmax) = find(graph, id) {
            rewrite(graph, changes, &softmax)?;
        }
    }
    graph.unlink_dead();
    Ok(())
}

fn find(graph: &Graph, shares: NodeId) -> Option<Softmax> {
    let node = graph.node(shares);
    let row = |id: NodeId, operation: R| {
        let op = graph.node(id).op_as::<FRow>()?;
        (op.operation == operation && op.result == Writing::default()).then_some(id)
    };
    let op = node.op_as::<FRow>().filter(|op| op.operation == R::Multiply)?;
    let [powers, share] = node.inputs[..] else { return None };
    let (powers, share) =
        (row(graph.producer(powers)?, R::Exp2)?, row(graph.producer(share)?, R::Reciprocal)?);
    let sum = row(graph.producer(graph.node(share).inputs[0])?, R::RowSum)?;
    let reads_powers = graph.node(sum).inputs[..] == [graph.output_of(powers)];
    let alone = |id: NodeId, readers: usize| {
        let value = graph.output_of(id);
        !graph.is_output(value) && graph.consumers(value).len() == readers
    };
    if !reads_powers || !alone(powers, 2) || !alone(sum, 1) || !alone(share, 1) {
        return None;
    }
    let Writing { inverse_scale, zero, .. } = op.result;
    let products = readers(graph, node.outputs[0]).filter(|products| !products.is_empty())?;
    let fits = |&(product, read): &(NodeId, ValueId)| {
        let node = graph.node(product);
        let zero_of_x = match (node.op_as::<QMatMul>(), node.op_as::<QMatMulReal>()) {
            (Some(op), _) => op.x_zero,
            (_, Some(op)) => op.x_zero,
            (None, None) => return false,
        };
        let no_bias = graph.constant(node.inputs[2]).and_then(|bias| bias.to_vec::<i32>().ok());
        let once = node.inputs.iter().filter(|&&input| input == read).count() == 1;
        node.inputs[0] == read
            && once
            && zero_of_x == zero
            && no_bias.is_some_and(|bias| bias.iter().all(|&bias| bias == 0))
    };
    let is_int8 = op.result.dtype == ediacara_graph::DType::I8;
    (is_int8 && products.iter().all(fits)).then_some(Softmax {
        powers,
        sum,
        share,
        shares,
        scale: 1.0 / inverse_scale,
        products,
    })
}

fn rewrite(graph: &mut Graph, changes: &mut Changes, softmax: &Softmax) -> Result<()> {
    let row = |graph: &Graph, id: NodeId| graph.node(id).op_as::<FRow>().copied();
    let (Some(powers), Some(sum), Some(share)) =
        (row(graph, softmax.powers), row(graph, softmax.sum), row(graph, softmax.share))
    else {
        return Ok(());
    };
    let inputs = graph.node(softmax.powers).inputs.clone();
    let stored = Writing::quantised(POWERS.scale, POWERS.zero);
    let stored_powers = changes.add(graph, softmax.powers, FRow { result: stored, ..powers }, &inputs)?;
    let sum = changes.add(graph, softmax.sum, FRow { a: POWERS, ..sum }, &[stored_powers])?;
    let share = changes.add(graph, softmax.share, share, &[sum])?;
    for &(product, read) in &softmax.products {
        let shape = graph.ty(read).shape.clone();
        let [x, share] = [(stored_powers, shape[1]), (share, 1)].map(|(value, columns)| {
            let shape = vec![shape[0], columns];
            if graph.ty(value).shape == shape {
                return Ok(value);
            }
            let name = format!("{}.shaped", graph.value(value).name);
            graph.add(name, Reshape { shape }, &[value])
        });
        let (x, share) = (x?, share?);
        let node = graph.node(product).clone();
        let step = f64::from(POWERS.scale) / f64::from(softmax.scale);
        // Steps of the result, of which the int8 result is the nearest.
        let (w_zero, writing, factors) = match (node.op_as::<QMatMul>(), node.op_as::<QMatMulReal>()) {
            (Some(op), _) => {
                let writing = Writing { low: op.low, high: op.high, ..Writing::quantised(1.0, op.y_zero) };
                (op.w_zero, writing, factors(graph, [node.inputs[3], node.inputs[4]], step)?)
            }
            (None, Some(op)) => {
                let scale = graph.constant(node.inputs[3]).map(|scale| scale.to_vec::<f32>()).transpose()?;
                let scaled = |scale: Vec<f32>| scale.into_iter().map(|scale| scale * step as f32).collect();
                let tensor = |numbers: Vec<f32>| ediacara_graph::Tensor::from_vec(&[numbers.len()], numbers);
                (op.w_zero, Writing::default(), scale.map(scaled).map(tensor).transpose()?)
            }
            (None, None) => continue,
        };
        let Some(factors) = factors else { continue };
        let factors = graph.add_constant(format!("{}.scale", node.name), factors);
        let real = QMatMulReal { x_zero: POWERS.zero, w_zero };
        let real = changes.add(graph, product, real, &[x, node.inputs[1], node.inputs[2], factors])?;
        let op = FRow { result: writing, ..FRow::new(R::Multiply) };
        let divided = changes.add(graph, softmax.shares, op, &[real, share])?;
        graph.replace_uses(node.outputs[0], divided)?;
    }
    Ok(())
}
