//! Views against a model: a tensor as a function from an index to a value.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use ediacara_tensor::{DType, Element, Tensor, bf16, f16, npy, npz, safetensors};
use proptest::prelude::*;

/// Every index of a shape, in row-major order.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &dimension in shape {
        all = all
            .iter()
            .flat_map(|index| (0..dimension).map(move |i| [index.as_slice(), &[i]].concat()))
            .collect();
    }
    all
}

/// The value at an index, by the definition of strides.
fn at(tensor: &Tensor, index: &[usize]) -> i32 {
    let (values, offset) = tensor.as_storage::<i32>().unwrap();
    let steps: isize = index.iter().zip(tensor.strides()).map(|(&i, &stride)| i as isize * stride).sum();
    values[(offset as isize + steps) as usize]
}

/// Compares every way to read a view with the definition.
fn check(view: &Tensor) {
    let expected: Vec<i32> = indices(view.shape()).iter().map(|index| at(view, index)).collect();
    assert_eq!(view.to_vec::<i32>().unwrap(), expected);
    let dense = view.to_contiguous();
    assert!(dense.is_contiguous());
    assert_eq!(dense.as_slice::<i32>().unwrap(), expected);
    let mut copied = vec![0; expected.len()];
    view.copy_to_slice(&mut copied).unwrap();
    assert_eq!(copied, expected);
    let floats: Vec<f64> = expected.iter().map(|&value| f64::from(value)).collect();
    assert_eq!(view.cast(DType::F64).to_vec::<f64>().unwrap(), floats);
    let mut converted = vec![0.0_f64; expected.len()];
    view.convert_to_slice(&mut converted).unwrap();
    assert_eq!(converted, floats);
    if view.is_contiguous() {
        assert_eq!(view.as_slice::<i32>().unwrap(), expected);
        assert_eq!(view.as_bytes().unwrap().len(), 4 * expected.len());
    } else {
        assert!(view.as_slice::<i32>().is_err());
    }
    assert_eq!(view.clone().into_vec::<i32>().unwrap(), expected);
}

fn iota(shape: &[usize]) -> Tensor {
    Tensor::from_vec(shape, (0..shape.iter().product::<usize>() as i32).collect()).unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Transpose(usize),
    Slice { axis: usize, start: usize, length: usize, step: isize },
    Broadcast { axis: usize, dimension: usize },
    Reshape,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<usize>().prop_map(Step::Transpose),
        (any::<usize>(), 0_usize..40, 0_usize..40, prop_oneof![-4_isize..0, 1_isize..5])
            .prop_map(|(axis, start, length, step)| Step::Slice { axis, start, length, step }),
        (any::<usize>(), 1_usize..4).prop_map(|(axis, dimension)| Step::Broadcast { axis, dimension }),
        Just(Step::Reshape),
    ]
}

/// The permutation of this number, by Lehmer code.
fn permutation(rank: usize, mut number: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..rank).collect();
    let mut chosen = Vec::new();
    while !left.is_empty() {
        chosen.push(left.remove(number % left.len()));
        number /= left.len() + 1;
    }
    chosen
}

