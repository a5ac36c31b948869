//! What layers say of operands that they cannot take.

use ediacara_graph::{TensorType, ValueId};
use ediacara_nn::{Mode, NnError, Scope, functional};

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
    check(
        &[2, 3],
        |s, x| s.embedding("a", x, 4, 5),
        "node `a`: gather: operand `indices` is f32[2,3]: indices must be i32 or i64",
    );
    check(
        &[2, 1 << 15],
        |s, x| s.dense("a", x, 1 << 14),
        "parameter `a.weight` would be [16384, 32768], more than 268435456 elements; make the layer, or what comes before it, smaller",
    );
}
