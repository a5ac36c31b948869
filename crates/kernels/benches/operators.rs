//! Single operators: the matrix product two ways, the int8 variants side by side, and the operators between
//! convolutions.

use divan::Bencher;
use divan::counter::ItemsCount;
use ediacara_kernels::Window;
use ediacara_kernels::float::{
    Activation, ConvShape, MatrixMut, MatrixRef, conv2d, gemm as blocked, gemm_plain,
};
use ediacara_kernels::int8::*;
use ediacara_kernels::ordered::{OrderedScratch, Stored, array_dot};

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [64, 256, 512];

/// f32 products of square matrices.
///
/// The counter counts multiply-accumulates.
mod product {
    use super::*;

    type Product = fn(f32, MatrixRef, MatrixRef, f32, MatrixMut) -> Result<(), ediacara_kernels::KernelError>;

    fn run(bencher: Bencher, size: usize, product: Product) {
        let (a, b, mut y) = (vec![0.5; size * size], vec![0.25; size * size], vec![0.0; size * size]);
        bencher.counter(ItemsCount::new(size * size * size)).bench_local(|| {
            let view = |data| MatrixRef::row_major(data, size, size);
            let views = (view(&a), view(&b), MatrixMut::row_major(&mut y, size, size));
            let (Ok(a), Ok(b), Ok(y)) = views else { return };
            assert!(product(1.0, a, b, 0.0, y).is_ok());
        });
    }

    #[divan::bench(args = SIZES)]
    fn ours(bencher: Bencher, size: usize) {
        run(bencher, size, blocked);
    }

    #[divan::bench(args = [64, 256], sample_count = 10)]
    fn plain(bencher: Bencher, size: usize) {
        run(bencher, size, gemm_plain);
    }
}

/// `[M, O, K]`, the middle of ResNet-50.
///
/// The counter counts multiply-accumulates.
#[divan::bench(args = Variant::ALL)]
fn q_matmul(bencher: Bencher, variant: Variant) {
    let [m, o, k] = [196, 256, 1024];
    let (x, w, mut y) = (vec![3i8; m * k], vec![-5i8; o * k], vec![0i8; m * o]);
    let (bias, multiplier, shift) = (vec![0; o], vec![1 << 30; o], vec![40; o]);
    let weights = QWeights { values: &w, zero: 0, bias: &bias, multiplier: &multiplier, shift: &shift };
    bencher.counter(ItemsCount::new(m * o * k)).bench_local(|| {
        assert!(q_matmul_by(variant, [m, o, k], &x, 1, &weights, QOutput::full(0), &mut y).is_ok());
    });
}

/// 14 x 14 pixels, 3 x 3 windows of 64 bytes of channels, on the reference array.
fn reference_dot() -> ArrayDot {
    ArrayDot {
        rows: 16,
        columns: 16,
        x: 0,
        w_row: 0,
        acc: 0,
        pixels: [14, 14],
        blocks: 1,
        x_strides: [64, 1024],
        stretch: 64,
        window_counts: [3, 3],
        window_strides: [64, 1024],
        w_block_stride: 36,
        acc_stride_pixel: 16,
        acc_stride_block: 0,
        x_zero: 3,
        w_zero: 0,
    }
}

/// The simulator's `dot`.
#[divan::bench(args = Variant::ALL)]
fn array(bencher: Bencher, variant: Variant) {
    let dot = reference_dot();
    let (nram, wram, mut aram) = (vec![5; 16 * 1024], vec![-7; 36 * 256], vec![0; 196 * 16]);
    let mut scratch = ArrayScratch::default();
    bencher.counter(ItemsCount::new(196usize * 16 * 576)).bench_local(|| {
        let mode = Accumulation::Overwrite;
        assert!(array_dot_by(variant, &dot, mode, &nram, &wram, &mut aram, &mut scratch).is_ok());
    });
}

/// The simulator's `float_dot`: the same bytes, which are half or a quarter as many elements.
#[divan::bench(args = Stored::ALL)]
fn float_array(bencher: Bencher, stored: Stored) {
    let dot = reference_dot();
    // 0x3f3f of every type is a normal number.
    let (nram, wram, mut aram) = (vec![0x3f; 16 * 1024], vec![0x3f; 36 * 256], vec![0; 196 * 16]);
    let mut scratch = OrderedScratch::default();
    bencher.counter(ItemsCount::new(196usize * 16 * 576 / stored.bytes())).bench_local(|| {
        let mode = Accumulation::Overwrite;
        assert!(array_dot(&dot, stored, mode, &nram, &wram, &mut aram, &mut scratch).is_ok());
    });
}

