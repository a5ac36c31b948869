//! Real nodes between int8 ones in the float dialect: a network whose softmax, norms and gates the host ran is one program,
//! with every value as the host computes it.

use ediacara_arch::Machine;
use ediacara_compiler::{Compiled, Options, compile};
use ediacara_graph::{Graph, NodeId, Registry, Tensor};
use ediacara_host::{Executor, Options as HostOptions};
use ediacara_optimiser::{Calibration, Quantised, optimise, quantise, quantise_with_floats};

use crate::differential::{Subject, sample};

/// A real network in int8, before and after its islands are rewritten.
fn quantised(text: &str) -> [Quantised; 2] {
    let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let graph = optimise(graph, &Default::default()).unwrap();
    let samples = [11, 12].map(|seed| sample(&graph, seed));
    let calibration = Calibration::collect(&graph, samples).unwrap();
    let before = quantise(&graph, &calibration).unwrap();
    let after = quantise_with_floats(&graph, &calibration).unwrap();
    assert!(after.left.is_empty(), "{:?}", after.left);
    [before, after]
}

/// A matrix of small numbers.
fn matrix(rows: usize, columns: usize, seed: usize) -> String {
    let number = |index: usize| format!("{}.{}", 0, (index * 37 + seed * 11) % 97);
    let sign = |index: usize| if (index * 7 + seed).is_multiple_of(3) { "-" } else { "" };
    let all: Vec<String> = (0..rows * columns).map(|index| sign(index).to_owned() + &number(index)).collect();
    format!("[{}]", all.join(", "))
}

/// Signal to noise of an output against the real one, in dB.
fn sqnr(real: &Tensor, found: &Tensor) -> f64 {
    let [real, found] = [real, found].map(|tensor| tensor.to_vec::<f32>().unwrap());
    let power: f64 = real.iter().map(|&value| f64::from(value).powi(2)).sum();
    let noise: f64 = real.iter().zip(&found).map(|(&real, &found)| f64::from(real - found).powi(2)).sum();
    10.0 * (power / noise).log10()
}

fn dlp_segments(compiled: &Compiled) -> (usize, usize) {
    (compiled.dlp().count(), compiled.segments.len())
}

/// Compares host and simulator, and int8 with and without islands with the real network.
fn check(text: &str, least_sqnr: f64) {
    let [before, after] = quantised(text);
    let real = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let machine = Machine::preset("dlp16").unwrap();
    let inputs = sample(&real, 13);
    let run = |graph: &Graph| {
        let executor = Executor::new(graph, &HostOptions::with_threads(1)).unwrap();
        executor.run(&inputs).unwrap().remove(0)
    };
    let expected = run(&real);
    let [old, new] = [&before, &after].map(|quantised| sqnr(&expected, &run(&quantised.graph)));
    // Without islands the host may do a product in f32, too, which alone costs int8 its 40 dB.
    assert!(new > least_sqnr && new > old.min(41.0) - 1.0, "{new} dB with islands, {old} without");
    let old = compile(&before.graph, &machine, &Options::default()).unwrap();
    let new = compile(&after.graph, &machine, &Options::default()).unwrap();
    assert!(dlp_segments(&old).1 > 1, "there is nothing to show");
    assert_eq!(dlp_segments(&new), (1, 1), "{:?}", new.host_ops);
    let subject = Subject::new(after.graph.clone(), inputs);
    subject.compare(&machine, &new).unwrap();
    assert!(after.origins.iter().all(|origin| origin.left.is_none() && !origin.nodes.is_empty()));
}

#[test]
fn attention_is_one_program() {
    let text = format!(
        r#"graph "attention" {{
  input %x: f32[1,12,16]
  constant %wq: f32[16,16] = {q}
  constant %wk: f32[16,16] = {k}
  constant %wv: f32[16,16] = {v}
  constant %wo: f32[16,16] = {o}
  %q: f32[1,12,16] = matmul(%x, %wq)
  %k: f32[1,12,16] = matmul(%x, %wk)
  %v: f32[1,12,16] = matmul(%x, %wv)
  %t: f32[1,16,12] = transpose(%k) {{permutation = [0, 2, 1]}}
  %s: f32[1,12,12] = matmul(%q, %t)
  %p: f32[1,12,12] = softmax(%s) {{axis = 2}}
  %a: f32[1,12,16] = matmul(%p, %v)
  %y: f32[1,12,16] = matmul(%a, %wo)
  output %y
}}
"#,
        q = matrix(16, 16, 1),
        k = matrix(16, 16, 2),
        v = matrix(16, 16, 3),
        o = matrix(16, 16, 4),
    );
    check(&text, 25.0);
}

