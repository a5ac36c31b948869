//! What layers say of operands that they cannot take.

use ediacara_graph::ops::{Conv, ConvTranspose, PoolKind};
use ediacara_graph::{DType, Emit, Graph, OpError, Tensor, TensorType, ValueId};
use ediacara_nn::optimisers::{Decay, Momentum, Optimiser};
use ediacara_nn::{Initialiser, Mode, NnError, Role, Scope, functional, losses};

fn check(shape: &[usize], layer: impl Fn(&mut Scope, ValueId) -> Result<ValueId, NnError>, expected: &str) {
    let mut scope = Scope::new("misfit", Mode::Training, 1);
    let x = scope.input("x", TensorType::f32(shape));
    let error = layer(&mut scope, x).unwrap_err().to_string();
    assert_eq!(error, expected);
}

#[test]
fn misfits_are_named() {
    let given = |shape: &str, expected: &str| {
        format!("layer `a` is given `x`, which is f32[{shape}]; expected {expected}")
    };
    check(
        &[2, 3],
        |s, x| Ok(s.gru("a", x, 4, None)?.hidden),
        &given("2,3", "[N, T, C] with at least one time step"),
    );
    check(
        &[2, 0, 3],
        |s, x| Ok(s.rnn("a", x, 4, None)?.hidden),
        &given("2,0,3", "[N, T, C] with at least one time step"),
    );
    check(&[3], |s, x| s.layer_norm("a", x, 2), &given("3", "at least 2 dimensions"));
    check(&[3], |s, x| s.layer_norm("a", x, 0), &given("3", "at least 1 dimensions"));
    check(&[3], |s, x| s.attention("a", [x; 3], 1, true), &given("3", "[N, L, E]"));
    check(
        &[2, 4, 6],
        |s, x| s.attention("a", [x; 3], 4, true),
        &given("2,4,6", "[N, L, E] with 4 heads that divide E"),
    );
    check(
        &[5],
        |s, x| s.compose("a", |emit| functional::scaled_dot_product_attention(emit, x, x, x, false)),
        "node `a`: attention: query is f32[5] and key f32[5]: query[.., L, E] and key[.., S, E] have at least two dimensions",
    );
    check(&[2, 3], |s, x| s.embedding("a", x, 4, 5), &given("2,3", "indices of i32 or i64"));
    check(
        &[2, 1 << 15],
        |s, x| s.dense("a", x, 1 << 14),
        "parameter `a.weight` would be [16384, 32768], more than 268435456 elements; make the layer, or what comes before it, smaller",
    );
}