/// 56 x 56 pixels of 128 channels, 3 x 3, as in a MobileNet.
mod depthwise {
    use super::*;

    const CHANNELS: usize = 128;
    const SIZE: usize = 56;

    fn window(stride: usize) -> Window {
        Window { kernel: [3, 3], stride: [stride; 2], padding: [1; 4], dilation: [1, 1] }
    }

    #[divan::bench(args = [1, 2])]
    fn int8(bencher: Bencher, stride: usize) {
        let shape = QConvShape {
            batch: 1,
            input: [SIZE; 2],
            in_channels: CHANNELS,
            out_channels: CHANNELS,
            groups: CHANNELS,
            window: window(stride),
        };
        let [height, width] = shape.output().unwrap_or_default();
        let (x, w) = (vec![3; SIZE * SIZE * CHANNELS], vec![-5; 9 * CHANNELS]);
        let mut y = vec![0; height * width * CHANNELS];
        let (bias, multiplier, shift) = ([0; CHANNELS], [1 << 30; CHANNELS], [38; CHANNELS]);
        let weights = QWeights { values: &w, zero: 0, bias: &bias, multiplier: &multiplier, shift: &shift };
        bencher.counter(ItemsCount::new(y.len() * 9)).bench_local(|| {
            assert!(q_conv(&shape, &x, 3, &weights, QOutput::full(0), &mut y).is_ok());
        });
    }

    #[divan::bench(args = [1, 2])]
    fn float(bencher: Bencher, stride: usize) {
        let shape = ConvShape {
            batch: 1,
            input: [SIZE; 2],
            in_channels: CHANNELS,
            out_channels: CHANNELS,
            groups: CHANNELS,
            window: window(stride),
        };
        let [height, width] = shape.output().unwrap_or_default();
        let (x, w) = (vec![0.5; SIZE * SIZE * CHANNELS], vec![0.25; 9 * CHANNELS]);
        let mut y = vec![0.0; height * width * CHANNELS];
        bencher.counter(ItemsCount::new(y.len() * 9)).bench_local(|| {
            assert!(conv2d(&shape, &x, &w, None, Activation::Relu, &mut y).is_ok());
        });
    }
}

const PIXELS: usize = 56 * 56 * 256;

#[divan::bench]
fn add(bencher: Bencher) {
    let (x, y, mut out) = (vec![3; PIXELS], vec![-100; PIXELS], vec![0; PIXELS]);
    let operand = |values, zero| QOperand { values, zero };
    bencher.counter(ItemsCount::new(PIXELS)).bench_local(|| {
        let (x, y) = (operand(&x, 4), operand(&y, -6));
        assert!(q_add(x, y, [1 << 30, 1 << 29], 31, QOutput::full(1), &mut out).is_ok());
    });
}

#[divan::bench]
fn table(bencher: Bencher) {
    let (x, entries, mut out) = (vec![3; PIXELS], vec![7; 256], vec![0; PIXELS]);
    bencher.counter(ItemsCount::new(PIXELS)).bench_local(|| {
        assert!(q_table(&x, &entries, &mut out).is_ok());
    });
}

#[divan::bench]
fn max_pool(bencher: Bencher) {
    let window = Window { kernel: [3, 3], stride: [2, 2], padding: [1; 4], dilation: [1, 1] };
    let shape = QPoolShape { batch: 1, input: [112; 2], channels: 64, output: [56; 2], window };
    let (x, mut y) = (vec![3; 112 * 112 * 64], vec![0; 56 * 56 * 64]);
    bencher.counter(ItemsCount::new(y.len())).bench_local(|| {
        assert!(q_pool(&shape, QPoolKind::Max, QOutput::full(0), &x, &mut y).is_ok());
    });
}

#[divan::bench]
fn quantise(bencher: Bencher) {
    let (x, mut y) = (vec![0.3; PIXELS], vec![0; PIXELS]);
    bencher.counter(ItemsCount::new(PIXELS)).bench_local(|| {
        assert!(quantize(&x, 0.02, 3, &mut y).is_ok());
    });
}
