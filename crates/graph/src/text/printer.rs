//! From a graph to text.

use std::fmt::{self, Write};

use ediacara_tensor::{DType, Tensor, with_element};

use crate::attribute::{write_float, write_quoted};
use crate::{Graph, NodeId, ValueId};

/// Constants of up to this many elements stand inline.
pub const INLINE_ELEMENTS: usize = 16;

/// Whether a value's name needs no quotes.
fn is_bare(name: &str) -> bool {
    !name.is_empty() && name.chars().all(super::lexer::is_name_character)
}

/// A 64-bit checksum of a tensor's elements in little-endian order (FNV-1a over bytes).
pub fn checksum(tensor: &Tensor) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let dense = tensor.to_contiguous();
    let bytes = dense.as_bytes().unwrap_or_default();
    bytes.iter().fold(BASIS, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

pub(super) fn print(graph: &Graph) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = print_to(graph, &mut text);
    text
}

fn print_to(graph: &Graph, text: &mut String) -> fmt::Result {
    text.write_str("graph ")?;
    write_quoted(text, &graph.name)?;
    text.write_str(" {\n")?;
    for &id in graph.inputs() {
        text.write_str(if graph.is_variable(id) { "  variable " } else { "  input " })?;
        print_typed(graph, text, id)?;
        text.write_char('\n')?;
    }
    for id in graph.values() {
        let read = !graph.uses_of(id).is_empty() || graph.is_output(id);
        if let (Some(tensor), true) = (graph.constant(id), read) {
            print_constant(graph, text, id, tensor)?;
        }
    }
    for id in graph.order() {
        print_node(graph, text, id)?;
    }
    for &id in graph.outputs() {
        text.write_str("  output ")?;
        print_name(text, &graph.value(id).name)?;
        text.write_char('\n')?;
    }
    text.write_str("}\n")
}

fn print_name(text: &mut String, name: &str) -> fmt::Result {
    text.write_char('%')?;
    if is_bare(name) { text.write_str(name) } else { write_quoted(text, name) }
}

fn print_typed(graph: &Graph, text: &mut String, id: ValueId) -> fmt::Result {
    let value = graph.value(id);
    print_name(text, &value.name)?;
    write!(text, ": {}", value.ty)
}

fn print_constant(graph: &Graph, text: &mut String, id: ValueId, tensor: &Tensor) -> fmt::Result {
    text.write_str("  constant ")?;
    print_typed(graph, text, id)?;
    text.write_str(" = ")?;
    if tensor.len() <= INLINE_ELEMENTS {
        print_elements(text, tensor)?;
    } else {
        text.write_char('@')?;
        let name = &graph.value(id).name;
        if is_bare(name) {
            text.write_str(name)?;
        } else {
            write_quoted(text, name)?;
        }
        write!(text, " checksum {:#018x}", checksum(tensor))?;
    }
    text.write_char('\n')
}

fn print_elements(text: &mut String, tensor: &Tensor) -> fmt::Result {
    text.write_char('[')?;
    for position in 0..tensor.len() {
        if position > 0 {
            text.write_str(", ")?;
        }
        print_element(text, tensor, position)?;
    }
    text.write_char(']')
}

/// Prints one element so that it reads back to the same value in the tensor's type.
fn print_element(text: &mut String, tensor: &Tensor, position: usize) -> fmt::Result {
    match tensor.dtype() {
        DType::F64 => write_float(text, element::<f64>(tensor, position)),
        DType::F32 => print_f32(text, element::<f32>(tensor, position)),
        // Every f16 and bf16 is an f32, whose digits are shorter.
        DType::F16 => print_f32(text, element::<ediacara_tensor::f16>(tensor, position).to_f32()),
        DType::BF16 => print_f32(text, element::<ediacara_tensor::bf16>(tensor, position).to_f32()),
        dtype => with_element!(dtype, T => write!(text, "{:?}", element::<T>(tensor, position))),
    }
}

fn print_f32(text: &mut String, value: f32) -> fmt::Result {
    if value.is_finite() { write!(text, "{value:?}") } else { write_float(text, f64::from(value)) }
}

fn element<T: ediacara_tensor::Element>(tensor: &Tensor, position: usize) -> T {
    tensor.to_vec::<T>().ok().and_then(|values| values.get(position).copied()).unwrap_or_default()
}

fn print_node(graph: &Graph, text: &mut String, id: NodeId) -> fmt::Result {
    let node = graph.node(id);
    text.write_str("  ")?;
    for (index, &output) in node.outputs.iter().enumerate() {
        if index > 0 {
            text.write_str(", ")?;
        }
        print_typed(graph, text, output)?;
    }
    write!(text, " = {}(", node.op.name())?;
    for (index, &input) in node.inputs.iter().enumerate() {
        if index > 0 {
            text.write_str(", ")?;
        }
        print_name(text, &graph.value(input).name)?;
    }
    text.write_char(')')?;
    let attributes = node.op.attributes();
    if !attributes.is_empty() {
        text.write_str(" {")?;
        for (index, (name, value)) in attributes.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(text, "{separator}{name} = {value}")?;
        }
        text.write_char('}')?;
    }
    if node.outputs.first().is_none_or(|&output| graph.value(output).name != node.name) {
        text.write_str(" as ")?;
        write_quoted(text, &node.name)?;
    }
    text.write_char('\n')
}
