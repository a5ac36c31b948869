//! Attention with a known mask: the same values out of fewer products.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use ediacara_data::Random;
use ediacara_graph::{Graph, Registry, Tensor};
use ediacara_host::Executor;
use ediacara_optimiser::{Options, optimise};

const HEADS: usize = 2;
const FEATURES: usize = 8;

/// Whether a head's row attends to a column.
type Attends = fn(head: usize, row: usize, column: usize) -> bool;

/// How the scores become masked ones in the text of the graph.
const WHERE: &str = "select(%attends, %h, %least)";
const ADD: &str = "add(%h, %mask)";
const MINIMUM: &str = "min(%mask, %h)";

/// Attention over so many tokens; what does not attend is given `least`, and everything else in `%mask` is 0, or infinite for a minimum.
fn attention(tokens: usize, masked: &str, attends: Attends, least: f32) -> Graph {
    let text = format!(
        r#"graph "attention" {{
  input %q: f32[1,{HEADS},{tokens},{FEATURES}]
  input %k: f32[1,{HEADS},{FEATURES},{tokens}]
  input %v: f32[1,{HEADS},{tokens},{FEATURES}]
  input %padding: f32[1,1,1,{tokens}]
  constant %root: f32[] = [2.8]
  constant %least: f32[] = @least
  constant %mask: f32[1,{HEADS},{tokens},{tokens}] = @mask
  constant %attends: bool[1,{HEADS},{tokens},{tokens}] = @attends
  %s: f32[1,{HEADS},{tokens},{tokens}] = matmul(%q, %k)
  %d: f32[1,{HEADS},{tokens},{tokens}] = div(%s, %root)
  %h: f32[1,{HEADS},{tokens},{tokens}] = add(%padding, %d)
  %m: f32[1,{HEADS},{tokens},{tokens}] = {masked}
  %p: f32[1,{HEADS},{tokens},{tokens}] = softmax(%m) {{axis = 3}}
  %y: f32[1,{HEADS},{tokens},{FEATURES}] = matmul(%p, %v)
  output %y
}}
"#
    );
    let shape = [1, HEADS, tokens, tokens];
    let all = || {
        let of = move |index: usize| (index / tokens / tokens, index / tokens % tokens, index % tokens);
        (0..HEADS * tokens * tokens).map(move |index| {
            let (head, row, column) = of(index);
            attends(head, row, column)
        })
    };
    let other = if masked == MINIMUM { f32::INFINITY } else { 0.0 };
    let constant = |name: &str| match name {
        "least" => Some(Tensor::scalar(least)),
        "attends" => Tensor::from_vec(&shape, all().collect::<Vec<bool>>()).ok(),
        "mask" => {
            let numbers: Vec<f32> = all().map(|attends| if attends { other } else { least }).collect();
            Tensor::from_vec(&shape, numbers).ok()
        }
        _ => None,
    };
    Graph::parse(&text, &Registry::core(), &constant).unwrap()
}

/// Multiply-adds of a graph's products.
fn macs(graph: &Graph) -> u64 {
    let of = |id| {
        let node = graph.node(id);
        let types = |values: &[_]| values.iter().map(|&value| graph.ty(value)).collect::<Vec<_>>();
        node.op.cost(&types(&node.inputs), &types(&node.outputs)).macs
    };
    graph.nodes().map(of).sum()
}

/// Optimises, compares the values, and says how many products remain of how many.
fn optimised(graph: &Graph) -> (u64, u64) {
    let after = optimise(graph.clone(), &Options::default()).unwrap();
    let mut random = Random::new(3);
    let inputs: Vec<Tensor> = graph
        .inputs()
        .iter()
        .map(|&input| {
            let ty = graph.ty(input);
            Tensor::from_vec(&ty.shape, (0..ty.elements()).map(|_| random.bell()).collect()).unwrap()
        })
        .collect();
    let run = |graph: &Graph| {
        let executor = Executor::new(graph, &ediacara_host::Options::default()).unwrap();
        executor.run(&inputs).unwrap()[0].to_vec::<f32>().unwrap()
    };
    let (before, now) = (run(graph), run(&after));
    assert!(before.iter().all(|number| number.is_finite()));
    let furthest = before.iter().zip(&now).map(|(before, now)| (before - now).abs()).fold(0.0, f32::max);
    assert!(furthest < 1e-5, "{furthest}");
    (macs(&after), macs(graph))
}

fn causal(_: usize, row: usize, column: usize) -> bool {
    column <= row
}

/// The second head sees 32 tokens less of what was.
fn window(head: usize, row: usize, column: usize) -> bool {
    column <= row && column + 96 > row + 32 * head
}

#[test]
fn a_causal_mask_leaves_the_products_of_its_blocks() {
    // Blocks of 64 rows attend to 64, 128 and 192 columns.
    for (masked, least) in [(WHERE, f32::MIN), (ADD, f32::NEG_INFINITY), (MINIMUM, -1e9), (ADD, -1e9)] {
        let (after, before) = optimised(&attention(192, masked, causal, least));
        assert_eq!((after, before), (2 * HEADS as u64 * FEATURES as u64 * 64 * (64 + 128 + 192), before));
        assert_eq!(before, 2 * HEADS as u64 * FEATURES as u64 * 192 * 192);
    }
    // Of 160 rows the last 32 are a block of their own.
    let (after, _) = optimised(&attention(160, ADD, causal, f32::MIN));
    assert_eq!(after, 2 * HEADS as u64 * FEATURES as u64 * (64 * 64 + 64 * 128 + 32 * 160));
}

#[test]
fn a_window_leaves_out_what_is_long_gone() {
    // Rows 128 to 191 attend to 33 and later in the first head, and to 65 and later in the second.
    let (after, _) = optimised(&attention(192, WHERE, window, f32::MIN));
    assert_eq!(after, 2 * HEADS as u64 * FEATURES as u64 * 64 * (64 + 128 + (192 - 32)));
}

/// The products stay as they were.
fn stays(graph: &Graph) {
    let (after, before) = optimised(graph);
    assert_eq!(after, before);
}

#[test]
fn what_scores_may_reach_is_no_mask() {
    stays(&attention(192, ADD, causal, -1e4));
}

#[test]
fn rows_that_attend_to_nothing_keep_equal_weights() {
    stays(&attention(192, WHERE, |head, row, column| column <= row && (head, row) != (1, 70), f32::MIN));
}

#[test]
fn what_saves_little_or_is_small_stays() {
    stays(&attention(128, ADD, causal, f32::MIN));
    stays(&attention(256, ADD, |_, row, column| column <= row + 200, f32::MIN));
}

#[test]
fn scores_that_are_read_elsewhere_stay() {
    let mut graph = attention(192, ADD, causal, f32::MIN);
    let scores = graph.value_by_name("m").unwrap();
    graph.set_outputs(vec![scores, graph.outputs()[0]]);
    let after = optimise(graph.clone(), &Options::default()).unwrap();
    assert_eq!(macs(&after), macs(&graph));
}