#[test]
fn layers_of_images_say_what_they_want() {
    let given = |shape: &str, expected: &str| {
        format!("layer `a` is given `x`, which is f32[{shape}]; expected {expected}")
    };
    let dense = |s: &mut Scope, x| s.dense("a", x, 3);
    check(&[8, 16, 7, 7], dense, &given("8,16,7,7", "[N, features]: add a `flatten` before it"));
    check(&[8], dense, &given("8", "[N, features] with at least one feature"));
    check(&[8, 0], dense, &given("8,0", "[N, features] with at least one feature"));
    check(&[8, 4], |s, x| s.dense("a", x, 0), "layer `a`: 0 outputs; give 1 or more");
    let conv = |s: &mut Scope, x| s.conv2d("a", x, 4, 5, Conv::default());
    check(&[8, 49], conv, &given("8,49", "[N, C, H, W]"));
    check(&[8, 0, 9, 9], conv, &given("8,0,9,9", "[N, C, H, W] with at least one element a sample"));
    check(
        &[8, 3, 4, 9],
        conv,
        "layer `a`: its kernel of 5 x 5 does not fit 4 x 9 pixels; make the kernel smaller, or pool less before it",
    );
    let groups = |s: &mut Scope, x| s.conv2d("a", x, 4, 3, Conv { groups: 2, ..Conv::default() });
    let divide = "layer `a`: 2 groups do not divide its 3 input and 4 output channels";
    check(&[8, 3, 9, 9], groups, divide);
    let transposed = |s: &mut Scope, x| {
        s.conv_transpose2d("a", x, 4, 3, ConvTranspose { groups: 2, ..ConvTranspose::default() })
    };
    check(&[8, 3, 9, 9], transposed, divide);
    check(&[8, 49], transposed, &given("8,49", "[N, C, H, W]"));
    let pool = |s: &mut Scope, x| s.named("a", |s| s.pool2d(PoolKind::Max, x, 3));
    check(&[8, 49], pool, &given("8,49", "[N, C, H, W]"));
    check(
        &[8, 3, 2, 2],
        pool,
        "layer `a`: its window of 3 x 3 does not fit 2 x 2 pixels; make it smaller, or pool less before it",
    );
    check(
        &[8, 49],
        |s, x| s.global_average_pool(x),
        "layer `global_average_pool` is given `x`, which is f32[8,49]; expected [N, C, H, W]",
    );
    check(&[8], |s, x| s.batch_norm("a", x), &given("8", "[N, C, ...]"));
    check(
        &[1, 4],
        |s, x| s.batch_norm("a", x),
        &given("1,4", "more than one number a channel in training: a batch of 2 or more"),
    );
    check(&[8], |s, x| s.prelu("a", x), &given("8", "[N, C, ...]"));
    check(&[], |s, x| s.flatten(x), "layer `flatten` is given `x`, which is f32[]; expected [N, ...]");
}

#[test]
fn layers_of_other_operands_say_what_they_want() {
    let y = |s: &mut Scope, shape: &[usize]| s.input("y", TensorType::f32(shape));
    let given = |shape: &str, expected: &str| {
        format!("layer `a` is given `y`, which is f32[{shape}]; expected {expected}")
    };
    let dropped = |s: &mut Scope, x| {
        let noise = y(s, &[2, 1]);
        s.named("a", |s| s.dropout(x, noise, 0.5))
    };
    check(&[2, 3], dropped, &given("2,1", "noise of f32[2,3], the shape of what is dropped"));
    check(&[2, 3], |s, x| s.dropout(x, x, 1.0), "layer `dropout`: 1 is no probability from 0 to less than 1");
    let lstm = |s: &mut Scope, x| {
        let state = y(s, &[2, 5]);
        Ok(s.lstm("a", x, 4, Some([state; 2]))?.0.hidden)
    };
    check(&[2, 6, 3], lstm, &given("2,5", "an initial state [2, 4]"));
    check(&[2, 6, 3], |s, x| Ok(s.gru("a", x, 0, None)?.hidden), "layer `a`: 0 units; give 1 or more");
    let keys = |s: &mut Scope, x| {
        let key = y(s, &[3, 6, 4]);
        s.attention("a", [x, key, key], 2, false)
    };
    check(&[2, 5, 4], keys, &given("3,6,4", "[2, S, 4], as the query"));
    let values = |s: &mut Scope, x| {
        let value = y(s, &[2, 7, 4]);
        s.attention("a", [x, x, value], 2, false)
    };
    check(&[2, 5, 4], values, &given("2,7,4", "[2, 5, 4], as query and key"));
    let mut scope = Scope::new("halves", Mode::Training, 1);
    let x = scope.input("x", TensorType::new(DType::F64, &[2, 3]));
    assert_eq!(
        scope.dense("a", x, 4).unwrap_err().to_string(),
        "layer `a` is given `x`, which is f64[2,3]; expected f32 [N, features], not f64; `cast` it first"
    );
}

