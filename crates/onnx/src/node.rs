//! One node of the file as a handler sees it.
//!
//! Operands and attributes are checked when they are asked for.

use std::collections::HashMap;
use std::rc::Rc;

use ediacara_graph::{DType, ValueId};

use crate::error::{NodeError, NodeResult};
use crate::external::External;
use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use crate::tensor;

/// The largest tensor that counts as the numbers of an attribute.
const MAX_ATTRIBUTE_BYTES: usize = 1 << 20;

/// Attributes by name.
pub(crate) type Attributes<'a> = HashMap<&'a str, &'a AttributeProto>;

/// A node with its operands looked up.
pub struct Node<'a> {
    pub(crate) proto: &'a NodeProto,
    /// Its own name, or that of its first output.
    pub(crate) name: String,
    /// The operands; none for an optional one that is left out.
    pub(crate) inputs: Vec<Option<ValueId>>,
    /// The attributes with which the enclosing function is called; the node's own may refer to them.
    pub(crate) arguments: Option<Rc<Attributes<'a>>>,
}

impl<'a> Node<'a> {
    /// Its own name, or that of its first output.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many operands the node names; some may be left out.
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// The same node with other operands, for [`Context::standard`](crate::Context::standard).
    #[must_use]
    pub fn with_inputs(&self, inputs: Vec<Option<ValueId>>) -> Node<'a> {
        Node { proto: self.proto, name: self.name.clone(), inputs, arguments: self.arguments.clone() }
    }

    /// How many outputs the node names, without the trailing unnamed ones.
    pub fn output_count(&self) -> usize {
        self.proto.output.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1)
    }

    /// Whether output `index` has a name, so that something may read it.
    pub(crate) fn has_output(&self, index: usize) -> bool {
        self.proto.output.get(index).is_some_and(|name| !name.is_empty())
    }

    /// Operand `index`, which has to be there.
    ///
    /// # Errors
    /// It is left out.
    pub fn input(&self, index: usize) -> Result<ValueId, NodeError> {
        self.optional(index).ok_or_else(|| {
            NodeError::new(format!(
                "needs an operand {index}, but the node has only {}; the file is damaged",
                self.inputs.iter().flatten().count()
            ))
        })
    }

    /// Operand `index`, if it is there.
    pub fn optional(&self, index: usize) -> Option<ValueId> {
        self.inputs.get(index).copied().flatten()
    }

    /// All operands of a variadic operator; at least one.
    pub(crate) fn all_inputs(&self) -> NodeResult<Vec<ValueId>> {
        self.input(0)?;
        (0..self.inputs.len()).map(|index| self.input(index)).collect()
    }

    /// The name of operand `index` in the file.
    pub(crate) fn input_name(&self, index: usize) -> &str {
        self.proto.input.get(index).map_or("", String::as_str)
    }

    /// An attribute of the node, or the function's attribute that it refers to; nothing if the call leaves
    /// that out.
    fn resolved(&self, own: &'a AttributeProto) -> NodeResult<Option<&'a AttributeProto>> {
        match (own.ref_attr_name.as_deref(), &self.arguments) {
            (None | Some(""), _) => Ok(Some(own)),
            (Some(name), Some(arguments)) => Ok(arguments.get(name).copied()),
            (Some(name), None) => {
                Err(NodeError::new(format!("refers to a function's attribute '{name}', outside of one")))
            }
        }
    }

    /// All attributes, by the node's own names for them.
    pub(crate) fn attributes(&self) -> NodeResult<Attributes<'a>> {
        let mut attributes = Attributes::new();
        for own in &self.proto.attribute {
            if let Some(attribute) = self.resolved(own)? {
                attributes.insert(own.name.as_deref().unwrap_or(""), attribute);
            }
        }
        Ok(attributes)
    }

    /// The attribute, if it is there and has the type (or, as in old files, no type).
    fn typed(&self, name: &str, expected: AttributeType) -> NodeResult<Option<&'a AttributeProto>> {
        let own = self.proto.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name));
        let Some(attribute) = own.map(|own| self.resolved(own)).transpose()?.flatten() else {
            return Ok(None);
        };
        let found = attribute.r#type();
        if found != expected && found != AttributeType::Undefined {
            return Err(NodeError::new(format!(
                "attribute '{name}' has the type {}, it has to be {}",
                found.as_str_name(),
                expected.as_str_name()
            )));
        }
        Ok(Some(attribute))
    }

    /// The numbers of an attribute, however they are written: an integer, a float, a list of either, or a tensor.
    ///
    /// It is nothing if the attribute is not there.
    ///
    /// # Errors
    /// The attribute holds something else, or a tensor that cannot be read.
    pub fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>, NodeError> {
        let own = self.proto.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name));
        let Some(attribute) = own.map(|own| self.resolved(own)).transpose()?.flatten() else {
            return Ok(None);
        };
        let numbers = match attribute.r#type() {
            AttributeType::Int => vec![attribute.i.unwrap_or(0) as f64],
            AttributeType::Float => vec![f64::from(attribute.f.unwrap_or(0.0))],
            AttributeType::Ints => attribute.ints.iter().map(|&number| number as f64).collect(),
            AttributeType::Floats => attribute.floats.iter().map(|&number| f64::from(number)).collect(),
            AttributeType::Tensor => {
                let stored = attribute.t.as_ref();
                let stored =
                    stored.ok_or_else(|| NodeError::new(format!("attribute '{name}' holds no tensor")))?;
                let decoded = tensor::decode(stored, &External::none(), MAX_ATTRIBUTE_BYTES);
                let failed = |found| NodeError::new(format!("attribute '{name}': {found}"));
                decoded.map_err(failed)?.cast(DType::F64).to_vec::<f64>().unwrap_or_default()
            }
            found => {
                return Err(NodeError::new(format!(
                    "attribute '{name}' has the type {}, it has to be a number or several",
                    found.as_str_name()
                )));
            }
        };
        Ok(Some(numbers))
    }

    /// The only number of an attribute, however it is written; nothing if the attribute is not there.
    ///
    /// # Errors
    /// As of [`Node::numbers`]; there are none or several.
    pub fn number(&self, name: &str) -> Result<Option<f64>, NodeError> {
        match self.numbers(name)?.as_deref() {
            None => Ok(None),
            Some(&[one]) => Ok(Some(one)),
            Some(several) => {
                Err(NodeError::new(format!("attribute '{name}' holds {} numbers, not one", several.len())))
            }
        }
    }

    pub(crate) fn int(&self, name: &str) -> NodeResult<Option<i64>> {
        Ok(self.typed(name, AttributeType::Int)?.map(|attribute| attribute.i.unwrap_or(0)))
    }

    pub(crate) fn int_or(&self, name: &str, default: i64) -> NodeResult<i64> {
        Ok(self.int(name)?.unwrap_or(default))
    }

    /// An attribute that is 0 or 1.
    pub(crate) fn flag(&self, name: &str, default: bool) -> NodeResult<bool> {
        Ok(self.int_or(name, i64::from(default))? != 0)
    }

    pub(crate) fn float(&self, name: &str) -> NodeResult<Option<f32>> {
        Ok(self.typed(name, AttributeType::Float)?.map(|attribute| attribute.f.unwrap_or(0.0)))
    }

    pub(crate) fn float_or(&self, name: &str, default: f32) -> NodeResult<f32> {
        Ok(self.float(name)?.unwrap_or(default))
    }

    pub(crate) fn ints(&self, name: &str) -> NodeResult<Option<&'a [i64]>> {
        Ok(self.typed(name, AttributeType::Ints)?.map(|attribute| attribute.ints.as_slice()))
    }

    pub(crate) fn floats(&self, name: &str) -> NodeResult<Option<&'a [f32]>> {
        Ok(self.typed(name, AttributeType::Floats)?.map(|attribute| attribute.floats.as_slice()))
    }

    pub(crate) fn strings(&self, name: &str) -> NodeResult<Option<Vec<String>>> {
        let Some(attribute) = self.typed(name, AttributeType::Strings)? else { return Ok(None) };
        let texts: Result<Vec<String>, _> =
            attribute.strings.iter().cloned().map(String::from_utf8).collect();
        texts.map(Some).map_err(|_| NodeError::new(format!("attribute '{name}' is not UTF-8 text")))
    }

    pub(crate) fn tensor(&self, name: &str) -> NodeResult<Option<&'a TensorProto>> {
        match self.typed(name, AttributeType::Tensor)? {
            None => Ok(None),
            Some(AttributeProto { t: Some(tensor), .. }) => Ok(Some(tensor)),
            Some(_) => {
                Err(NodeError::new(format!("attribute '{name}' holds no tensor; the file is damaged")))
            }
        }
    }

    /// An attribute that is a graph.
    pub(crate) fn graph(&self, name: &str) -> NodeResult<&'a GraphProto> {
        let attribute = self.typed(name, AttributeType::Graph)?;
        attribute
            .and_then(|attribute| attribute.g.as_ref())
            .ok_or_else(|| NodeError::new(format!("has no graph '{name}'; the file is damaged")))
    }

    /// An attribute that is a text, or what stands for it if it is not there.
    ///
    /// # Errors
    /// The attribute holds something else, or no UTF-8.
    pub fn string_or(&self, name: &str, default: &'static str) -> Result<&'a str, NodeError> {
        let Some(attribute) = self.typed(name, AttributeType::String)? else { return Ok(default) };
        let bytes = attribute.s.as_deref().unwrap_or(&[]);
        std::str::from_utf8(bytes)
            .map_err(|_| NodeError::new(format!("attribute '{name}' is not UTF-8 text")))
    }
}

