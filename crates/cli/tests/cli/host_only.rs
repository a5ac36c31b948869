//! How much of a network runs on the DLP: what the command says of it, and that nothing is no success.

use std::path::{Path, PathBuf};

use ediacara::data::{DataSet, Locations, skip};
use ediacara::graph::{Graph, Registry};
use serde_json::Value;
use tempfile::TempDir;

use crate::run::accounts_balance;
use crate::{ediacara, fail, json, succeed};

const CONV: &str =
    "{stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}";

/// A network's file, in a folder of its own.
struct File {
    folder: TempDir,
    path: PathBuf,
}

impl File {
    /// Writes a graph from lines of its text form, in which `CONV` stands for the attributes of a plain
    /// convolution.
    fn new(lines: &str) -> File {
        let text = format!("graph \"network\" {{\n{}\n}}\n", lines.replace("CONV", CONV));
        let constant = |name: &str| {
            let shape: &[usize] = match name {
                "w" => &[4, 3, 3, 3],
                "v" => &[2, 4, 1, 1],
                "u" => &[64, 4, 3, 3],
                _ => return None,
            };
            let count: usize = shape.iter().product();
            let values = (0..count).map(|index| (index % 7) as f32 / 8.0 - 0.375).collect::<Vec<f32>>();
            ediacara::tensor::Tensor::from_vec(shape, values).ok()
        };
        let graph = Graph::parse(&text, &Registry::core(), &constant).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.onnx");
        ediacara::onnx::export(&graph, &path, &Default::default()).unwrap();
        File { folder, path }
    }

    fn model(&self) -> &str {
        self.path.to_str().unwrap()
    }

    fn program(&self) -> String {
        self.folder.path().join("network.dlpx").to_str().unwrap().to_owned()
    }
}

/// A convolution, a running sum, which the DLP has no form for, and a convolution behind it.
const BEHIND_A_SUM: &str = "
  input %x: f32[1,3,8,8]
  constant %w: f32[4,3,3,3] = @w
  constant %u: f32[64,4,3,3] = @u
  %y: f32[1,4,6,6] = conv(%x, %w) CONV
  %p: f32[1,4,6,6] = cumulative_sum(%y) {axis = 1, exclusive = false, reverse = false}
  %z: f32[1,64,4,4] = conv(%p, %u) CONV
  output %z";

const SOFTMAX_ALONE: &str = "
  input %x: f32[1,10]
  %p: f32[1,10] = softmax(%x) {axis = 1}
  output %p";

const UNFROZEN: &str = "
  input %x: f32[1,3,8,8]
  input %weight: f32[4,3,3,3]
  input %bias: f32[4]
  constant %v: f32[2,4,1,1] = @v
  %y: f32[1,4,6,6] = conv(%x, %weight, %bias) CONV
  %z: f32[1,2,6,6] = conv(%y, %v) CONV
  output %z";

