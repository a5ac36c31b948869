//! An operator of one's own, all the way: trained with, exported, and run in int8 on the DLP, where it is a table.
//!
//! The operator is one file, `isru.rs`; nothing of the project changes for it.
//! `cargo run -p ediacara --example own_op -- isru.onnx` also writes the trained network, the operator as a function in it.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod isru;

use ediacara::arch::Machine;
use ediacara::graph::{Graph, Registry, Tensor, TensorType};
use ediacara::nn::optimisers::{Decay, Momentum, Optimiser};
use ediacara::nn::{Mode, Scope, losses};
use ediacara::train::Session;
use ediacara::{CalibrationSource, Model, RunOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (network, rows) = trained()?;
    if let Some(path) = std::env::args().nth(1) {
        ediacara::onnx::export(&network, &path, &Default::default())?;
    }
    // The text of the network is read where the operator is registered.
    let mut registry = Registry::core();
    registry.register(isru::DESCRIPTION)?;
    let graph = Graph::parse(&network.to_text(), &registry, &|name| network.constant_by_name(name))?;
    println!("{}", graph.to_text());

    let model = Model {
        name: "xor".to_owned(),
        graph,
        preprocess: None,
        labels: None,
        unbound: Vec::new(),
        notes: Vec::new(),
    };
    let calibration = CalibrationSource::Tensors(vec![vec![rows.clone()]]);
    let prepared = ediacara::prepare(&model, &calibration, &mut |_| {})?;
    let options = RunOptions::on(Machine::preset("dlp16")?);
    let run = ediacara::run(&model, &prepared, &[rows], &options, &mut |_| {})?;
    println!("on the host: {:?}", run.report.host_ops);
    println!("equal to the host: {:?}", run.report.check.bit_exact);
    println!("xor: {:?}", run.outputs[0].1.to_vec::<f32>()?);
    Ok(())
}

/// A network of two dense layers and the operator between them that has learnt exclusive or, and the rows of its table.
fn trained() -> Result<(Graph, Tensor), Box<dyn std::error::Error>> {
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
    for step in 0..300 {
        let losses = session.run(&[(x, &rows), (wanted, &answers)], &[loss], &updates)?;
        if step % 100 == 0 {
            println!("step {step}: loss {:.5}", losses[0].to_vec::<f32>()?[0]);
        }
    }
    Ok((session.freeze(&[y])?, rows))
}
