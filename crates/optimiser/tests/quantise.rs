//! Quantised small graphs against themselves in f32.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use ediacara_graph::{Graph, Registry, Tensor};
use ediacara_host::Executor;
use ediacara_optimiser::{Calibration, Quantised, import_qdq, is_qdq, quantise};

/// Two channels far to either side of zero, and a convolution that adds them up.
const GRAPH: &str = r#"graph "shift" {
  input %x: f32[1,1,4,4]
  constant %w: f32[2,1,1,1] = [1.0, 1.0]
  constant %b: f32[2] = [100.0, -100.0]
  constant %v: f32[1,2,KERNEL] = WEIGHTS
  constant %c: f32[1] = [BIAS]
  %h: f32[1,2,4,4] = conv(%x, %w, %b) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  %y: f32[1,1,4,4] = conv(%h, %v, %c) {stride = [1, 1], padding = PADDING, dilation = [1, 1], groups = 1, activation = none}
  output %y
}
"#;

/// The largest difference between the graph in f32 and in int8, on the sample that it is calibrated on.
fn largest_error(graph: &str) -> f32 {
    let graph = Graph::parse(graph, &Registry::core(), &|_| None).unwrap();
    let numbers: Vec<f32> = (0..16_u8).map(|index| f32::from(index * 7 % 16) / 7.5 - 1.0).collect();
    let sample = [Tensor::from_vec(&[1, 1, 4, 4], numbers).unwrap()];
    let calibration = Calibration::collect(&graph, [sample.to_vec()]).unwrap();
    let quantised = quantise(&graph, &calibration).unwrap();
    assert!(quantised.left.is_empty(), "{:?}", quantised.left);
    let run = |graph: &Graph| {
        let executor = Executor::new(graph, &ediacara_host::Options::default()).unwrap();
        executor.run(&sample).unwrap()[0].to_vec::<f32>().unwrap()
    };
    let pairs = run(&graph).into_iter().zip(run(&quantised.graph));
    pairs.map(|(wanted, found)| (wanted - found).abs()).fold(0.0, f32::max)
}

#[test]
fn channels_to_either_side_of_zero_are_moved_there() {
    let graph = GRAPH.replace("KERNEL", "1,1").replace("PADDING", "[0, 0, 0, 0]");
    let graph = graph.replace("WEIGHTS", "[1.0, 0.5]").replace("BIAS", "-50.0");
    // Both channels in one range of -101 to 101 would have steps of 0.8. After the shift their steps are
    // 0.008, and those of the result, which is 4.5 wide with its margin, are 0.018.
    let error = largest_error(&graph);
    assert!(error < 0.03, "{error}");
}

#[test]
fn padding_stays_zero() {
    let graph = GRAPH.replace("KERNEL", "3,3").replace("PADDING", "[1, 1, 1, 1]");
    let weights = format!("[{}, {}]", ["1.0"; 9].join(", "), ["0.5"; 9].join(", "));
    let graph = graph.replace("WEIGHTS", &weights).replace("BIAS", "0.0");
    // At the corners only four of nine taps see anything: 200 of 450. If the channels were shifted, padding
    // would stand for 100 and -100.
    let error = largest_error(&graph);
    assert!(error < 10.0, "{error}");
}

/// `count` numbers between -1 and 1, all different for a while.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0).collect()
}

/// The largest difference between a graph in f32 and wholly in int8, relative to the largest number of the
/// result.
fn relative_error(text: &str) -> f32 {
    let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let sample: Vec<Tensor> = graph
        .inputs()
        .iter()
        .enumerate()
        .map(|(seed, &input)| {
            let ty = graph.ty(input);
            Tensor::from_vec(&ty.shape, numbers(ty.elements(), seed)).unwrap()
        })
        .collect();
    let calibration = Calibration::collect(&graph, [sample.clone()]).unwrap();
    let quantised = quantise(&graph, &calibration).unwrap();
    assert!(quantised.left.is_empty(), "{:?}\n{text}", quantised.left);
    let run = |graph: &Graph| {
        let executor = Executor::new(graph, &ediacara_host::Options::default()).unwrap();
        executor.run(&sample).unwrap()[0].to_vec::<f32>().unwrap()
    };
    let (wanted, found) = (run(&graph), run(&quantised.graph));
    assert_eq!(wanted.len(), found.len());
    let largest = wanted.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    wanted.iter().zip(&found).map(|(wanted, found)| (wanted - found).abs()).fold(0.0, f32::max) / largest
}

