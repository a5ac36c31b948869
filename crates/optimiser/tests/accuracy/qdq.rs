//! A network that is quantised already, against onnxruntime: layer by layer on onnxruntime's own inputs, and
//! as a whole.
//!
//! onnxruntime computes a QDQ network in f32 between its marks. The int8 dialect computes it in integers with
//! one rounding (docs/numerics.md). A layer may therefore differ by one unit in the last place where the
//! exact result lies near a half.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use ediacara_graph::{Graph, Tensor, ValueId};
use ediacara_optimiser::{Quantised, import_qdq};
use ediacara_tensor::npz;

use crate::networks::{self, Runner, Signal, argmax, model, photos, skip};

const NETWORK: &str = "mobilenet_v2_qdq";
const PHOTOS: usize = 3;

fn network() -> Option<(Graph, Quantised)> {
    let options = ediacara_onnx::ImportOptions::default();
    let graph = ediacara_onnx::import(&model(NETWORK)?, &options).unwrap();
    let quantised = import_qdq(&graph, None).unwrap();
    Some((graph, quantised))
}

/// The values called `names` that onnxruntime computes, one map for each photo.
fn record(python: &Path, photos: &[Tensor], names: &[String]) -> Vec<HashMap<String, Tensor>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let [inputs, list, outputs] = ["inputs.npz", "names.txt", "outputs.npz"].map(|name| folder.join(name));
    let samples: Vec<(String, Tensor)> =
        photos.iter().enumerate().map(|(index, photo)| (index.to_string(), photo.clone())).collect();
    npz::write(&inputs, &samples).unwrap();
    std::fs::write(&list, names.join("\n")).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/accuracy/record.py");
    let arguments = [&script, &model(NETWORK).unwrap(), &inputs, &list, &outputs];
    let run = Command::new(python).args(arguments).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut recorded = vec![HashMap::new(); photos.len()];
    for (key, tensor) in npz::read(&outputs).unwrap() {
        let (photo, name) = key.split_once('/').unwrap();
        recorded[photo.parse::<usize>().unwrap()].insert(name.to_owned(), tensor);
    }
    recorded
}

/// N-STORE of an unsigned tensor, channels last.
fn stored(tensor: &Tensor) -> Tensor {
    let signed: Vec<i8> =
        tensor.to_vec::<u8>().unwrap().into_iter().map(|value| (value ^ 0x80) as i8).collect();
    let signed = Tensor::from_vec(tensor.shape(), signed).unwrap();
    match signed.rank() {
        4 => signed.transpose(&[0, 2, 3, 1]).unwrap().to_contiguous(),
        _ => signed,
    }
}

/// The differences between a layer and onnxruntime.
#[derive(Default)]
struct Difference {
    elements: usize,
    equal: usize,
    largest: u32,
}

impl Difference {
    fn add(&mut self, wanted: &Tensor, found: &Tensor) {
        assert_eq!(wanted.shape(), found.shape());
        for (wanted, found) in wanted.to_vec::<i8>().unwrap().into_iter().zip(found.to_vec::<i8>().unwrap()) {
            let distance = (i32::from(wanted) - i32::from(found)).unsigned_abs();
            self.elements += 1;
            self.equal += usize::from(distance == 0);
            self.largest = self.largest.max(distance);
        }
    }

    fn share(&self) -> f64 {
        self.equal as f64 / self.elements as f64
    }
}

/// Runs one node on tensors; constants are the graph's own.
fn run_node(graph: &Graph, node: ediacara_graph::NodeId, known: &HashMap<ValueId, Tensor>) -> Tensor {
    let output = graph.output_of(node);
    let node = graph.node(node);
    let input = |value: &ValueId| graph.constant(*value).or_else(|| known.get(value)).unwrap();
    let inputs: Vec<&Tensor> = node.inputs.iter().map(input).collect();
    let mut outputs = [graph.ty(output).zeros().unwrap()];
    node.op.run(&inputs, &mut outputs).unwrap();
    let [output] = outputs;
    output
}

