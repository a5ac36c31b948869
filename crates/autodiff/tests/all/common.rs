//! Random values, and running a graph.

use ediacara_graph::{Graph, Tensor, ValueId};
use ediacara_host::{Executor, Options};

/// SplitMix64, Steele et al. 2014.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `bound` - 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// `low` to `high`, inclusive.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// A truth value.
    pub(crate) fn coin(&mut self) -> bool {
        self.below(2) == 1
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Values between `low` and `high`, in random order, no two close to each other.
    pub(crate) fn spread(&mut self, shape: &[usize], low: f64, high: f64) -> Tensor {
        let count: usize = shape.iter().product();
        let step = (high - low) / count as f64;
        let mut values: Vec<f64> =
            (0..count).map(|index| low + step * (index as f64 + 0.3 + 0.4 * self.unit())).collect();
        (1..count).rev().for_each(|index| values.swap(index, self.below(index + 1)));
        Tensor::from_vec(shape, values).unwrap()
    }
}

/// The values of a graph's outputs.
pub(crate) fn run(graph: &Graph, inputs: &[Tensor]) -> Vec<Tensor> {
    let mut graph = graph.clone();
    graph.compact();
    graph.verify().unwrap();
    Executor::new(&graph, &Options::default()).unwrap().run(inputs).unwrap()
}

/// A tensor's elements as f64.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast(ediacara_graph::DType::F64).to_vec().unwrap()
}

/// The values of `outputs` alone.
pub(crate) fn evaluate(graph: &Graph, outputs: &[ValueId], inputs: &[Tensor]) -> Vec<Tensor> {
    let mut graph = graph.clone();
    graph.set_outputs(outputs.to_vec());
    run(&graph, inputs)
}
