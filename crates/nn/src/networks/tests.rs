//! The transformers against files of the same architecture: with their weights, the same stored answers.

#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ediacara_data::{DataSet, Locations, skip};
use ediacara_graph::{Graph, ValueId};
use ediacara_onnx::ImportOptions;
use ediacara_tensor::Tensor;

use super::{gpt2, vit};

/// The weights of a graph, each once, in the order in which nodes use them, and whether it is the matrix of
/// a `gemm`, [N, K], and not [K, N].
fn weights(graph: &Graph) -> Vec<(ValueId, Tensor, bool)> {
    let mut found: Vec<(ValueId, Tensor, bool)> = Vec::new();
    for id in graph.order() {
        let node = graph.node(id);
        for (index, &value) in node.inputs.iter().enumerate() {
            let Some(tensor) = graph.constant(value) else { continue };
            let learned = tensor.dtype().is_float() && tensor.rank() > 0;
            if learned && found.iter().all(|(known, ..)| *known != value) {
                found.push((value, tensor.clone(), node.op.name() == "gemm" && index == 1));
            }
        }
    }
    found
}

/// The outputs of a graph with these values in place of its inputs and some of its constants.
fn evaluate(graph: &Graph, mut values: HashMap<ValueId, Tensor>) -> Vec<Tensor> {
    for id in graph.order() {
        let node = graph.node(id);
        let operand = |value: &ValueId| values.get(value).or_else(|| graph.constant(*value)).unwrap().clone();
        let operands: Vec<Tensor> = node.inputs.iter().map(operand).collect();
        let mut outputs: Vec<Tensor> = graph.output_types(id).iter().map(|ty| ty.zeros().unwrap()).collect();
        node.op.run(&operands.iter().collect::<Vec<_>>(), &mut outputs).unwrap();
        values.extend(node.outputs.iter().copied().zip(outputs));
    }
    graph.outputs().iter().map(|output| values[output].clone()).collect()
}

/// The folder of a network of the test data.
fn network(name: &str) -> Option<PathBuf> {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    match locations.find(DataSet::Models).map(|models| models.join("../models2").join(name)) {
        Ok(folder) if folder.is_dir() => Some(folder),
        _ => {
            skip(name, "models2");
            None
        }
    }
}

/// Gives `graph` the weights of the file and inputs made of the stored ones, and compares its answers with the stored ones.
fn check(
    graph: &Graph,
    folder: &Path,
    place: impl Fn(&str, Tensor) -> Tensor,
    inputs: impl Fn(&dyn Fn(usize) -> Tensor) -> Vec<Tensor>,
    tolerance: f32,
) {
    let file = ediacara_onnx::import(folder.join("model.onnx"), &ImportOptions::default()).unwrap();
    let (own, given) = (weights(graph), weights(&file));
    // The file has a copy of the tied weights at its end.
    assert!((own.len()..=own.len() + 1).contains(&given.len()), "{} and {}", own.len(), given.len());
    let mut values = HashMap::new();
    for ((value, tensor, by_output), (_, given, given_by_output)) in own.iter().zip(&given) {
        let turned =
            if by_output == given_by_output { given.clone() } else { given.transpose(&[1, 0]).unwrap() };
        let turned = place(&graph.value(*value).name, turned.to_contiguous());
        values.insert(*value, turned.reshape(tensor.shape()).unwrap());
    }
    let data = folder.join("test_data_set_0");
    let stored = |kind: &str, index: usize| {
        ediacara_onnx::read_tensor(data.join(format!("{kind}_{index}.pb"))).unwrap().1
    };
    for (&input, tensor) in graph.inputs().iter().zip(inputs(&|index| stored("input", index))) {
        assert_eq!(tensor.shape(), graph.ty(input).shape);
        values.insert(input, tensor);
    }
    for (index, found) in evaluate(graph, values).iter().enumerate() {
        let expected = stored("output", index);
        assert_eq!(found.shape(), expected.shape());
        let (found, expected) = (found.to_vec::<f32>().unwrap(), expected.to_vec::<f32>().unwrap());
        let largest = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest <= tolerance, "output {index}: {largest}");
    }
}

