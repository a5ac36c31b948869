//! The text form: what it looks like, that it round-trips, and that damage gives errors with a place.

use ediacara_graph::ops::*;
use ediacara_graph::{DType, Graph, Registry, Tensor, TensorType, ValueId};
use proptest::prelude::*;

use crate::common::{iota, tensor};

fn parse_with(text: &str, source: &Graph) -> Result<Graph, String> {
    Graph::parse(text, &Registry::core(), &|name| source.constant_by_name(name))
        .map_err(|error| error.to_string())
}

fn round_trip(graph: &Graph) {
    let text = graph.to_text();
    let again = parse_with(&text, graph).unwrap_or_else(|error| panic!("{error}\n{text}"));
    again.verify().unwrap();
    assert_eq!(again.to_text(), text);
    for (left, right) in graph.order().into_iter().zip(again.order()) {
        let (left, right) = (graph.node(left), again.node(right));
        assert!(left.op.same_as(right.op.as_ref()));
        assert_eq!(left.name, right.name);
    }
}

const SAMPLE: &str = r#"graph "lenet \"small\"" {
  input %x: f32[1,1,4,4]
  constant %b: f32[2] = [0.1, -inf]
  constant %w: f32[2,1,3,3] = @w checksum 0x0e379cb9a65a5c7d
  %"conv 1": f32[1,2,2,2] = conv(%x, %w, %b) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = "clamp(0.0,6.0)"} as "first"
  %flat: f32[1,8] = reshape(%"conv 1") {shape = [1, 8]}
  %best.0: f32[1,1], %best.1: i64[1,1] = top_k(%flat) {k = 1, axis = 1, largest = true} as "best"
  output %best.1
}
"#;

fn sample() -> Graph {
    let mut graph = Graph::new("lenet \"small\"");
    let x = graph.add_input("x", TensorType::f32(&[1, 1, 4, 4]));
    let w = graph.add_constant("w", iota(&[2, 1, 3, 3]));
    let b = graph.add_constant("b", tensor(&[2], &[0.1_f32, f32::NEG_INFINITY]));
    let clamp = Activation::Clamp { low: 0.0, high: 6.0 };
    let y = graph.add("first", Conv { activation: clamp, ..Conv::default() }, &[x, w, b]).unwrap();
    graph.rename_value(y, "conv 1");
    let flat = graph.add("flat", Reshape { shape: vec![1, 8] }, &[y]).unwrap();
    let best = graph.add_node("best", TopK { k: 1, axis: 1, largest: true }, &[flat]).unwrap();
    graph.set_outputs(vec![graph.outputs_of(best)[1]]);
    graph
}

#[test]
fn it_reads_as_it_is_written() {
    let graph = sample();
    // Constants stand in the order in which they were added.
    let mut lines: Vec<&str> = SAMPLE.lines().collect();
    lines.swap(2, 3);
    let text = graph.to_text();
    for (found, expected) in text.lines().zip(&lines) {
        let without_checksum = |line: &str| line.split(" checksum ").next().unwrap().to_owned();
        assert_eq!(without_checksum(found), without_checksum(expected));
    }
    round_trip(&graph);
    let spaced = text.replace(", ", " ,\n# a comment\n ");
    assert_eq!(parse_with(&spaced, &graph).unwrap().to_text(), text);
}

#[test]
fn every_element_type_survives_inline() {
    let mut graph = Graph::new("types");
    for dtype in DType::ALL {
        let values = tensor(&[4], &[0.0_f64, 1.0, -1.5, 1e-7]).cast(dtype);
        let id = graph.add_constant(dtype.name(), values);
        let cast = graph.add(format!("to_{dtype}"), Cast { to: DType::F32 }, &[id]).unwrap();
        graph.set_outputs([graph.outputs(), &[cast]].concat());
    }
    round_trip(&graph);
    let again = parse_with(&graph.to_text(), &graph).unwrap();
    for dtype in DType::ALL {
        let (before, after) = (graph.constant_by_name(dtype.name()), again.constant_by_name(dtype.name()));
        assert!(before.unwrap().same_bits(&after.unwrap()), "{dtype}");
    }
}

#[test]
fn errors_say_where_and_what() {
    let sample = sample();
    let check = |text: &str, expected: &str| {
        let error = parse_with(text, &sample).map(|_| ()).unwrap_err();
        assert_eq!(error, expected);
    };
    let text = sample.to_text();
    let swap = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    check("grph", "line 1, column 1: expected `graph`, found `grph`");
    check(
        "graph \"x\" {",
        "line 1, column 12: expected `input`, `variable`, `constant`, `output`, a value or `}`, found the end of the text",
    );
    check(
        &swap("f32[1,8] =", "f32[1,9] ="),
        "line 6, column 3: `%flat` is stated as f32[1,9], but reshape gives f32[1,8]",
    );
    check(&swap("reshape(%\"conv 1\")", "reshape(%conv)"), "line 6, column 29: `%conv` is not defined above");
    check(
        &swap("= reshape", "= reshap"),
        "line 6, column 21: no operator is called `reshap`; did you mean `reshape`?",
    );
    check(
        &swap("shape = [1, 8]", "shape = [1, 7]"),
        "line 6, column 21: node `flat`: reshape: operand `x` is f32[1,2,2,2]: its 8 elements do not make f32[1,7] of 7",
    );
    check(
        &swap("{shape = [1, 8]}", "{shape = [1, -8]}"),
        "line 6, column 21: reshape: attribute `shape`: [1, -8] must not have a negative entry",
    );
    check(&swap("{shape", "{shapes"), "line 6, column 21: reshape: attribute `shape`: is missing");
    check(&swap("@w", "@v"), "line 3, column 31: the constant `@v` was not found");
    check(&swap("[0.1, -inf]", "[0.1]"), "line 4, column 25: shape [2] needs 2 elements but 1 were given");
    check(&swap("%flat:", "%x:"), "line 6, column 3: `%x` is defined twice");
    check(
        &swap("f32[1,1,4,4]", "f32[99999999999,99999999999]"),
        "line 2, column 13: shape [99999999999, 99999999999] of f32 is larger than memory can be",
    );
    check(
        "graph \"x\" { input %x: f33[1] }",
        "line 1, column 23: unknown element type `f33`; known are f32 f16 bf16 f64 i8 u8 i32 i64 bool",
    );
    let stale = parse_with(&swap("checksum 0x", "checksum 0x1"), &sample).map(|_| ()).unwrap_err();
    assert!(stale.contains("hexadecimal") || stale.contains("checksum"), "{stale}");
    check("graph \"x\" { constant %c: i8[1] = [300] }", "line 1, column 35: `300` is no value of i8");
    check("graph \"x", "line 1, column 7: this string is not closed on its line");
}

