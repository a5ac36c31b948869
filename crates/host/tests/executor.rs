//! The executor against a naive evaluation, and its plan against what the plan promises.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use ediacara_graph::ops::*;
use ediacara_graph::{DType, Definition, Graph, NodeId, Op, Tensor, TensorType, ValueId};
use ediacara_host::*;
use proptest::prelude::*;

/// SplitMix64, Steele et al. 2014.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let count = shape.iter().product();
        let values: Vec<f32> =
            (0..count).map(|_| (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0).collect();
        Tensor::from_vec(shape, values).unwrap()
    }
}

/// A graph of `nodes` nodes over tensors of rank 4, wired at random.
///
/// It has views, views of views, elementwise work, products, pools and an operator with two results. Outputs
/// may be anywhere (inputs, views and constants included).
fn random_graph(seed: u64, nodes: usize) -> Graph {
    let mut random = Random(seed);
    let mut graph = Graph::new("random");
    let mut values: Vec<ValueId> =
        (0..2).map(|index| graph.add_input(format!("x{index}"), TensorType::f32(&[1, 4, 6, 6]))).collect();
    let constant = random.tensor(&[1, 4, 6, 6]);
    values.push(graph.add_constant("constant", constant));
    for index in 0..nodes {
        // Recent values are read more often, so that lives end.
        let back = random.below(values.len().min(5)) + 1;
        let x = values[values.len() - back];
        let shape = graph.ty(x).shape.clone();
        let same: Vec<ValueId> = values.iter().copied().filter(|&v| graph.ty(v).shape == shape).collect();
        let y = same[random.below(same.len())];
        let name = format!("node{index}");
        let node = match random.below(10) {
            0 => graph.add_node(name, Add, &[x, y]),
            1 => graph.add_node(name, Mul, &[x, y]),
            2 => graph.add_node(name, Tanh, &[x]),
            3 | 4 => {
                let mut permutation = [0, 1, 2, 3];
                (1..4).rev().for_each(|i| permutation.swap(i, random.below(i + 1)));
                graph.add_node(name, Transpose { permutation: permutation.to_vec() }, &[x])
            }
            5 => {
                let mut shape = shape.clone();
                shape.rotate_left(random.below(4));
                graph.add_node(name, Reshape { shape }, &[x])
            }
            6 if shape[1] > 1 => {
                let mut ends = shape.clone();
                ends[1] -= 1;
                graph.add_node(name, slice([0, 0, 0, 0], &ends), &[x])
            }
            7 => graph.add_node(name, Softmax { axis: random.below(4) }, &[x]),
            8 => graph.add_node(name, TopK { k: 1, axis: 1, largest: true }, &[x]),
            _ => {
                let weights = random.tensor(&[3, shape[1], 3, 3]);
                let weights = graph.add_constant(format!("w{index}"), weights);
                graph.add_node(name, Conv { padding: [1; 4], ..Conv::default() }, &[x, weights])
            }
        };
        values.push(graph.output_of(node.unwrap()));
    }
    let outputs = (0..3).map(|_| values[random.below(values.len())]).chain(values.last().copied()).collect();
    graph.set_outputs(outputs);
    graph
}

fn inputs(seed: u64) -> Vec<Tensor> {
    let mut random = Random(seed ^ 0x5eed);
    (0..2).map(|_| random.tensor(&[1, 4, 6, 6])).collect()
}

/// Computes every node of the graph in the order of insertion, with every result in memory of its own and no
/// views.
fn evaluate(graph: &Graph, inputs: &[Tensor]) -> Vec<Option<Tensor>> {
    let mut known: Vec<Option<Tensor>> = graph
        .values()
        .map(|value| match &graph.value(value).definition {
            Definition::Constant(tensor) => Some(Tensor::clone(tensor)),
            _ => None,
        })
        .collect();
    for (input, tensor) in graph.inputs().iter().zip(inputs) {
        known[input.index()] = Some(tensor.copy());
    }
    for id in graph.nodes() {
        let node = graph.node(id);
        let operands: Vec<&Tensor> = node.inputs.iter().map(|v| known[v.index()].as_ref().unwrap()).collect();
        let mut results: Vec<Tensor> = node.outputs.iter().map(|&v| graph.ty(v).zeros().unwrap()).collect();
        node.op.run(&operands, &mut results).unwrap();
        node.outputs.iter().zip(results).for_each(|(v, result)| known[v.index()] = Some(result));
    }
    known
}

