//! The comparison of the simulated memory with what the host computes for the same int8 graph.

use std::collections::HashMap;

use ediacara_compiler::Compiled;
use ediacara_compiler::view::View;
use ediacara_graph::{DType, Graph, ValueId};
use ediacara_host::Executor;
use ediacara_profile::Check;
use ediacara_sim::Simulator;
use ediacara_tensor::Tensor;

use crate::Error;

/// Every int8 value of a graph, as the host computes it.
pub(crate) struct HostValues {
    values: HashMap<ValueId, Tensor>,
}

impl HostValues {
    /// Runs a graph on the host and keeps every int8 value.
    pub(crate) fn compute(executor: &Executor, inputs: &[Tensor]) -> Result<HostValues, Error> {
        let mut values = HashMap::new();
        executor.run_with_observer(inputs, |value, tensor| {
            if tensor.dtype() == DType::I8 {
                values.insert(value, tensor.copy());
            }
        })?;
        Ok(HostValues { values })
    }

    /// The smallest number of distinct values in the output of any layer that does arithmetic on more than 256 elements.
    pub(crate) fn fewest_distinct(&self, graph: &Graph) -> Option<usize> {
        let layers = graph.order().into_iter().filter(|&node| graph.node(node).op.name().starts_with("q_"));
        let outputs = layers.flat_map(|node| graph.outputs_of(node).to_vec());
        let tensors = outputs.filter_map(|value| self.values.get(&value)).filter(|tensor| tensor.len() > 256);
        tensors.filter_map(|tensor| tensor.as_slice::<i8>().ok().map(distinct)).min()
    }
}

fn distinct(values: &[i8]) -> usize {
    let mut seen = [false; 256];
    for &value in values {
        seen[usize::from(value.cast_unsigned())] = true;
    }
    seen.iter().filter(|seen| **seen).count()
}

/// The bytes of a view, row-major. A row of the last axis is read at once where it is contiguous.
fn read(simulator: &Simulator, view: &View) -> Result<Vec<u8>, Error> {
    if view.is_dense() {
        return Ok(simulator.read_dram(view.base, view.len() as usize)?);
    }
    let mut bytes = Vec::with_capacity(view.len() as usize);
    let rank = view.shape.len();
    let contiguous = view.strides[rank - 1] == 1;
    let (outer, length) = if contiguous { (rank - 1, view.shape[rank - 1]) } else { (rank, 1) };
    let rows: u64 = view.shape[..outer].iter().product();
    for row in 0..rows {
        let (mut address, mut rest) = (view.base, row);
        for axis in (0..outer).rev() {
            address += rest % view.shape[axis] * view.strides[axis];
            rest /= view.shape[axis];
        }
        bytes.extend(simulator.read_dram(address, length as usize)?);
    }
    Ok(bytes)
}

/// Compares every activation that the program left in DRAM, byte for byte.
pub(crate) fn compare(simulator: &Simulator, compiled: &Compiled, host: &HostValues) -> Result<Check, Error> {
    let (mut tensors, mut bytes, mut largest) = (0, 0, 0_u32);
    for (value, home) in &compiled.homes {
        let Some(expected) = host.values.get(value) else { continue };
        let found = read(simulator, home)?;
        let expected = expected.as_slice::<i8>()?;
        if found.len() != expected.len() {
            return Err(Error::Invalid(format!(
                "{} bytes at home, {} on the host",
                found.len(),
                expected.len()
            )));
        }
        tensors += 1;
        bytes += found.len() as u64;
        let difference = |(found, expected): (&u8, &i8)| found.cast_signed().abs_diff(*expected);
        largest = largest.max(found.iter().zip(expected).map(difference).max().unwrap_or(0).into());
    }
    Ok(Check {
        reference: "host int8".to_owned(),
        bit_exact: Some(largest == 0),
        max_abs_error: Some(f64::from(largest)),
        tensors,
        bytes,
    })
}

/// The comparison of two programs for one network: the first's, and that of the second, which leaves more in DRAM.
pub(crate) fn both(first: &Check, second: &Check) -> Check {
    Check {
        bit_exact: first.bit_exact.zip(second.bit_exact).map(|(first, second)| first && second),
        max_abs_error: first.max_abs_error.zip(second.max_abs_error).map(|(first, second)| first.max(second)),
        ..second.clone()
    }
}
