//! Graphs that are quantised already: quantize_linear and dequantize_linear nodes (QDQ) around real
//! operators.

use std::collections::{HashMap, HashSet};

use ediacara_graph::{DType, Graph, Node, NodeId, ValueId};

use crate::quantise::{Quantised, quantise_marked, to_signed};
use crate::{Calibration, Encoding, OptimiserError, Result};

/// Whether a graph is quantised already: it quantises a value that is not constant.
pub fn is_qdq(graph: &Graph) -> bool {
    graph.nodes().any(|id| graph.node(id).op.name() == "quantize_linear")
}

/// Brings a QDQ graph to the int8 dialect, with the scales and zero points that its marks prescribe.
///
/// A quantize_linear says how its operand is stored; between marks the operators compute in int8 by
/// docs/numerics.md. Unsigned values and zero points are shifted by 128 (N-STORE). Weights keep their
/// integers and their zero point; biases are given in f32 or as i32. Optimising the graph first lets more of
/// it be int8: it folds what stands between a product and its mark.
///
/// A product, or an operand of one, that has no mark takes its scale from `calibration`; without one it stays
/// real.
///
/// # Errors
/// The graph has no quantize_linear.
pub fn import_qdq(graph: &Graph, calibration: Option<&Calibration>) -> Result<Quantised> {
    import_beside(graph, calibration, None)
}

/// The same, where the nodes of `floats` are the DLP's if they stay real.
pub(crate) fn import_beside(
    graph: &Graph,
    calibration: Option<&Calibration>,
    floats: Option<HashSet<NodeId>>,
) -> Result<Quantised> {
    if !is_qdq(graph) {
        return Err(OptimiserError::NotQuantised { graph: graph.name.clone() });
    }
    quantise_marked(graph, marks(graph), calibration, floats)
}

/// The encoding of every value that has a mark.
fn marks(graph: &Graph) -> HashMap<ValueId, Encoding> {
    let mut marks = HashMap::new();
    for id in graph.order() {
        let node = graph.node(id);
        let stored = match node.op.name() {
            "quantize_linear" => node.outputs[0],
            "dequantize_linear" => node.inputs[0],
            _ => continue,
        };
        let Some(encoding) = encoding(graph, node, graph.ty(stored).dtype) else { continue };
        // The real side of a quantize_linear may have several, with different scales. The first decides how
        // the value is stored; the others become tables. The result has its own encoding.
        marks.entry(node.inputs[0]).or_insert(encoding);
        marks.insert(node.outputs[0], encoding);
    }
    spread_back(graph, &mut marks);
    marks
}

/// Marks what is only moved or joined into a value that has a mark: it may as well be stored like that.
fn spread_back(graph: &Graph, marks: &mut HashMap<ValueId, Encoding>) {
    for id in graph.order().into_iter().rev() {
        let node = graph.node(id);
        let moves = matches!(node.op.name(), "reshape" | "transpose" | "concat");
        let Some(&encoding) = node.outputs.first().and_then(|output| marks.get(output)).filter(|_| moves)
        else {
            continue;
        };
        for &input in &node.inputs {
            if graph.only_consumer(input) == Some(id) && graph.ty(input).dtype == DType::F32 {
                marks.entry(input).or_insert(encoding);
            }
        }
    }
}

/// The encoding that a mark prescribes; nothing if it is not one constant scale of 8 bits.
fn encoding(graph: &Graph, node: &Node, stored: DType) -> Option<Encoding> {
    let scale = graph.constant(node.inputs[1])?.to_vec::<f32>().ok()?;
    let &[scale] = scale.as_slice() else { return None };
    let zero = match node.inputs.get(2) {
        Some(&zero) => to_signed(graph.constant(zero)?)?,
        None if stored == DType::U8 => vec![i8::MIN],
        None if stored == DType::I8 => vec![0],
        None => return None,
    };
    let &[zero] = zero.as_slice() else { return None };
    (scale.is_finite() && scale > 0.0).then_some(Encoding { scale, zero })
}
