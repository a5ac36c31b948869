//! Deeploy's graphs, whose operators come from a crate of their own: products run on the DLP, the file runs alone.

use std::path::{Path, PathBuf};

use ediacara::data::{DataSet, Locations, skip};
use serde_json::Value;

use crate::{json, number, succeed};

/// Every graph with the share of its multiply-adds that the DLP runs at least.
const GRAPHS: [(&str, f64); 7] = [
    ("deeploy_microllama_int8_pos1", 1.0),
    ("deeploy_icct_int8", 0.99),
    ("deeploy_microllama_fp32_pos1", 0.95),
    ("deeploy_cct_fp32", 0.95),
    ("deeploy_transformer_train", 0.9),
    ("deeploy_cct_train_lp", 0.95),
    ("deeploy_cct_train_ft1", 0.9),
];

fn models() -> Option<PathBuf> {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    match locations.find(DataSet::Models).map(|models| models.join("../models2")) {
        Ok(folder) if folder.is_dir() => Some(folder),
        _ => {
            skip("deeploy", "models2");
            None
        }
    }
}

/// `command`, the model, and every stored input of it.
fn arguments(command: &str, folder: &Path) -> Vec<String> {
    let mut arguments = vec![command.to_owned(), folder.join("model.onnx").display().to_string()];
    arguments.extend(inputs(folder));
    arguments
}

fn inputs(folder: &Path) -> Vec<String> {
    let stored = |index| folder.join(format!("test_data_set_0/input_{index}.pb"));
    let inputs = (0..).map(stored).take_while(|path| path.exists());
    inputs.flat_map(|path| ["--input".to_owned(), path.display().to_string()]).collect()
}

fn report(mut arguments: Vec<String>, more: &[&str]) -> Value {
    arguments.extend(more.iter().map(|&one| one.to_owned()));
    json(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn every_graph_runs_on_the_dlp_to_the_bit() {
    let Some(models) = models() else { return };
    for (name, share) in GRAPHS {
        let report = report(arguments("run", &models.join(name)), &["--checked", "--json"]);
        assert_eq!(report["check"]["bit_exact"], true, "{name}: {}", report["check"]);
        assert!(number(&report["check"]["bytes"]) > 1_000, "{name}: {}", report["check"]);
        let found = report["placement"]["macs_share"].as_f64().unwrap();
        assert!((share..=1.0).contains(&found), "{name}: {found}");
        println!("{name}: {found} of the MACs, {} cycles of the DLP", report["dlp_cycles"]);
    }
}

/// Norms, softmaxes and means of integers are float instructions between the products: there is no turn of the host.
#[test]
fn the_networks_of_integers_are_one_program() {
    let Some(models) = models() else { return };
    for (name, _) in &GRAPHS[..2] {
        let report = report(arguments("run", &models.join(name)), &["--json"]);
        assert_eq!(number(&report["placement"]["nodes_host"]), 0, "{name}: {}", report["host_ops"]);
        let segments = report["segments"].as_array().unwrap();
        assert!(segments.iter().all(|segment| segment["place"] == "dlp"), "{name}: {}", report["segments"]);
        assert_eq!(segments.len(), 1, "{name}: {}", report["segments"]);
    }
}

/// The integers that the whole plan gives are those that Deeploy's own kernels give.
#[test]
fn the_networks_of_integers_give_their_stored_outputs_from_the_file_alone() {
    let Some(models) = models() else { return };
    let directory = tempfile::tempdir().unwrap();
    for (name, _) in &GRAPHS[..2] {
        let folder = models.join(name);
        let program = directory.path().join("network.dlpx").display().to_string();
        succeed(&["compile", &folder.join("model.onnx").display().to_string(), "-o", &program]);
        let outputs = directory.path().join(format!("{name}.npz")).display().to_string();
        let mut exec = vec!["exec".to_owned(), program.clone(), "--output".to_owned(), outputs.clone()];
        exec.extend(inputs(&folder));
        succeed(&exec.iter().map(String::as_str).collect::<Vec<_>>());
        compare(Path::new(&outputs), &folder.join("test_data_set_0"));
        let proof = json(&["prove", &program, "--json"]);
        assert_eq!(proof["proven"], true, "{name}");
    }
}

/// Compares the arrays of an archive with the stored outputs, in their order and to the bit.
fn compare(archive: &Path, stored: &Path) {
    let found = ediacara::tensor::npz::read(archive).unwrap();
    for (index, (name, found)) in found.iter().enumerate() {
        let (_, expected) = ediacara::onnx::read_tensor(stored.join(format!("output_{index}.pb"))).unwrap();
        assert_eq!(found.shape(), expected.shape(), "{name}");
        assert_eq!(found.to_vec::<f32>().unwrap(), expected.to_vec::<f32>().unwrap(), "{name}");
    }
    assert!(!stored.join(format!("output_{}.pb", found.len())).exists() && !found.is_empty());
}
