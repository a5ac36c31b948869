//! Exclusive or, learnt by a network with the operator, which then runs on the DLP.

use ediacara::arch::Machine;
use ediacara::graph::{Graph, Registry, Tensor, TensorType};
use ediacara::nn::optimisers::{Decay, Momentum, Optimiser};
use ediacara::nn::{Mode, Scope, losses};
use ediacara::train::Session;
use ediacara::{CalibrationSource, Model, Run, RunOptions};

use crate::isru;

/// A network, the rows of its table, and the loss at every hundredth step.
type Trained = (Graph, Tensor, Vec<(usize, f32)>);

/// A network that has learnt exclusive or: two dense layers with the operator between them.
pub(crate) fn trained() -> Result<Trained, Box<dyn std::error::Error>> {
    let mut scope = Scope::new("xor", Mode::Training, 1);
    let x = scope.input("x", TensorType::f32(&[4, 2]));
    let wanted = scope.input("wanted", TensorType::f32(&[4, 1]));
    let hidden = scope.dense("hidden", x, 8)?;
    let hidden = scope.apply(isru::Isru { alpha: 1.0 }, &[hidden])?;
    let y = scope.dense("y", hidden, 1)?;
    let loss = losses::mean_squared_error(&mut scope.emitter("loss"), y, wanted)?;
    let rate = scope.constant(Tensor::scalar(0.1_f32));
    let sgd = Optimiser::Sgd { momentum: 0.9, form: Momentum::default() };
    let (graph, parameters, updates) = sgd.minimise(scope, loss, [rate; 2], Decay::default())?;
    let mut session = Session::new(graph, &parameters, 1)?;
    let rows = Tensor::from_vec(&[4, 2], vec![-1.0_f32, -1.0, -1.0, 1.0, 1.0, -1.0, 1.0, 1.0])?;
    let answers = Tensor::from_vec(&[4, 1], vec![-1.0_f32, 1.0, 1.0, -1.0])?;
    let mut at_steps = Vec::new();
    for step in 0..300 {
        let losses = session.run(&[(x, &rows), (wanted, &answers)], &[loss], &updates)?;
        if step % 100 == 0 {
            at_steps.push((step, losses[0].to_vec::<f32>()?[0]));
        }
    }
    Ok((session.freeze(&[y])?, rows, at_steps))
}

/// The network read back from its text, by a registry that knows the operator.
pub(crate) fn read_from_text(network: &Graph) -> Result<Graph, Box<dyn std::error::Error>> {
    let mut registry = Registry::core();
    registry.register(isru::DESCRIPTION)?;
    Ok(Graph::parse(&network.to_text(), &registry, &|name| network.constant_by_name(name))?)
}

/// Calibrates a network with some rows, and runs it on them.
pub(crate) fn on_the_dlp(graph: Graph, rows: Tensor) -> Result<Run, Box<dyn std::error::Error>> {
    let name = "xor".to_owned();
    let model = Model { name, graph, preprocess: None, labels: None, unbound: Vec::new(), notes: Vec::new() };
    let calibration = CalibrationSource::Tensors(vec![vec![rows.clone()]]);
    let prepared = ediacara::prepare(&model, &calibration, &mut |_| {})?;
    let options = RunOptions::on(Machine::preset("dlp16")?);
    Ok(ediacara::run(&model, &prepared, &[rows], &options, &mut |_| {})?)
}