/// Takes one step, and compares the result with the step's definition.
fn take(tensor: &Tensor, step: &Step) -> Tensor {
    let rank = tensor.rank();
    match *step {
        Step::Transpose(number) => {
            let axes = permutation(rank, number);
            let view = tensor.transpose(&axes).unwrap();
            for index in indices(view.shape()) {
                let mut source = vec![0; rank];
                axes.iter().zip(&index).for_each(|(&axis, &i)| source[axis] = i);
                assert_eq!(at(&view, &index), at(tensor, &source));
            }
            view
        }
        Step::Slice { axis, start, length, step } if rank > 0 && !tensor.is_empty() => {
            let axis = axis % rank;
            let dimension = tensor.shape()[axis];
            let start = (start % dimension) as isize;
            let room = if step > 0 { dimension as isize - start } else { start + 1 };
            let end = start + (length as isize % (room + 1)) * step.signum();
            let view = tensor.slice(axis, start, end, step).unwrap();
            let expected: Vec<isize> = (0..40)
                .map(|i| start + i * step)
                .take_while(|&i| if step > 0 { i < end } else { i > end })
                .collect();
            assert_eq!(view.shape()[axis], expected.len());
            for index in indices(view.shape()) {
                let mut source = index.clone();
                source[axis] = expected[index[axis]] as usize;
                assert_eq!(at(&view, &index), at(tensor, &source));
            }
            view
        }
        Step::Broadcast { axis, dimension } => {
            let mut shape = tensor.shape().to_vec();
            let axis = axis % (rank + 1);
            if axis < rank && shape[axis] == 1 {
                shape[axis] = dimension;
            } else if rank < 5 {
                shape.insert(0, dimension);
            }
            let view = tensor.broadcast_to(&shape).unwrap();
            let added = shape.len() - rank;
            for index in indices(&shape) {
                let source = index[added..]
                    .iter()
                    .zip(tensor.shape())
                    .map(|(&i, &size)| if size == 1 { 0 } else { i });
                assert_eq!(at(&view, &index), at(tensor, &source.collect::<Vec<_>>()));
            }
            view
        }
        Step::Reshape => {
            let flat = tensor.reshape(&[tensor.len()]).unwrap();
            assert_eq!(flat.to_vec::<i32>().unwrap(), tensor.to_vec::<i32>().unwrap());
            assert_eq!(flat.shares_storage_with(tensor), tensor.is_contiguous());
            flat.reshape(tensor.shape()).unwrap()
        }
        Step::Slice { .. } => tensor.clone(),
    }
}

proptest! {
    #[test]
    fn chains_of_views_read_what_their_definition_says(
        shape in prop::collection::vec(0_usize..6, 0..4),
        steps in prop::collection::vec(step(), 0..6),
    ) {
        let mut view = iota(&shape);
        for step in &steps {
            if view.len() > 2000 {
                break;
            }
            view = take(&view, step);
            check(&view);
        }
    }

    #[test]
    fn transposes_large_enough_for_tiles(rows in 1_usize..50, columns in 1_usize..50, outer in 1_usize..4) {
        let tensor = iota(&[outer, rows, columns]);
        for axes in [[0, 2, 1], [2, 1, 0], [1, 2, 0]] {
            check(&tensor.transpose(&axes).unwrap());
        }
    }

    #[test]
    fn damaged_files_are_errors(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = npy::read_from(bytes.as_slice());
        let _ = npz::read_bytes(&bytes);
        let _ = safetensors::read_bytes(&bytes);
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(&bytes);
        let _ = npy::read_from(file.as_slice());
    }

    #[test]
    fn damaged_headers_are_errors(position in 0_usize..200, value: u8) {
        let mut file = Vec::new();
        npy::write_to(&mut file, &iota(&[3, 2])).unwrap();
        let position = position % file.len();
        file[position] = value;
        let _ = npy::read_from(file.as_slice());
        let mut file = Vec::new();
        safetensors::write_to(&mut file, &[("a".to_owned(), iota(&[3, 2]))]).unwrap();
        let position = position % file.len();
        file[position] = value;
        let _ = safetensors::read_bytes(&file);
    }
}

#[test]
fn a_write_copies_shared_storage_and_only_that() {
    let mut first = iota(&[2, 2]);
    let second = first.clone();
    first.as_mut_slice::<i32>().unwrap()[0] = 9;
    assert_eq!(first.to_vec::<i32>().unwrap(), [9, 1, 2, 3]);
    assert_eq!(second.to_vec::<i32>().unwrap(), [0, 1, 2, 3]);
    let pointer = first.as_slice::<i32>().unwrap().as_ptr();
    first.as_mut_slice::<i32>().unwrap()[1] = 8;
    assert_eq!(first.as_slice::<i32>().unwrap().as_ptr(), pointer);
    let mut row = first.slice(0, 1, 2, 1).unwrap();
    drop(first);
    assert_eq!(row.as_mut_slice::<i32>().unwrap(), [2, 3]);
}