/// An axis of ONNX (negative counts from the end) as an index below `rank`.
pub(crate) fn axis(axis: i64, rank: usize) -> NodeResult<usize> {
    let signed = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    match signed.and_then(|axis| usize::try_from(axis).ok()) {
        Some(index) if index < rank => Ok(index),
        _ => Err(NodeError::new(format!("axis {axis} is outside of the {rank} axes of its operand"))),
    }
}

/// Several axes, each at most once.
pub(crate) fn axes(axes: &[i64], rank: usize) -> NodeResult<Vec<usize>> {
    let mut result = Vec::new();
    for &one in axes {
        let index = axis(one, rank)?;
        if result.contains(&index) {
            return Err(NodeError::new(format!("axis {one} is given twice in {axes:?}")));
        }
        result.push(index);
    }
    Ok(result)
}

/// The largest size that an attribute may give: products of two stay far from overflow.
const MAX_SIZE: usize = 1 << 31;

/// Numbers of ONNX that have to be sizes, such as a kernel's; `what` is for the message.
pub(crate) fn sizes(values: &[i64], what: &str) -> NodeResult<Vec<usize>> {
    values
        .iter()
        .map(|&value| {
            usize::try_from(value).ok().filter(|&size| size <= MAX_SIZE).ok_or_else(|| {
                NodeError::new(format!("{what} is {values:?}; each has to be between 0 and 2^31"))
            })
        })
        .collect()
}
