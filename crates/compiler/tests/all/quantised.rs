//! Real networks, quantised and compiled: nothing of them stays on the host, what the DLP leaves is what the host's integers
//! give, and work is counted as the operators' definitions say.

use crate::borders::check;
use ediacara_compiler::Compiled;
use ediacara_graph::{Graph, Registry, Tensor};
use ediacara_optimiser::{Calibration, quantise};

use crate::support::program;

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|index| (index * 37 % 101) as f32 / 50.0 - 1.0).collect()
}

/// Quantises and compiles the network of a text in which `WEIGHTS(n)` stands for `n` numbers; runs it.
fn run(text: &str) -> Compiled {
    let mut parts = text.split("WEIGHTS(");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (count, rest) = part.split_once(')').unwrap();
        let weights = numbers(count.parse().unwrap());
        text += &weights.iter().map(|weight| format!("{weight:?}")).collect::<Vec<_>>().join(", ");
        text += rest;
    }
    let graph = Graph::parse(&text, &Registry::core(), &|_| None).unwrap();
    let types = graph.inputs().iter().map(|&input| graph.ty(input));
    let sample: Vec<Tensor> =
        types.map(|ty| Tensor::from_vec(&ty.shape, numbers(ty.elements())).unwrap()).collect();
    let calibration = Calibration::collect(&graph, [sample]).unwrap();
    let quantised = quantise(&graph, &calibration).unwrap();
    assert!(quantised.left.is_empty(), "{:?}", quantised.left);
    check(&quantised.graph)
}

fn macs(compiled: &Compiled) -> u64 {
    program(compiled).executable.layers.iter().map(|layer| layer.matrix_macs).sum()
}

fn ops(compiled: &Compiled) -> Vec<&str> {
    program(compiled).executable.layers.iter().map(|layer| layer.op.as_str()).collect()
}

/// A transposed convolution of 5 x 6 pixels of 4 channels, whose result goes into a convolution of one tap.
fn conv_transpose(
    attributes: &str,
    kernel: [usize; 2],
    outputs: usize,
    groups: usize,
    size: [usize; 2],
) -> Compiled {
    let [height, width] = size;
    let weights = 4 * outputs / groups * kernel[0] * kernel[1];
    run(&format!(
        r#"graph "up" {{
  input %x: f32[2,4,5,6]
  constant %w: f32[4,{},{},{}] = [WEIGHTS({weights})]
  constant %b: f32[{outputs}] = [WEIGHTS({outputs})]
  constant %v: f32[3,{outputs},1,1] = [WEIGHTS({})]
  %u: f32[2,{outputs},{height},{width}] = conv_transpose(%x, %w, %b) {{{attributes}, groups = {groups}, activation = relu}}
  %y: f32[2,3,{height},{width}] = conv(%u, %v) {{stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}}
  output %y
}}
"#,
        outputs / groups,
        kernel[0],
        kernel[1],
        3 * outputs,
    ))
}

#[test]
fn transposed_convolutions_multiply_no_zeros() {
    // Every input of 2 x 5 x 6 x 4 meets every tap of every output, once; then 3 sums of each output pixel.
    let after = |outputs: u64, size: [u64; 2]| 2 * size[0] * size[1] * outputs * 3;
    let plain = "stride = [2, 2], dilation = [1, 1], padding = [0, 0, 0, 0], output_padding = [0, 0]";
    let unet = conv_transpose(plain, [2, 2], 7, 1, [10, 12]);
    assert_eq!(macs(&unet), 240 * 4 * 7 + after(7, [10, 12]));
    // The phases of a row are channels of one convolution; those of rows lie in place.
    assert_eq!(ops(&unet), ["conv", "conv", "conv"]);
    let wide = conv_transpose(plain, [2, 2], 64, 1, [10, 12]);
    assert_eq!(macs(&wide), 240 * 4 * 64 + after(64, [10, 12]));
    assert_eq!(ops(&wide), ["conv"; 5]);
    let overlapping = "stride = [2, 2], dilation = [1, 1], padding = [1, 1, 1, 1], output_padding = [0, 0]";
    let dcgan = conv_transpose(overlapping, [4, 4], 3, 1, [10, 12]);
    assert_eq!(macs(&dcgan), 240 * 16 * 3 + after(3, [10, 12]));
    let more = "stride = [2, 2], dilation = [1, 1], padding = [1, 1, 1, 1], output_padding = [1, 1]";
    let decoder = conv_transpose(more, [3, 3], 5, 1, [10, 12]);
    assert_eq!(macs(&decoder), 240 * 9 * 5 + after(5, [10, 12]));
}

#[test]
fn transposed_convolutions_of_every_kind() {
    let odd = "stride = [2, 3], dilation = [2, 1], padding = [0, 1, 2, 1], output_padding = [1, 0]";
    conv_transpose(odd, [3, 2], 4, 2, [12, 15]);
    let without_taps = "stride = [2, 3], dilation = [1, 1], padding = [0, 0, 0, 0], output_padding = [1, 2]";
    conv_transpose(without_taps, [1, 2], 3, 1, [10, 19]);
    let single = "stride = [1, 1], dilation = [1, 2], padding = [2, 1, 0, 3], output_padding = [0, 0]";
    conv_transpose(single, [3, 5], 8, 4, [5, 10]);
}

#[test]
fn batched_products() {
    let compiled = run(r#"graph "products" {
  input %x: f32[2,3,7,9]
  input %y: f32[2,3,9,5]
  %z: f32[2,3,7,5] = matmul(%x, %y)
  output %z
}
"#);
    assert_eq!(macs(&compiled), 6 * 7 * 9 * 5);
    let compiled = run(r#"graph "rows" {
  input %x: f32[2,7,9]
  constant %w: f32[9,5] = [WEIGHTS(45)]
  %z: f32[2,7,5] = matmul(%x, %w)
  output %z
}
"#);
    assert_eq!(macs(&compiled), 14 * 9 * 5);
}
