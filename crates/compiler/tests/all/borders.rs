//! What the host does before and after the DLP: quantised inputs, real outputs, operators that the DLP has not, errors.

use ediacara_arch::Machine;
use ediacara_compiler::{CompileError, Compiled, Options, Segment, compile};
use ediacara_fuzzgen::Random;
use ediacara_graph::ops::{DequantizeLinear, QuantizeLinear, Relu, Softmax, Transpose};
use ediacara_graph::{Graph, Tensor, TensorType, ValueId};
use ediacara_host::{Executor, Options as HostOptions};
use ediacara_isa::{Encoding, Layout};

use crate::differential::run;
use crate::support::{ConvShape, Net, program};

const SCALE: f32 = 0.05;
const ZERO: i8 = -7;

fn encoding(net: &mut Net) -> [ValueId; 2] {
    [
        net.graph.add_constant("scale", Tensor::scalar(SCALE)),
        net.graph.add_constant("zero", Tensor::scalar(ZERO)),
    ]
}

fn quantise(net: &mut Net, x: ValueId) -> ValueId {
    let [scale, zero] = encoding(net);
    net.graph.add("quantised", QuantizeLinear { axis: 0 }, &[x, scale, zero]).unwrap()
}

fn dequantise(net: &mut Net, x: ValueId) -> ValueId {
    let [scale, zero] = encoding(net);
    net.graph.add("real", DequantizeLinear { axis: 0 }, &[x, scale, zero]).unwrap()
}

/// Runs a network of real inputs on host and DLP, and compares its outputs bit for bit.
pub(crate) fn check(graph: &Graph) -> Compiled {
    let machine = Machine::preset("dlp8").unwrap();
    let compiled = compile(graph, &machine, &Options::default()).unwrap();
    let mut random = Random::new(3);
    let mut tensor = |&input: &ValueId| {
        let ty = graph.ty(input);
        let values = (0..ty.elements()).map(|_| f32::from(random.byte()) / 20.0).collect::<Vec<f32>>();
        Tensor::from_vec(&ty.shape, values).unwrap()
    };
    let inputs: Vec<Tensor> = graph.inputs().iter().map(&mut tensor).collect();
    let expected = Executor::new(graph, &HostOptions::default()).unwrap().run(&inputs).unwrap();
    let found = run(graph, &machine, &compiled, &inputs, true).unwrap().outputs;
    assert_eq!(expected.len(), found.len());
    for (expected, found) in expected.iter().zip(&found) {
        assert!(expected.same_bits(found), "{expected:?} and {found:?}");
    }
    compiled
}

/// `d` for a segment of the DLP, `h` for one of the host.
fn segments(compiled: &Compiled) -> String {
    let letter = |segment: &Segment| match segment {
        Segment::Dlp(_) => 'd',
        Segment::Host(_) => 'h',
    };
    compiled.segments.iter().map(letter).collect()
}

fn real_input(net: &mut Net, shape: &[usize]) -> ValueId {
    net.graph.add_input("photo", TensorType::f32(shape))
}

fn transpose(net: &mut Net, x: ValueId, permutation: &[usize]) -> ValueId {
    net.graph.add("laid_out", Transpose { permutation: permutation.to_vec() }, &[x]).unwrap()
}

fn reasons(compiled: &Compiled) -> Vec<(&str, &str)> {
    compiled.host_ops.iter().map(|op| (op.op.as_str(), op.reason.as_str())).collect()
}

#[test]
fn the_host_lays_out_quantises_and_finishes() {
    let mut net = Net::new(1);
    let x = real_input(&mut net, &[1, 3, 6, 5]);
    let x = transpose(&mut net, x, &[0, 2, 3, 1]);
    let x = quantise(&mut net, x);
    let y = net.conv(x, ConvShape::square(10, 3, 1, 1));
    let y = dequantise(&mut net, y);
    let y = transpose(&mut net, y, &[0, 3, 1, 2]);
    let y = net.graph.add("softmax", Softmax { axis: 1 }, &[y]).unwrap();
    net.graph.set_outputs(vec![y]);
    let compiled = check(&net.graph);
    let photo = &program(&compiled).executable.inputs[0];
    assert_eq!(photo.encoding, Some(Encoding { scale: SCALE, zero: i32::from(ZERO) }));
    assert_eq!(photo.layout, Layout { permutation: vec![0, 2, 3, 1], shape: vec![1, 3, 6, 5] });
    assert_eq!(photo.name, "photo");
    let ops: Vec<&str> = reasons(&compiled).iter().map(|(op, _)| *op).collect();
    assert_eq!(ops, ["quantize_linear", "dequantize_linear", "transpose", "softmax"]);
}