#[test]
fn values_of_another_graph_are_refused_by_every_layer() {
    let foreign = Graph::new("other").add_input("x", TensorType::f32(&[2, 4, 9, 9]));
    type Layer = fn(&mut Scope, ValueId) -> Result<ValueId, NnError>;
    let layers: [Layer; 17] = [
        |s, x| s.dense("a", x, 3),
        |s, x| s.flatten(x),
        |s, x| s.conv2d("a", x, 3, 3, Conv::default()),
        |s, x| s.conv_transpose2d("a", x, 3, 3, ConvTranspose::default()),
        |s, x| s.pool2d(PoolKind::Max, x, 2),
        |s, x| s.global_average_pool(x),
        |s, x| s.batch_norm("a", x),
        |s, x| s.layer_norm("a", x, 1),
        |s, x| s.prelu("a", x),
        |s, x| s.embedding("a", x, 3, 3),
        |s, x| s.dropout(x, x, 0.5),
        |s, x| Ok(s.rnn("a", x, 3, None)?.hidden),
        |s, x| Ok(s.lstm("a", x, 3, None)?.0.hidden),
        |s, x| s.attention("a", [x; 3], 1, false),
        |s, x| s.cast(x, DType::F16),
        |s, x| s.compose("a", |emit| functional::gelu(emit, x)),
        |s, x| s.compose("a", |emit| losses::cross_entropy(emit, x, x)),
    ];
    for layer in layers {
        let mut scope = Scope::new("own", Mode::Training, 1);
        scope.input("x", TensorType::f32(&[2, 4, 9, 9]));
        let error = layer(&mut scope, foreign).unwrap_err().to_string();
        assert!(
            error.contains("value0 is no value of graph `own`: it is of another graph or tape"),
            "{error}"
        );
    }
}

#[test]
fn losses_compare_like_with_like() {
    type Loss = fn(&mut dyn Emit, ValueId, ValueId) -> Result<ValueId, OpError>;
    let said = |loss: Loss, predictions: &[usize], targets: TensorType| {
        let mut scope = Scope::new("losses", Mode::Training, 1);
        let predictions = scope.input("y", TensorType::f32(predictions));
        let targets = scope.input("targets", targets);
        loss(&mut scope.emitter("loss"), predictions, targets).unwrap_err().to_string()
    };
    // NumPy's rule would make [8, 8] of these.
    assert_eq!(
        said(losses::mean_squared_error, &[8, 1], TensorType::f32(&[8])),
        "mean_squared_error: predictions are f32[8,1] and targets f32[8]; both have one shape and type"
    );
    assert_eq!(
        said(losses::hinge, &[8, 5], TensorType::f32(&[8, 1])),
        "hinge: predictions are f32[8,5] and targets f32[8,1]; both have one shape and type"
    );
    assert_eq!(
        said(losses::cross_entropy, &[8, 10], TensorType::new(DType::I64, &[8])),
        "cross_entropy: predictions are f32[8,10] and targets i64[8]; targets are one-hot rows of f32, not the numbers of \
         classes"
    );
    assert_eq!(
        said(losses::cross_entropy, &[0, 10], TensorType::f32(&[0, 10])),
        "cross_entropy: predictions are f32[0,10] and targets f32[0,10]; there is no mean over an empty batch"
    );
}

#[test]
fn every_parameter_needs_its_gradient() {
    let mut scope = Scope::new("few", Mode::Training, 1);
    let x = scope.input("x", TensorType::f32(&[2, 3]));
    let y = scope.dense("a", x, 2).unwrap();
    scope.full_parameter("mean", &[2], Initialiser::Constant(0.0), Role::Statistic).unwrap();
    let rate = scope.constant(Tensor::scalar(0.1_f32));
    let parameters = scope.parameters().to_vec();
    let sgd = Optimiser::Sgd { momentum: 0.0, form: Momentum::default() };
    for gradients in [&[][..], &[parameters[0].value][..], &[y; 3][..]] {
        let updates = sgd.updates(&mut scope, &parameters, gradients, [rate; 2], Decay::default());
        assert_eq!(
            updates.unwrap_err().to_string(),
            format!(
                "{} gradients are given for the 2 parameters that are learnt: a.weight, a.bias; give one for each, in \
                 their order",
                gradients.len()
            )
        );
    }
}