fn same(a: &[Tensor], b: &[Tensor]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_bits(b))
}

/// Equal up to rounding, relative to the largest magnitude.
fn assert_near(found: &Tensor, expected: &Tensor) {
    let [found, expected] = [found, expected].map(|tensor| tensor.to_vec::<f32>().unwrap());
    let largest = expected.iter().fold(1.0_f32, |largest, x| largest.max(x.abs()));
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let near = (found - expected).abs() <= 1e-4 * largest;
        assert!(near || !expected.is_finite(), "element {index}: {found} instead of {expected}");
    }
}

/// An executor with the same bits as each operator by itself.
fn executor(graph: &Graph, threads: usize) -> Executor {
    Executor::new(graph, &Options { same_bits: true, ..Options::with_threads(threads) }).unwrap()
}

/// An executor with channels last where convolutions have constant filters.
fn fast_executor(graph: &Graph, threads: usize) -> Executor {
    Executor::new(graph, &Options::with_threads(threads)).unwrap()
}

/// The steps at which a value or a view of it is written or read, found without the plan's own lives.
fn steps_of(graph: &Graph, plan: &MemoryPlan, value: ValueId) -> Vec<usize> {
    let aliases: Vec<ValueId> = graph
        .values()
        .filter(|&other| other == value || plan.placement(other) == Placement::View(value))
        .collect();
    let touches = |node: &NodeId| {
        let node = graph.node(*node);
        node.inputs.iter().chain(&node.outputs).any(|v| aliases.contains(v))
    };
    (0..plan.order.len()).filter(|&step| touches(&plan.order[step])).collect()
}

