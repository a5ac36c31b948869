//! Every convolution of ResNet-50 at 224 x 224, int8 and f32, which decides the host's speed.

use divan::Bencher;
use ediacara_kernels::Window;
use ediacara_kernels::float::{Activation, ConvShape, conv2d};
use ediacara_kernels::int8::{QConvShape, QOutput, QWeights, Variant, q_conv_by};

fn main() {
    divan::main();
}

/// (count, input size, input channels, output channels, kernel, stride)
const LAYERS: [[usize; 6]; 23] = [
    [1, 224, 3, 64, 7, 2],
    [1, 56, 64, 64, 1, 1],
    [3, 56, 64, 64, 3, 1],
    [4, 56, 64, 256, 1, 1],
    [2, 56, 256, 64, 1, 1],
    [1, 56, 256, 128, 1, 1],
    [1, 56, 128, 128, 3, 2],
    [4, 28, 128, 512, 1, 1],
    [1, 56, 256, 512, 1, 2],
    [3, 28, 512, 128, 1, 1],
    [3, 28, 128, 128, 3, 1],
    [1, 28, 512, 256, 1, 1],
    [1, 28, 256, 256, 3, 2],
    [6, 14, 256, 1024, 1, 1],
    [1, 28, 512, 1024, 1, 2],
    [5, 14, 1024, 256, 1, 1],
    [5, 14, 256, 256, 3, 1],
    [1, 14, 1024, 512, 1, 1],
    [1, 14, 512, 512, 3, 2],
    [3, 7, 512, 2048, 1, 1],
    [1, 14, 1024, 2048, 1, 2],
    [2, 7, 2048, 512, 1, 1],
    [2, 7, 512, 512, 3, 1],
];

fn window([_, _, _, _, kernel, stride]: [usize; 6]) -> Window {
    Window { kernel: [kernel; 2], stride: [stride; 2], padding: [kernel / 2; 4], dilation: [1; 2] }
}

#[divan::bench(args = [Variant::Portable, Variant::Avx2, Variant::Vnni], sample_count = 10, sample_size = 1)]
fn int8(bencher: Bencher, variant: Variant) {
    let layers = LAYERS.map(|layer| {
        let [count, size, inputs, outputs, kernel, _] = layer;
        let shape = QConvShape {
            batch: 1,
            input: [size; 2],
            in_channels: inputs,
            out_channels: outputs,
            groups: 1,
            window: window(layer),
        };
        let [height, width] = shape.output().unwrap_or_default();
        let x: Vec<i8> = (0..size * size * inputs).map(|i| (i * 31) as i8).collect();
        let w: Vec<i8> = (0..outputs * kernel * kernel * inputs).map(|i| (i * 17) as i8).collect();
        (count, shape, x, w, vec![0i8; height * width * outputs], outputs)
    });
    bencher.with_inputs(|| layers.clone()).bench_local_values(|mut layers| {
        for (count, shape, x, w, y, outputs) in &mut layers {
            let (bias, multiplier, shift) = (vec![5; *outputs], vec![1 << 30; *outputs], vec![42; *outputs]);
            let weights =
                QWeights { values: w, zero: 0, bias: &bias, multiplier: &multiplier, shift: &shift };
            for _ in 0..*count {
                assert!(q_conv_by(variant, shape, x, 3, &weights, QOutput::full(-3), y).is_ok());
            }
        }
        layers
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn float(bencher: Bencher) {
    let layers = LAYERS.map(|layer| {
        let [count, size, inputs, outputs, kernel, _] = layer;
        let shape = ConvShape {
            batch: 1,
            input: [size; 2],
            in_channels: inputs,
            out_channels: outputs,
            groups: 1,
            window: window(layer),
        };
        let [height, width] = shape.output().unwrap_or_default();
        let x = vec![0.5f32; size * size * inputs];
        let w = vec![0.25f32; outputs * kernel * kernel * inputs];
        (count, shape, x, w, vec![0f32; height * width * outputs], vec![1.0; outputs])
    });
    bencher.with_inputs(|| layers.clone()).bench_local_values(|mut layers| {
        for (count, shape, x, w, y, bias) in &mut layers {
            for _ in 0..*count {
                assert!(conv2d(shape, x, w, Some(bias), Activation::Relu, y).is_ok());
            }
        }
        layers
    });
}
