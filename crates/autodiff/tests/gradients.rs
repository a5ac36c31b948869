//! Text in, text out: each file of tests/gradients is one case.
//!
//! Its first line names what its only output is differentiated by and, after `keeping`, the checkpoints. The
//! graph follows, then, after a line `----`, the graph of the gradients. `UPDATE_EXPECT=1` rewrites the
//! expected part.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use ediacara_autodiff::{differentiate, differentiate_with_checkpoints};
use ediacara_graph::{Graph, Registry, Tensor, ValueId};

type TestResult = datatest_stable::Result<()>;

fn case(path: &Path) -> TestResult {
    let text = std::fs::read_to_string(path)?;
    let (input, expected) = text.split_once("----\n").unwrap_or((&text, ""));
    let (request, graph_text) = input.split_once('\n').ok_or("the first line must name values")?;
    let mut graph = Graph::parse(graph_text, &Registry::core(), &|_| None)?;
    let values = |names: &str, graph: &Graph| -> Vec<ValueId> {
        names.split_whitespace().map(|name| graph.value_by_name(name).unwrap()).collect()
    };
    let output = graph.outputs()[0];
    let ones = Tensor::scalar(1.0_f64).cast(graph.ty(output).dtype).broadcast_to(&graph.ty(output).shape)?;
    let seed = graph.add_constant("seed", ones);
    let found = match request.split_once(" keeping ") {
        None => {
            let wrt = values(request, &graph);
            differentiate(&mut graph, &[output], &[seed], &wrt)?
        }
        Some((wrt, checkpoints)) => {
            let (wrt, checkpoints) = (values(wrt, &graph), values(checkpoints, &graph));
            differentiate_with_checkpoints(&mut graph, &[output], &[seed], &wrt, &checkpoints)?
        }
    };
    graph.set_outputs(found.into_iter().flatten().collect());
    graph.compact();
    graph.verify()?;
    let found = graph.to_text();
    let round_trip = Graph::parse(&found, &Registry::core(), &|name| graph.constant_by_name(name))?;
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

datatest_stable::harness! {
    { test = case, root = "tests/gradients", pattern = r".*\.txt$" },
}
