//! The table from core ops to ONNX nodes.

use std::collections::HashSet;

use ediacara_graph::ops::{
    Activation, ArgMax, ArgMin, Broadcast, Cast, Clamp, Concat, Conv, ConvTranspose, CumulativeSum,
    DequantizeLinear, Gather, GatherElements, GatherNd, Gemm, LogSoftmax, Lrn, Modulo, Pad, Pool, PoolKind,
    QuantizeLinear, Reduce, ReduceKind, Reshape, Resize, Slice, Softmax, TopK, Transpose,
};
use ediacara_graph::{Graph, Node, NodeId, Op};
use ediacara_tensor::{DType, Tensor};

use super::function::Functions;
use super::{ExportError, number, stored};
use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, NodeProto, TensorProto};

/// Writes one node; none if ONNX cannot express what it computes.
type Rule = fn(&mut Writer<'_>, Site<'_>) -> Option<()>;

/// Ops without attributes whose ONNX operator computes the same from the same operands.
const DIRECT: &[(&str, &str)] = &[
    ("abs", "Abs"),
    ("add", "Add"),
    ("and", "And"),
    ("barrier", "Identity"),
    ("ceil", "Ceil"),
    ("cos", "Cos"),
    ("div", "Div"),
    ("equal", "Equal"),
    ("erf", "Erf"),
    ("exp", "Exp"),
    ("floor", "Floor"),
    ("greater", "Greater"),
    ("greater_equal", "GreaterOrEqual"),
    ("less", "Less"),
    ("less_equal", "LessOrEqual"),
    ("log", "Log"),
    ("matmul", "MatMul"),
    ("max", "Max"),
    ("min", "Min"),
    ("mul", "Mul"),
    ("neg", "Neg"),
    ("not", "Not"),
    ("or", "Or"),
    ("pow", "Pow"),
    ("reciprocal", "Reciprocal"),
    ("relu", "Relu"),
    ("round", "Round"),
    ("scatter_nd", "ScatterND"),
    ("select", "Where"),
    ("sigmoid", "Sigmoid"),
    ("sign", "Sign"),
    ("sin", "Sin"),
    ("softplus", "Softplus"),
    ("sqrt", "Sqrt"),
    ("stop_gradient", "Identity"),
    ("sub", "Sub"),
    ("tan", "Tan"),
    ("tanh", "Tanh"),
    ("xor", "Xor"),
];