#[test]
fn a_causal_mask_and_a_residual_stay_on_the_dlp() {
    let causal: Vec<&str> =
        (0..144).map(|index| if index % 12 <= index / 12 { "true" } else { "false" }).collect();
    let text = format!(
        r#"graph "causal" {{
  input %x: f32[1,12,16]
  constant %wq: f32[16,16] = {q}
  constant %wk: f32[16,16] = {k}
  constant %wv: f32[16,16] = {v}
  constant %wo: f32[16,64] = {o}
  constant %mask: bool[1,12,12] = [{mask}]
  constant %least: f32[] = [-10000.0]
  %q: f32[1,12,16] = matmul(%x, %wq)
  %k: f32[1,12,16] = matmul(%x, %wk)
  %v: f32[1,12,16] = matmul(%x, %wv)
  %t: f32[1,16,12] = transpose(%k) {{permutation = [0, 2, 1]}}
  %s: f32[1,12,12] = matmul(%q, %t)
  %m: f32[1,12,12] = select(%mask, %s, %least)
  %p: f32[1,12,12] = softmax(%m) {{axis = 2}}
  %a: f32[1,12,16] = matmul(%p, %v)
  %r: f32[1,12,16] = add(%a, %x)
  %y: f32[1,12,64] = matmul(%r, %wo)
  output %y
}}
"#,
        q = matrix(16, 16, 11),
        k = matrix(16, 16, 12),
        v = matrix(16, 16, 13),
        o = matrix(16, 64, 14),
        mask = causal.join(", "),
    );
    check(&text, 25.0);
}

#[test]
fn a_causal_mask_over_many_tokens_leaves_blocks_on_the_dlp() {
    let causal = (0..192 * 192).map(|index| if index % 192 <= index / 192 { "0.0" } else { "-3e38" });
    let text = format!(
        r#"graph "causal" {{
  input %x: f32[1,192,16]
  constant %wq: f32[16,16] = {q}
  constant %wk: f32[16,16] = {k}
  constant %wv: f32[16,16] = {v}
  constant %mask: f32[192,192] = [{mask}]
  %q: f32[1,192,16] = matmul(%x, %wq)
  %k: f32[1,192,16] = matmul(%x, %wk)
  %v: f32[1,192,16] = matmul(%x, %wv)
  %t: f32[1,16,192] = transpose(%k) {{permutation = [0, 2, 1]}}
  %s: f32[1,192,192] = matmul(%q, %t)
  %m: f32[1,192,192] = add(%s, %mask)
  %p: f32[1,192,192] = softmax(%m) {{axis = 2}}
  %a: f32[1,192,16] = matmul(%p, %v)
  output %a
}}
"#,
        q = matrix(16, 16, 11),
        k = matrix(16, 16, 12),
        v = matrix(16, 16, 13),
        mask = causal.collect::<Vec<_>>().join(", "),
    );
    let graph = optimise(Graph::parse(&text, &Registry::core(), &|_| None).unwrap(), &Default::default());
    let graph = graph.unwrap();
    let is_product = |id: &NodeId| matches!(graph.node(*id).op.name(), "matmul" | "gemm");
    // Those of three weights, and two for each of three blocks.
    assert_eq!(graph.nodes().filter(is_product).count(), 3 + 2 * 3);
    check(&text, 25.0);
}

#[test]
fn a_norm_between_products_is_part_of_their_program() {
    let text = format!(
        r#"graph "norm" {{
  input %x: f32[1,40,24]
  constant %w: f32[24,32] = {w}
  constant %two: f32[] = [2.0]
  constant %epsilon: f32[] = [0.00001]
  constant %gamma: f32[32] = {gamma}
  constant %beta: f32[32] = {beta}
  constant %u: f32[32,32] = {u}
  %h: f32[1,40,32] = matmul(%x, %w)
  %m: f32[1,40,1] = reduce(%h) {{kind = mean, axes = [2], keep_dims = true}}
  %c: f32[1,40,32] = sub(%h, %m)
  %s: f32[1,40,32] = pow(%c, %two)
  %v: f32[1,40,1] = reduce(%s) {{kind = mean, axes = [2], keep_dims = true}}
  %e: f32[1,40,1] = add(%v, %epsilon)
  %r: f32[1,40,1] = sqrt(%e)
  %n: f32[1,40,32] = div(%c, %r)
  %g: f32[1,40,32] = mul(%n, %gamma)
  %b: f32[1,40,32] = add(%g, %beta)
  %y: f32[1,40,32] = matmul(%b, %u)
  output %y
}}
"#,
        w = matrix(24, 32, 5),
        gamma = matrix(1, 32, 6),
        beta = matrix(1, 32, 7),
        u = matrix(32, 32, 8),
    );
    check(&text, 25.0);
}