fn check_plan(graph: &Graph, plan: &MemoryPlan) {
    let placed: Vec<(ValueId, usize)> = graph
        .values()
        .filter_map(|value| match plan.placement(value) {
            Placement::Buffer(index) => Some((value, index)),
            _ => None,
        })
        .collect();
    for &(value, index) in &placed {
        let buffer = plan.buffers[index];
        assert_eq!(buffer.dtype, graph.ty(value).dtype);
        assert!(buffer.elements >= graph.ty(value).elements());
        assert!(!graph.is_output(value));
        let steps = steps_of(graph, plan, value);
        for &(other, _) in placed.iter().filter(|&&(other, at)| other != value && at == index) {
            let others = steps_of(graph, plan, other);
            let apart = steps.last() < others.first() || others.last() < steps.first();
            assert!(apart, "{value} and {other} share buffer {index}: {steps:?} and {others:?}");
        }
        let released = plan.released.iter().position(|values| values.contains(&value));
        assert_eq!(released, steps.last().copied(), "{value}");
    }
    for &output in graph.outputs() {
        let root = match plan.placement(output) {
            Placement::View(root) => plan.placement(root),
            own => own,
        };
        assert!(matches!(root, Placement::Fresh | Placement::External), "output {output} in {root:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn as_the_naive_evaluation(seed: u64, nodes in 1usize..40) {
        let graph = random_graph(seed, nodes);
        let expected: Vec<Tensor> = {
            let known = evaluate(&graph, &inputs(seed));
            graph.outputs().iter().map(|v| known[v.index()].clone().unwrap()).collect()
        };
        let (one, two) = (executor(&graph, 1), executor(&graph, 2));
        check_plan(&graph, one.plan());
        prop_assert!(same(&one.run(&inputs(seed)).unwrap(), &expected));
        prop_assert!(same(&two.run(&inputs(seed)).unwrap(), &expected));
        // The second run finds an arena full of the first run's values, and other inputs.
        let again = evaluate(&graph, &inputs(seed + 1));
        let again: Vec<Tensor> = graph.outputs().iter().map(|v| again[v.index()].clone().unwrap()).collect();
        prop_assert!(same(&one.run(&inputs(seed + 1)).unwrap(), &again));
    }

    /// Channels last sum in another order, which does not depend on the threads.
    #[test]
    fn channels_last_is_near_the_naive_evaluation(seed: u64, nodes in 1usize..40) {
        let graph = random_graph(seed, nodes);
        let known = evaluate(&graph, &inputs(seed));
        let found = fast_executor(&graph, 1).run(&inputs(seed)).unwrap();
        for (value, found) in graph.outputs().iter().zip(&found) {
            let expected = known[value.index()].as_ref().unwrap();
            // Indices are not compared, because small differences decide what TopK finds.
            if graph.ty(*value).dtype == DType::F32 {
                assert_near(found, expected);
            }
        }
        prop_assert!(same(&fast_executor(&graph, 2).run(&inputs(seed)).unwrap(), &found));
    }

    /// Every value that the observer sees is right when it is seen, and what it keeps stays right.
    #[test]
    fn the_observer_sees_the_values(seed: u64, nodes in 1usize..30) {
        let graph = random_graph(seed, nodes);
        let expected = evaluate(&graph, &inputs(seed));
        let executor = executor(&graph, 2);
        let mut kept = Vec::new();
        let outputs = executor.run_with_observer(&inputs(seed), |value, tensor| {
            assert!(tensor.same_bits(expected[value.index()].as_ref().unwrap()), "{value}");
            kept.push((value, tensor.clone()));
        }).unwrap();
        for (value, tensor) in &kept {
            prop_assert!(tensor.same_bits(expected[value.index()].as_ref().unwrap()), "{} later", value);
        }
        let computed: usize = executor.plan().order.iter().map(|&node| graph.outputs_of(node).len()).sum();
        prop_assert_eq!(kept.len(), graph.inputs().len() + computed);
        prop_assert!(same(&executor.run(&inputs(seed)).unwrap(), &outputs));
    }
}

/// A generator that made no views would let faults of views pass unnoticed.
///
/// The test counts how many graphs of the property tests share memory, have views, and have a view as an
/// output.
#[test]
fn random_graphs_are_useful() {
    let (mut sharing, mut viewing, mut viewed_outputs) = (0, 0, 0);
    for seed in 0..100 {
        let graph = random_graph(seed, 25);
        let plan = MemoryPlan::new(&graph).unwrap();
        let views = graph.values().filter(|&v| matches!(plan.placement(v), Placement::View(_))).count();
        sharing += usize::from(plan.buffer_bytes() < plan.unshared_bytes / 2);
        viewing += usize::from(views > 2);
        viewed_outputs +=
            usize::from(graph.outputs().iter().any(|&v| matches!(plan.placement(v), Placement::View(_))));
    }
    assert!(sharing > 25 && viewing > 40 && viewed_outputs > 25, "{sharing} {viewing} {viewed_outputs}");
}

fn slice(starts: [usize; 4], ends: &[usize]) -> Slice {
    Slice {
        starts: starts.map(|start| start as i64).to_vec(),
        ends: ends.iter().map(|&end| end as i64).collect(),
        steps: vec![1; 4],
    }
}

/// A chain needs two buffers however long it is; its last result is the output and has memory of its own.
#[test]
fn a_chain_ping_pongs_between_two_buffers() {
    let mut graph = Graph::new("chain");
    let mut value = graph.add_input("x", TensorType::f32(&[1000]));
    for index in 0..10 {
        value = graph.add(format!("n{index}"), Tanh, &[value]).unwrap();
    }
    graph.set_outputs(vec![value]);
    let plan = MemoryPlan::new(&graph).unwrap();
    assert_eq!(plan.buffer_bytes(), 2 * 4000);
    assert_eq!(plan.unshared_bytes, 10 * 4000);
    let y = executor(&graph, 1).run(&[Tensor::full(&[1000], 0.5f32).unwrap()]).unwrap();
    let expected = (0..10).fold(0.5f32, |x, _| x.tanh());
    assert!((y[0].as_slice::<f32>().unwrap()[999] - expected).abs() < 1e-6);
}

/// x + 1 is read again at the end, through a view, so nothing in between may take its memory.
#[test]
fn a_view_keeps_its_memory_alive() {
    let mut graph = Graph::new("residual");
    let x = graph.add_input("x", TensorType::f32(&[2, 3]));
    let one = graph.add_constant("one", Tensor::scalar(1f32));
    let sum = graph.add("sum", Add, &[x, one]).unwrap();
    let view = graph.add("view", Transpose { permutation: vec![1, 0] }, &[sum]).unwrap();
    let flat = graph.add("flat", Reshape { shape: vec![3, 2] }, &[sum]).unwrap();
    let negative = graph.add("negative", Neg, &[flat]).unwrap();
    let again = graph.add("again", Neg, &[negative]).unwrap();
    let out = graph.add("out", Add, &[again, view]).unwrap();
    graph.set_outputs(vec![out]);
    let executor = executor(&graph, 1);
    assert_eq!(executor.plan().placement(view), Placement::View(sum));
    assert_eq!(executor.plan().placement(flat), Placement::View(sum));
    let x = Tensor::from_vec(&[2, 3], vec![0f32, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    let y = executor.run(&[x]).unwrap();
    // [1 2; 3 4; 5 6] + [1 4; 2 5; 3 6].
    assert_eq!(y[0].as_slice::<f32>().unwrap(), [2.0, 6.0, 5.0, 9.0, 8.0, 12.0]);
}

/// Both convolutions could take the sum and the rectifier; one does, and waits for the other.
///
/// The values are those of the observer, which sees each operator by itself. The first pixel is also computed
/// by hand.
#[test]
fn one_of_two_convolutions_takes_what_follows_both() {
    let mut graph = Graph::new("residual");
    let x = graph.add_input("x", TensorType::f32(&[1, 4, 6, 6]));
    let mut random = Random(5);
    let mut weights = |shape: &[usize]| random.tensor(shape);
    let (w, v, bias) = (weights(&[40, 4, 3, 3]), weights(&[40, 4, 1, 1]), weights(&[40]));
    let [w_id, v_id, b] =
        [("w", &w), ("v", &v), ("b", &bias)].map(|(name, tensor)| graph.add_constant(name, tensor.clone()));
    let main = graph.add("main", Conv { padding: [1; 4], ..Conv::default() }, &[x, w_id, b]).unwrap();
    let shortcut = graph.add("shortcut", Conv::default(), &[x, v_id]).unwrap();
    let sum = graph.add("sum", Add, &[shortcut, main]).unwrap();
    let y = graph.add("y", Relu, &[sum]).unwrap();
    let ends = graph.add("ends", Clamp { low: 0.0, high: 0.5 }, &[y]).unwrap();
    graph.set_outputs(vec![ends, y]);
    let x = random.tensor(&[1, 4, 6, 6]);
    for threads in [1, 2] {
        let executor = executor(&graph, threads);
        let outputs = executor.run(std::slice::from_ref(&x)).unwrap();
        let seen = executor.run_with_observer(std::slice::from_ref(&x), |_, _| {}).unwrap();
        assert!(same(&outputs, &seen));
        let at = |tensor: &Tensor, index: usize| f64::from(tensor.as_slice::<f32>().unwrap()[index]);
        let tap = |c: usize, r: usize, k: usize| at(&x, (c * 6 + r) * 6 + k);
        let mut expected = at(&bias, 0);
        for c in 0..4 {
            expected += at(&v, c) * tap(c, 0, 0);
            for (r, k) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                expected += at(&w, c * 9 + (r + 1) * 3 + k + 1) * tap(c, r, k);
            }
        }
        assert!((at(&outputs[1], 0) - expected.max(0.0)).abs() < 1e-5);
    }
}

/// The images of convolutions, depthwise ones too, stay channels last through several operators.
///
/// Those are sums, products with a number for each channel, a concatenation and pools. One image is an
/// output, one is flattened, one is read in another order of axes.
#[test]
fn images_stay_channels_last() {
    let mut graph = Graph::new("images");
    let mut random = Random(6);
    let x = graph.add_input("x", TensorType::f32(&[2, 3, 11, 9]));
    let mut constant = |graph: &mut Graph, shape: &[usize]| graph.add_constant("w", random.tensor(shape));
    let padded = |groups| Conv { padding: [1; 4], groups, ..Conv::default() };
    let weights = [[20, 3, 3, 3], [20, 1, 3, 3], [33, 20, 1, 1]].map(|shape| constant(&mut graph, &shape));
    let (gain, bias) = (constant(&mut graph, &[20, 1, 1]), constant(&mut graph, &[1, 20, 1, 1]));
    let a = graph.add("a", padded(1), &[x, weights[0]]).unwrap();
    let b = graph.add("b", padded(20), &[a, weights[1]]).unwrap();
    let product = graph.add("product", Mul, &[b, gain]).unwrap();
    let sum = graph.add("sum", Add, &[bias, product]).unwrap();
    let difference = graph.add("difference", Sub, &[sum, a]).unwrap();
    let c = graph.add("c", Conv::default(), &[difference, weights[2]]).unwrap();
    let both = graph.add("both", Concat { axis: 1 }, &[c, difference, a]).unwrap();
    let pool = |kind, output| Pool {
        kind,
        kernel: [3, 2],
        stride: [2, 2],
        padding: [1, 0, 1, 0],
        dilation: [1; 2],
        output,
        count_include_pad: false,
    };
    let max = graph.add("max", pool(PoolKind::Max, [6, 4]), &[both]).unwrap();
    let mean = graph.add("mean", pool(PoolKind::Average, [3, 2]), &[max]).unwrap();
    let flat = graph.add("flat", Reshape { shape: vec![2, 73 * 6] }, &[mean]).unwrap();
    let turned = graph.add("turned", Transpose { permutation: vec![0, 2, 3, 1] }, &[max]).unwrap();
    let turned = graph.add("tanh", Tanh, &[turned]).unwrap();
    graph.set_outputs(vec![flat, both, turned]);
    let x = Random(7).tensor(&[2, 3, 11, 9]);
    let known = evaluate(&graph, std::slice::from_ref(&x));
    let executor = fast_executor(&graph, 2);
    for _ in 0..2 {
        for (value, found) in graph.outputs().iter().zip(executor.run(std::slice::from_ref(&x)).unwrap()) {
            assert_near(&found, known[value.index()].as_ref().unwrap());
        }
    }
}

#[test]
fn outputs_that_are_inputs_constants_and_doubles() {
    let mut graph = Graph::new("trivial");
    let x = graph.add_input("x", TensorType::f32(&[2]));
    let c = graph.add_constant("c", Tensor::from_vec(&[1], vec![7i64]).unwrap());
    let y = graph.add("y", Relu, &[x]).unwrap();
    let dead = graph.add("dead", Exp, &[x]).unwrap();
    graph.set_outputs(vec![x, c, y, y]);
    let executor = executor(&graph, 1);
    assert_eq!(executor.plan().placement(dead), Placement::Absent);
    let out = executor.run(&[Tensor::from_vec(&[2], vec![-1f32, 2.0]).unwrap()]).unwrap();
    assert_eq!(out[0].as_slice::<f32>().unwrap(), [-1.0, 2.0]);
    assert_eq!(out[1].as_slice::<i64>().unwrap(), [7]);
    assert_eq!(out[2].as_slice::<f32>().unwrap(), [0.0, 2.0]);
    assert!(out[3].same_bits(&out[2]));
}

/// Results of one run are not touched by the next, and runs may overlap.
#[test]
fn runs_are_independent() {
    let graph = random_graph(11, 30);
    let executor = executor(&graph, 2);
    let expected: Vec<Vec<Tensor>> = (0..4).map(|seed| executor.run(&inputs(seed)).unwrap()).collect();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (executor, expected) = (&executor, &expected);
            scope.spawn(move || {
                for _ in 0..5 {
                    assert!(same(&executor.run(&inputs(seed)).unwrap(), &expected[seed as usize]));
                }
            });
        }
    });
}