fn list(numbers: &[f32]) -> String {
    numbers.iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(", ")
}

/// A transposed convolution of 2 x 4 x 5 x 6.
///
/// The parameters are kernel, stride, dilation, padding, output padding; outputs, groups.
fn conv_transpose(
    window: [[usize; 2]; 3],
    padding: [usize; 4],
    more: [usize; 2],
    outputs: usize,
    groups: usize,
) {
    let [kernel, stride, dilation] = window;
    let size = |axis: usize| {
        let full = stride[axis] * ([5, 6][axis] - 1) + more[axis] + dilation[axis] * (kernel[axis] - 1) + 1;
        full - padding[axis] - padding[axis + 2]
    };
    let weights = [4, outputs / groups, kernel[0], kernel[1]];
    let text = format!(
        r#"graph "up" {{
  input %x: f32[2,4,5,6]
  constant %w: f32[{}] = [{}]
  constant %b: f32[{outputs}] = [{}]
  %y: f32[2,{outputs},{},{}] = conv_transpose(%x, %w, %b) {{stride = {stride:?}, dilation = {dilation:?}, padding = {padding:?}, output_padding = {more:?}, groups = {groups}, activation = relu}}
  output %y
}}
"#,
        weights.map(|extent| extent.to_string()).join(","),
        list(&numbers(weights.iter().product(), 3)),
        list(&numbers(outputs, 5)),
        size(0),
        size(1),
    );
    let error = relative_error(&text);
    // Inputs, weights and results are each rounded to one part in some 200.
    assert!(error < 0.03, "{error}\n{text}");
}

#[test]
fn transposed_convolutions_in_phases() {
    // Doubling the size without overlap, as in U-Net; with overlap, as in DCGAN; and as in residual decoders.
    conv_transpose([[2, 2], [2, 2], [1, 1]], [0; 4], [0, 0], 3, 1);
    conv_transpose([[2, 2], [2, 2], [1, 1]], [0; 4], [0, 0], 70, 1);
    conv_transpose([[4, 4], [2, 2], [1, 1]], [1; 4], [0, 0], 3, 1);
    conv_transpose([[3, 3], [2, 2], [1, 1]], [1; 4], [1, 1], 5, 1);
    // Results that are no multiple of the stride, phases without a tap, dilation, different axes, groups.
    conv_transpose([[3, 3], [2, 2], [1, 1]], [1, 0, 1, 1], [0, 0], 3, 1);
    conv_transpose([[1, 2], [2, 3], [1, 1]], [0; 4], [1, 2], 3, 1);
    conv_transpose([[3, 2], [2, 3], [2, 2]], [0, 1, 2, 1], [1, 0], 3, 1);
    conv_transpose([[3, 5], [1, 1], [1, 2]], [2, 1, 0, 3], [0, 0], 6, 2);
    conv_transpose([[4, 3], [3, 2], [3, 1]], [4, 2, 3, 1], [0, 1], 4, 4);
}

fn matmul(x: &str, y: &str, result: &str) {
    let text = format!(
        r#"graph "product" {{
  input %x: f32[{x}]
  input %y: f32[{y}]
  %z: f32[{result}] = matmul(%x, %y)
  output %z
}}
"#
    );
    let error = relative_error(&text);
    assert!(error < 0.03, "{error}\n{text}");
}

