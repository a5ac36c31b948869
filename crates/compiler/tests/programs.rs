//! Small programs as text: one file a case.
//!
//! The first line is `compile MACHINE --print-after PASS [--disable PASS]`; then the network, one value a
//! line; then a line of dashes and the expected text. `UPDATE_EXPECT=1` rewrites what is expected.
//!
//! ```text
//! compile dlp16 --print-after emit
//! x = input 1,4,4,16
//! y = conv x 16 kernel=3 stride=1 padding=1 groups=1
//! output y
//! ---
//! ```

// Test code: a failure is a panic.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "all/differential.rs"]
mod differential;
#[path = "all/support.rs"]
mod support;

use std::collections::HashMap;
use std::path::Path;

use ediacara_arch::Machine;
use ediacara_compiler::{Options, compile};
use ediacara_graph::ops::{PoolKind, TensorScatter};
use ediacara_graph::{DType, TensorType, ValueId};
use support::{ConvShape, Net, tiny};

fn numbers(text: &str) -> Vec<usize> {
    text.split(',').map(|part| part.parse().unwrap()).collect()
}

fn option(words: &[&str], name: &str, default: usize) -> usize {
    let value = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    value.map_or(default, |value| value.parse().unwrap())
}

fn line(net: &mut Net, values: &mut HashMap<String, ValueId>, text: &str) {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words[0] == "output" {
        let outputs = words[1..].iter().map(|name| values[*name]).collect();
        return net.graph.set_outputs(outputs);
    }
    let (name, op, rest) = (words[0], words[2], &words[3..]);
    let at = |index: usize| values[rest[index]];
    let square = |outputs| ConvShape {
        groups: option(rest, "groups", 1),
        ..ConvShape::square(
            outputs,
            option(rest, "kernel", 1),
            option(rest, "stride", 1),
            option(rest, "padding", 0),
        )
    };
    let window = [[option(rest, "kernel", 2); 2], [option(rest, "stride", 2); 2]];
    let padding = [option(rest, "padding", 0); 4];
    let value = match op {
        "input" => net.input(&numbers(rest[0])),
        "conv" => net.conv(at(0), square(rest[1].parse().unwrap())),
        "position" => net.graph.add_input(name, TensorType::new(DType::I64, &[1])),
        "append" => {
            let op = TensorScatter { axis: option(rest, "axis", 0) };
            net.graph.add(name, op, &[at(0), at(1), at(2)]).unwrap()
        }
        "product" => net.product(at(0), at(1)),
        "matmul" => net.matmul(at(0), rest[1].parse().unwrap()),
        "max_pool" => net.pool(at(0), PoolKind::Max, window, padding, false, false),
        "average_pool" => net.pool(at(0), PoolKind::Average, window, padding, false, false),
        "add" => net.add(at(0), at(1)),
        "table" => net.table(at(0)),
        "concat" => net.concat(&[at(0), at(1)], 3),
        "slice" => {
            let shape = net.shape(at(0));
            let ends: Vec<i64> =
                shape[..3].iter().map(|&n| n as i64).chain([rest[2].parse().unwrap()]).collect();
            net.slice(at(0), &[0, 0, 0, rest[1].parse().unwrap()], &ends, &[1; 4])
        }
        "reshape" => net.reshape(at(0), &numbers(rest[1])),
        "transpose" => net.transpose(at(0), &numbers(rest[1])),
        other => panic!("no operator {other}"),
    };
    values.insert(name.to_owned(), value);
}

/// A listing up to its data blocks: weights are drawn, and say nothing.
fn without_data(text: &str) -> &str {
    text.find("\n.data ").map_or(text, |end| &text[..=end])
}

fn program(path: &Path) -> datatest_stable::Result<()> {
    let text = std::fs::read_to_string(path)?;
    let (source, expected) = text.split_once("---\n").ok_or("no line of dashes")?;
    let mut lines = source.lines();
    let command: Vec<&str> = lines.next().ok_or("no command")?.split_whitespace().collect();
    let machine = if command[1] == "tiny" { tiny() } else { Machine::preset(command[1])? };
    let named = |flag: &str| {
        command.windows(2).filter(|pair| pair[0] == flag).map(|pair| pair[1].to_owned()).collect()
    };
    let (print_after, disable) = (named("--print-after"), named("--disable"));
    let options = Options { print_after, disable };
    let mut net = Net::new(1);
    let mut values = HashMap::new();
    lines.filter(|text| !text.is_empty()).for_each(|text| line(&mut net, &mut values, text));
    let found = match compile(&net.graph, &machine, &options) {
        Ok(compiled) => {
            compiled.listings.iter().map(|listing| without_data(&listing.text)).collect::<String>()
        }
        Err(error) => format!("error: {error}\n"),
    };
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, format!("{source}---\n{found}"))?;
    } else if found != expected {
        return Err(format!("found:\n{found}\nUPDATE_EXPECT=1 rewrites the expectation").into());
    }
    Ok(())
}

datatest_stable::harness! {
    { test = program, root = "tests/programs", pattern = r"\.txt$" },
}
