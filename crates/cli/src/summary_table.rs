//! The table of `ediacara summary`, after torchinfo's.

use ediacara::nn::{Layer, Summary};
use ediacara::profile::{long_table, thousands};

use crate::output::say;

/// Prints one line for each layer, then the totals.
///
/// The lines of all layers are never in memory at once.
pub(crate) fn print_summary(summary: &Summary<'_>) {
    let header = [
        "layer",
        "kind",
        "output shape",
        "parameters",
        "zeros",
        "neurons",
        "multiplications",
        "additions",
        "memory",
    ];
    let row = |layer: &Layer| {
        vec![
            layer.name.clone(),
            layer.kind.clone(),
            shape(&layer.output_shape),
            thousands(layer.parameters),
            share(layer.zeros, layer.parameters),
            thousands(layer.neurons),
            thousands(layer.multiplications),
            thousands(layer.additions),
            bytes(layer.memory_bytes),
        ]
    };
    let rows = || summary.layers.iter().map(|layer| row(&layer));
    long_table(&header, 3..9, rows, |lines| say!("{lines}"));
    say!("\n{}", totals(summary));
}

fn totals(summary: &Summary<'_>) -> String {
    let ports = |ports: &[ediacara::nn::Port]| {
        ports
            .iter()
            .map(|port| format!("{} {} {}", port.name, port.dtype, shape(&port.shape)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    [
        format!("input             {}", ports(&summary.inputs)),
        format!("output            {}", ports(&summary.outputs)),
        format!("layers            {}", summary.layers.len()),
        format!("parameters        {} ({})", thousands(summary.parameters), bytes(summary.parameter_bytes)),
        format!("zeros             {} of the parameters", share(summary.zeros, summary.parameters)),
        format!(
            "neurons           {} in convolutions and fully connected layers, {} with the input",
            thousands(summary.neurons),
            thousands(summary.neurons_with_inputs)
        ),
        format!("multiply-adds     {} in convolutions and matrix products", thousands(summary.macs)),
        format!("multiplications   {}", thousands(summary.multiplications)),
        format!("additions         {}", thousands(summary.additions)),
        format!("activations       {} if every layer's output is kept", bytes(summary.activation_bytes)),
        format!("memory            {} (inputs, parameters, activations)", bytes(summary.memory_bytes)),
    ]
    .join("\n")
}

/// A part of the parameters, in percent; nothing if there are none.
fn share(part: u64, of: u64) -> String {
    if of == 0 { String::new() } else { format!("{:.1} %", 100.0 * part as f64 / of as f64) }
}

fn shape(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.2} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_take_the_largest_unit_below_them() {
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.00 KiB");
        assert_eq!(bytes(5 << 20), "5.00 MiB");
    }
}
