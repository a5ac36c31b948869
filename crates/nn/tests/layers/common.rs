//! The figures, and a case as a graph of either type, with the means to run it.

use std::collections::{BTreeMap, HashMap};

use ediacara_graph::{DType, Graph, Tensor, TensorType, ValueId};
use ediacara_host::{Executor, Options};
use ediacara_nn::{Mode, Scope};
use serde_json::Value;

use crate::cases;

/// What PyTorch computed.
pub(crate) struct Figures {
    pub(crate) name: String,
    /// In the order of the layer's operands.
    pub(crate) inputs: Vec<(String, Tensor)>,
    pub(crate) parameters: BTreeMap<String, Tensor>,
    pub(crate) results: Vec<Tensor>,
    pub(crate) gradients: BTreeMap<String, Tensor>,
}

fn tensor(value: &Value) -> Tensor {
    let shape: Vec<usize> =
        value["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect();
    let values = value["values"].as_array().unwrap();
    // Integers are written without a point.
    match values.iter().map(Value::as_i64).collect::<Option<Vec<i64>>>() {
        Some(integers) => Tensor::from_vec(&shape, integers).unwrap(),
        None => {
            let values = values.iter().map(|value| value.as_f64().unwrap()).collect();
            Tensor::from_vec::<f64>(&shape, values).unwrap()
        }
    }
}

fn tensors(value: &Value) -> Vec<(String, Tensor)> {
    value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), tensor(value))).collect()
}

impl Figures {
    pub(crate) fn read() -> Vec<Figures> {
        let file: Value = serde_json::from_str(include_str!("../data/pytorch.json")).unwrap();
        let cases = file["cases"].as_array().unwrap();
        assert_eq!(cases.len(), cases::CASES.len());
        let figures = |case: &Value| Figures {
            name: case["name"].as_str().unwrap().to_owned(),
            inputs: tensors(&case["inputs"]),
            parameters: tensors(&case["parameters"]).into_iter().collect(),
            results: case["results"].as_array().unwrap().iter().map(tensor).collect(),
            gradients: tensors(&case["gradients"]).into_iter().collect(),
        };
        cases.iter().map(figures).collect()
    }

    /// Whether the function has no derivative where an operand is `x`: the activations at 0.
    pub(crate) fn has_kink_at(&self, x: f64) -> bool {
        x == 0.0 && self.name.contains("elu")
    }
}

/// A layer as a graph.
pub(crate) struct Case {
    pub(crate) graph: Graph,
    /// The tensors of the graph's inputs.
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) results: Vec<ValueId>,
    /// The values that gradients are by, with PyTorch's names.
    pub(crate) wrt: Vec<(String, ValueId)>,
}

impl Case {
    pub(crate) fn build(figures: &Figures, dtype: DType) -> Case {
        let (_, layer) = cases::CASES.iter().find(|(name, _)| *name == figures.name).unwrap();
        // Functions are built in either type at once, so that their constants are exact.
        let built = if figures.parameters.is_empty() { dtype } else { DType::F32 };
        let mut scope = Scope::new(&figures.name, Mode::Training, 1);
        let mut tensors: HashMap<ValueId, (String, Tensor)> = HashMap::new();
        let mut operands = Vec::new();
        for (name, tensor) in &figures.inputs {
            let tensor = if tensor.dtype().is_float() { tensor.cast(built) } else { tensor.clone() };
            let value = scope.input(name, TensorType::of(&tensor));
            operands.push(value);
            tensors.insert(value, (name.clone(), tensor));
        }
        let results = layer(&mut scope, &operands).unwrap();
        let (graph, parameters, _) = scope.finish();
        for parameter in parameters {
            let name = parameter.name.strip_prefix("layer.").unwrap().to_owned();
            let tensor = match figures.parameters.get(&name) {
                Some(tensor) => tensor.clone(),
                None if parameter.role == ediacara_nn::Role::Statistic => parameter.initial,
                None => panic!("{}: PyTorch has no parameter {name}", figures.name),
            };
            assert_eq!(tensor.shape(), graph.ty(parameter.value).shape, "{name}");
            tensors.insert(parameter.value, (name, tensor));
        }
        let (graph, values) = retyped(&graph, dtype);
        let mut case = Case { inputs: Vec::new(), results: Vec::new(), wrt: Vec::new(), graph };
        case.results = results.iter().map(|result| values[result]).collect();
        // Inputs were retyped in their order.
        let mut sources: Vec<(&ValueId, &(String, Tensor))> = tensors.iter().collect();
        sources.sort_by_key(|(value, _)| value.index());
        for (value, (name, tensor)) in sources {
            let is_float = tensor.dtype().is_float();
            case.inputs.push(if is_float { tensor.cast(dtype) } else { tensor.clone() });
            if is_float && figures.gradients.contains_key(name) {
                case.wrt.push((name.clone(), values[value]));
            }
        }
        case
    }
}

/// The graph with every f32 in another type, and where its values are in the new graph.
fn retyped(graph: &Graph, dtype: DType) -> (Graph, HashMap<ValueId, ValueId>) {
    let mut copy = Graph::new(graph.name.clone());
    let mut values = HashMap::new();
    for value in graph.values() {
        let name = graph.value(value).name.clone();
        if let Some(tensor) = graph.constant(value) {
            let tensor = if tensor.dtype() == DType::F32 { tensor.cast(dtype) } else { tensor.clone() };
            values.insert(value, copy.add_constant(name, tensor));
        } else if graph.producer(value).is_none() {
            let mut ty = graph.ty(value).clone();
            if ty.dtype == DType::F32 {
                ty.dtype = dtype;
            }
            values.insert(value, copy.add_input(name, ty));
        }
    }
    for node in graph.nodes() {
        let (name, op) = (graph.node(node).name.clone(), graph.node(node).op.clone());
        let inputs: Vec<ValueId> = graph.node(node).inputs.iter().map(|input| values[input]).collect();
        let added = copy.add_node(name, op, &inputs).unwrap();
        let outputs = copy.outputs_of(added).to_vec();
        values.extend(graph.outputs_of(node).iter().copied().zip(outputs));
    }
    (copy, values)
}

/// The executor of a graph for these outputs.
pub(crate) fn runner(graph: &Graph, outputs: &[ValueId]) -> Executor {
    let mut graph = graph.clone();
    graph.set_outputs(outputs.to_vec());
    graph.compact();
    graph.verify().unwrap();
    Executor::new(&graph, &Options::default()).unwrap()
}

/// The values of `outputs`.
pub(crate) fn evaluate(graph: &Graph, outputs: &[ValueId], inputs: &[Tensor]) -> Vec<Tensor> {
    runner(graph, outputs).run(inputs).unwrap()
}

/// A tensor's elements as f64.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast(DType::F64).to_vec().unwrap()
}
