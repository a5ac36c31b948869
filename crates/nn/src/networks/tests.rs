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

/// Gives `graph` the weights of the file, and compares its answers with the stored ones.
fn check(graph: &Graph, folder: &Path, place: impl Fn(&str, Tensor) -> Tensor, tolerance: f32) {
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
    for (index, &input) in graph.inputs().iter().enumerate() {
        let tensor = stored("input", index);
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
    check(&vit::build(&sizes, 1, 0).unwrap(), &folder, |_, tensor| tensor, 3e-5);
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
    check(&gpt2::decoder(&sizes, 31, 0).unwrap(), &folder, place, 9e-5);
}
