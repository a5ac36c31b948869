//! How much of a network runs on the DLP: what the command says of it, and that nothing is no success.

use std::path::{Path, PathBuf};

use ediacara::data::{DataSet, Locations, skip};
use ediacara::graph::{Graph, Registry};
use serde_json::Value;
use tempfile::TempDir;

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

/// A convolution, a softmax, which has no int8 form, and a convolution behind it.
const BEHIND_A_SOFTMAX: &str = "
  input %x: f32[1,3,8,8]
  constant %w: f32[4,3,3,3] = @w
  constant %v: f32[2,4,1,1] = @v
  %y: f32[1,4,6,6] = conv(%x, %w) CONV
  %p: f32[1,4,6,6] = softmax(%y) {axis = 1}
  %z: f32[1,2,6,6] = conv(%p, %v) CONV
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
    let file = File::new(BEHIND_A_SOFTMAX);
    let report = json(&["run", file.model(), "--json"]);
    // 4 x 6 x 6 results of 3 x 3 x 3 products, and 2 x 6 x 6 results of 4 products.
    let (first, second) = (4 * 36 * 27, 2 * 36 * 4);
    assert_eq!(report["on_dlp"]["dlp_macs"], first);
    assert_eq!(report["on_dlp"]["macs"], first + second);
    assert_eq!((&report["on_dlp"]["dlp_nodes"], &report["on_dlp"]["nodes"]), (&1.into(), &3.into()));
    assert_eq!(report["on_dlp"]["macs_share"], f64::from(first) / f64::from(first + second));
    assert_eq!(report["check"]["bit_exact"], true);
    let ops = report["host_ops"].as_array().unwrap();
    let of = |op: &str| ops.iter().filter(|found| found["op"] == op).collect::<Vec<_>>();
    let (softmax, conv) = (of("softmax"), of("conv"));
    assert!(softmax[0]["reason"].as_str().unwrap().contains("softmax has no int8 form"), "{softmax:?}");
    assert!(conv[0]["reason"].as_str().unwrap().contains("comes from a softmax on the host"), "{conv:?}");
    assert_eq!(conv[0]["cause"], softmax[0]["name"]);

    let line = "93.1 % of 4,176 multiply-adds, 1 of 3 nodes";
    let text = succeed(&["run", file.model()]);
    assert_eq!(text.lines().nth(1), Some(format!("on the DLP    {line}").as_str()), "{text}");
    assert!(text.contains("softmax has no int8 form; and for its sake 1 conv"), "{text}");

    let program = file.program();
    let text = succeed(&["compile", file.model(), "-o", &program]);
    assert_eq!(text.lines().next(), Some(format!("on the DLP: {line}").as_str()), "{text}");
    for command in [vec!["exec", &program], vec!["prove", &program], vec!["prove", file.model()]] {
        let text = succeed(&command);
        assert_eq!(text.lines().next(), Some(format!("on the DLP: {line}").as_str()), "{text}");
        let report = json(&[&command[..], &["--json"]].concat());
        assert_eq!(report["on_dlp"]["macs"], first + second);
    }
    let text = succeed(&["exec", &program]);
    assert!(text.contains("not run: the rest") && text.contains("there is no z"), "{text}");
    let report = json(&["exec", &program, "--json"]);
    assert_eq!(report["not_run"]["outputs"], Value::from(vec!["z"]));
    assert_eq!(report["not_run"]["reasons"].as_array().unwrap().len(), 1);
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

/// The network starts with an embedding, which picks rows by indices that are not constant.
#[test]
fn gpt2_names_the_operator_that_stops_it() {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let found = locations.find(DataSet::Models).map(|models| models.join("../models2/gpt2_tiny/model.onnx"));
    let path = match found {
        Ok(path) if path.is_file() => path,
        _ => return skip("gpt2_names_the_operator_that_stops_it", "models2/gpt2_tiny"),
    };
    let message = refusal(&["run", path.to_str().unwrap()]);
    assert!(message.contains("gpt2_tiny") && message.contains("gather `"), "{message}");
    assert!(message.contains("only a gather of channels with constant indices"), "{message}");
}
