//! Calibration: the range of every real value of a graph over sample inputs.

use std::collections::BTreeMap;

use ediacara_graph::{DType, Graph, Tensor, ValueId};
use ediacara_host::Executor;

use crate::{OptimiserError, Range, Result};

/// The smallest and the largest number that each real (f32) value of a graph took over the samples, by value name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    ranges: BTreeMap<String, Range>,
    samples: usize,
}

impl Calibration {
    /// Runs `graph` on the host over every sample (one tensor for each input of the graph, in order) and records the
    /// range of every f32 value, inputs included.
    ///
    /// # Errors
    /// There is no sample, the host cannot run the graph on one, or a value is infinite or not a number.
    pub fn collect(graph: &Graph, samples: impl IntoIterator<Item = Vec<Tensor>>) -> Result<Calibration> {
        let mut calibration = Calibration::default();
        let executor = Executor::new(graph, &ediacara_host::Options::default())?;
        for sample in samples {
            let mut failure = None;
            executor.run_with_observer(&sample, |value, tensor| {
                if let Err(error) = calibration.observe(graph, value, tensor) {
                    failure.get_or_insert(error);
                }
            })?;
            if let Some(error) = failure {
                return Err(error);
            }
            calibration.samples += 1;
        }
        if calibration.samples == 0 {
            return Err(OptimiserError::NoSample { graph: graph.name.clone() });
        }
        Ok(calibration)
    }

    fn observe(&mut self, graph: &Graph, value: ValueId, tensor: &Tensor) -> Result<()> {
        if tensor.dtype() != DType::F32 || tensor.is_empty() {
            return Ok(());
        }
        let dense = tensor.to_contiguous();
        let numbers = dense.as_slice::<f32>()?;
        let name = &graph.value(value).name;
        let range = Range::of(numbers)
            .ok_or_else(|| OptimiserError::NotFinite { value: name.clone(), sample: self.samples })?;
        match self.ranges.get_mut(name) {
            Some(known) => *known = known.union(range),
            None => drop(self.ranges.insert(name.clone(), range)),
        }
        Ok(())
    }

    /// A calibration from ranges found elsewhere.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (String, Range)>) -> Calibration {
        Calibration { ranges: ranges.into_iter().collect(), samples: 0 }
    }

    /// The range of the value called `name`.
    pub fn range(&self, name: &str) -> Option<Range> {
        self.ranges.get(name).copied()
    }

    /// How many samples it was collected over.
    pub fn samples(&self) -> usize {
        self.samples
    }
}