/// The error of a command that ends with status 1.
fn refusal(arguments: &[&str]) -> String {
    let output = ediacara(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_network_of_which_a_part_runs_says_how_much() {
    let file = File::new(BEHIND_A_SUM);
    let report = json(&["run", file.model(), "--json"]);
    // 4 x 6 x 6 results of 3 x 3 x 3 products, and 64 x 4 x 4 results of 3 x 3 x 4 products.
    let (first, second) = (4 * 36 * 27, 64 * 16 * 36);
    assert_eq!(report["on_dlp"]["dlp_macs"], first + second);
    assert_eq!(report["on_dlp"]["macs"], first + second);
    assert_eq!((&report["on_dlp"]["dlp_nodes"], &report["on_dlp"]["nodes"]), (&2.into(), &3.into()));
    assert_eq!(report["placement"]["macs_share"], 1.0);
    assert_eq!(report["check"]["bit_exact"], true);
    // The DLP, the host and the DLP again.
    let places: Vec<_> = report["segments"].as_array().unwrap().iter().map(|one| &one["place"]).collect();
    assert_eq!(places, ["dlp", "host", "dlp"]);
    accounts_balance(&report);
    let ops = report["host_ops"].as_array().unwrap();
    let sum = ops.iter().find(|found| found["op"] == "cumulative_sum").unwrap();
    assert!(sum["reason"].as_str().unwrap().contains("cumulative_sum has no int8 form"), "{sum:?}");
    let nodes = report["nodes"].as_array().unwrap();
    let of = |op: &str| nodes.iter().filter(|node| node["op"] == op).collect::<Vec<_>>();
    assert_eq!(
        (&of("cumulative_sum")[0]["place"], &of("cumulative_sum")[0]["segment"]),
        (&"host".into(), &1.into())
    );
    assert!(of("conv").iter().all(|node| node["place"] == "dlp" && node["reason"] == Value::Null));

    let line = "100.0 % of 40,752 multiply-adds, 2 of 3 nodes";
    let text = succeed(&["run", file.model()]);
    assert_eq!(text.lines().nth(1), Some(format!("on the DLP    {line}").as_str()), "{text}");
    assert!(
        text.contains("cumulative_sum has no int8 form") && text.contains("segments      DLP "),
        "{text}"
    );

    let program = file.program();
    let text = succeed(&["compile", file.model(), "-o", &program]);
    assert_eq!(text.lines().next(), Some(format!("on the DLP: {line}").as_str()), "{text}");
    for command in [vec!["exec", &program], vec!["prove", &program], vec!["prove", file.model()]] {
        let text = succeed(&command);
        assert_eq!(text.lines().next(), Some(format!("on the DLP: {line}").as_str()), "{text}");
        let report = json(&[&command[..], &["--json"]].concat());
        assert_eq!(report["on_dlp"]["macs"], first + second);
    }
    // The file holds the host's part too.
    let executed = json(&["exec", &program, "--json"]);
    assert_eq!((&executed["not_run"], &executed["outputs"][0]["name"]), (&Value::Null, &"z".into()));
    assert_eq!(executed["cycles"], report["cycles"]);
    let text = succeed(&["disasm", &program]);
    assert!(text.contains("// segment 1 of 3, on the host") && text.contains("cumulative_sum("), "{text}");
    let proof = json(&["prove", file.model(), "--json"]);
    let segments = proof["segments"].as_array().unwrap();
    assert!(proof["proven"] == true && segments.len() == 2);
    assert!(segments.iter().all(|one| one["provenance"]["reads"].as_u64().unwrap() > 0), "{proof}");
}

/// The host has done 288 multiply-adds before a turn of the DLP would have begun.
#[test]
fn an_island_that_is_not_worth_a_turn_stays_with_the_host() {
    let file = File::new(
        &BEHIND_A_SUM
            .replace("%u: f32[64,4,3,3] = @u", "%v: f32[2,4,1,1] = @v")
            .replace("%z: f32[1,64,4,4] = conv(%p, %u)", "%z: f32[1,2,6,6] = conv(%p, %v)"),
    );
    let report = json(&["run", file.model(), "--json"]);
    assert_eq!(report["segments"].as_array().unwrap().len(), 2);
    let ops = report["host_ops"].as_array().unwrap();
    let conv = ops.iter().find(|op| op["op"] == "conv").unwrap();
    assert!(conv["reason"].as_str().unwrap().contains("before a turn of the DLP began"), "{conv}");
}

/// With float lanes a softmax between convolutions is the DLP's, without it is the host's.
#[test]
fn a_softmax_runs_where_the_machine_has_float_lanes() {
    let sum = "cumulative_sum(%y) {axis = 1, exclusive = false, reverse = false}";
    let file = File::new(&BEHIND_A_SUM.replace(sum, "softmax(%y) {axis = 1}"));
    let with = json(&["run", file.model(), "--json"]);
    assert_eq!((&with["check"]["bit_exact"], &with["on_dlp"]["dlp_nodes"]), (&true.into(), &3.into()));
    let places = |report: &Value| -> Vec<String> {
        let segments = report["segments"].as_array().unwrap().iter();
        segments.map(|one| one["place"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(places(&with), ["dlp"]);
    let without = json(&["run", file.model(), "--machine", "dlp4", "--json"]);
    assert_eq!(places(&without), ["dlp", "host", "dlp"]);
    assert_eq!(without["on_dlp"]["dlp_nodes"], 2);
    // Both are near what the real network gives.
    for report in [with, without] {
        assert!(report["outputs"][0]["sqnr_db"].as_f64().unwrap() > 25.0, "{}", report["outputs"]);
    }
}

/// `run` and `exec` give the same numbers, whoever computes them.
#[test]
fn a_file_gives_the_networks_outputs_without_its_model() {
    let file = File::new(BEHIND_A_SUM);
    let program = file.program();
    succeed(&["compile", file.model(), "-o", &program]);
    let [input, ran, executed] = ["x.npy", "run.npz", "exec.npz"].map(|name| file.folder.path().join(name));
    let numbers: Vec<f32> = (0..192_u16).map(|index| f32::from(index * 37 % 101) / 50.0 - 1.0).collect();
    let tensor = ediacara::tensor::Tensor::from_vec(&[1, 3, 8, 8], numbers).unwrap();
    ediacara::tensor::npy::write(&input, &tensor).unwrap();
    let [input_text, ran_text, executed_text] = [&input, &ran, &executed].map(|path| path.to_str().unwrap());
    succeed(&["run", file.model(), "--input", input_text, "--save-outputs", ran_text]);
    succeed(&["exec", &program, "--input", input_text, "-o", executed_text]);
    let [ran, executed] = [&ran, &executed].map(|path| ediacara::tensor::npz::read(path).unwrap());
    assert_eq!((ran.len(), &ran[0].0), (1, &executed[0].0));
    assert!(ran[0].1.same_bits(&executed[0].1));
}

#[test]
fn a_network_that_runs_as_a_whole_says_so() {
    let report = json(&["run", "lenet5", "--json"]);
    assert_eq!(
        (&report["on_dlp"]["macs_share"], &report["on_dlp"]["nodes_share"]),
        (&1.0.into(), &1.0.into())
    );
    assert_eq!(report["on_dlp"]["macs"], report["macs"]);
    assert_eq!(report["check"].get("first_difference"), None);
    // The input is not among the compared tensors, because the DLP does not write it.
    assert!(report["check"]["tensors"].as_u64().unwrap() >= 6, "{}", report["check"]);
    assert!(report["check"]["tensors_in_nram"].as_u64().unwrap() >= 3, "{}", report["check"]);
}

#[test]
fn nothing_on_the_dlp_is_an_error_unless_it_is_allowed() {
    let file = File::new(SOFTMAX_ALONE);
    let program = file.program();
    for command in ["run", "compile", "prove", "verify"] {
        let mut arguments = vec![command, file.model()];
        if command == "compile" {
            arguments.extend(["-o", &program]);
        }
        let message = refusal(&arguments);
        for part in [file.model(), "softmax has no int8 form", "0 of 1 nodes", "--allow-host-only"] {
            assert!(message.contains(part), "no {part:?} in\n{message}");
        }
    }
    assert!(!Path::new(&program).exists(), "a refused network was written");
    let report = json(&["run", file.model(), "--allow-host-only", "--json"]);
    assert_eq!((&report["check"]["bit_exact"], &report["check"]["tensors"]), (&Value::Null, &0.into()));
    assert_eq!(report["on_dlp"]["macs_share"], Value::Null);
    let text = succeed(&["run", file.model(), "--allow-host-only"]);
    assert!(text.contains("check         none: the DLP computed nothing"), "{text}");

    succeed(&["compile", file.model(), "-o", &program, "--allow-host-only"]);
    for command in ["exec", "prove"] {
        assert!(refusal(&[command, &program]).contains("softmax"));
        succeed(&[command, &program, "--allow-host-only"]);
    }
}

#[test]
fn weights_that_are_inputs_ask_for_freeze() {
    let file = File::new(UNFROZEN);
    let message = fail(&["run", file.model()]);
    let parts = ["0.0 % of 4,176 multiply-adds", "conv", "its weights are an input, `weight`: call `freeze`"];
    for part in parts {
        assert!(message.contains(part), "no {part:?} in\n{message}");
    }
}

/// The network starts with an embedding, which picks rows by indices that are not constant. What follows it runs on the
/// DLP all the same.
#[test]
fn gpt2_runs_behind_its_embedding() {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let found = locations.find(DataSet::Models).map(|models| models.join("../models2/gpt2_tiny/model.onnx"));
    let path = match found {
        Ok(path) if path.is_file() => path,
        _ => return skip("gpt2_runs_behind_its_embedding", "models2/gpt2_tiny"),
    };
    let report = json(&["run", path.to_str().unwrap(), "--json"]);
    assert_eq!(report["check"]["bit_exact"], true, "{}", report["check"]);
    assert!(report["placement"]["macs_share"].as_f64().unwrap() >= 0.95, "{}", report["placement"]);
    accounts_balance(&report);
    let ops = report["host_ops"].as_array().unwrap();
    let gather = ops.iter().find(|op| op["op"] == "gather").unwrap();
    assert!(gather["reason"].as_str().unwrap().contains("only a gather of channels with constant indices"));
}

const POSITIONS: &str = "
  input %x: f32[1,3,8,8]
  constant %w: f32[4,3,3,3] = @w
  %y: f32[1,4,6,6] = conv(%x, %w) CONV
  %n: i64[4,3] = non_zero(%x) {count = 3}
  output %y
  output %n";

/// A shape that depends on data is the sample's, and another input is refused.
#[test]
fn shapes_that_depend_on_data_are_those_of_a_sample() {
    let file = File::new(POSITIONS);
    let sample = |name: &str, count: usize| {
        let values = (0..192).map(|index| if index % 7 == 0 && index < 7 * count { 0.5_f32 } else { 0.0 });
        let tensor = ediacara::tensor::Tensor::from_vec(&[1, 3, 8, 8], values.collect()).unwrap();
        let path = file.folder.path().join(name);
        ediacara::tensor::npy::write(&path, &tensor).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (three, five) = (sample("three.npy", 3), sample("five.npy", 5));
    assert!(refusal(&["run", file.model()]).contains("give a sample (--input FILE, --calibrate FILE)"));
    let report = json(&["run", file.model(), "--input", &three, "--json"]);
    assert_eq!(report["check"]["bit_exact"], true);
    assert_eq!(report["quantisation"]["method"], "min-max over 1 given samples");
    assert_eq!(report["outputs"][1]["shape"], serde_json::json!([4, 3]));
    succeed(&["verify", file.model(), "--input", &three]);
    let program = file.program();
    succeed(&["compile", file.model(), "--calibrate", &three, "-o", &program]);
    succeed(&["exec", &program, "--input", &three]);
    let said = refusal(&["exec", &program, "--input", &five]);
    assert!(said.contains("5 elements are not zero, but shapes were made for 3"), "{said}");
}
