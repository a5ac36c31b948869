//! Presets and decoding against the answers that reference networks gave to photos.
//!
//! The answers stand in the tables beside the photos. With Pillow's decoder and onnxruntime the presets
//! reproduce all 198 of them. With this crate's decoder and onnxruntime they reproduce 196, since JPEG pixels
//! differ by a few steps and two photos are close calls.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests may")]

use std::path::{Path, PathBuf};

use ediacara_data::{DataError, DataSet, Locations, Preprocess, RgbImage, bundled, photos};
use ediacara_host::{Executor, Options};
use ediacara_onnx::ImportOptions;
use ediacara_tensor::Tensor;

/// The folder of a set, or a note that the test is skipped.
fn folder_of(set: DataSet) -> Option<PathBuf> {
    match Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap().find(set) {
        Ok(folder) => Some(folder),
        Err(error @ DataError::SetNotFound { .. }) => {
            ediacara_data::skip(set.name(), &error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn top(scores: &Tensor) -> Vec<(usize, f32)> {
    let mut ranked: Vec<(usize, f32)> = scores.to_vec::<f32>().unwrap().into_iter().enumerate().collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
    ranked
}

/// Checks that at most one of the 66 photos, in fp32 on the host, is answered otherwise than in the table.
#[track_caller]
fn check(model: &str, preset: &str, side: usize) {
    let (Some(models), Some(fifty), Some(stubs)) =
        (folder_of(DataSet::Models), folder_of(DataSet::ImageNet50), folder_of(DataSet::ImageNetStubs))
    else {
        return;
    };
    let file = models.join(model).join("model.onnx");
    let graph = ediacara_onnx::import(file, &ImportOptions::default()).unwrap();
    let executor = Executor::new(&graph, &Options::default()).unwrap();
    let preprocess = Preprocess::preset(preset).unwrap();
    let labels = bundled::imagenet_labels().unwrap();
    let column = format!("{}_top1", model.replace("_deepcompressed", ""));
    let (mut different, mut count) = (Vec::new(), 0);
    for table in [fifty.join("labels_and_reference_top1.tsv"), stubs.join("labels.tsv")] {
        for photo in photos::read_table(&table).unwrap() {
            let input = preprocess.apply(&RgbImage::open(&photo.path).unwrap(), 3, side, side).unwrap();
            let scores = &executor.run(&[input]).unwrap()[0];
            let (class, _) = labels.of_output(top(scores)[0].0, scores.len());
            count += 1;
            if class != photo.number(&column) {
                different.push(photo.path.display().to_string());
            }
        }
    }
    assert_eq!(count, 66);
    assert!(different.len() <= 1, "{model}: {different:?}");
}

#[test]
fn efficientnet_lite0() {
    check("efficientnet_lite0", "lite", 224);
}

#[test]
fn mobilenet_v2_qdq() {
    check("mobilenet_v2_qdq", "tf", 224);
}

#[test]
fn squeezenet10() {
    check("squeezenet10_deepcompressed", "caffe", 227);
}

/// The first run gives the logits of onnxruntime for Pillow's input, as `assets/README.md` has them.
#[test]
fn bundled_network_sees_a_cat() {
    let model = &bundled::MODELS[0];
    let (graph, _) = ediacara_onnx::import_bytes(model.name, model.onnx, &ImportOptions::default()).unwrap();
    let executor = Executor::new(&graph, &Options::default()).unwrap();
    let photo = bundled::PHOTO.decode().unwrap();
    let input = model.preprocessing().unwrap().apply(&photo, 3, 224, 224).unwrap();
    let ranked = top(&executor.run(&[input]).unwrap()[0]);
    let expected = [(282, 9.2150), (285, 9.1550), (281, 8.3808), (287, 6.0924), (904, 3.5881)];
    for ((class, score), (expected_class, expected_score)) in ranked.into_iter().zip(expected) {
        assert_eq!(class, expected_class);
        assert!((score - expected_score).abs() < 2e-4, "class {class}: {score} for {expected_score}");
    }
}
