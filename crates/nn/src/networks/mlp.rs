//! Multilayer perceptrons, named by their sizes.
//!
//! `mlp:33-512-10` has 33 inputs, 512 hidden neurons with ReLU and 10 outputs.

use ediacara_graph::Graph;

use crate::NnError;
use crate::builder::Builder;

pub(super) const PREFIX: &str = "mlp:";
pub(super) const EXAMPLE: &str = "mlp:33-512-10";

/// The most weights a perceptron may have: 4 GiB of them.
const WEIGHT_LIMIT: usize = 1 << 30;

pub(super) fn build(name: &str, sizes: &str, batch: usize, seed: u64) -> Result<Graph, NnError> {
    let sizes = parse(name, sizes)?;
    let mut builder = Builder::new(name, seed);
    let mut x = builder.input(&[batch, sizes[0]]);
    for (index, &outputs) in sizes[1..].iter().enumerate() {
        if index > 0 {
            x = builder.relu(&format!("relu{index}"), x)?;
        }
        x = builder.linear(&format!("fc{}", index + 1), x, outputs)?;
    }
    Ok(builder.finish(x))
}

fn parse(name: &str, sizes: &str) -> Result<Vec<usize>, NnError> {
    let error = |problem: String| NnError::Sizes { name: name.to_string(), problem };
    let parsed = sizes.split('-').map(|size| match size.parse() {
        Ok(0) | Err(_) => Err(error(format!("'{size}' is no size of a layer"))),
        Ok(size) => Ok(size),
    });
    let sizes: Vec<usize> = parsed.collect::<Result<_, _>>()?;
    if sizes.len() < 2 {
        return Err(error("an input and an output size are needed".to_string()));
    }
    let weights = sizes.windows(2).try_fold(0_usize, |sum, pair| {
        pair[0].checked_mul(pair[1]).and_then(|weights| sum.checked_add(weights))
    });
    if weights.is_none_or(|weights| weights > WEIGHT_LIMIT) {
        return Err(error(format!("more than {WEIGHT_LIMIT} weights")));
    }
    Ok(sizes)
}