/// A step of a random graph: which operator, and which values it reads.
#[derive(Debug, Clone)]
struct Choice {
    kind: usize,
    left: usize,
    right: usize,
    parameter: f64,
}

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let choice = (0_usize..16, any::<usize>(), any::<usize>(), any::<f64>())
        .prop_map(|(kind, left, right, parameter)| Choice { kind, left, right, parameter });
    prop::collection::vec(choice, 0..20)
}

/// A valid graph from choices: an operator that refuses its operands is left out.
fn build(choices: &[Choice], names: &[String]) -> Graph {
    let mut graph = Graph::new("random");
    let mut values: Vec<ValueId> = vec![
        graph.add_input("x", TensorType::f32(&[1, 2, 4, 4])),
        graph.add_input("i", TensorType::new(DType::I64, &[3])),
        graph.add_constant("w", iota(&[2, 2, 3, 3])),
        graph.add_constant("c", tensor(&[2, 1, 1], &[-0.0_f32, f32::MIN_POSITIVE])),
    ];
    for (index, choice) in choices.iter().enumerate() {
        let (left, right) = (values[choice.left % values.len()], values[choice.right % values.len()]);
        let shape = graph.ty(left).shape.clone();
        let axis = choice.right % shape.len().max(1);
        let name = names.get(index).cloned().unwrap_or_else(|| format!("n{index}"));
        let one = [left];
        let both = [left, right];
        let added = match choice.kind {
            0 => graph.add_node(name, Add, &both),
            1 => graph.add_node(name, Mul, &both),
            2 => graph.add_node(name, Relu, &one),
            3 => graph.add_node(name, Clamp { low: choice.parameter, high: f64::INFINITY }, &one),
            4 => graph.add_node(name, Conv { padding: [1; 4], ..Conv::default() }, &both),
            5 => graph.add_node(name, Reshape { shape: vec![graph.ty(left).elements()] }, &one),
            6 => graph.add_node(name, Concat { axis }, &both),
            7 => graph.add_node(name, Transpose { permutation: (0..shape.len()).rev().collect() }, &one),
            8 => graph.add_node(
                name,
                Reduce { kind: ReduceKind::Mean, axes: vec![axis], keep_dims: true },
                &one,
            ),
            9 => graph.add_node(name, Softmax { axis }, &one),
            10 => graph.add_node(name, Cast { to: DType::ALL[choice.right % 9] }, &one),
            11 => graph.add_node(name, TopK { k: 1, axis, largest: choice.right % 2 == 0 }, &one),
            12 => graph.add_node(name, Slice::all(&shape), &one),
            13 => {
                graph.add_node(name, Lrn { size: 3, alpha: choice.parameter, beta: 0.75, bias: -0.0 }, &one)
            }
            14 => graph.add_node(
                name,
                Pad {
                    before: vec![1; shape.len()],
                    after: vec![0; shape.len()],
                    mode: PadMode::Constant,
                    value: choice.parameter,
                },
                &one,
            ),
            _ => graph.add_node(
                name,
                Resize::to(ResizeMode::Nearest, Coordinates::Asymmetric, Rounding::Floor, &shape, &shape),
                &one,
            ),
        };
        if let Ok(node) = added {
            values.extend(graph.outputs_of(node));
        }
        if values.iter().map(|&value| graph.ty(value).elements()).max() > Some(10_000) {
            break;
        }
    }
    let last = values[values.len() - 1];
    graph.set_outputs(vec![last, values[0]]);
    graph
}

proptest! {
    #[test]
    fn random_graphs_round_trip(choices in choices(), names in prop::collection::vec("\\PC{0,8}", 0..20)) {
        let mut graph = build(&choices, &names);
        graph.verify().unwrap();
        round_trip(&graph);
        graph.compact();
        graph.verify().unwrap();
        round_trip(&graph);
    }

    #[test]
    fn damaged_text_is_an_error_or_a_valid_graph(position in any::<prop::sample::Index>(), junk in "\\PC{0,4}") {
        let sample = sample();
        let text = sample.to_text();
        let at = position.get(&text.char_indices().map(|(at, _)| at).collect::<Vec<_>>()).to_owned();
        let end = (at + 1..=text.len()).find(|&end| text.is_char_boundary(end)).unwrap();
        for damaged in [format!("{}{junk}{}", &text[..at], &text[end..]), text[..at].to_owned()] {
            if let Ok(graph) = parse_with(&damaged, &sample) {
                graph.verify().unwrap();
            }
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,80}") {
        let _ = Graph::parse(&text, &Registry::core(), &|_| None::<Tensor>);
        let framed = format!("graph \"g\" {{ {text} }}");
        let _ = Graph::parse(&framed, &Registry::core(), &|_| None::<Tensor>);
    }
}