#[test]
fn every_layer_is_within_one_unit_of_onnxruntime() {
    let (Some((graph, quantised)), Some(photos)) = (network(), photos("imagenet-stubs", "tf", 224)) else {
        return skip(NETWORK);
    };
    let Some(python) = ediacara_data::onnxruntime_python(NETWORK) else { return };
    // The values that are quantised, and the names of their integers.
    let marks: Vec<(String, String)> = graph
        .nodes()
        .map(|id| graph.node(id))
        .filter(|node| node.op.name() == "quantize_linear")
        .map(|node| (graph.value(node.inputs[0]).name.clone(), graph.value(node.outputs[0]).name.clone()))
        .collect();
    let names: Vec<String> = marks.iter().map(|(_, stored)| stored.clone()).collect();
    let int8 = &quantised.graph;
    let mut layers: HashMap<String, Difference> = HashMap::new();
    for (photo, recorded) in photos.iter().zip(record(&python, &photos[..PHOTOS], &names)) {
        let wanted: HashMap<&str, Tensor> =
            marks.iter().map(|(real, name)| (real.as_str(), stored(&recorded[name]))).collect();
        let mut known = HashMap::from([(int8.inputs()[0], photo.clone())]);
        for node in int8.order() {
            let output = int8.output_of(node);
            let found = run_node(int8, node, &known);
            let name = int8.value(output).name.as_str();
            let wanted = wanted.get(name.strip_suffix(".i8").unwrap_or(name));
            if let Some(wanted) = wanted.filter(|wanted| wanted.dtype() == found.dtype()) {
                layers.entry(name.to_owned()).or_default().add(wanted, &found);
            }
            // The next layer reads what onnxruntime computed.
            let next = wanted.filter(|wanted| wanted.dtype() == found.dtype()).cloned();
            known.insert(output, next.unwrap_or(found));
        }
    }
    let all = |count: fn(&Difference) -> usize| layers.values().map(count).sum::<usize>();
    let equal = all(|layer| layer.equal) as f64 / all(|layer| layer.elements) as f64;
    let (name, worst) = layers.iter().min_by(|a, b| a.1.share().total_cmp(&b.1.share())).unwrap();
    println!(
        "{NETWORK}: {} of {} quantised values compared, {:.4} % equal; least in `{name}`, {:.3} %",
        layers.len(),
        marks.len(),
        100.0 * equal,
        100.0 * worst.share()
    );
    assert_eq!(layers.len(), marks.len(), "every quantised value must be compared");
    for (name, layer) in &layers {
        assert!(layer.largest <= 1, "{name}: {} units in the last place", layer.largest);
    }
    assert!(equal >= 0.9999 && worst.share() >= 0.999, "{equal}, {name}: {}", worst.share());
}

#[test]
fn the_whole_network_keeps_its_answers() {
    let (Some((graph, quantised)), Some(stubs), Some(fifty)) =
        (network(), photos("imagenet-stubs", "tf", 224), photos("imagenet50", "tf", 224))
    else {
        return skip(NETWORK);
    };
    let reference = networks::reference("imagenet-stubs", "mobilenet_v2_qdq_top1")
        .into_iter()
        .chain(networks::reference("imagenet50", "mobilenet_v2_qdq_top1"));
    let (real, int8) = (Runner::new(&graph), Runner::new(&quantised.graph));
    let mut signal = Signal::default();
    let (mut agreeing, mut as_reference, mut total) = (0, 0, 0);
    for (photo, reference) in stubs.iter().chain(&fifty).zip(reference) {
        let (wanted, found) = (real.run(photo), int8.run(photo));
        signal.add(&wanted, &found);
        agreeing += usize::from(argmax(&wanted) == argmax(&found));
        // Output 0 is the background; the table counts without it.
        as_reference += usize::from(argmax(&found) == reference + 1);
        total += 1;
    }
    println!(
        "{NETWORK}: top-1 agrees with f32 on {agreeing} of {total}, with onnxruntime's on {as_reference}, SQNR {:.1} dB",
        signal.decibels()
    );
    assert!(quantised.left.iter().all(|left| left.op == "softmax"), "{:?}", quantised.left);
    assert!(agreeing >= 62 && as_reference >= 62, "62 of {total} are promised");
    assert!(signal.decibels() >= 20.0, "SQNR {:.1} dB is below 20", signal.decibels());
}
