//! The way of a model through the importer: inputs are bound, nodes handled in order, the rest dropped.
//!
//! Calls of the model's own functions and the branch that an If takes are handled in place; the bodies of Scan and Loop in
//! [`repeat`].

mod repeat;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use ediacara_graph::{Graph, ValueId};
use ediacara_tensor::DType;
use prost::bytes::Bytes;

use crate::context::Context;
use crate::error::{ImportError, NodeError, NodeResult};
use crate::external::External;
use crate::head::Head;
use crate::inputs::{Fed, Inputs};
use crate::model::{Check, Functions, Model, called, default_opset, functions, outputs};
use crate::node::{Attributes, Node};
use crate::ops::{self, Handler, WithGraphs};
use crate::options::{ImportOptions, ImportReport};
use crate::order::order;
use crate::proto::{FunctionProto, NodeProto};
use crate::scope::{Meaning, Scope, meaning};

/// How deep calls and branches may nest.
const MAX_NESTING: usize = 64;

/// Imports the bytes of a model.
///
/// `file` is for messages.
pub(crate) fn import(
    file: &str,
    bytes: Bytes,
    external: &External,
    options: &ImportOptions,
) -> Result<(Graph, ImportReport), ImportError> {
    let model = Model::decode(file, &bytes, options.limits.tensor_bytes, &options.operators)?;
    let name = model.graph.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(file);
    let mut importer = Importer {
        file,
        options,
        model: &model,
        functions: functions(&model.proto),
        context: Context::new(name, model.opset, external, options.limits),
        scopes: vec![Scope {
            roles: ops::masked::assignments(&model.nodes, &model.order, &outputs(&model.graph), || {
                model.constant_sizes()
            }),
            ..Scope::with_stored(&model.graph.initializer)
        }],
        labels: Labels::default(),
        handled: 0,
        report: report(&model),
    };
    if !options.operators.is_empty() {
        importer.context.set_used(model.nodes.iter().map(|node| node.file_operator()).collect());
    }
    importer.context.set_passed_on(ops::passed_on(&model.nodes, &outputs(&model.graph)));
    importer.inputs()?;
    match importer.outermost() {
        Ok(()) => importer.finish(),
        Err(error) => Err(importer.blame_free_dimensions(error)),
    }
}

fn report(model: &Model<'_>) -> ImportReport {
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
        dynamic: 0,
    }
}

/// Makes the names of nodes unique, which ONNX does not ask for.
///
/// Names that repeat get a number behind them.
#[derive(Default)]
struct Labels<'a> {
    /// Names that were used once, as they lie in the file; nearly all are.
    once: HashSet<&'a str>,
    /// How often the others were used.
    uses: HashMap<String, usize>,
}

impl<'a> Labels<'a> {
    /// A name behind the prefix of its scope, made unique.
    fn label(&mut self, prefix: &str, name: &'a str) -> String {
        let label = [prefix, name].concat();
        let uses = match self.uses.get_mut(&label) {
            Some(uses) => uses,
            None if prefix.is_empty() && self.once.insert(name) => return label,
            None => {
                let before = usize::from(self.once.contains(label.as_str()));
                self.uses.entry(label.clone()).or_insert(before)
            }
        };
        *uses += 1;
        if *uses == 1 { label } else { format!("{label}#{uses}") }
    }
}

struct Importer<'a> {
    file: &'a str,
    options: &'a ImportOptions,
    model: &'a Model<'a>,
    functions: Functions<'a>,
    context: Context<'a>,
    /// The graph, and the calls and branches that are being handled, the innermost last.
    scopes: Vec<Scope<'a>>,
    labels: Labels<'a>,
    /// Nodes looked at so far; those of every call count, and so do dead ones.
    handled: usize,
    report: ImportReport,
}

impl<'a> Importer<'a> {
    fn error(&self, found: impl Into<String>, remedy: impl Into<String>) -> ImportError {
        ImportError::Model { file: self.file.to_owned(), found: found.into(), remedy: remedy.into() }
    }