/// What stands between two products, as lines that make `%m` of `%h: f32[1,12,32]`, and the shape of `%m`.
const BETWEEN: &[(&str, &str)] = &[
    ("%m: f32[1,12,32] = softmax(%h) {axis = 1}", "1,12"),
    ("%m: f32[1,12,32] = log_softmax(%h) {axis = 2}", "1,12"),
    (
        "%r: f32[1,1,32] = reduce(%h) {kind = max, axes = [1], keep_dims = true}
  %m: f32[1,12,32] = broadcast(%r) {shape = [1, 12, 32]}",
        "1,12",
    ),
    (
        "%r: f32[1,12] = reduce(%h) {kind = min, axes = [2], keep_dims = false}
  %c: f32[1,12,1] = reshape(%r) {shape = [1, 12, 1]}
  %m: f32[1,12,32] = sub(%h, %c)",
        "1,12",
    ),
    (
        "%p: f32[1,12,32] = softmax(%h) {axis = 2}
  constant %i: i64[] = [3]
  %m: f32[1,32] = gather(%p, %i) {axis = 1}",
        "1",
    ),
    (
        "constant %one: f32[] = [1.0]
  %e: f32[1,12,32] = softmax(%h) {axis = 2}
  %a: f32[1,12,32] = add(%one, %e)
  %d: f32[1,12,32] = div(%one, %a)
  %m: f32[1,12,32] = sub(%d, %e)",
        "1,12",
    ),
    (
        "%s: f32[1,12,32] = mul(%h, %h)
  %r: f32[1,1,1] = reduce(%s) {kind = mean, axes = [1, 2], keep_dims = true}
  %q: f32[1,1,1] = sqrt(%r)
  %m: f32[1,12,32] = div(%h, %q)",
        "1,12",
    ),
];

#[test]
fn what_stands_between_products_is_part_of_their_program() {
    for (index, &(between, rows)) in BETWEEN.iter().enumerate() {
        let text = format!(
            r#"graph "between" {{
  input %x: f32[1,12,16]
  constant %w: f32[16,32] = {w}
  constant %u: f32[32,64] = {u}
  %h: f32[1,12,32] = matmul(%x, %w)
  {between}
  %y: f32[{rows},64] = matmul(%m, %u)
  output %y
}}
"#,
            w = matrix(16, 32, 20 + index),
            u = matrix(32, 64, 30 + index),
        );
        check(&text, 22.0);
    }
}

const CONV: &str =
    "{stride = [1, 1], padding = [1, 1, 1, 1], dilation = [1, 1], groups = 1, activation = none}";

/// What stands between two convolutions, as lines that make `%m` of `%h: f32[1,8,12,12]`, and the shape of `%m`.
const BETWEEN_IMAGES: &[(&str, &str)] = &[
    ("%m: f32[1,8,12,12] = lrn(%h) {size = 5, alpha = 0.5, beta = 0.75, bias = 1.0}", "12,12"),
    (
        "%m: f32[1,8,24,18] = resize(%h) {mode = linear, coordinates = half_pixel, rounding = floor, shape = [1, 8, 24, 18], \
         scales = [1.0, 1.0, 2.0, 1.5], cubic_coefficient = -0.75, exclude_outside = false}",
        "24,18",
    ),
    (
        "%g: f32[1,2,576] = reshape(%h) {shape = [1, 2, 576]}
  %a: f32[1,2,1] = reduce(%g) {kind = mean, axes = [2], keep_dims = true}
  %c: f32[1,2,576] = sub(%g, %a)
  %q: f32[1,2,576] = mul(%c, %c)
  %v: f32[1,2,1] = reduce(%q) {kind = mean, axes = [2], keep_dims = true}
  %s: f32[1,2,1] = sqrt(%v)
  %n: f32[1,2,576] = div(%c, %s)
  %b: f32[1,8,12,12] = reshape(%n) {shape = [1, 8, 12, 12]}
  %m: f32[1,8,6,6] = pool(%b) {kind = max, kernel = [2, 2], stride = [2, 2], padding = [0, 0, 0, 0], \
         dilation = [1, 1], output = [6, 6], count_include_pad = false}",
        "6,6",
    ),
];

