//! Second moments of what the layers read, which tell in which directions an error of the weights matters.

use std::collections::HashMap;

use ediacara_graph::ops::{Conv, Gemm};
use ediacara_graph::{DType, Graph, Tensor, ValueId};
use ediacara_kernels::Window;
use ediacara_kernels::float::{MatrixMut, MatrixRef, gemm};

use crate::Result;

/// The most inputs that a layer may multiply for one output; larger layers are left out.
///
/// The cost grows with the square for each sample and the cube for each layer. Sums of so many products
/// average errors out well enough.
const LARGEST: usize = 600;
/// How many places of a layer's input are looked at in one calibration sample.
const PLACES: usize = 128;

/// Sums and sums of products of the inputs that a layer multiplies, over many places of its input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moments {
    /// Groups of channels that do not see each other.
    groups: usize,
    /// How many inputs an output of one group multiplies: channels of the group times taps.
    size: usize,
    /// How many places were looked at.
    count: usize,
    /// `[groups, size]`.
    sums: Vec<f64>,
    /// `[groups, size, size]`.
    products: Vec<f32>,
}

impl Moments {
    fn new(groups: usize, size: usize) -> Moments {
        let (sums, products) = (vec![0.0; groups * size], vec![0.0; groups * size * size]);
        Moments { groups, size, count: 0, sums, products }
    }

    /// Adds places: for each group `places` rows of `size` inputs.
    fn add(&mut self, rows: &[f32], places: usize) -> Result<()> {
        let size = self.size;
        for (group, rows) in rows.chunks_exact(places * size).enumerate() {
            let sums = &mut self.sums[group * size..][..size];
            for row in rows.chunks_exact(size) {
                sums.iter_mut().zip(row).for_each(|(sum, &input)| *sum += f64::from(input));
            }
            let rows = MatrixRef::row_major(rows, places, size)?;
            let products = &mut self.products[group * size * size..][..size * size];
            gemm(1.0, rows.transposed(), rows, 1.0, MatrixMut::row_major(products, size, size)?)?;
        }
        self.count += places;
        Ok(())
    }

    /// Whether enough was seen to tell directions apart.
    pub(crate) fn is_enough(&self) -> bool {
        self.count >= self.size
    }

    /// How many inputs an output multiplies.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The covariance `[size, size]` of the inputs of one group.
    pub(crate) fn covariance(&self, group: usize) -> Vec<f64> {
        let size = self.size;
        let count = self.count.max(1) as f64;
        let sums = &self.sums[group * size..][..size];
        let products = &self.products[group * size * size..][..size * size];
        let means: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
        let mut covariance = Vec::with_capacity(size * size);
        for (products, of_row) in products.chunks_exact(size).zip(&means) {
            let entry = |(&product, mean): (&f32, &f64)| f64::from(product) / count - of_row * mean;
            covariance.extend(products.iter().zip(&means).map(entry));
        }
        covariance
    }
}

/// A layer whose inputs are looked at.
#[derive(Debug)]
pub(crate) struct Layer {
    /// The name of its result.
    pub(crate) name: String,
    groups: usize,
    size: usize,
    /// The window over an image; nothing for a fully connected layer.
    window: Option<Window>,
}

/// The layers with constant f32 weights, by the value that they read.
pub(crate) fn layers(graph: &Graph) -> HashMap<ValueId, Vec<Layer>> {
    let mut layers: HashMap<ValueId, Vec<Layer>> = HashMap::new();
    for id in graph.nodes() {
        let node = graph.node(id);
        let Some(weights) = node.inputs.get(1).and_then(|&weights| graph.constant(weights)) else { continue };
        let size = weights.shape().iter().skip(1).product();
        if size == 0 || size > LARGEST || weights.dtype() != DType::F32 {
            continue;
        }
        let (groups, window) = if let Some(conv) = node.op_as::<Conv>() {
            (conv.groups, Some(conv.window([weights.shape()[2], weights.shape()[3]])))
        } else if node.op_as::<Gemm>().is_some() {
            (1, None)
        } else {
            continue;
        };
        let name = graph.value(node.outputs[0]).name.clone();
        layers.entry(node.inputs[0]).or_default().push(Layer { name, groups, size, window });
    }
    layers
}

impl Layer {
    /// Adds places of one input to the layer's moments; `sample` decides which.
    pub(crate) fn observe(&self, moments: &mut Option<Moments>, x: &Tensor, sample: usize) -> Result<()> {
        let x_values = x.as_slice::<f32>()?;
        let moments = moments.get_or_insert_with(|| Moments::new(self.groups, self.size));
        let Some(window) = &self.window else { return moments.add(x_values, x.shape()[0]) };
        let &[batch, channels, height, width] = x.shape() else { return Ok(()) };
        let [rows, columns] = window.output([height, width])?;
        let total = batch * rows * columns;
        let places = total.min(PLACES);
        let taps = window.kernel[0] * window.kernel[1];
        let in_group = channels / self.groups;
        let mut inputs = vec![0.0; places * channels * taps];
        for (number, place) in spread(places, total, sample).enumerate() {
            let (image, row, column) = (place / (rows * columns), place / columns % rows, place % columns);
            for channel in 0..channels {
                let plane = &x_values[(image * channels + channel) * height * width..][..height * width];
                let at = (channel / in_group * places + number) * self.size + channel % in_group * taps;
                read_window(window, plane, [height, width], [row, column], &mut inputs[at..at + taps]);
            }
        }
        moments.add(&inputs, places)
    }
}

/// `count` of `total` places: multiples of the golden ratio, which spread evenly without falling into step
/// with rows.
fn spread(count: usize, total: usize, sample: usize) -> impl Iterator<Item = usize> {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let place = move |number: usize| ((number + sample * count) as f64 * GOLDEN).fract() * total as f64;
    (0..count).map(move |number| (place(number) as usize).min(total - 1))
}

/// What a window sees of one channel; zero outside.
fn read_window(window: &Window, plane: &[f32], size: [usize; 2], at: [usize; 2], taps: &mut [f32]) {
    let inside = |axis: usize, tap: usize| {
        let position = at[axis] * window.stride[axis] + tap * window.dilation[axis];
        position.checked_sub(window.padding[axis]).filter(|&position| position < size[axis])
    };
    for (index, input) in taps.iter_mut().enumerate() {
        let (row, column) = (index / window.kernel[1], index % window.kernel[1]);
        if let (Some(row), Some(column)) = (inside(0, row), inside(1, column)) {
            *input = plane[row * size[1] + column];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_differ_and_stay_inside() {
        let places: std::collections::BTreeSet<usize> = spread(100, 1000, 3).collect();
        assert!(places.len() > 95, "{} of 100 differ", places.len());
        assert!(places.iter().all(|&place| place < 1000));
    }

    #[test]
    fn covariance_of_two_channels() {
        let mut moments = Moments::new(1, 2);
        moments.add(&[1.0, 2.0, 3.0, 2.0, 5.0, 8.0], 3).unwrap();
        // Means 3 and 4; deviations (-2,-2), (0,-2), (2,4).
        let found = moments.covariance(0);
        let wanted = [8.0 / 3.0, 4.0, 4.0, 8.0];
        assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-5), "{found:?}");
        assert!(moments.is_enough());
    }

    #[test]
    fn windows_see_zero_outside() {
        let window = Window { kernel: [2, 2], stride: [1, 1], padding: [1, 0, 0, 0], dilation: [1, 1] };
        let mut taps = [0.0; 4];
        read_window(&window, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3], [0, 1], &mut taps);
        assert_eq!(taps, [0.0, 0.0, 2.0, 3.0]);
    }
}