/// Ops with attributes.
const RULES: &[(&str, Rule)] = &[
    ("arg_max", |writer, site| {
        let op = site.op::<ArgMax>()?;
        writer.push("ArgMax", site, position(op.axis, op.keep_dims, op.last))
    }),
    ("arg_min", |writer, site| {
        let op = site.op::<ArgMin>()?;
        writer.push("ArgMin", site, position(op.axis, op.keep_dims, op.last))
    }),
    ("broadcast", |writer, mut site| {
        let shape = site.op::<Broadcast>()?.shape.clone();
        writer.free_of_batch(&shape)?;
        writer.operand(&mut site, "shape", &integers(&shape)?);
        writer.push("Expand", site, vec![])
    }),
    ("cast", |writer, site| {
        let to = number(site.op::<Cast>()?.to);
        writer.push("Cast", site, vec![int("to", to.into())])
    }),
    ("clamp", |writer, site| {
        let op = site.op::<Clamp>()?;
        writer.clip(site, [op.low, op.high])
    }),
    ("concat", |writer, site| along(writer, "Concat", site, |op: &Concat| op.axis)),
    ("conv", |writer, site| {
        let op = site.op::<Conv>()?;
        let attributes = window(&op.stride, &op.padding, &op.dilation, op.groups);
        writer.activated("Conv", site, attributes, op.activation)
    }),
    ("conv_transpose", |writer, site| {
        let op = site.op::<ConvTranspose>()?;
        let mut attributes = window(&op.stride, &op.padding, &op.dilation, op.groups);
        attributes.push(ints("output_padding", &op.output_padding));
        writer.activated("ConvTranspose", site, attributes, op.activation)
    }),
    ("cumulative_sum", |writer, mut site| {
        let op = site.op::<CumulativeSum>()?;
        let (axis, flags) = (Tensor::scalar(op.axis as i64), [op.exclusive, op.reverse].map(i64::from));
        writer.operand(&mut site, "axis", &axis);
        writer.push("CumSum", site, vec![int("exclusive", flags[0]), int("reverse", flags[1])])
    }),
    ("dequantize_linear", |writer, site| {
        along(writer, "DequantizeLinear", site, |op: &DequantizeLinear| op.axis)
    }),
    ("gather", |writer, site| along(writer, "Gather", site, |op: &Gather| op.axis)),
    ("gather_elements", |writer, site| along(writer, "GatherElements", site, |op: &GatherElements| op.axis)),
    ("gather_nd", |writer, site| {
        let dims = site.op::<GatherNd>()?.batch_dims;
        writer.push("GatherND", site, vec![int("batch_dims", dims as i64)])
    }),
    ("gemm", |writer, site| {
        let activation = site.op::<Gemm>()?.activation;
        writer.activated("Gemm", site, vec![int("transB", 1)], activation)
    }),
    ("guard", |writer, mut site| {
        // In a file, shapes follow the data.
        site.inputs.truncate(1);
        writer.push("Identity", site, vec![])
    }),
    ("log_softmax", |writer, site| along(writer, "LogSoftmax", site, |op: &LogSoftmax| op.axis)),
    ("lrn", |writer, site| {
        let op = site.op::<Lrn>()?;
        let attributes = vec![
            int("size", op.size as i64),
            float("alpha", op.alpha),
            float("beta", op.beta),
            float("bias", op.bias),
        ];
        writer.push("LRN", site, attributes)
    }),
    ("modulo", |writer, site| {
        let truncated = site.op::<Modulo>()?.truncated;
        // ONNX has no remainder of floats with the divisor's sign.
        if !truncated && site.dtype.is_float() {
            return None;
        }
        writer.push("Mod", site, vec![int("fmod", truncated.into())])
    }),
    ("non_zero", |writer, site| writer.push("NonZero", site, vec![])),
    ("pad", |writer, mut site| {
        let op = site.op::<Pad>()?;
        let (pads, mode) = ([&op.before[..], &op.after].concat(), op.mode.to_string());
        let value = Tensor::scalar(op.value).cast(site.dtype);
        writer.operand(&mut site, "pads", &integers(&pads)?);
        writer.operand(&mut site, "value", &value);
        writer.push("Pad", site, vec![text("mode", &mode)])
    }),
    ("pool", |writer, site| {
        let (kind, attributes) = pool(site.op::<Pool>()?, &site.input_shape)?;
        writer.push(kind, site, attributes)
    }),
    ("quantize_linear", |writer, site| along(writer, "QuantizeLinear", site, |op: &QuantizeLinear| op.axis)),
    ("reduce", |writer, mut site| {
        let op = site.op::<Reduce>()?;
        let kind = match op.kind {
            ReduceKind::Sum => "ReduceSum",
            ReduceKind::Mean => "ReduceMean",
            ReduceKind::Max => "ReduceMax",
            ReduceKind::Min => "ReduceMin",
            ReduceKind::Product => "ReduceProd",
        };
        let (axes, keep) = (integers(&op.axes)?, op.keep_dims);
        writer.operand(&mut site, "axes", &axes);
        writer.push(kind, site, vec![int("keepdims", keep.into()), int("noop_with_empty_axes", 1)])
    }),
    ("reshape", |writer, mut site| {
        let mut shape = site.op::<Reshape>()?.shape.clone();
        let batch = writer.batch.filter(|_| shape.first() == site.input_shape.first());
        if batch.is_some_and(|batch| shape.first() == Some(&batch)) {
            // 0 takes the input's own size.
            shape[0] = 0;
            writer.operand(&mut site, "shape", &integers(&shape)?);
            return writer.push("Reshape", site, vec![]);
        }
        writer.free_of_batch(&shape)?;
        writer.operand(&mut site, "shape", &integers(&shape)?);
        writer.push("Reshape", site, vec![int("allowzero", 1)])
    }),
    ("resize", resize),
    ("slice", |writer, mut site| {
        let op = site.op::<Slice>()?;
        let ends = op.ends.iter().zip(&op.steps).zip(&site.input_shape);
        let ends = ends.map(|((&end, &step), &size)| match end {
            // The end lies before the first element; -1 would be the last one.
            ..0 if step < 0 => i64::MIN,
            // The slice goes to the end, whatever the size.
            _ if step > 0 && end == size as i64 => i64::MAX,
            _ => end,
        });
        let ends = ends.collect();
        let axes = (0..op.starts.len() as i64).collect();
        let operands = [op.starts.clone(), ends, axes, op.steps.clone()];
        for (what, values) in ["starts", "ends", "axes", "steps"].into_iter().zip(operands) {
            let tensor = Tensor::from_vec(&[values.len()], values).ok()?;
            writer.operand(&mut site, what, &tensor);
        }
        writer.push("Slice", site, vec![])
    }),
    ("softmax", |writer, site| along(writer, "Softmax", site, |op: &Softmax| op.axis)),
    ("top_k", |writer, mut site| {
        let op = site.op::<TopK>()?;
        let attributes = vec![int("axis", op.axis as i64), int("largest", op.largest.into())];
        let k = Tensor::from_vec(&[1], vec![op.k as i64]).ok()?;
        writer.operand(&mut site, "k", &k);
        writer.push("TopK", site, attributes)
    }),
    ("transpose", |writer, site| {
        let permutation = ints("perm", &site.op::<Transpose>()?.permutation);
        writer.push("Transpose", site, vec![permutation])
    }),
];