#[test]
fn products_of_computed_matrices() {
    matmul("7,9", "9,5", "7,5");
    matmul("2,7,9", "2,9,5", "2,7,5");
    matmul("2,3,7,9", "2,3,9,5", "2,3,7,5");
    matmul("3,7,9", "9,5", "3,7,5");
    matmul("2,1,7,9", "3,9,5", "2,3,7,5");
}

#[test]
fn products_of_stacked_rows_and_constants() {
    for (x, result) in [("2,7,9", "2,7,5"), ("2,3,7,9", "2,3,7,5")] {
        let weights = list(&numbers(45, 2));
        let text = format!(
            r#"graph "rows" {{
  input %x: f32[{x}]
  constant %w: f32[9,5] = [{weights}]
  %z: f32[{result}] = matmul(%x, %w)
  output %z
}}
"#
        );
        let error = relative_error(&text);
        assert!(error < 0.03, "{error}\n{text}");
    }
}

#[test]
fn the_larger_of_two_of_different_ranges() {
    let graph = |relu: &str, last: &str| {
        format!(
            r#"graph "larger" {{
  input %x: f32[1,4,5,6]
  input %y: f32[1,4,5,6]
  %a: f32[1,4,5,6] = sigmoid(%y)
  %m: f32[1,4,5,6] = max(%x, %a)
{relu}  output %{last}
}}
"#
        )
    };
    // Steps of 1/128 and 1/255: half of each, and half of the result's.
    for text in [graph("", "m"), graph("  %z: f32[1,4,5,6] = relu(%m)\n", "z")] {
        let error = relative_error(&text);
        assert!(error < 0.01, "{error}\n{text}");
    }
}

/// A graph quantised by its marks, or by one sample; it and its int8 form both run on that sample.
fn both_ways(text: &str, sample: Vec<Tensor>) -> (Vec<f32>, Vec<f32>, Quantised) {
    let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let quantised = if is_qdq(&graph) {
        import_qdq(&graph, None).unwrap()
    } else {
        quantise(&graph, &Calibration::collect(&graph, [sample.clone()]).unwrap()).unwrap()
    };
    let run = |graph: &Graph| {
        let executor = Executor::new(graph, &ediacara_host::Options::default()).unwrap();
        executor.run(&sample).unwrap()[0].to_vec::<f32>().unwrap()
    };
    (run(&graph), run(&quantised.graph), quantised)
}

fn close(wanted: &[f32], found: &[f32], error: f32) {
    let largest = wanted.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let apart = wanted.iter().zip(found).map(|(wanted, found)| (wanted - found).abs()).fold(0.0, f32::max);
    assert!(apart <= error * largest, "{apart} of {largest}: {wanted:?} {found:?}");
}

#[test]
fn infinities_that_belong_to_the_network_stay_on_the_host() {
    let text = r#"graph "mask" {
  input %x: f32[1,2,2,2]
  constant %w: f32[2,2,1,1] = [1.0, 0.5, -0.25, 1.0]
  constant %m: f32[2,2] = [0.0, -inf, 0.0, 0.0]
  %h: f32[1,2,2,2] = conv(%x, %w) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  %s: f32[1,2,2,2] = add(%h, %m)
  %y: f32[1,2,2,2] = softmax(%s) {axis = 3}
  output %y
}
"#;
    let x = Tensor::from_vec(&[1, 2, 2, 2], numbers(8, 1)).unwrap();
    let (wanted, found, quantised) = both_ways(text, vec![x]);
    close(&wanted, &found, 0.02);
    let left: Vec<&str> = quantised.left.iter().map(|left| left.op.as_str()).collect();
    assert_eq!(left, ["add", "softmax"]);
    assert!(quantised.left[0].reason.contains("`s` is infinite or not a number"), "{:?}", quantised.left);
}