#[test]
fn quantising_before_laying_out_is_the_same_port() {
    let mut net = Net::new(2);
    let x = real_input(&mut net, &[1, 3, 6, 5]);
    let x = quantise(&mut net, x);
    let x = transpose(&mut net, x, &[0, 2, 3, 1]);
    let y = net.conv(x, ConvShape::point(10));
    net.graph.set_outputs(vec![y]);
    let compiled = check(&net.graph);
    assert_eq!(program(&compiled).executable.inputs[0].shape, [1, 6, 5, 3]);
    assert_eq!(program(&compiled).executable.layers.len(), 1);
}

#[test]
fn a_reshaped_input_keeps_its_own_shape_at_the_port() {
    let mut net = Net::new(3);
    let x = real_input(&mut net, &[2, 1, 6, 5]);
    let x = net.reshape(x, &[2, 30]);
    let x = quantise(&mut net, x);
    let y = net.matmul(x, 10);
    net.graph.set_outputs(vec![y]);
    let compiled = check(&net.graph);
    assert_eq!(program(&compiled).executable.inputs[0].shape, [2, 1, 6, 5]);
}

#[test]
fn what_follows_a_real_operator_is_the_dlps_again() {
    let mut net = Net::new(4);
    let photo = real_input(&mut net, &[1, 6, 5, 3]);
    let x = quantise(&mut net, photo);
    let y = net.conv(x, ConvShape::point(3));
    let real = dequantise(&mut net, y);
    // The network's input, once more, on the host; and an int8 layer behind it, which also reads the first one.
    let sum = net.graph.add("sum", ediacara_graph::ops::Add, &[real, photo]).unwrap();
    let again = quantise(&mut net, sum);
    let late = net.conv(again, ConvShape::point(3));
    let both = net.add(late, y);
    let relu = net.graph.add("relu", Relu, &[photo]).unwrap();
    net.graph.set_outputs(vec![both, y, relu]);
    let compiled = check(&net.graph);
    assert_eq!(segments(&compiled), "dhd");
    let [first, second] = compiled.dlp().collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!((first.executable.layers.len(), second.executable.layers.len()), (1, 1));
    // What the first leaves for the second stays where it is.
    let (left, found) = (&first.executable.outputs[0], &second.executable.inputs[1]);
    assert_eq!((left.address, &left.name), (found.address, &found.name));
    let ops: Vec<&str> = reasons(&compiled).iter().map(|(op, _)| *op).collect();
    assert_eq!(ops, ["quantize_linear", "dequantize_linear", "add", "quantize_linear", "relu"]);
}

#[test]
fn the_host_takes_no_turn_that_can_wait() {
    let mut net = Net::new(9);
    let photo = real_input(&mut net, &[1, 6, 5, 3]);
    // It reads nothing of the DLP's, and is wanted by the host's last turn only.
    let early = net.graph.add("early", Relu, &[photo]).unwrap();
    let x = quantise(&mut net, photo);
    let y = net.conv(x, ConvShape::point(3));
    let y = dequantise(&mut net, y);
    let y = net.graph.add("sum", ediacara_graph::ops::Add, &[early, y]).unwrap();
    net.graph.set_outputs(vec![y]);
    assert_eq!(segments(&check(&net.graph)), "dh");
}

/// An output that is a constant is handed out by the host, in a turn that it has anyway.
#[test]
fn constants_that_are_outputs_are_the_hosts() {
    for last in [false, true] {
        let mut net = Net::new(10);
        let x = real_input(&mut net, &[1, 6, 5, 3]);
        let x = quantise(&mut net, x);
        let y = net.conv(x, ConvShape::point(3));
        let mut y = dequantise(&mut net, y);
        if last {
            y = net.graph.add("relu", Relu, &[y]).unwrap();
        }
        let constant = net.graph.add_constant("constant", Tensor::full(&[2, 3], 1.5_f32).unwrap());
        net.graph.set_outputs(vec![y, constant]);
        assert_eq!(segments(&check(&net.graph)), "dh");
    }
}

#[test]
fn a_network_without_int8_has_no_program() {
    let mut net = Net::new(5);
    let x = real_input(&mut net, &[1, 4]);
    let y = net.graph.add("relu", Relu, &[x]).unwrap();
    net.graph.set_outputs(vec![y]);
    assert_eq!(segments(&check(&net.graph)), "h");
}

#[test]
fn layers_that_only_lay_out_results_are_the_hosts() {
    let mut net = Net::new(6);
    let x = real_input(&mut net, &[1, 6, 5, 3]);
    let x = quantise(&mut net, x);
    let y = net.conv(x, ConvShape::point(8));
    let y = net.transpose(y, &[0, 3, 1, 2]);
    let y = net.reshape(y, &[1, 240]);
    let y = dequantise(&mut net, y);
    net.graph.set_outputs(vec![y]);
    let compiled = check(&net.graph);
    assert_eq!(program(&compiled).executable.layers.len(), 1);
    assert_eq!(program(&compiled).executable.outputs[0].shape, [1, 6, 5, 8]);
}

