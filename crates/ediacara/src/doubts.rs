//! Doubtful numbers among a network's inputs.
//!
//! int8 stores not-a-number as 0 and a number that is too large as the largest. A run on such inputs is equal
//! to the host's, but means nothing.

use ediacara_graph::ops::QuantizeLinear;
use ediacara_graph::{DType, Graph, ValueId};
use ediacara_isa::Port;
use ediacara_tensor::Tensor;

/// The doubts about the inputs of an int8 network, one line for each input.
///
/// Doubtful are not-a-number, infinities, and numbers that lie outside the stored range by more than its
/// width.
pub fn of_network(graph: &Graph, tensors: &[Tensor]) -> Vec<String> {
    let inputs = graph.inputs().iter().zip(tensors);
    let line =
        |(&input, tensor): (&ValueId, &Tensor)| doubt(&graph.value(input).name, tensor, range(graph, input));
    inputs.filter_map(line).collect()
}

/// The doubts about the tensor for an executable's input port.
pub fn of_port(port: &Port, tensor: &Tensor) -> Option<String> {
    let range = port.encoding.map(|encoding| stored_range(encoding.scale, encoding.zero));
    doubt(&port.name, tensor, range)
}

fn doubt(name: &str, tensor: &Tensor, range: Option<[f32; 2]>) -> Option<String> {
    if !tensor.dtype().is_float() {
        return None;
    }
    let numbers = tensor.cast(DType::F32).to_vec::<f32>().ok()?;
    let count = |wrong: &dyn Fn(f32) -> bool| numbers.iter().filter(|&&number| wrong(number)).count();
    let mut found = Vec::new();
    let mut add = |count: usize, what: &str| {
        if count > 0 {
            found.push(format!("{count} of its {} elements are {what}", numbers.len()));
        }
    };
    add(count(&f32::is_nan), "no numbers (NaN)");
    add(count(&f32::is_infinite), "infinite");
    if let Some([low, high]) = range {
        let width = high - low;
        let far = |number: f32| number.is_finite() && (number < low - width || number > high + width);
        add(count(&far), &format!("far outside {low} to {high}, which is what int8 stores of it"));
    }
    (!found.is_empty()).then(|| format!("input {name}: {}", found.join("; ")))
}

/// The range of an input that int8 stores: that of the first quantize_linear behind it, past nodes that only
/// move.
fn range(graph: &Graph, input: ValueId) -> Option<[f32; 2]> {
    let mut open = vec![input];
    while let Some(value) = open.pop() {
        for reader in graph.consumers(value) {
            let node = graph.node(reader);
            if matches!(node.op.name(), "transpose" | "reshape") {
                open.push(node.outputs[0]);
            } else if node.op_as::<QuantizeLinear>().is_some()
                && let [_, scale, zero] = node.inputs[..]
            {
                let scale = graph.constant(scale)?.to_vec::<f32>().ok()?;
                let zero = graph.constant(zero)?.to_vec::<i8>().ok()?;
                return Some(stored_range(*scale.first()?, i32::from(*zero.first()?)));
            }
        }
    }
    None
}

fn stored_range(scale: f32, zero: i32) -> [f32; 2] {
    [i32::from(i8::MIN), i32::from(i8::MAX)].map(|stored| (stored - zero) as f32 * scale)
}

#[cfg(test)]
mod tests {
    use ediacara_isa::{ElementType, Encoding, Layout};

    use super::*;

    fn port() -> Port {
        Port {
            name: "x".into(),
            address: 0,
            shape: vec![4],
            element: ElementType::I8,
            encoding: Some(Encoding { scale: 0.5, zero: -28 }),
            layout: Layout { permutation: vec![0], shape: vec![4] },
        }
    }

    fn of(numbers: [f32; 4]) -> Option<String> {
        of_port(&port(), &Tensor::from_vec(&[4], numbers.to_vec()).unwrap())
    }

    #[test]
    fn what_is_no_number_or_far_outside_is_counted() {
        // int8 stores -50 to 77.5, which is 127.5 wide.
        assert_eq!(of([-177.5, 205.0, 0.0, 77.5]), None);
        let far = "input x: 2 of its 4 elements are far outside -50 to 77.5, which is what int8 stores of it";
        assert_eq!(of([-178.0, 206.0, 0.0, 1.0]).unwrap(), far);
        let found = of([f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0]).unwrap();
        assert_eq!(
            found,
            "input x: 1 of its 4 elements are no numbers (NaN); 2 of its 4 elements are infinite"
        );
    }
}
