//! Graphs to ONNX files, of operator set [`OPSET`].
//!
//! `nodes.rs` is the table from core ops to nodes. A user's own operator becomes a function, its composition
//! (`function.rs`). If neither holds a node, an error lists all such nodes.

mod function;
mod nodes;

use std::io::Write as _;
use std::path::Path;

use ediacara_graph::rewrite::unroll;
use ediacara_graph::{Graph, TensorType};
use ediacara_tensor::{DType, Tensor, TensorError, write_atomically};
use prost::Message as _;

use crate::proto::tensor_proto::DataType;
use crate::proto::tensor_shape_proto::{Dimension, dimension};
use crate::proto::{
    GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, type_proto,
};
use function::Functions;
use nodes::Writer;

/// The operator set of the files that are written: the first with a dilated `AveragePool`.
const OPSET: i64 = 19;
/// The file format that came with [`OPSET`].
const IR_VERSION: i64 = 9;

/// Why a graph was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Nodes without a counterpart in ONNX, each as `name (op)`.
    #[error(
        "graph '{graph}' cannot be exported to ONNX: it has no counterpart for {}; gradients, optimiser steps and int8 \
         operators have none: export the network before they are added, and give an operator of your own a composition",
        nodes.join(", ")
    )]
    Unsupported {
        /// The graph.
        graph: String,
        /// The nodes.
        nodes: Vec<String>,
    },
    /// Some parameters are inputs: a reader would have to feed the weights.
    #[error(
        "graph '{graph}' cannot be exported: its parameters {} are inputs; make them constants with `freeze` first",
        variables.join(", ")
    )]
    Variables {
        /// The graph.
        graph: String,
        /// The parameters.
        variables: Vec<String>,
    },
    /// An operator's composition fails, or does not fit the operator.
    #[error("node `{node}`: the composition of {op} {problem}")]
    Composition {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// What is wrong.
        problem: String,
    },
    /// The steps of a recurrence do not fit each other, which is a bug.
    #[error("a recurrence cannot be unrolled: {0}")]
    Unroll(String),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] TensorError),
}

/// How to export.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// The name of the first dimension of inputs and outputs, so that the file takes any batch; none to keep
    /// its size.
    pub batch: Option<String>,
    /// What the file says about itself beside the graph, as keys with values: its `metadata_props`.
    pub metadata: Vec<(String, String)>,
}

/// Writes `graph` as an ONNX file; an existing file is replaced only when the new one is whole.
///
/// # Errors
/// As [`to_model`]; the file cannot be written.
pub fn export(graph: &Graph, path: impl AsRef<Path>, options: &ExportOptions) -> Result<(), ExportError> {
    let bytes = to_model(graph, options)?;
    Ok(write_atomically(path.as_ref(), |file| Ok(file.write_all(&bytes)?))?)
}

/// The bytes of `graph` as an ONNX model.
///
/// # Errors
/// A parameter is an input. A node has no counterpart in ONNX, or one for its own batch only, and its
/// operator has no composition. A composition does not fit its operator.
pub fn to_model(graph: &Graph, options: &ExportOptions) -> Result<Vec<u8>, ExportError> {
    let unrolled = unroll(graph).map_err(|error| ExportError::Unroll(error.to_string()))?;
    let graph = unrolled.as_ref().map_or(graph, |unrolled| &unrolled.graph);
    let variables = graph.inputs().iter().filter(|&&input| graph.is_variable(input));
    let variables: Vec<String> = variables.map(|&input| format!("`{}`", graph.value(input).name)).collect();
    if !variables.is_empty() {
        return Err(ExportError::Variables { graph: graph.name.clone(), variables });
    }
    let first = graph.inputs().first().and_then(|&input| graph.ty(input).shape.first().copied());
    let batch = options.batch.as_deref().zip(first);
    let mut writer = Writer::new(graph, batch.map(|(_, size)| size), Functions::default());
    let mut unsupported = Vec::new();
    for id in graph.order() {
        if writer.write(id)?.is_none() {
            let node = graph.node(id);
            unsupported.push(format!("{} ({})", node.name, node.op.name()));
        }
    }
    if !unsupported.is_empty() {
        return Err(ExportError::Unsupported { graph: graph.name.clone(), nodes: unsupported });
    }
    let outputs = writer.outputs();
    let (nodes, mut initializer, functions) = writer.finish();
    let (functions, own_set) = functions.finish();
    for id in graph.values() {
        if let Some(tensor) = graph.constant(id) {
            initializer.push(stored(&graph.value(id).name, tensor));
        }
    }
    let proto = GraphProto {
        name: Some(graph.name.clone()),
        node: nodes,
        initializer,
        input: graph
            .inputs()
            .iter()
            .map(|&id| described(&graph.value(id).name, graph.ty(id), batch))
            .collect(),
        output: graph
            .outputs()
            .iter()
            .zip(&outputs)
            .map(|(&id, name)| described(name, graph.ty(id), batch))
            .collect(),
        ..GraphProto::default()
    };
    let default_set = OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) };
    let entry = |(key, value): &(String, String)| StringStringEntryProto {
        key: Some(key.clone()),
        value: Some(value.clone()),
    };
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        opset_import: std::iter::once(default_set).chain(own_set).collect(),
        functions,
        metadata_props: options.metadata.iter().map(entry).collect(),
        producer_name: Some("ediacara".to_owned()),
        graph: Some(proto),
        ..ModelProto::default()
    };
    Ok(model.encode_to_vec())
}

fn number(dtype: DType) -> i32 {
    let number = match dtype {
        DType::F32 => DataType::Float,
        DType::F16 => DataType::Float16,
        DType::BF16 => DataType::Bfloat16,
        DType::F64 => DataType::Double,
        DType::I8 => DataType::Int8,
        DType::U8 => DataType::Uint8,
        DType::I32 => DataType::Int32,
        DType::I64 => DataType::Int64,
        DType::Bool => DataType::Bool,
    };
    number as i32
}

fn stored(name: &str, tensor: &Tensor) -> TensorProto {
    let tensor = tensor.to_contiguous();
    TensorProto {
        name: Some(name.to_owned()),
        dims: tensor.shape().iter().map(|&dim| dim as i64).collect(),
        data_type: Some(number(tensor.dtype())),
        raw_data: Some(tensor.as_bytes().unwrap_or_default().to_vec().into()),
        ..TensorProto::default()
    }
}

/// The entry of an input or output.
///
/// The first dimension has the batch's name if it has its size.
fn described(name: &str, ty: &TensorType, batch: Option<(&str, usize)>) -> ValueInfoProto {
    let dim = ty.shape.iter().enumerate().map(|(axis, &size)| Dimension {
        value: Some(match batch {
            Some((name, batch)) if axis == 0 && size == batch => dimension::Value::DimParam(name.to_owned()),
            _ => dimension::Value::DimValue(size as i64),
        }),
        ..Dimension::default()
    });
    let tensor = type_proto::Tensor {
        elem_type: Some(number(ty.dtype)),
        shape: Some(TensorShapeProto { dim: dim.collect() }),
    };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}
