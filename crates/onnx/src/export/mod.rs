//! Graphs to ONNX files, of operator set [`OPSET`].
//!
//! `nodes.rs` is the table from core ops to nodes. What it does not hold is an error that lists all such nodes.

mod nodes;

use std::io::Write as _;
use std::path::Path;

use ediacara_graph::{Graph, TensorType};
use ediacara_tensor::{DType, Tensor, TensorError, write_atomically};
use prost::Message as _;

use crate::proto::tensor_proto::DataType;
use crate::proto::tensor_shape_proto::{Dimension, dimension};
use crate::proto::{
    GraphProto, ModelProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    type_proto,
};
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
         operators have none: export the network before they are added", nodes.join(", ")
    )]
    Unsupported {
        /// The graph.
        graph: String,
        /// The nodes.
        nodes: Vec<String>,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] TensorError),
}

/// How to export.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// What to call the first dimension of inputs and outputs, so that the file takes any batch; none to keep its size.
    pub batch: Option<String>,
}

/// Writes `graph` as an ONNX file; an existing file is replaced only when the new one is whole.
///
/// # Errors
/// A node has no counterpart in ONNX, or one for its own batch only; the file cannot be written.
pub fn export(graph: &Graph, path: impl AsRef<Path>, options: &ExportOptions) -> Result<(), ExportError> {
    let bytes = to_model(graph, options)?;
    Ok(write_atomically(path.as_ref(), |file| Ok(file.write_all(&bytes)?))?)
}

/// The bytes of `graph` as an ONNX model.
///
/// # Errors
/// A node has no counterpart in ONNX, or one for its own batch only.
pub fn to_model(graph: &Graph, options: &ExportOptions) -> Result<Vec<u8>, ExportError> {
    let first = graph.inputs().first().and_then(|&input| graph.ty(input).shape.first().copied());
    let batch = options.batch.as_deref().zip(first);
    let mut writer = Writer::new(graph, batch.map(|(_, size)| size));
    let mut unsupported = Vec::new();
    for id in graph.order() {
        if writer.write(id).is_none() {
            let node = graph.node(id);
            unsupported.push(format!("{} ({})", node.name, node.op.name()));
        }
    }
    if !unsupported.is_empty() {
        return Err(ExportError::Unsupported { graph: graph.name.clone(), nodes: unsupported });
    }
    let outputs = writer.outputs();
    let (nodes, mut initializer) = writer.finish();
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
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
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

/// What is said of an input or output. The first dimension has the batch's name if it has its size.
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
