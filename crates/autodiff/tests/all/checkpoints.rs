//! Gradient checkpointing: the same bits in less memory.

use ediacara_autodiff::{differentiate, differentiate_with_checkpoints};
use ediacara_graph::ops::{Add, Gemm, Tanh};
use ediacara_graph::{Graph, Tensor, TensorType, ValueId};
use ediacara_host::MemoryPlan;

use crate::common::{Random, run};

const LAYERS: usize = 36;

/// A chain of layers with a residual every second layer; also every sixth value.
fn chain(random: &mut Random) -> (Graph, ValueId, Vec<ValueId>, Vec<ValueId>) {
    let mut graph = Graph::new("chain");
    let mut x = graph.add_input("x", TensorType::f32(&[64, 16]));
    let (mut weights, mut sixth, mut before) = (Vec::new(), Vec::new(), x);
    for layer in 0..LAYERS {
        let weight = random.spread(&[16, 16], -0.4, 0.4).cast(ediacara_graph::DType::F32);
        let weight = graph.add_constant(format!("w{layer}"), weight);
        weights.push(weight);
        let product = graph.add(format!("gemm{layer}"), Gemm::default(), &[x, weight]).unwrap();
        x = graph.add(format!("tanh{layer}"), Tanh, &[product]).unwrap();
        if layer % 2 == 1 {
            x = graph.add(format!("add{layer}"), Add, &[x, before]).unwrap();
            before = x;
        }
        if layer % 6 == 5 {
            sixth.push(x);
        }
    }
    (graph, x, weights, sixth)
}

fn peak(graph: &Graph) -> usize {
    let plan = MemoryPlan::new(graph).unwrap();
    plan.buffers.iter().map(|buffer| buffer.elements * buffer.dtype.size_bytes()).sum()
}

#[test]
fn less_memory_and_equal_bits() {
    let mut random = Random(3);
    let (graph, loss, weights, sixth) = chain(&mut random);
    let x = random.spread(&[64, 16], -1.0, 1.0).cast(ediacara_graph::DType::F32);
    let gradients_of = |checkpoints: Option<&[ValueId]>| {
        let mut graph = graph.clone();
        let ones = Tensor::full(&[64, 16], 1.0_f32).unwrap();
        let seed = graph.add_constant("seed", ones);
        let found = match checkpoints {
            None => differentiate(&mut graph, &[loss], &[seed], &weights).unwrap(),
            Some(kept) => {
                differentiate_with_checkpoints(&mut graph, &[loss], &[seed], &weights, kept).unwrap()
            }
        };
        graph.set_outputs(found.into_iter().map(Option::unwrap).collect());
        graph.compact();
        graph
    };
    let (all, some) = (gradients_of(None), gradients_of(Some(&sixth)));
    let results = run(&all, std::slice::from_ref(&x)).into_iter().zip(run(&some, &[x]));
    results.for_each(|(all, some)| assert!(all.same_bits(&some)));
    // A chain keeps a value for each layer. With a checkpoint every sixth of 36 layers it keeps 6 and those
    // of one segment.
    let (all, some) = (peak(&all), peak(&some));
    assert!(some * 2 < all, "{some} bytes with checkpoints, {all} without");
}

#[test]
fn without_checkpoints_everything_is_computed_from_the_inputs() {
    let mut random = Random(4);
    let (mut graph, loss, weights, _) = chain(&mut random);
    let ones = Tensor::full(&[64, 16], 1.0_f32).unwrap();
    let seed = graph.add_constant("seed", ones);
    let mut plain = graph.clone();
    let found = differentiate_with_checkpoints(&mut graph, &[loss], &[seed], &weights[30..], &[]).unwrap();
    let expected = differentiate(&mut plain, &[loss], &[seed], &weights[30..]).unwrap();
    graph.set_outputs(found.into_iter().map(Option::unwrap).collect());
    plain.set_outputs(expected.into_iter().map(Option::unwrap).collect());
    let x = random.spread(&[64, 16], -1.0, 1.0).cast(ediacara_graph::DType::F32);
    let results = run(&graph, std::slice::from_ref(&x)).into_iter().zip(run(&plain, &[x]));
    results.for_each(|(found, expected)| assert!(found.same_bits(&expected)));
}