#[test]
fn what_stands_between_convolutions_is_part_of_their_program() {
    for (index, &(between, pixels)) in BETWEEN_IMAGES.iter().enumerate() {
        let text = format!(
            r#"graph "between" {{
  input %x: f32[1,3,12,12]
  constant %w: f32[8,3,3,3] = {w}
  constant %u: f32[8,8,3,3] = {u}
  %h: f32[1,8,12,12] = conv(%x, %w) {CONV}
  {between}
  %y: f32[1,8,{pixels}] = conv(%m, %u) {CONV}
  output %y
}}
"#,
            w = matrix(8, 27, 40 + index),
            u = matrix(8, 72, 50 + index),
        );
        check(&text, 22.0);
    }
}

#[test]
fn heads_are_programs_of_their_own_rows() {
    // Matrices of 40 x 40 are worth instructions of their own.
    let text = format!(
        r#"graph "heads" {{
  input %x: f32[1,40,16]
  constant %wq: f32[16,16] = {q}
  constant %wk: f32[16,16] = {k}
  constant %wv: f32[16,16] = {v}
  constant %bias: f32[2,40,40] = {bias}
  constant %wo: f32[16,16] = {o}
  %q: f32[1,40,16] = matmul(%x, %wq)
  %q4: f32[1,40,2,8] = reshape(%q) {{shape = [1, 40, 2, 8]}}
  %qh: f32[1,2,40,8] = transpose(%q4) {{permutation = [0, 2, 1, 3]}}
  %k: f32[1,40,16] = matmul(%x, %wk)
  %k4: f32[1,40,2,8] = reshape(%k) {{shape = [1, 40, 2, 8]}}
  %kh: f32[1,2,8,40] = transpose(%k4) {{permutation = [0, 2, 3, 1]}}
  %v: f32[1,40,16] = matmul(%x, %wv)
  %v4: f32[1,40,2,8] = reshape(%v) {{shape = [1, 40, 2, 8]}}
  %vh: f32[1,2,40,8] = transpose(%v4) {{permutation = [0, 2, 1, 3]}}
  %s: f32[1,2,40,40] = matmul(%qh, %kh)
  %b: f32[1,2,40,40] = add(%s, %bias)
  %p: f32[1,2,40,40] = softmax(%b) {{axis = 3}}
  %a: f32[1,2,40,8] = matmul(%p, %vh)
  %t: f32[1,40,2,8] = transpose(%a) {{permutation = [0, 2, 1, 3]}}
  %j: f32[1,40,16] = reshape(%t) {{shape = [1, 40, 16]}}
  %y: f32[1,40,16] = matmul(%j, %wo)
  output %y
}}
"#,
        q = matrix(16, 16, 1),
        k = matrix(16, 16, 2),
        v = matrix(16, 16, 3),
        o = matrix(16, 16, 4),
        bias = matrix(80, 40, 5),
    );
    check(&text, 25.0);
    let [_, after] = quantised(&text);
    let machine = Machine::preset("dlp16").unwrap();
    let compiled = compile(&after.graph, &machine, &Options::default()).unwrap();
    let layers = &compiled.only_dlp().unwrap().executable.layers;
    // Of each head, the powers go on with the first product, and the division with the second.
    assert_eq!(layers.iter().filter(|layer| layer.op == "matmul+float").count(), 4, "{layers:#?}");
}

#[test]
fn an_activation_that_a_product_does_stays_before_real_nodes() {
    let text = format!(
        r#"graph "relu" {{
  input %x: f32[24,16]
  constant %w: f32[16,32] = {w}
  constant %u: f32[32,8] = {u}
  %h: f32[24,32] = matmul(%x, %w)
  %a: f32[24,32] = relu(%h)
  %p: f32[24,32] = softmax(%a) {{axis = 1}}
  %y: f32[24,8] = matmul(%p, %u)
  output %y
}}
"#,
        w = matrix(16, 32, 7),
        u = matrix(32, 8, 8),
    );
    check(&text, 25.0);
}
