//! Inputs and outputs have the network's names for them, everywhere.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use ediacara::arch::Machine;
use ediacara::data::{onnxruntime_python, skip};
use ediacara::graph::{Graph, Registry};
use ediacara::inputs::Source;
use ediacara::isa::Plan;
use ediacara::tensor::{Tensor, npz};
use ediacara::{CalibrationSource, CompiledNetwork, HostOnly, Model, Prepared, RunOptions, compile};
use serde_json::Value;

/// A folder of networks.
///
/// Reports when it is nowhere.
fn folder(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let explicit = std::env::var_os("EDIACARA_DATA").map(PathBuf::from);
    let beside = root.parent().map(|parent| parent.join("shared/data"));
    let found = explicit.into_iter().chain(beside).map(|data| data.join(name)).find(|folder| folder.is_dir());
    if found.is_none() {
        skip(name, "it is nowhere; set EDIACARA_DATA to the folder that holds it");
    }
    found
}

fn prepare(path: &Path) -> Option<(Model, Prepared)> {
    let model = ediacara::model::load(path.to_str().unwrap(), &[]).ok()?;
    let prepared = ediacara::prepare(&model, &CalibrationSource::Default, &mut |_| {}).ok()?;
    Some((model, prepared))
}

fn compiled(prepared: &Prepared) -> CompiledNetwork {
    let machine = Machine::preset("dlp16").unwrap();
    compile(prepared, &machine, &Default::default(), HostOnly::Allowed).unwrap()
}

type Named = Vec<(String, Vec<usize>)>;

fn outputs(graph: &Graph) -> Named {
    let named = |&value: &_| (graph.value(value).name.clone(), graph.ty(value).shape.clone());
    graph.outputs().iter().map(named).collect()
}

fn inputs(graph: &Graph) -> Named {
    let named = |&value: &_| (graph.value(value).name.clone(), graph.ty(value).shape.clone());
    graph.inputs().iter().map(named).collect()
}

/// A plan has the network's inputs and outputs, and ports that fit them.
fn plan_agrees(plan: &Plan, inputs: &Named, outputs: &Named) {
    plan.check().unwrap();
    for (ids, tensors) in [(&plan.inputs, inputs), (&plan.outputs, outputs)] {
        let named = ids.iter().map(|&id| {
            let buffer = plan.buffer(id).unwrap();
            (buffer.name.clone(), buffer.shape.clone())
        });
        assert_eq!(named.collect::<Named>(), *tensors);
    }
}

/// Names and shapes that onnxruntime gives; it leaves out sizes that depend on a free dimension.
const SCRIPT: &str = "
import json, sys, onnxruntime
onnxruntime.set_default_logger_severity(4)
for path in sys.argv[1:]:
    try:
        session = onnxruntime.InferenceSession(path)
    except Exception:
        print('null')
        continue
    print(json.dumps([[[t.name, t.shape] for t in ts] for ts in (session.get_inputs(), session.get_outputs())]))
";

/// Whether names are equal, and shapes as far as they are numbers.
fn agree(found: &Named, expected: &Value) -> bool {
    let expected = expected.as_array().unwrap();
    found.len() == expected.len()
        && found.iter().zip(expected).all(|((name, shape), expected)| {
            let extents = expected[1].as_array().unwrap();
            let fits = |(&found, extent): (&usize, &Value)| extent.as_u64().is_none_or(|n| n == found as u64);
            expected[0] == *name && (extents.is_empty() || shape.iter().zip(extents).all(fits))
        })
}

#[test]
fn every_network_keeps_the_names_of_its_inputs_and_outputs() {
    let Some(python) = onnxruntime_python("names") else { return };
    let mut paths = Vec::new();
    for name in ["models", "models2"] {
        let Some(folder) = folder(name) else { return };
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.extend(entries.map(|folder| folder.join("model.onnx")).filter(|path| path.exists()));
    }
    paths.sort();
    let said = Command::new(python).arg("-c").arg(SCRIPT).args(&paths).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let mut count = 0;
    for (path, line) in paths.iter().zip(said.lines()) {
        let expected: Value = serde_json::from_str(line).unwrap();
        let (false, Some((model, prepared))) = (expected.is_null(), prepare(path)) else { continue };
        count += 1;
        let compiled = compiled(&prepared);
        let (given, found) = (inputs(&model.graph), outputs(&prepared.quantised));
        assert!(agree(&given, &expected[0]), "{}: {given:?}, not {}", path.display(), expected[0]);
        assert!(agree(&found, &expected[1]), "{}: {found:?}, not {}", path.display(), expected[1]);
        plan_agrees(&compiled.plan, &given, &found);
    }
    assert!(count >= 25, "only {count} of {} networks were compared", paths.len());
}