    /// Adds what the caller fixes as constants, and the other inputs as the graph's.
    fn inputs(&mut self) -> Result<(), ImportError> {
        let stored: HashSet<&str> = self.scopes[0].stored.keys().copied().collect();
        let mut inputs = Inputs::new(self.file, self.options, &self.model.graph, &stored)?;
        for (name, constant) in inputs.constants() {
            let id = self.context.constant(constant);
            let id = id.map_err(|error| self.error(error.to_string(), "raise the limits"))?;
            self.scopes[0].values.insert(name, id);
        }
        for Fed { name, ty, sample } in inputs.fed()? {
            let id = self.context.graph.add_input(name, ty);
            self.scopes[0].values.insert(name, id);
            if let (Some(run), Some(value)) = (&mut self.context.sample, sample) {
                run.feed(id, value);
            }
        }
        self.report.dims = inputs.dims;
        Ok(())
    }

    fn tensor_error(&self, name: &str, found: String) -> ImportError {
        ImportError::Tensor { file: self.file.to_owned(), tensor: name.to_owned(), found }
    }

    /// The value of that name; nothing if it is an operand that a call left out.
    ///
    /// An initialiser that nobody has read yet is decoded.
    fn value(&mut self, name: &str) -> Result<Option<ValueId>, ImportError> {
        let (scope, proto) = match meaning(&self.scopes, name) {
            Some(Meaning::Value(id)) => return Ok(Some(id)),
            Some(Meaning::Absent) => return Ok(None),
            Some(Meaning::Stored(scope, proto)) => (scope, proto),
            None => {
                return Err(self.error(
                    format!("it has no value '{name}', which a node reads"),
                    "a node in front of it produces fewer outputs than the file says; export the model again",
                ));
            }
        };
        self.context.begin(&format!("{}{name}", self.scopes[scope].prefix));
        let id = self.context.stored(proto, name).map_err(|error| match error {
            NodeError::Invalid(found) => self.tensor_error(name, found),
            other => self.tensor_error(name, other.to_string()),
        })?;
        self.scopes[scope].values.insert(proto.name.as_deref().unwrap_or(""), id);
        Ok(Some(id))
    }

