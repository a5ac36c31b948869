//! Errors of number formats against closed forms for numbers that are spread evenly.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use ediacara_graph::{Graph, Tensor};
use ediacara_textbook::formats::{Entry, Format, Kind, Study, to_json};

/// 2 x `half` numbers from -1 to 1, evenly.
fn even(half: i32) -> Vec<f32> {
    (-half..half).map(|step| (step as f32 + 0.5) / half as f32).collect()
}

fn study(kind: Kind, shape: &[usize], numbers: Vec<f32>) -> Study {
    let mut study = Study::of_weights("even", &Graph::default()).unwrap();
    study.add(kind, "x", &Tensor::from_vec(shape, numbers).unwrap(), 0).unwrap();
    study
}

fn entry(study: &Study, kind: Kind, format: Format) -> &Entry {
    study.entries.iter().find(|entry| entry.kind == kind && entry.format == format).unwrap()
}

fn assert_near(found: f64, expected: f64, share: f64) {
    assert!((found - expected).abs() <= share * expected, "{found}, not {expected}");
}

#[test]
fn int8_has_the_noise_of_its_step() {
    // The signal is 1/3 and the noise step^2 / 12: 4 * 127^2 for steps of 1/127, 4 * 127.5^2 for 2/255.
    let weights = study(Kind::Weights, &[20_000], even(10_000));
    let decibels = entry(&weights, Kind::Weights, Format::Int8).tensors[0].errors.decibels();
    assert_near(decibels, 10.0 * (4.0 * 127.0_f64.powi(2)).log10(), 0.001);
    let values = study(Kind::Values, &[20_000], even(10_000));
    let decibels = entry(&values, Kind::Values, Format::Int8).tensors[0].errors.decibels();
    assert_near(decibels, 10.0 * (4.0 * 127.5_f64.powi(2)).log10(), 0.001);
}

#[test]
fn floating_point_errs_by_a_share_of_each_number() {
    // The error is even over half a unit in the last place, u: u / sqrt(3) over m, and m even over [1, 2] makes 1/m^2
    // one half on average.
    let study = study(Kind::Weights, &[2_000_000], even(1_000_000));
    for (format, bits) in [(Format::F16, 11), (Format::Bf16, 8)] {
        let octave = entry(&study, Kind::Weights, format).octaves[&-1];
        assert_eq!(octave.count, 1_000_000);
        assert_near(octave.error(), 2_f64.powi(-bits) / 6_f64.sqrt(), 0.01);
    }
}

#[test]
fn a_scale_a_channel_saves_small_channels() {
    let small = even(500).into_iter().map(|number| number / 1000.0);
    let study = study(Kind::Weights, &[2, 1000], even(500).into_iter().chain(small).collect());
    let lost = |format| entry(&study, Kind::Weights, format).tensors[0].errors.lost;
    // Half a step of the tensor is 0.5/127: all of the small channel, and 2 of 500 numbers on each side.
    assert_eq!(lost(Format::Int8), 1000 + 4);
    assert_eq!(lost(Format::Int8PerChannel), 4 + 4);
    assert_eq!(lost(Format::F16), 0);
    let rows = study.rows();
    assert_eq!(rows.len(), 4);
    assert!((rows[0].lost - 0.502).abs() < 1e-12 && rows[0].lowest_of == "x", "{rows:?}");
}

#[test]
fn what_a_format_holds_exactly_has_no_noise() {
    let study = study(Kind::Values, &[3], vec![0.0, 1.0, -0.5]);
    let bf16 = entry(&study, Kind::Values, Format::Bf16);
    assert_eq!(bf16.tensors[0].errors.decibels(), f64::INFINITY);
    let json = to_json(&study);
    let found = json["formats"].as_array().unwrap().iter().find(|format| {
        (format["numbers"].as_str(), format["format"].as_str()) == (Some("values"), Some("bf16"))
    });
    assert!(found.unwrap()["sqnr_median_db"].is_null());
}
