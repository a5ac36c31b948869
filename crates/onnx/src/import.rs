//! The way of a model through the importer: inputs are bound, nodes handled in order, the rest dropped.

use std::collections::{HashMap, HashSet};

use ediacara_graph::{Graph, TensorType, ValueId};
use ediacara_tensor::DType;
use prost::bytes::Bytes;

use crate::context::Context;
use crate::error::ImportError;
use crate::external::External;
use crate::model::{Model, listed, node_name};
use crate::node::Node;
use crate::options::{BoundDim, ImportOptions, ImportReport};
use crate::proto::tensor_shape_proto::dimension::Value as Dim;
use crate::proto::type_proto::Value as TypeValue;
use crate::proto::{NodeProto, TensorProto, ValueInfoProto};
use crate::{ops, tensor};

/// Imports the bytes of a model. `file` is for messages.
pub(crate) fn import(
    file: &str,
    bytes: Bytes,
    external: &External,
    options: &ImportOptions,
) -> Result<(Graph, ImportReport), ImportError> {
    let model = Model::decode(file, bytes, options.limits.tensor_bytes)?;
    let name = model.graph.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(file);
    let mut importer = Importer {
        file,
        options,
        model: &model,
        context: Context::new(name, model.opset, external, options.limits),
        stored: model
            .graph
            .initializer
            .iter()
            .map(|proto| (proto.name.as_deref().unwrap_or(""), proto))
            .collect(),
        values: HashMap::new(),
        report: report(&model),
    };
    importer.check_options()?;
    importer.inputs()?;
    let mut labels = Labels::default();
    for &index in &model.order {
        importer.node(&model.graph.node[index], &mut labels)?;
    }
    importer.finish()
}

fn report(model: &Model) -> ImportReport {
    let producer = [&model.proto.producer_name, &model.proto.producer_version];
    let producer: Vec<&str> =
        producer.into_iter().flatten().map(String::as_str).filter(|text| !text.is_empty()).collect();
    ImportReport {
        ir_version: model.proto.ir_version.unwrap_or(0),
        opset: model.opset,
        producer: producer.join(" "),
        metadata: model
            .proto
            .metadata_props
            .iter()
            .filter_map(|entry| Some((entry.key.clone()?, entry.value.clone()?)))
            .collect(),
        dims: Vec::new(),
    }
}

/// Makes the names of nodes unique, which ONNX does not ask for. Names that repeat get a number behind them.
#[derive(Default)]
struct Labels {
    uses: HashMap<String, usize>,
}

impl Labels {
    fn label(&mut self, node: &NodeProto) -> String {
        let name = node_name(node);
        let uses = self.uses.entry(name.to_owned()).or_insert(0);
        *uses += 1;
        if *uses == 1 { name.to_owned() } else { format!("{name}#{uses}") }
    }
}

struct Importer<'a> {
    file: &'a str,
    options: &'a ImportOptions,
    model: &'a Model,
    context: Context<'a>,
    /// Initialisers by name; they are decoded when a node first reads them.
    stored: HashMap<&'a str, &'a TensorProto>,
    /// Values of the graph by their name in the file.
    values: HashMap<&'a str, ValueId>,
    report: ImportReport,
}

impl<'a> Importer<'a> {
    fn error(&self, found: impl Into<String>, remedy: impl Into<String>) -> ImportError {
        ImportError::Model { file: self.file.to_owned(), found: found.into(), remedy: remedy.into() }
    }