/// torchvision's VisionTransformer: 64 x 64 pixels, patches of 8 x 8.
#[test]
fn vision_transformers_compute_what_torchvisions_does() {
    let Some(folder) = network("vit_tiny") else { return };
    let sizes = vit::Sizes {
        name: "tiny",
        image: 64,
        patch: 8,
        width: 64,
        layers: 2,
        heads: 4,
        hidden: 256,
        classes: 10,
    };
    check(&vit::build(&sizes, 1, 0).unwrap(), &folder, |_, tensor| tensor, |stored| vec![stored(0)], 3e-5);
}

/// A cache `[1, 4, 31, 16]` with one row more of each head.
fn padded(cache: &Tensor) -> Tensor {
    let rows = cache.to_vec::<f32>().unwrap();
    let heads = rows.chunks_exact(31 * 16).flat_map(|head| head.iter().copied().chain([7.0; 16]));
    Tensor::from_vec(&[1, 4, 32, 16], heads.collect()).unwrap()
}

/// The decoder of the transformers library after 31 tokens; of the positions the file only has the 31st.
#[test]
fn the_decoder_computes_what_the_librarys_does() {
    let Some(folder) = network("gpt2_tiny_decode") else { return };
    let sizes = gpt2::Sizes { name: "tiny", vocabulary: 500, positions: 32, width: 64, layers: 2, heads: 4 };
    let place = |name: &str, tensor: Tensor| {
        if name != "wpe.weight" {
            return tensor;
        }
        let mut all = vec![f32::NAN; 31 * 64];
        all.extend(tensor.to_vec::<f32>().unwrap());
        Tensor::from_vec(&[32, 64], all).unwrap()
    };
    // Its caches hold 31 rows; what lies in the row of the token that is decoded is of no consequence.
    let inputs = |stored: &dyn Fn(usize) -> Tensor| {
        let mut inputs = vec![stored(0), Tensor::from_vec(&[1], vec![31_i64]).unwrap()];
        inputs.extend((1..5).map(|index| padded(&stored(index))));
        inputs
    };
    check(&gpt2::decoder(&sizes, 32, 0).unwrap(), &folder, place, inputs, 9e-5);
}

/// What lies behind the position does not show, whatever it is.
#[test]
fn a_decoder_sees_nothing_behind_its_position() {
    let logits = |length: usize, behind: f32| {
        let sizes =
            gpt2::Sizes { name: "tiny", vocabulary: 50, positions: 9, width: 16, layers: 2, heads: 2 };
        let graph = gpt2::decoder(&sizes, length, 3).unwrap();
        let number = |shape: &[usize], number: i64| Tensor::from_vec(shape, vec![number]).unwrap();
        let row = |head: usize, row: usize, at: usize| ((7 * head + 3 * row + at) % 5) as f32 - 2.0;
        let value = |head, place| move |at| if place < 4 { row(head, place, at) } else { behind };
        let rows = (0..2).flat_map(|head| (0..length).flat_map(move |place| (0..8).map(value(head, place))));
        let cache = Tensor::from_vec(&[1, 2, length, 8], rows.collect()).unwrap();
        let inputs = [number(&[1, 1], 11), number(&[1], 4)].into_iter().chain(vec![cache; 4]);
        let values = graph.inputs().iter().copied().zip(inputs).collect();
        evaluate(&graph, values)[0].to_vec::<f32>().unwrap()
    };
    let expected = logits(5, 0.0);
    for (length, behind) in [(5, 9.0), (9, 0.0), (9, -3.0)] {
        let found = logits(length, behind);
        let largest = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest < 1e-5, "{length}, {behind}: {largest}");
    }
}