/// Signal to noise in dB; 0 / 0 counts as equal.
fn decibel(found: &Tensor, expected: &Tensor) -> f64 {
    let (found, expected) = (found.to_vec::<f32>().unwrap(), expected.to_vec::<f32>().unwrap());
    let square = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>();
    let noise = square(&mut found.iter().zip(&expected).map(|(a, b)| a - b));
    10.0 * (square(&mut expected.iter().copied()) / noise).log10()
}

/// The cases of outputs, whose arrays are onnxruntime's and name what is right.
#[test]
fn outputs_have_their_names_and_numbers_in_run_and_exec() {
    let Some(cases) = folder("models2/cases") else { return };
    let directory = tempfile::tempdir().unwrap();
    let machine = Machine::preset("dlp16").unwrap();
    for case in [
        "K04a_output_name_conv",
        "K04b_output_name_reshape",
        "K04c_output_name_gemm",
        "K04d_output_and_folded_batchnorm",
        "K04e_output_is_input",
        "K04f_two_outputs_one_value_of_input",
        "K04g_two_outputs_one_value",
    ] {
        let (model, _) = prepare(&cases.join(case).with_extension("onnx")).unwrap();
        let arrays = npz::read(&cases.join(case).with_extension("npz")).unwrap();
        let of = |prefix: &str| -> Vec<(String, Tensor)> {
            let named = arrays.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)));
            named.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect()
        };
        let (given, mut expected) = (of("in."), of("out."));
        let samples =
            CalibrationSource::Tensors(vec![given.iter().map(|(_, tensor)| tensor.clone()).collect()]);
        let prepared = ediacara::prepare(&model, &samples, &mut |_| {}).unwrap();
        let options = RunOptions {
            machine: machine.clone(),
            values: true,
            checked: true,
            disable: Vec::new(),
            top: 0,
            what_if: false,
            host_only: ediacara::HostOnly::Allowed,
        };
        let tensors: Vec<Tensor> = given.iter().map(|(_, tensor)| tensor.clone()).collect();
        let mut run = ediacara::run(&model, &prepared, &tensors, &options, &mut |_| {}).unwrap();
        run.outputs.sort_by(|a, b| a.0.cmp(&b.0));
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        let names = |tensors: &[(String, Tensor)]| -> Named {
            tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect()
        };
        assert_eq!(names(&run.outputs), names(&expected), "{case}");
        npz::write(&directory.path().join("outputs.npz"), &run.outputs).unwrap();
        for ((name, found), (_, expected)) in run.outputs.iter().zip(&expected) {
            assert!(decibel(found, expected) > 25.0, "{case}: {name}: {}", decibel(found, expected));
        }

        // The plan by itself gives all outputs.
        let path = directory.path().join("x.npy");
        ediacara::tensor::npy::write(&path, &tensors[0]).unwrap();
        let plan = Plan::from_bytes(&compiled(&prepared).file().unwrap().to_bytes()).unwrap();
        let sources = [Source::File(path)];
        let executed =
            ediacara::execute(&plan, &machine, &Registry::core(), &sources, &[], 0, Default::default())
                .unwrap()
                .ran;
        assert_eq!(executed.outputs.len(), expected.len(), "{case}");
        assert_eq!(executed.cycles(), run.report.cycles, "{case}");
        for (name, tensor) in &executed.outputs {
            let (_, run) = run.outputs.iter().find(|(other, _)| other == name).unwrap();
            assert!(tensor.same_bits(run), "{case}: {name} of exec is not that of run");
        }
    }
}

#[test]
fn layers_are_called_as_the_nodes_are() {
    let Some(folder) = folder("models2/cases") else { return };
    for (case, nodes) in [("K04a_output_name_conv", 1), ("K04c_output_name_gemm", 2)] {
        let (model, prepared) = prepare(&folder.join(case).with_extension("onnx")).unwrap();
        let compiled = compiled(&prepared);
        let layers = &compiled.compiled.only_dlp().unwrap().executable.layers;
        assert_eq!(layers.len(), nodes, "{layers:?}");
        let names: Vec<&str> =
            model.graph.order().into_iter().map(|node| model.graph.node(node).name.as_str()).collect();
        for layer in layers {
            assert!(names.contains(&layer.name.as_str()), "{} is none of {names:?}", layer.name);
        }
    }
}