fn error(edit: impl Fn(&mut Machine), options: &Options) -> String {
    let mut net = Net::new(7);
    let x = net.input(&[1, 40, 40, 64]);
    let y = net.conv(x, ConvShape::square(64, 3, 1, 1));
    net.graph.set_outputs(vec![y]);
    let mut machine = Machine::preset("dlp16").unwrap();
    edit(&mut machine);
    compile(&net.graph, &machine, options).unwrap_err().to_string()
}

#[test]
fn errors_name_what_is_missing() {
    let none = Options::default();
    let dram = error(|machine| machine.dram.bytes = 1 << 16, &none);
    assert_eq!(
        dram,
        "input `input` needs DRAM up to 102400 bytes and machine `dlp16` has 65536, 36864 too few; raise dram.bytes"
    );
    let pram = error(|machine| machine.core.pram_bytes = 12 * 15, &none);
    assert_eq!(
        pram,
        "layer `conv1` (convolution) does not fit PRAM of machine `dlp16`: its smallest tile needs 192 bytes there \
         and the machine has 180, 12 too few; take a machine with a larger PRAM"
    );
    let nram = error(|machine| machine.core.nram_bytes = 24, &none);
    assert!(nram.contains("does not fit NRAM"), "{nram}");
    let pass = error(|_| {}, &Options { print_after: vec!["tile".to_owned()], ..Options::default() });
    assert!(
        pass.starts_with("there is no compiler pass `tile`; there are partition, pack, fuse-add,"),
        "{pass}"
    );
}

#[test]
fn a_record_out_of_range_is_an_error_of_its_layer() {
    let mut net = Net::new(8);
    let x = net.input(&[1, 16]);
    let w = net.graph.add_constant("w", Tensor::full(&[1, 16], 1_i8).unwrap());
    let bias = net.graph.add_constant("b", Tensor::full(&[1], 0_i32).unwrap());
    let multiplier = net.graph.add_constant("m", Tensor::full(&[1], -5_i32).unwrap());
    let shift = net.graph.add_constant("s", Tensor::full(&[1], 3_u8).unwrap());
    let op = ediacara_graph::ops::QMatMul { x_zero: 0, w_zero: 0, y_zero: 0, low: -128, high: 127 };
    let y = net.graph.add("product", op, &[x, w, bias, multiplier, shift]).unwrap();
    net.graph.set_outputs(vec![y]);
    let result = compile(&net.graph, &Machine::preset("dlp4").unwrap(), &Options::default());
    assert!(matches!(result, Err(CompileError::Layer { layer, .. }) if layer == "product"));
}

#[test]
fn what_the_host_leaves_for_two_segments_has_one_place() {
    let mut net = Net::new(6);
    let photo = real_input(&mut net, &[1, 6, 5, 3]);
    let relu = net.graph.add("relu", Relu, &[photo]).unwrap();
    let shared = quantise(&mut net, relu);
    let early = net.conv(shared, ConvShape::point(3));
    let real = dequantise(&mut net, early);
    let root = net.graph.add("softmax", Softmax { axis: 3 }, &[real]).unwrap();
    let again = quantise(&mut net, root);
    let late = net.conv(again, ConvShape::point(3));
    let both = net.add(late, shared);
    net.graph.set_outputs(vec![both]);
    let compiled = check(&net.graph);
    assert_eq!(segments(&compiled), "hdhd");
    let name = &net.graph.value(shared).name;
    let places = compiled.dlp().filter_map(|segment| {
        let port = segment.executable.inputs.iter().find(|port| port.name == *name)?;
        Some(port.address)
    });
    let places: Vec<u64> = places.collect();
    assert_eq!(places, [places[0]; 2]);
}

#[test]
fn an_output_that_several_host_segments_read_is_written_once() {
    let mut net = Net::new(7);
    let photo = real_input(&mut net, &[1, 6, 5, 3]);
    let x = quantise(&mut net, photo);
    let stored = net.conv(x, ConvShape::point(3));
    let output = dequantise(&mut net, stored);
    let early = net.graph.add("early", Softmax { axis: 3 }, &[output]).unwrap();
    let again = quantise(&mut net, early);
    let late = net.conv(again, ConvShape::point(3));
    let real = dequantise(&mut net, late);
    let sum = net.graph.add("sum", ediacara_graph::ops::Add, &[real, output]).unwrap();
    net.graph.set_outputs(vec![output, sum]);
    let compiled = check(&net.graph);
    assert_eq!(segments(&compiled), "dhdh");
    let outputs = compiled.segments.iter().flat_map(|segment| match segment {
        Segment::Dlp(segment) => &segment.outputs,
        Segment::Host(segment) => &segment.outputs,
    });
    assert_eq!(outputs.filter(|value| **value == output).count(), 1);
}
