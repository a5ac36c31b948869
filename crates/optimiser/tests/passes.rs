//! Text in, text out: each file of tests/passes is one case.
//!
//! Its first line names what runs. The graph follows, then, after a line `----`, the graph that comes out.
//! `UPDATE_EXPECT=1` rewrites the expected part.
//!
//! Whatever runs, the two graphs are then run on the host on the same random inputs and must agree.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use ediacara_data::Random;
use ediacara_graph::rewrite::Context;
use ediacara_graph::{DType, Graph, Registry, Tensor};
use ediacara_host::Executor;
use ediacara_optimiser::{Options, optimise, passes};

type TestResult = datatest_stable::Result<()>;

fn case(path: &Path) -> TestResult {
    let text = std::fs::read_to_string(path)?;
    let (input, expected) = text.split_once("----\n").unwrap_or((&text, ""));
    let (command, graph_text) =
        input.split_once('\n').ok_or("the first line must name a pass, or `optimise`")?;
    let graph = Graph::parse(graph_text, &Registry::core(), &|_| None)?;
    let result = run(command.trim(), &graph)?;
    agree(&graph, &result)?;
    let found = result.to_text();
    let round_trip = Graph::parse(&found, &Registry::core(), &|name| result.constant_by_name(name))?;
    assert_eq!(round_trip.to_text(), found, "the text form does not round-trip");
    if found == expected {
        return Ok(());
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, format!("{input}----\n{found}"))?;
        return Ok(());
    }
    Err(format!("expected:\n{expected}\nfound:\n{found}\nUPDATE_EXPECT=1 accepts what was found").into())
}

fn run(command: &str, graph: &Graph) -> Result<Graph, Box<dyn std::error::Error>> {
    if command == "optimise" {
        return Ok(optimise(graph.clone(), &Options::default())?);
    }
    let pipeline = passes::pipeline();
    let pass = pipeline.passes().iter().find(|pass| pass.name() == command);
    let pass = pass.ok_or_else(|| format!("no pass is called `{command}`"))?;
    let mut graph = graph.clone();
    pass.run(&mut graph, &mut Context::new())?;
    graph.verify()?;
    graph.compact();
    Ok(graph)
}

/// Runs both graphs on the same seeded inputs and compares every output.
fn agree(left: &Graph, right: &Graph) -> TestResult {
    let mut random = Random::new(7);
    let inputs: Vec<Tensor> =
        left.inputs().iter().map(|&input| random_tensor(left, input, &mut random)).collect();
    let run = |graph: &Graph| -> Result<Vec<Tensor>, Box<dyn std::error::Error>> {
        Ok(Executor::new(graph, &ediacara_host::Options::default())?.run(&inputs)?)
    };
    for (left, right) in run(left)?.iter().zip(&run(right)?) {
        assert_eq!((left.dtype(), left.shape()), (right.dtype(), right.shape()));
        let (left, right) = (left.cast(DType::F32).to_vec::<f32>()?, right.cast(DType::F32).to_vec::<f32>()?);
        for (index, (left, right)) in left.iter().zip(&right).enumerate() {
            let close = (left - right).abs() <= 1e-5 * left.abs().max(1.0);
            assert!(close, "element {index}: {left} before, {right} after");
        }
    }
    Ok(())
}

fn random_tensor(graph: &Graph, value: ediacara_graph::ValueId, random: &mut Random) -> Tensor {
    let ty = graph.ty(value);
    let reals = (0..ty.elements()).map(|_| 2.0 * random.bell()).collect::<Vec<f32>>();
    Tensor::from_vec(&ty.shape, reals).unwrap().cast(ty.dtype)
}

datatest_stable::harness! {
    { test = case, root = "tests/passes", pattern = r".*\.txt$" },
}
