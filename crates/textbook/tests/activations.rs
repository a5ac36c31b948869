//! The stated facts about activation functions against their curves, and the curves against closed forms.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use ediacara_textbook::activations::{ACTIVATIONS, Activation, Centre, End, Interval, Saturation, to_json};

/// Places from -30 to 30, with those of GELU's extrema.
fn places() -> Vec<f64> {
    let even = (-1200..=1200).map(|step| f64::from(step) / 40.0);
    even.chain([-0.751_791_524_693_564_6, -2.0_f64.sqrt(), 2.0_f64.sqrt()]).collect()
}

/// Holds the numbers between the ends, and the ends against the extremes.
fn hold(numbers: &[f64], interval: Interval, what: &str) {
    let lowest = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for (end, extreme, beyond) in [(interval.low, lowest, -1.0), (interval.high, highest, 1.0)] {
        match end {
            End::Unbounded => assert!(extreme * beyond > 7.0, "{what}: {extreme}"),
            End::Reached(bound) => assert!((extreme - bound).abs() < 1e-15, "{what}: {extreme}"),
            // Rounding takes a value that is near enough to the end to the end itself.
            End::Approached(bound) => {
                assert!(
                    (extreme - bound).abs() < 1e-12 && (extreme - bound) * beyond <= 0.0,
                    "{what}: {extreme}"
                );
            }
        }
    }
}

#[test]
fn ranges_are_those_of_the_curves() {
    for activation in ACTIVATIONS {
        let samples = activation.samples(&places()).unwrap();
        let values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
        let derivatives: Vec<f64> = samples.iter().map(|sample| sample.derivative).collect();
        hold(&values, activation.value, activation.name);
        hold(&derivatives, activation.derivative, activation.name);
        let negative = values.iter().any(|value| *value < 0.0);
        let odd = (0..=1200).all(|index| (values[index] + values[2400 - index]).abs() < 1e-15);
        let centre = match (odd, negative) {
            (true, _) => Centre::Zero,
            (false, true) => Centre::NearZero,
            (false, false) => Centre::Positive,
        };
        assert_eq!(centre, activation.centre, "{}", activation.name);
        let flat = |index: usize| derivatives[index].abs() < 1e-12;
        let saturation = match (flat(0), flat(2400)) {
            (true, true) => Saturation::BothSides,
            (true, false) => Saturation::LeftSide,
            _ => Saturation::Nowhere,
        };
        assert_eq!(saturation, activation.saturation, "{}", activation.name);
    }
}

fn named(name: &str) -> &'static Activation {
    ACTIVATIONS.iter().find(|activation| activation.name == name).unwrap()
}

/// At x = ln 2 the sigmoid is 2/3 and the hyperbolic tangent 3/5; at -ln 2 ELU is -1/2.
#[test]
fn curves_are_the_closed_forms() {
    let ln2 = std::f64::consts::LN_2;
    let check = |name: &str, x: f64, value: f64, derivative: f64| {
        let sample = named(name).samples(&[x]).unwrap()[0];
        assert!((sample.value - value).abs() < 1e-15, "{name}: {sample:?}");
        assert!((sample.derivative - derivative).abs() < 1e-15, "{name}: {sample:?}");
    };
    check("sigmoid", ln2, 2.0 / 3.0, 2.0 / 9.0);
    check("softmax", ln2, 2.0 / 3.0, 2.0 / 9.0);
    check("tanh", ln2, 0.6, 0.64);
    check("ReLU", -ln2, 0.0, 0.0);
    check("ReLU", ln2, ln2, 1.0);
    check("PReLU", -ln2, -0.25 * ln2, 0.25);
    check("ELU", -ln2, -0.5, 0.5);
    check("GELU", 0.0, 0.0, 0.5);
}

#[test]
fn intervals_are_written_as_mathematicians_do() {
    assert_eq!(named("sigmoid").derivative.to_string(), "(0, 0.25]");
    assert_eq!(named("PReLU").value.to_string(), "(-inf, inf)");
    assert_eq!(named("GELU").value.to_string(), "[-0.17, inf)");
    let report = to_json().unwrap();
    let gelu = &report["activations"][5];
    assert_eq!((gelu["name"].as_str(), gelu["value"]["high"].as_f64()), (Some("GELU"), None));
    assert_eq!(gelu["points"].as_array().unwrap().len(), 162);
}