    fn scope(&self) -> &Scope<'a> {
        &self.scopes[self.scopes.len() - 1]
    }

    /// Handles the nodes of the model's graph.
    ///
    /// Each is decoded when it is handled, and dropped then.
    fn outermost(&mut self) -> Result<(), ImportError> {
        let model = self.model;
        for &index in &model.order {
            let raw = model.nodes[index];
            let [domain, op, _] = raw.operator();
            let Some(handler) = self.options.operators.find(domain, op) else {
                self.node(&model.calls[&index])?;
                continue;
            };
            let proto = model
                .node(index)
                .map_err(|found| ImportError::Decode { file: self.file.to_owned(), found })?;
            let node = self.begin(&proto, raw.file_label())?;
            let before = self.context.graph.value_count();
            let results = self.handle(handler, &node)?;
            self.define(raw.output_names(), results, before);
        }
        Ok(())
    }

    /// Handles the nodes of a branch or a function.
    fn nodes(&mut self, nodes: &'a [NodeProto], order: &[usize]) -> Result<(), ImportError> {
        order.iter().try_for_each(|&index| self.node(&nodes[index]))
    }

    fn node(&mut self, proto: &'a NodeProto) -> Result<(), ImportError> {
        let node = self.begin(proto, proto.label())?;
        let before = self.context.graph.value_count();
        let results = self.results(&node)?;
        self.define(proto.outputs(), results, before);
        Ok(())
    }

    /// Looks up the operands of a node and makes its name unique.
    fn begin<'n>(&mut self, proto: &'n NodeProto, name: &'a str) -> Result<Node<'n>, ImportError>
    where
        'a: 'n,
    {
        let mut inputs = Vec::with_capacity(proto.input.len());
        for name in &proto.input {
            inputs.push(if name.is_empty() { None } else { self.value(name)? });
        }
        let scope = &self.scopes[self.scopes.len() - 1];
        let name = self.labels.label(&scope.prefix, name);
        let arguments: Option<Rc<Attributes<'n>>> = match &scope.function {
            Some((_, arguments)) => Some(Rc::clone(arguments)),
            None => None,
        };
        Ok(Node { proto, name, inputs, arguments })
    }

    /// Gives the results of a node their names in the file.
    ///
    /// `before` is how many values there were before it.
    fn define(&mut self, names: impl Iterator<Item = &'a str>, results: Vec<ValueId>, before: usize) {
        let scope = self.scopes.len() - 1;
        for (name, id) in names.zip(results) {
            if name.is_empty() {
                continue;
            }
            // Values that only pass through keep the name under which they were made.
            if id.index() >= before {
                self.context.graph.rename_value(id, [self.scopes[scope].prefix.as_str(), name].concat());
            }
            self.scopes[scope].values.insert(name, id);
        }
    }

    /// The values that a node becomes.
    fn results(&mut self, node: &Node<'a>) -> Result<Vec<ValueId>, ImportError> {
        let [domain, op, _] = node.proto.operator();
        if let Some(handler) = self.options.operators.find(domain, op) {
            return self.handle(handler, node);
        }
        let found = if let Err(error) = self.count() {
            error
        } else if self.scopes.len() > MAX_NESTING {
            NodeError::new(format!("nests deeper than {MAX_NESTING} calls and branches"))
        } else if let Some(handled) = ops::with_graphs(domain, op) {
            return match handled {
                WithGraphs::If => self.branch(node),
                WithGraphs::Scan => self.scan(node),
                WithGraphs::Loop => self.repeated(node),
            };
        } else if let Some(function) = called(&self.functions, node.proto) {
            return self.call(function, node);
        } else {
            NodeError::new("is not supported")
        };
        Err(found.at(self.file, &node.name, op))
    }

    /// The values that a handler makes of its node.
    fn handle(&mut self, handler: Handler, node: &Node<'_>) -> Result<Vec<ValueId>, ImportError> {
        let role = node.proto.outputs().next().and_then(|name| self.scope().roles.get(name)).copied();
        let results = self.count().and_then(|()| {
            self.context.begin(&node.name);
            match role {
                Some(role) => ops::masked::stand_in(&mut self.context, node, role),
                None => handler(&mut self.context, node),
            }
        });
        results.map_err(|error| error.at(self.file, &node.name, node.proto.operator()[1]))
    }

    /// Counts a node that is handled.
    fn count(&mut self) -> NodeResult<()> {
        self.handled += 1;
        let limit = self.options.limits.nodes;
        if self.handled <= limit {
            return Ok(());
        }
        Err(NodeError::new(format!(
            "would be more than the limit of {limit} nodes; raise ImportOptions::limits if that is right"
        )))
    }

    fn check(&self) -> Check<'a> {
        let ImportOptions { limits, operators, .. } = self.options;
        Check { file: self.file, limit: limits.tensor_bytes, operators }
    }

    /// The values of the branch that an If takes.
    ///
    /// Its condition has to be known.
    fn branch(&mut self, node: &Node<'a>) -> Result<Vec<ValueId>, ImportError> {
        let at = |error: NodeError| error.at(self.file, &node.name, "If");
        let condition = self.context.required(node, 0).map_err(at)?;
        let holds = condition.cast(DType::Bool).to_vec::<bool>().unwrap_or_default();
        let &[holds] = holds.as_slice() else {
            let found = format!("has a condition of shape {:?}, not one truth value", condition.shape());
            return Err(at(NodeError::new(found)));
        };
        let graph = node.graph(if holds { "then_branch" } else { "else_branch" }).map_err(at)?;
        self.handled +=
            graph.node.len() + self.functions.values().map(|other| other.node.len()).sum::<usize>();
        let names = outputs(graph);
        // Values that the branch reads from around it exist, because the If itself waited for them.
        let defined: HashSet<&str> =
            graph.node.iter().flat_map(|node| &node.output).map(String::as_str).collect();
        let outside = |name: &str| !defined.contains(name);
        let order = order(&graph.node, &names, &outside).map_err(|problem| self.check().disorder(problem))?;
        self.check().operators(&graph.node, &order, &self.functions)?;
        self.check().tensors(graph, &graph.node, &order)?;
        let inherited = self.scope();
        let (function, prefix) = (inherited.function.clone(), inherited.prefix.clone());
        let scope = Scope { sees_outer: true, function, prefix, ..Scope::with_stored(&graph.initializer) };
        self.scopes.push(scope);
        self.nodes(&graph.node, &order)?;
        self.leave(&names, node)
    }

    /// The values of a call of one of the model's functions.
    fn call(&mut self, function: &'a FunctionProto, node: &Node<'a>) -> Result<Vec<ValueId>, ImportError> {
        let op = node.proto.op_type.as_deref().unwrap_or("");
        let at = |error: NodeError| error.at(self.file, &node.name, op);
        let mut enclosing = self.scopes.iter().filter_map(|scope| scope.function.as_ref());
        if enclosing.any(|(other, _)| std::ptr::eq(*other, function)) {
            return Err(at(NodeError::new("is a function that calls itself")));
        }
        if node.inputs.len() > function.input.len() {
            let (given, taken) = (node.inputs.len(), function.input.len());
            return Err(at(NodeError::new(format!("has {given} operands, but its function takes {taken}"))));
        }
        let mut arguments = function
            .attribute_proto
            .iter()
            .filter_map(|attribute| Some((attribute.name.as_deref()?, attribute)))
            .collect::<HashMap<_, _>>();
        arguments.extend(node.attributes().map_err(at)?);
        let mut scope = Scope {
            function: Some((function, Rc::new(arguments))),
            prefix: format!("{}/", node.name),
            ..Scope::default()
        };
        for (index, name) in function.input.iter().enumerate() {
            match node.optional(index) {
                Some(id) => drop(scope.values.insert(name, id)),
                None => drop(scope.absent.insert(name)),
            }
        }
        self.handled += function.node.len();
        let count = node.output_count().min(function.output.len());
        let order = self.check().body(function, count)?;
        let own = default_opset(&function.opset_import).unwrap_or(self.context.opset);
        self.check().opset(own)?;
        let around = std::mem::replace(&mut self.context.opset, own);
        self.scopes.push(scope);
        self.nodes(&function.node, &order)?;
        self.context.opset = around;
        let names: Vec<&'a str> = function.output.iter().take(count).map(String::as_str).collect();
        self.leave(&names, node)
    }

    /// Looks up the results of the innermost scope and leaves it.
    fn leave(&mut self, names: &[&'a str], node: &Node<'a>) -> Result<Vec<ValueId>, ImportError> {
        let mut results = Vec::with_capacity(names.len());
        for name in names {
            let value = self.value(name)?;
            results.push(value.ok_or_else(|| {
                self.error(
                    format!("node '{}' gives '{name}', an operand that its call leaves out", node.name),
                    "export the model again",
                )
            })?);
        }
        self.scopes.pop();
        Ok(results)
    }

    /// Adds to an error that shapes cause which dimensions nobody gave a size.
    fn blame_free_dimensions(&self, error: ImportError) -> ImportError {
        let free = self.report.dims.iter().filter(|dim| !dim.given).map(|dim| dim.name.clone());
        let free: Vec<String> = free.collect();
        match error {
            ImportError::Node { .. } | ImportError::NotConstant { .. } if !free.is_empty() => {
                ImportError::Unbound { error: Box::new(error), dims: free }
            }
            other => other,
        }
    }

    /// Makes the first output depend on what shapes were made for.
    fn guard(&mut self, outputs: &mut [(String, ValueId)]) -> Result<(), ImportError> {
        let Some(((name, guarded), sample)) = outputs.first_mut().zip(self.context.sample.take()) else {
            return Ok(());
        };
        self.context.begin(&self.labels.label(name, "/guard"));
        for (seen, guard) in sample.into_guards() {
            let results = self.context.emit_all(guard, &[*guarded, seen]);
            let results = results.map_err(|error| self.error(error.to_string(), "raise the limits"))?;
            *guarded = results[0];
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(Graph, ImportReport), ImportError> {
        let model = self.model;
        let mut outputs = Vec::new();
        for output in &model.graph.output {
            let name = output.name.as_deref().unwrap_or("");
            // At the outermost level nothing can be left out.
            outputs.extend(self.value(name)?.map(|value| (name.to_owned(), value)));
        }
        self.guard(&mut outputs)?;
        let set = self.context.graph.set_named_outputs(&outputs);
        set.map_err(|error| self.error(error.to_string(), "export it again"))?;
        // The names of the file are dropped before the graph is rearranged, to save memory.
        self.report.dynamic = self.context.dynamic();
        let Importer { context: Context { mut graph, .. }, report, scopes, labels, .. } = self;
        drop((scopes, labels));
        graph.compact();
        Ok((graph, report))
    }
}