#[test]
fn outputs_take_spare_memory_and_nobody_elses() {
    let mut graph = Graph::new("sum");
    let x = graph.add_input("x", TensorType::f32(&[2, 3]));
    let y = graph.add("y", Add, &[x, x]).unwrap();
    graph.set_outputs(vec![y]);
    let executor = executor(&graph, 1);
    let x = Tensor::from_vec(&[2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let expected = [2.0, 4.0, 6.0, 8.0, 10.0, 12.0];
    let spare = Tensor::from_vec(&[6], vec![9.0_f32; 6]).unwrap();
    let place = spare.as_slice::<f32>().unwrap().as_ptr();
    let result = executor.run_reusing(std::slice::from_ref(&x), vec![spare]).unwrap().remove(0);
    assert_eq!(result.as_slice::<f32>().unwrap(), expected);
    assert_eq!(result.as_slice::<f32>().unwrap().as_ptr(), place);
    // These spares have the wrong size or type, and somebody else still reads the last one.
    let others = [Tensor::from_vec(&[5], vec![9.0_f32; 5]), Tensor::from_vec(&[6], vec![9_i32; 6])];
    let kept = Tensor::from_vec(&[6], vec![9.0_f32; 6]).unwrap();
    let spares = others.into_iter().map(Result::unwrap).chain([kept.clone()]).collect();
    let result = executor.run_reusing(&[x], spares).unwrap().remove(0);
    assert_eq!(result.as_slice::<f32>().unwrap(), expected);
    assert_eq!(kept.as_slice::<f32>().unwrap(), [9.0; 6]);
}

#[test]
fn inputs_may_be_views() {
    let mut graph = Graph::new("views");
    let x = graph.add_input("x", TensorType::f32(&[3, 2]));
    let flat = graph.add("flat", Reshape { shape: vec![6] }, &[x]).unwrap();
    let y = graph.add("y", Neg, &[flat]).unwrap();
    graph.set_outputs(vec![y]);
    let x =
        Tensor::from_vec(&[2, 3], vec![0f32, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap().transpose(&[1, 0]).unwrap();
    let y = executor(&graph, 1).run(&[x]).unwrap();
    assert_eq!(y[0].as_slice::<f32>().unwrap(), [0.0, -3.0, -1.0, -4.0, -2.0, -5.0]);
}

#[test]
fn timing_names_every_node_that_ran() {
    let graph = random_graph(3, 20);
    let executor = executor(&graph, 1);
    let (outputs, times) = executor.run_timed(&inputs(3)).unwrap();
    assert!(same(&outputs, &executor.run(&inputs(3)).unwrap()));
    let views =
        |node: &NodeId| matches!(executor.plan().placement(graph.output_of(*node)), Placement::View(_));
    let expected: Vec<NodeId> = executor.plan().order.iter().copied().filter(|node| !views(node)).collect();
    assert_eq!(times.iter().map(|time| time.node).collect::<Vec<_>>(), expected);
}

#[test]
fn errors_name_what_is_wrong() {
    let mut graph = Graph::new("net");
    let x = graph.add_input("image", TensorType::f32(&[1, 2]));
    let table = graph.add_constant("table", Tensor::from_vec(&[2], vec![1f32, 2.0]).unwrap());
    let index = graph.add("index", Cast { to: DType::I64 }, &[x]).unwrap();
    let picked = graph.add("pick", Gather { axis: 0 }, &[table, index]).unwrap();
    graph.set_outputs(vec![picked]);
    let executor = executor(&graph, 1);
    let run = |tensors: &[Tensor]| executor.run(tensors).unwrap_err().to_string();
    assert_eq!(
        run(&[]),
        "graph `net` has 1 inputs, found 0 tensors; pass one for each, in the graph's order"
    );
    let message = run(&[Tensor::scalar(1f32)]);
    assert_eq!(
        message,
        "input `image` of graph `net` is f32[1,2], found a tensor of f32[]; cast, reshape or rebind it"
    );
    let message = run(&[Tensor::from_vec(&[1, 2], vec![0f32, 9.0]).unwrap()]);
    assert!(message.starts_with("node `pick`: gather"), "{message}");
    // A run that failed leaves the executor as it was.
    let y = executor.run(&[Tensor::from_vec(&[1, 2], vec![1f32, 0.0]).unwrap()]).unwrap();
    assert_eq!(y[0].as_slice::<f32>().unwrap(), [2.0, 1.0]);
}

/// The view of a user's own operator is not used if it has another shape than the operator inferred.
#[test]
fn a_view_of_the_wrong_shape_is_not_used() {
    #[derive(Debug)]
    struct Liar;
    impl Op for Liar {
        fn name(&self) -> &'static str {
            "liar"
        }
        fn attributes(&self) -> ediacara_graph::Attributes {
            ediacara_graph::Attributes::default()
        }
        fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, ediacara_graph::OpError> {
            Ok(vec![inputs[0].clone()])
        }
        fn run(&self, _: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), ediacara_graph::OpError> {
            outputs[0].as_mut_slice::<f32>().unwrap().fill(42.0);
            Ok(())
        }
        fn view(&self, input: &Tensor) -> Option<Tensor> {
            input.reshape(&[1, 3]).ok()
        }
        fn cost(&self, _: &[&TensorType], _: &[&TensorType]) -> ediacara_graph::Cost {
            ediacara_graph::Cost::NONE
        }
    }
    let mut graph = Graph::new("liar");
    let x = graph.add_input("x", TensorType::f32(&[3]));
    let y = graph.add("y", Liar, &[x]).unwrap();
    graph.set_outputs(vec![y]);
    let y = executor(&graph, 1).run(&[Tensor::full(&[3], 1f32).unwrap()]).unwrap();
    assert_eq!(y[0].as_slice::<f32>().unwrap(), [42.0; 3]);
}
