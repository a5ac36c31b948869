//! A user's own operators: registered, read from text, differentiated as a graph and eagerly, trained with.
//!
//! Each is one file: kernel, shape rule and gradient. Run with
//! `cargo run -p ediacara-autodiff --example custom_op`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod exp;
mod isru;
mod sin;
mod training;

use ediacara_autodiff::{Tape, gradients};
use ediacara_graph::{Attributes, Graph, Registry, Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut registry = Registry::core();
    for description in [isru::DESCRIPTION, exp::DESCRIPTION, sin::DESCRIPTION] {
        registry.register(description)?;
    }
    let text = "graph \"unit\" {\n  input %v: f32[4]\n  %y: f32[4] = isru(%v)\n  output %y\n}";
    let mut graph = Graph::parse(text, &registry, &|_| None)?;
    let (v, y) = (graph.inputs()[0], graph.outputs()[0]);
    let derivative = gradients(&mut graph, y, &[v])?;
    graph.set_outputs(derivative);
    println!("{}", graph.to_text());

    let mut tape = Tape::new();
    let v = tape.value("v", Tensor::from_vec(&[4], vec![-2.0_f32, -0.5, 0.0, 1.0])?);
    let y = tape.apply(isru::Isru, &[v])?;
    let derivative = tape.gradients(y, &[v])?[0];
    println!("v  {:?}", tape.tensor(v).to_vec::<f32>()?);
    println!("y  {:?}", tape.tensor(y).to_vec::<f32>()?);
    println!("y' {:?}\n", tape.tensor(derivative).to_vec::<f32>()?);

    for name in ["isru", "user_exp", "user_sin"] {
        let [first, last] = training::train(&registry.build(name, &Attributes::new())?)?;
        println!("a network of {name}: loss {first:.5} before training, {last:.7} after");
    }
    Ok(())
}