/// A node of the graph on its way into the file.
pub(super) struct Site<'g> {
    node: &'g Node,
    inputs: Vec<String>,
    outputs: Vec<String>,
    /// The first operand's dimensions.
    input_shape: Vec<usize>,
    /// The first result's type.
    dtype: DType,
}

impl<'g> Site<'g> {
    fn op<T: Op>(&self) -> Option<&'g T> {
        self.node.op_as()
    }
}

/// Writes nodes, and the constants that are operands in ONNX and attributes in the core.
pub(super) struct Writer<'g> {
    graph: &'g Graph,
    /// The size that stands for any batch, if one does.
    batch: Option<usize>,
    nodes: Vec<NodeProto>,
    /// The nodes' names, which have to differ in ONNX.
    names: HashSet<String>,
    initializers: Vec<TensorProto>,
    /// The functions for the operators that ONNX does not know.
    functions: Functions,
}

impl<'g> Writer<'g> {
    /// A writer of a graph's nodes, into a file that has `functions` already.
    pub(super) fn new(graph: &'g Graph, batch: Option<usize>, functions: Functions) -> Writer<'g> {
        Writer { graph, batch, nodes: Vec::new(), names: HashSet::new(), initializers: Vec::new(), functions }
    }

    pub(super) fn finish(self) -> (Vec<NodeProto>, Vec<TensorProto>, Functions) {
        (self.nodes, self.initializers, self.functions)
    }

    /// Writes the node; none if ONNX has no counterpart, and the operator has no composition of ops that have
    /// one.
    ///
    /// # Errors
    /// The operator's composition fails.
    pub(super) fn write(&mut self, id: NodeId) -> Result<Option<()>, ExportError> {
        let (graph, node) = (self.graph, self.graph.node(id));
        if self.write_known(id).is_some() {
            return Ok(Some(()));
        }
        let Some((function, domain)) = self.functions.of_node(graph, node, self.batch)? else {
            return Ok(None);
        };
        let Some(site) = self.site(id) else { return Ok(None) };
        self.push(&function, site, vec![]);
        if let Some(call) = self.nodes.last_mut() {
            call.domain = Some(domain.to_owned());
        }
        Ok(Some(()))
    }

    fn site(&self, id: NodeId) -> Option<Site<'g>> {
        let node = self.graph.node(id);
        let names = |values: &[ediacara_graph::ValueId]| {
            values.iter().map(|&value| self.graph.value(value).name.clone()).collect()
        };
        Some(Site {
            node,
            inputs: names(&node.inputs),
            outputs: names(&node.outputs),
            input_shape: node.inputs.first().map_or(vec![], |&input| self.graph.ty(input).shape.clone()),
            dtype: self.graph.ty(*node.outputs.first()?).dtype,
        })
    }