    /// The inputs that have no initialiser.
    fn free_inputs(&self) -> impl Iterator<Item = &'a ValueInfoProto> {
        let model = self.model;
        let stored: HashSet<&str> = self.stored.keys().copied().collect();
        model.graph.input.iter().filter(move |input| !stored.contains(input.name.as_deref().unwrap_or("")))
    }

    /// Names in the options that fit no input are errors: a typing mistake would silently change the result.
    fn check_options(&self) -> Result<(), ImportError> {
        let inputs: Vec<&str> =
            self.model.graph.input.iter().map(|input| input.name.as_deref().unwrap_or("")).collect();
        let shapes = self.options.shapes.iter().map(|(name, _)| name);
        for name in shapes.chain(self.options.constants.iter().map(|(name, _)| name)) {
            if !inputs.contains(&name.as_str()) {
                return Err(ImportError::UnknownName {
                    file: self.file.to_owned(),
                    kind: "input",
                    name: name.clone(),
                    known: listed(inputs.iter().copied()),
                });
            }
        }
        Ok(())
    }

    fn inputs(&mut self) -> Result<(), ImportError> {
        for (name, constant) in &self.options.constants {
            let id = self
                .context
                .constant(constant.clone())
                .map_err(|error| self.error(error.to_string(), "raise the limits"))?;
            self.values.insert(name.as_str(), id);
        }
        for input in self.free_inputs().collect::<Vec<_>>() {
            let name = input.name.as_deref().unwrap_or("");
            if self.options.constants.iter().any(|(fixed, _)| fixed == name) {
                continue;
            }
            let ty = self.input_type(input)?;
            let id = self.context.graph.add_input(name, ty);
            self.values.insert(name, id);
        }
        let known: HashSet<&str> = self.report.dims.iter().map(|dim| dim.name.as_str()).collect();
        if let Some((name, _)) = self.options.dims.iter().find(|(name, _)| !known.contains(name.as_str())) {
            return Err(ImportError::UnknownName {
                file: self.file.to_owned(),
                kind: "symbolic dimension",
                name: name.clone(),
                known: listed(self.report.dims.iter().map(|dim| dim.name.as_str())),
            });
        }
        Ok(())
    }

    fn input_type(&mut self, input: &ValueInfoProto) -> Result<TensorType, ImportError> {
        let name = input.name.as_deref().unwrap_or("");
        let Some(TypeValue::TensorType(declared)) = input.r#type.as_ref().and_then(|ty| ty.value.as_ref())
        else {
            return Err(self.error(
                format!("its input '{name}' is no dense tensor"),
                "sequences, maps, optional and sparse values are not supported",
            ));
        };
        let dtype = tensor::dtype(declared.elem_type.unwrap_or(0));
        let dtype = dtype.map_err(|found| self.tensor_error(name, found))?;
        let given =
            self.options.shapes.iter().find(|(named, _)| named == name).map(|(_, shape)| shape.clone());
        let shape = match (given, &declared.shape) {
            (Some(shape), _) => shape,
            (None, None) => {
                return Err(self.error(
                    format!("its input '{name}' has no declared shape"),
                    "give one with ImportOptions::shapes, or export the model with shapes",
                ));
            }
            (None, Some(shape)) => {
                let mut sizes = Vec::new();
                for (axis, dim) in shape.dim.iter().enumerate() {
                    sizes.push(self.dimension(name, axis, dim.value.as_ref())?);
                }
                sizes
            }
        };
        self.checked_type(name, dtype, shape)
    }

    fn checked_type(&self, name: &str, dtype: DType, shape: Vec<usize>) -> Result<TensorType, ImportError> {
        match tensor::checked_size_bytes(dtype, &shape, self.options.limits.input_bytes) {
            Ok(_) => Ok(TensorType { dtype, shape }),
            Err(found) => Err(self.tensor_error(name, format!("as an input, {found}"))),
        }
    }

    fn tensor_error(&self, name: &str, found: String) -> ImportError {
        ImportError::Tensor { file: self.file.to_owned(), tensor: name.to_owned(), found }
    }

    /// The size of one dimension of an input. Symbolic ones are looked up and reported.
    fn dimension(&mut self, input: &str, axis: usize, dim: Option<&Dim>) -> Result<usize, ImportError> {
        let name = match dim {
            Some(&Dim::DimValue(size)) => {
                // Some exporters write 0 or -1 for an unknown size; an input without elements makes no network.
                if size > 0 {
                    return usize::try_from(size)
                        .map_err(|error| self.error(error.to_string(), "export the model again"));
                }
                format!("{input}[{axis}]")
            }
            Some(Dim::DimParam(name)) if !name.is_empty() => name.clone(),
            _ => format!("{input}[{axis}]"),
        };
        if let Some(bound) = self.report.dims.iter().find(|bound| bound.name == name) {
            return Ok(bound.size);
        }
        let given = self.options.dims.iter().rev().find(|(named, _)| *named == name).map(|&(_, size)| size);
        let size = given.unwrap_or(1);
        self.report.dims.push(BoundDim { name, size, given: given.is_some() });
        Ok(size)
    }

    /// The value of that name; decodes the initialiser if it is one that nobody has read yet.
    fn value(&mut self, name: &'a str) -> Result<ValueId, ImportError> {
        if let Some(&id) = self.values.get(name) {
            return Ok(id);
        }
        let Some(&proto) = self.stored.get(name) else {
            return Err(self.error(
                format!("it has no value '{name}', which a node reads"),
                "a node in front of it produces fewer outputs than the file says; export the model again",
            ));
        };
        self.context.begin(name);
        let id = self.context.stored(proto, name).map_err(|error| match error {
            crate::error::NodeError::Invalid(found) => self.tensor_error(name, found),
            other => self.tensor_error(name, other.to_string()),
        })?;
        self.values.insert(name, id);
        Ok(id)
    }

    fn node(&mut self, proto: &'a NodeProto, labels: &mut Labels) -> Result<(), ImportError> {
        let mut inputs = Vec::with_capacity(proto.input.len());
        for name in &proto.input {
            inputs.push(if name.is_empty() { None } else { Some(self.value(name)?) });
        }
        let label = labels.label(proto);
        let node = Node { proto, name: label, inputs };
        let (domain, op) = (proto.domain.as_deref().unwrap_or(""), proto.op_type.as_deref().unwrap_or(""));
        let at = |error: crate::error::NodeError| error.at(self.file, &node.name, op);
        let Some(handler) = ops::find(domain, op) else {
            return Err(at(crate::error::NodeError::new("is not supported")));
        };
        self.context.begin(&node.name);
        let before = self.context.graph.value_count();
        let results = handler(&mut self.context, &node).map_err(at)?;
        for (name, id) in proto.output.iter().zip(results) {
            if name.is_empty() {
                continue;
            }
            // Values that only pass through keep the name under which they were made.
            if id.index() >= before && self.context.graph.value(id).name != *name {
                self.context.graph.rename_value(id, name.as_str());
            }
            self.values.insert(name, id);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(Graph, ImportReport), ImportError> {
        let model = self.model;
        let mut outputs = Vec::new();
        for output in &model.graph.output {
            let name = output.name.as_deref().unwrap_or("");
            outputs.push((name.to_owned(), self.value(name)?));
        }
        let set = self.context.graph.set_named_outputs(&outputs);
        set.map_err(|error| self.error(error.to_string(), "export it again"))?;
        let Importer { mut context, report, .. } = self;
        context.graph.compact();
        Ok((context.graph, report))
    }
}
