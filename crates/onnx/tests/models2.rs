//! Small exports of real architectures: the host gives the outputs that are stored beside them.
//!
//! The tolerances are those of `models2/SOURCES.md`: ten times what another order of summation makes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::Path;

use ediacara_onnx::ImportOptions;

/// Every network, with the largest absolute difference.
const NETWORKS: &[(&str, f64)] = &[
    ("bert_tiny", 5e-5),
    ("gpt2_tiny", 1e-4),
    ("gpt2_tiny_decode", 9e-5),
    ("llama_tiny", 4e-5),
    ("t5_tiny_encoder", 4e-5),
    ("vit_tiny", 3e-5),
    ("swin_tiny", 2e-5),
    ("swin_tiny_folded", 2e-5),
    ("whisper_tiny_encoder", 4e-5),
    ("whisper_tiny_decoder", 9e-5),
    ("convnext_tiny_small", 3e-5),
    ("lstm", 2e-5),
    ("lstm_bidirectional", 2e-5),
    ("gru", 9e-6),
    ("gru_bidirectional", 9e-6),
    ("unet_groupnorm_small", 6e-5),
    ("tcn_1d", 5e-5),
    ("conv3d_small", 2e-5),
    ("mixer", 7e-6),
    ("squeezenet_nhwc", 7e-5),
    ("se_hswish", 4e-6),
    ("ppocr_cls_48x192", 1e-5),
    ("dnsmos_model_v8", 3e-5),
    ("dnsmos_sig", 3e-5),
    ("magika_v3_3", 1e-5),
    ("basic_pitch_nmp", 5e-3),
    ("silero_vad_op18_ifless", 9e-5),
    ("mtcnn_pnet", 2e-5),
    ("mtcnn_rnet", 1e-5),
    ("deeploy_cct_fp32_opset20", 1e-6),
];

/// Inputs that decide shapes or branches, which are fixed to their stored values.
const FIXED: &[&str] = &["sr"];

fn check(folder: &Path, tolerance: f64) -> Result<(), String> {
    let path = folder.join("model.onnx");
    let names = ediacara_onnx::input_names(&path).map_err(|error| error.to_string())?;
    let sets = (0..).map(|set| folder.join(format!("test_data_set_{set}"))).take_while(|set| set.is_dir());
    let mut compared = 0;
    for data in sets {
        let inputs = common::stored_tensors(&data, "input")?;
        let expected = common::stored_tensors(&data, "output")?;
        let named = || names.iter().cloned().zip(inputs.iter().cloned());
        let is_fixed = |name: &String| FIXED.contains(&name.as_str());
        let options = ImportOptions {
            shapes: named().map(|(name, tensor)| (name, tensor.shape().to_vec())).collect(),
            constants: named().filter(|(name, _)| is_fixed(name)).collect(),
            ..ImportOptions::default()
        };
        let graph = ediacara_onnx::import(&path, &options).map_err(|error| error.to_string())?;
        graph.verify().map_err(|error| error.to_string())?;
        let fed: Vec<_> = named().filter(|(name, _)| !is_fixed(name)).map(|(_, tensor)| tensor).collect();
        let found = common::run(&graph, &fed)?;
        if found.len() != expected.len() {
            return Err(format!("{} outputs, expected {}", found.len(), expected.len()));
        }
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            common::compare(found, expected, 0.0, tolerance)
                .map_err(|problem| format!("output {index}: {problem}"))?;
            compared += 1;
        }
    }
    if compared == 0 { Err("nothing was compared".to_owned()) } else { Ok(()) }
}

#[test]
fn every_network_gives_its_stored_outputs() {
    let Some(models) = common::network("../models2") else { return };
    let failures: Vec<String> = NETWORKS
        .iter()
        .filter_map(|&(name, tolerance)| {
            check(&models.join(name), tolerance).err().map(|problem| format!("{name}: {problem}"))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