/// The magnitude of (3x, 4x) is 5 |x|. As squares in int8, whose steps are 9/255 and 16/255, the smaller number would be
/// nothing.
#[test]
fn a_magnitude_keeps_what_is_small_beside_its_largest() {
    let text = r#"graph "magnitude" {
  input %x: f32[1,1,1,2]
  constant %three: f32[1,1,1,1] = [3.0]
  constant %four: f32[1,1,1,1] = [4.0]
  constant %two: f32[] = [2.0]
  %r: f32[1,1,1,2] = conv(%x, %three) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  %i: f32[1,1,1,2] = conv(%x, %four) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  %p: f32[1,1,1,2] = mul(%r, %r)
  %q: f32[1,1,1,2] = pow(%i, %two)
  %s: f32[1,1,1,2] = add(%p, %q)
  %m: f32[1,1,1,2] = sqrt(%s)
  output %m
}
"#;
    let sample = vec![Tensor::from_vec(&[1, 1, 1, 2], vec![1.0_f32, 1.0 / 32.0]).unwrap()];
    let (wanted, found, quantised) = both_ways(text, sample);
    assert_eq!(wanted, [5.0, 5.0 / 32.0]);
    close(&wanted, &found, 0.03);
    let left: Vec<&str> = quantised.left.iter().map(|left| left.op.as_str()).collect();
    assert_eq!(left, ["mul", "pow", "add", "sqrt"]);
    assert!(quantised.left[0].reason.contains("a sum of squares reads it"), "{:?}", quantised.left);
}

#[test]
fn an_infinite_input_is_refused() {
    let text = "graph \"g\" {\n  input %x: f32[1,2]\n  %y: f32[1,2] = relu(%x)\n  output %y\n}\n";
    let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let sample = vec![Tensor::from_vec(&[1, 2], vec![1.0, f32::INFINITY]).unwrap()];
    let error = Calibration::collect(&graph, [sample]).unwrap_err().to_string();
    assert!(error.starts_with("input `x` is infinite or not a number in calibration sample 0"), "{error}");
}

#[test]
fn inputs_of_another_type_are_stored_behind_their_cast() {
    // Its second channel weighs a hundredth; that factor must not move into the cast.
    let text = r#"graph "bytes" {
  input %x: u8[1,2,2,2]
  constant %w: f32[2,2,1,1] = [1.0, 0.01, -0.5, 0.02]
  constant %v: f32[1,2,1,1] = [1.0, 1.0]
  %r: f32[1,2,2,2] = cast(%x) {to = f32}
  %h: f32[1,2,2,2] = conv(%r, %w) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  %y: f32[1,1,2,2] = conv(%h, %v) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  output %y
}
"#;
    let x = Tensor::from_vec(&[1, 2, 2, 2], vec![0_u8, 255, 3, 100, 40, 1, 200, 77]).unwrap();
    let (wanted, found, quantised) = both_ways(text, vec![x]);
    close(&wanted, &found, 0.02);
    assert_eq!(quantised.left.len(), 1, "{:?}", quantised.left);
}

#[test]
fn what_stands_for_minus_infinity_before_a_maximum_takes_no_range() {
    let text = r#"graph "pad" {
  input %x: f32[1,2,4,4]
  %p: f32[1,2,6,6] = pad(%x) {before = [0, 0, 1, 1], after = [0, 0, 1, 1], mode = constant, value = -65504.0}
  %y: f32[1,2,2,2] = pool(%p) {kind = max, kernel = [3, 3], stride = [3, 3], padding = [0, 0, 0, 0], dilation = [1, 1], output = [2, 2], count_include_pad = false}
  output %y
}
"#;
    let x = Tensor::from_vec(&[1, 2, 4, 4], numbers(32, 3)).unwrap();
    let (wanted, found, _) = both_ways(text, vec![x]);
    close(&wanted, &found, 0.02);
}

#[test]
fn tiny_weights_make_tiny_numbers() {
    let text = r#"graph "tiny" {
  input %x: f32[1,1,2,2]
  constant %w: f32[1,1,1,1] = [3e-15]
  %y: f32[1,1,2,2] = conv(%x, %w) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  output %y
}
"#;
    let x = Tensor::from_vec(&[1, 1, 2, 2], vec![1.0_f32, -0.5, 0.25, 2.0]).unwrap();
    let (wanted, found, _) = both_ways(text, vec![x]);
    close(&wanted, &found, 0.02);
}

