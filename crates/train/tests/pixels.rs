//! How the pixels of data sets become numbers.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use ediacara_data::skip;
use ediacara_train::{Dataset, Normalisation, Samples};

/// The moments that torchvision's examples and Fashion-MNIST's users give, to four digits.
#[test]
fn each_set_is_normalised_by_its_own_moments() {
    for (name, mean, deviation) in [("mnist", 0.1307, 0.3081), ("fashion-mnist", 0.2860, 0.3530)] {
        let train = match Dataset::load(name, Path::new(env!("CARGO_MANIFEST_DIR"))) {
            Ok(set) => set.train,
            Err(error) => {
                skip(name, &error.to_string());
                continue;
            }
        };
        let by = train.normalisation().unwrap();
        assert!((by.mean - mean).abs() < 5e-5 && (by.deviation - deviation).abs() < 5e-5, "{by:?}");
        // With these its pixels have mean 0 and deviation 1.
        let (mean, deviation) = moments(&train);
        assert!(mean.abs() < 1e-5 && (deviation - 1.0).abs() < 1e-5, "{name}: {mean}, {deviation}");
    }
}

/// Mean and deviation of all the numbers that a network sees.
fn moments(samples: &Samples) -> (f64, f64) {
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    let rows: Vec<usize> = (0..samples.len()).collect();
    for rows in rows.chunks(1000) {
        for value in samples.batch(rows).unwrap().0.to_vec::<f32>().unwrap() {
            sum += f64::from(value);
            squares += f64::from(value) * f64::from(value);
            count += 1.0;
        }
    }
    let mean = sum / count;
    (mean, (squares / count - mean * mean).sqrt())
}

#[test]
fn pictures_can_be_normalised_for_a_network_of_others() {
    let digits = Dataset::load("digits", Path::new(".")).unwrap().test;
    let own = Normalisation { mean: 0.0, deviation: 1.0 };
    assert_eq!(digits.normalisation(), Some(own));
    let seen = |samples: &Samples| samples.batch(&[7]).unwrap().0.to_vec::<f32>().unwrap();
    let before = seen(&digits);
    // Pictures that are the same up to rounding stay as they are, to the bit.
    let same = digits.clone().normalised(Normalisation { mean: 0.0, deviation: 1.0 - f32::EPSILON });
    assert_eq!((seen(&same), same.normalisation()), (before.clone(), Some(own)));
    let other = Normalisation { mean: 0.25, deviation: 0.5 };
    let normalised = digits.clone().normalised(other);
    assert_eq!(normalised.normalisation(), Some(other));
    let expected: Vec<f32> = before.iter().map(|brightness| (brightness - 0.25) / 0.5).collect();
    assert_eq!(seen(&normalised), expected);
    // At twice the size the pixels have another range, but their brightness does not.
    let large = normalised.resized(16).unwrap();
    let by = large.normalisation().unwrap();
    assert!((by.mean - 0.25).abs() < 1e-6 && (by.deviation - 0.5).abs() < 1e-6, "{by:?}");
    assert_eq!(Dataset::load("xor", Path::new(".")).unwrap().train.normalisation(), None);
}

#[test]
fn empty_and_unlike_parts_are_refused() {
    let recipe = || {
        let name = "perceptron-and";
        ediacara_train::RecipeFile::load(name).unwrap().training(name).unwrap()
    };
    let Dataset { train, test } = Dataset::load("and", Path::new(".")).unwrap();
    let said = |train: &Samples, test: &Samples| {
        let data = Dataset { train: train.clone(), test: test.clone() };
        ediacara_train::Trainer::new(recipe(), data, 1).unwrap_err().to_string()
    };
    assert_eq!(said(&train, &test.part(0..0)), "and has no sample to be tested on");
    assert_eq!(said(&train.part(0..0), &test), "and has no sample to learn from");
    let adder = Dataset::load("full-adder", Path::new(".")).unwrap().test;
    assert_eq!(
        said(&train, &adder),
        "samples of and to learn from are [2] with 1 outputs, those to be tested on [9] with 5"
    );
    assert_eq!(train.batch(&[0, 4]).unwrap_err().to_string(), "there is no sample 4; there are 4, from 0");
}