#[test]
fn casts_follow_their_rules() {
    let floats = Tensor::from_vec(&[6], vec![1.9_f32, -1.9, f32::NAN, 1e20, -1e20, 0.0]).unwrap();
    assert_eq!(floats.cast(DType::I32).to_vec::<i32>().unwrap(), [1, -1, 0, i32::MAX, i32::MIN, 0]);
    assert_eq!(floats.cast(DType::U8).to_vec::<u8>().unwrap(), [1, 0, 0, 255, 0, 0]);
    assert_eq!(floats.cast(DType::Bool).to_vec::<bool>().unwrap(), [true, true, true, true, true, false]);
    let integers = Tensor::from_vec(&[3], vec![300_i64, -1, 1 << 40]).unwrap();
    assert_eq!(integers.cast(DType::U8).to_vec::<u8>().unwrap(), [44, 255, 0]);
    assert_eq!(integers.cast(DType::I32).to_vec::<i32>().unwrap(), [300, -1, 0]);
    // 2049 lies between the f16 2048 and 2050 and rounds to the even one; 65520 is past the largest f16.
    let halves = Tensor::from_vec(&[2], vec![2049_i32, 65520]).unwrap().cast(DType::F16);
    assert_eq!(halves.to_vec::<f16>().unwrap(), [f16::from_f32(2048.0), f16::INFINITY]);
    let brains = Tensor::from_vec(&[1], vec![257.0_f32]).unwrap().cast(DType::BF16);
    assert_eq!(brains.to_vec::<bf16>().unwrap(), [bf16::from_f32(256.0)]);
    // No f32 is 2^24 + 1: a direct conversion rounds once, to even.
    let large = Tensor::from_vec(&[1], vec![(1_i64 << 24) + 1]).unwrap();
    assert_eq!(large.cast(DType::F32).to_vec::<f32>().unwrap(), [16_777_216.0]);
}

#[test]
fn misuse_is_an_error_that_says_what() {
    let tensor = iota(&[2, 3]);
    let text = |result: Result<Tensor, ediacara_tensor::TensorError>| result.unwrap_err().to_string();
    assert_eq!(text(tensor.reshape(&[4])), "cannot reshape [2, 3] (6 elements) to [4] (4 elements)");
    assert!(text(tensor.transpose(&[0, 0])).contains("not a permutation"));
    assert!(text(tensor.broadcast_to(&[3, 3])).contains("cannot broadcast [2, 3] to [3, 3]"));
    assert!(text(tensor.slice(1, 0, 4, 1)).contains("cannot slice axis 1"));
    assert!(tensor.slice(2, 0, 1, 1).is_err());
    assert!(tensor.slice(0, 0, 1, 0).is_err());
    assert!(tensor.slice(0, 0, 1, isize::MIN).is_ok());
    assert!(tensor.as_slice::<f32>().unwrap_err().to_string().contains("holds i32 but f32"));
    assert!(text(Tensor::zeros(DType::F32, &[usize::MAX, 2])).contains("larger than memory"));
    assert!(text(Tensor::zeros(DType::F64, &[1 << 60, 1])).contains("larger than memory"));
    assert!(text(Tensor::from_vec(&[3], vec![1_i32])).contains("needs 3 elements but 1 were given"));
    assert!(text(Tensor::from_bytes(DType::Bool, &[1], vec![2])).contains("a bool is 0 or 1"));
    assert!("f8".parse::<DType>().is_err());
}

#[test]
fn files_are_replaced_whole_and_errors_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    npy::write(&path, &iota(&[2])).unwrap();
    npy::write(&path, &iota(&[3])).unwrap();
    assert_eq!(npy::read(&path).unwrap(), iota(&[3]));
    let brain = Tensor::zeros(DType::BF16, &[2]).unwrap();
    assert!(npy::write(&path, &brain).unwrap_err().to_string().contains("x.npy"));
    assert_eq!(npy::read(&path).unwrap(), iota(&[3]));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let missing = npz::read(&folder.path().join("none.npz")).unwrap_err().to_string();
    assert!(missing.contains("none.npz"), "{missing}");
}

#[test]
fn elements_convert_to_and_from_f64() {
    assert_eq!(f16::from_f64(0.1).to_f64(), 0.0999755859375);
    assert_eq!(i8::from_f64(-1e9), -128);
    assert!(!bool::from_f64(0.0));
    assert_eq!(true.to_f64(), 1.0);
}