/// A function without its own scale, and a node that moves its result, stand behind the last mark.
#[test]
fn a_tail_without_marks_takes_the_scale_of_its_function() {
    let tail = |function: &str| {
        let text = format!(
            r#"graph "tail" {{
  input %x: f32[1,4,2,2]
  constant %s: f32[] = [0.03125]
  constant %z: i8[] = [5]
  constant %i: i64[2] = [3, 1]
  %q: i8[1,4,2,2] = quantize_linear(%x, %s, %z) {{axis = 0}}
  %d: f32[1,4,2,2] = dequantize_linear(%q, %s, %z) {{axis = 0}}
  %f: f32[1,4,2,2] = {function}(%d)
  %y: f32[1,2,2,2] = gather(%f, %i) {{axis = 1}}
  output %y
}}
"#
        );
        both_ways(&text, vec![Tensor::from_vec(&[1, 4, 2, 2], numbers(16, 5)).unwrap()])
    };
    let (wanted, found, quantised) = tail("relu");
    assert_eq!((wanted, quantised.left.len()), (found, 0), "a relu of stored numbers is exact");
    let (wanted, found, quantised) = tail("sigmoid");
    close(&wanted, &found, 0.005);
    assert!(quantised.left.is_empty(), "{:?}", quantised.left);
}

#[test]
fn a_multiplier_out_of_range_names_the_layer() {
    let text = r#"graph "wide" {
  input %x: f32[1,1,2,2]
  constant %s: f32[] = [1.0]
  constant %tiny: f32[] = [1e-12]
  constant %z: i8[] = [0]
  constant %w: f32[1,1,1,1] = [1000.0]
  %q: i8[1,1,2,2] = quantize_linear(%x, %s, %z) {axis = 0}
  %d: f32[1,1,2,2] = dequantize_linear(%q, %s, %z) {axis = 0}
  %c: f32[1,1,2,2] = conv(%d, %w) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  %p: i8[1,1,2,2] = quantize_linear(%c, %tiny, %z) {axis = 0}
  %y: f32[1,1,2,2] = dequantize_linear(%p, %tiny, %z) {axis = 0}
  output %y
}
"#;
    // 1000 / 127 / 1e-12 is 7.9e12, beyond 2^30.
    let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let said = import_qdq(&graph, None).unwrap_err().to_string();
    for part in ["node `c` (conv)", "2^30"] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
}

/// A graph that reads two channels with `weights` of two channels.
fn two_channels(weights: &str) -> String {
    format!(
        r#"graph "pruned" {{
  input %x: f32[1,2,1,2]
  constant %w: f32[2,2,1,1] = [{weights}]
  %y: f32[1,2,1,2] = conv(%x, %w) {{stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}}
  output %y
}}
"#
    )
}

#[test]
fn pruned_channels_are_zero_and_nothing_is_said_of_them() {
    // The scale of a channel without a weight is 1, and that of the results 1e-12 / 127.
    let x = Tensor::from_vec(&[1, 2, 1, 2], vec![1.0_f32, -0.5, 0.25, -1.0]).unwrap();
    for dead in ["0.0, 0.0", "1e-39, -1e-40"] {
        let text = two_channels(&format!("1e-12, 0.0, {dead}"));
        let (wanted, found, quantised) = both_ways(&text, vec![x.clone()]);
        close(&wanted[..2], &found[..2], 0.02);
        assert_eq!(found[2..], [0.0, 0.0]);
        assert!(quantised.left.is_empty() && quantised.silenced.is_empty(), "{quantised:?}");
    }
}