    fn write_known(&mut self, id: NodeId) -> Option<()> {
        let site = self.site(id)?;
        let name = site.node.op.name();
        if let Some(&(_, kind)) = DIRECT.iter().find(|(core, _)| *core == name) {
            return self.push(kind, site, vec![]);
        }
        let (_, rule) = RULES.iter().find(|(core, _)| *core == name)?;
        rule(self, site)
    }

    /// The outputs' names.
    ///
    /// A value that no node computes, or that is an output twice, is copied, because ONNX allows neither.
    pub(super) fn outputs(&mut self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for &output in self.graph.outputs() {
            let mut name = self.graph.value(output).name.clone();
            if self.graph.producer(output).is_none() || names.contains(&name) {
                let copy = self.fresh(&name, &format!("output{}", names.len()));
                self.nodes.push(NodeProto {
                    name: Some(copy.clone()),
                    op_type: Some("Identity".to_owned()),
                    input: vec![name],
                    output: vec![copy.clone()],
                    ..NodeProto::default()
                });
                name = copy;
            }
            names.push(name);
        }
        names
    }

    fn push(&mut self, op: &str, site: Site<'_>, attribute: Vec<AttributeProto>) -> Option<()> {
        // The names of outputs are unique.
        let own =
            [&site.node.name, &site.outputs[0]].into_iter().find(|&name| self.names.insert(name.clone()));
        self.nodes.push(NodeProto {
            name: own.cloned(),
            op_type: Some(op.to_owned()),
            input: site.inputs,
            output: site.outputs,
            attribute,
            ..NodeProto::default()
        });
        Some(())
    }

    /// None if a shape that is written down, or the place of an element, would hold for one batch size only.
    fn free_of_batch(&self, shape: &[usize]) -> Option<()> {
        self.batch.is_none_or(|batch| shape.first() != Some(&batch)).then_some(())
    }

    /// A name that no value of the graph has.
    fn fresh(&self, output: &str, what: &str) -> String {
        let mut name = format!("{output}/{what}");
        while self.graph.value_by_name(&name).is_some() {
            name.push('_');
        }
        name
    }

    /// Adds one more operand, which is known.
    fn operand(&mut self, site: &mut Site<'_>, what: &str, tensor: &Tensor) {
        let name = self.fresh(&site.outputs[0], what);
        self.initializers.push(stored(&name, tensor));
        site.inputs.push(name);
    }

    fn clip(&mut self, mut site: Site<'_>, bounds: [f64; 2]) -> Option<()> {
        for (what, bound) in ["low", "high"].into_iter().zip(bounds) {
            let bound = Tensor::scalar(bound).cast(site.dtype);
            self.operand(&mut site, what, &bound);
        }
        self.push("Clip", site, vec![])
    }

    /// Writes the node without its activation, and the activation as a node of its own.
    fn activated(
        &mut self,
        op: &str,
        site: Site<'_>,
        attributes: Vec<AttributeProto>,
        activation: Activation,
    ) -> Option<()> {
        if activation == Activation::None {
            return self.push(op, site, attributes);
        }
        let sum = self.fresh(&site.outputs[0], "sum");
        let after = Site { inputs: vec![sum.clone()], input_shape: vec![], ..site };
        self.push(
            op,
            Site {
                node: site.node,
                inputs: site.inputs,
                outputs: vec![sum],
                input_shape: vec![],
                dtype: site.dtype,
            },
            attributes,
        )?;
        match activation {
            Activation::Clamp { low, high } => self.clip(after, [low.into(), high.into()]),
            _ => self.push("Relu", after, vec![]),
        }
    }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind as i32), ..AttributeProto::default() }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::Int) }
}

fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|&value| value as i64).collect();
    AttributeProto { ints, ..attribute(name, AttributeType::Ints) }
}

fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto { f: Some(value as f32), ..attribute(name, AttributeType::Float) }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.as_bytes().to_vec()), ..attribute(name, AttributeType::String) }
}

fn integers(values: &[usize]) -> Option<Tensor> {
    let values: Vec<i64> = values.iter().map(|&value| value as i64).collect();
    Tensor::from_vec(&[values.len()], values).ok()
}

/// The attributes of a convolution, of either direction.
fn window(stride: &[usize], padding: &[usize], dilation: &[usize], groups: usize) -> Vec<AttributeProto> {
    vec![
        ints("strides", stride),
        ints("pads", padding),
        ints("dilations", dilation),
        int("group", groups as i64),
    ]
}

/// An op whose only attribute is its axis.
fn along<T: Op>(writer: &mut Writer<'_>, kind: &str, site: Site<'_>, axis: fn(&T) -> usize) -> Option<()> {
    let axis = axis(site.op::<T>()?);
    writer.push(kind, site, vec![int("axis", axis as i64)])
}

fn position(axis: usize, keep_dims: bool, last: bool) -> Vec<AttributeProto> {
    vec![int("axis", axis as i64), int("keepdims", keep_dims.into()), int("select_last_index", last.into())]
}

/// Writes scales where the sizes follow from them, else sizes, if the scales follow from those.
fn resize(writer: &mut Writer<'_>, mut site: Site<'_>) -> Option<()> {
    let op = site.op::<Resize>()?;
    let attributes = vec![
        text("mode", &op.mode.to_string()),
        text("coordinate_transformation_mode", &op.coordinates.to_string()),
        text("nearest_mode", &op.rounding.to_string()),
        float("cubic_coeff_a", op.cubic_coefficient),
        int("exclude_outside", op.exclude_outside.into()),
    ];
    let axes = || op.shape.iter().zip(&op.scales).zip(&site.input_shape);
    let scaled = axes().all(|((&size, &scale), &input)| {
        let stored = f64::from(scale as f32);
        stored == scale && (input as f64 * stored).floor() == size as f64
    });
    let sized = axes().all(|((&size, &scale), &input)| size as f64 / input as f64 == scale);
    // The region of interest, which has no effect here.
    site.inputs.push(String::new());
    if scaled {
        let scales: Vec<f32> = op.scales.iter().map(|&scale| scale as f32).collect();
        let scales = Tensor::from_vec(&[scales.len()], scales).ok()?;
        writer.operand(&mut site, "scales", &scales);
    } else if sized {
        writer.free_of_batch(&op.shape)?;
        site.inputs.push(String::new());
        writer.operand(&mut site, "sizes", &integers(&op.shape)?);
    } else {
        return None;
    }
    writer.push("Resize", site, attributes)
}

/// The pool's operator and attributes; none if its output has neither of the two sizes that ONNX can express.
fn pool(pool: &Pool, input: &[usize]) -> Option<(&'static str, Vec<AttributeProto>)> {
    let size = |axis: usize, ceil: bool| {
        let reach = pool.dilation[axis] * (pool.kernel[axis] - 1) + 1;
        let room = (input[2 + axis] + pool.padding[axis] + pool.padding[axis + 2]).checked_sub(reach)?;
        Some(if ceil { room.div_ceil(pool.stride[axis]) } else { room / pool.stride[axis] } + 1)
    };
    let is = |ceil| (0..2).all(|axis| size(axis, ceil) == Some(pool.output[axis]));
    let ceil = [false, true].into_iter().find(|&ceil| is(ceil))?;
    let mut attributes = vec![
        ints("kernel_shape", &pool.kernel),
        ints("strides", &pool.stride),
        ints("pads", &pool.padding),
        ints("dilations", &pool.dilation),
        int("ceil_mode", ceil.into()),
    ];
    Some(match pool.kind {
        PoolKind::Max => ("MaxPool", attributes),
        PoolKind::Average => {
            attributes.push(int("count_include_pad", pool.count_include_pad.into()));
            ("AveragePool", attributes)
        }
    })
}