/// The file prescribes the scales, and that of the pruned channel is arbitrary.
#[test]
fn pruned_channels_of_a_quantised_file_are_imported() {
    let text = |dead: &str, scale: &str| {
        format!(
            r#"graph "pruned" {{
  input %x: f32[1,2,1,2]
  constant %s: f32[] = [0.5]
  constant %tiny: f32[] = [1e-12]
  constant %z: i8[] = [0]
  constant %i: i8[2,2,1,1] = [3, -2, {dead}]
  constant %c: f32[2] = [1e-12, {scale}]
  constant %o: i8[2] = [0, 0]
  %q: i8[1,2,1,2] = quantize_linear(%x, %s, %z) {{axis = 0}}
  %d: f32[1,2,1,2] = dequantize_linear(%q, %s, %z) {{axis = 0}}
  %w: f32[2,2,1,1] = dequantize_linear(%i, %c, %o) {{axis = 0}}
  %h: f32[1,2,1,2] = conv(%d, %w) {{stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}}
  %p: i8[1,2,1,2] = quantize_linear(%h, %tiny, %z) {{axis = 0}}
  %y: f32[1,2,1,2] = dequantize_linear(%p, %tiny, %z) {{axis = 0}}
  output %y
}}
"#
        )
    };
    let x = Tensor::from_vec(&[1, 2, 1, 2], vec![2.0_f32, 3.0, -1.0, 1.5]).unwrap();
    for scale in ["1.0", "0.0"] {
        let (wanted, found, quantised) = both_ways(&text("0, 0", scale), vec![x.clone()]);
        // 3 * 2 + 2 * 1 and 3 * 3 - 2 * 1.5 steps of 1e-12.
        let steps: Vec<f32> = found.iter().map(|y| (y / 1e-12).round()).collect();
        assert_eq!((steps, wanted), (vec![8.0, 6.0, 0.0, 0.0], found));
        assert!(quantised.silenced.is_empty());
    }
    // The layer is refused because of a channel that is not pruned.
    let graph = Graph::parse(&text("0, 1", "1.0"), &Registry::core(), &|_| None).unwrap();
    let said = import_qdq(&graph, None).unwrap_err().to_string();
    assert!(said.contains("node `h` (conv)") && said.contains("2^30"), "{said}");
}

/// A channel of millions decides the operand's scale, and the layer reads only the other channel, of
/// millionths.
///
/// Its results are far below one step of the operand.
#[test]
fn a_calibrated_result_beyond_the_multipliers_is_zero_and_named() {
    let x = Tensor::from_vec(&[1, 2, 1, 2], vec![1e6_f32, -1e6, 1e-6, -5e-7]).unwrap();
    let named = |text: &str, node: &str| {
        let (wanted, found, quantised) = both_ways(text, vec![x.clone()]);
        assert!(quantised.left.is_empty(), "{:?}", quantised.left);
        assert!(wanted.iter().all(|y| y.abs() < 2e-6) && found.iter().all(|&y| y == 0.0), "{found:?}");
        let said: Vec<String> = quantised.silenced.iter().map(ToString::to_string).collect();
        assert!(said.len() == 1 && said[0].starts_with(node) && said[0].contains("2^30"), "{said:?}");
        quantised.silenced[0].clone()
    };
    let conv = named(&two_channels("0.0, 1.0, 0.0, -1.0"), "node `y` (conv): its result is 0 in int8");
    assert_eq!((conv.channels, conv.of_channels), (2, 2));
    // Steps of 2e6 / 255 and 1 / 127 over a step of 3e-6 / 255, as an answer has a margin of a half.
    assert!((conv.ratio / (2e6 / 127.0 / 3e-6) - 1.0).abs() < 0.01, "{}", conv.ratio);

    // The mean of the first channel is zero.
    let text = r#"graph "mean" {
  input %x: f32[1,2,1,2]
  %y: f32[1,2,1,1] = pool(%x) {kind = average, kernel = [1, 2], stride = [1, 2], padding = [0, 0, 0, 0], dilation = [1, 1], output = [1, 1], count_include_pad = false}
  output %y
}
"#;
    let pool = named(text, "node `y` (pool): its result is 0 in int8");
    assert_eq!((pool.channels, pool.of_channels), (1, 1));
}
