//! Speed-ups, rooflines, utilisation, the catalogue and the decoder, against closed forms and published
//! figures.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use ediacara_arch::{ElementType, Machine};
use ediacara_isa::{Engine, INSTRUCTIONS};
use ediacara_textbook::layers::{Layer, layers};
use ediacara_textbook::roofline::{Network, Roofs};
use ediacara_textbook::speedup::{Part, Speedup, Streamed, kind_of};
use ediacara_textbook::utilisation::{Arrangement, Unit, sweep};
use ediacara_textbook::{catalogue, decoder};

/// Asserts that a committed picture is the one given; `UPDATE_EXPECT=1` writes it.
fn picture(name: &str, svg: &str) {
    let path = format!("{}/../../docs/textbook/pictures/{name}.svg", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, svg).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == svg, "{path} differs: UPDATE_EXPECT=1 draws it again");
}

fn close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-9, "{found} instead of {expected}");
}

fn alexnet() -> Vec<Layer> {
    layers(&ediacara_nn::build("alexnet", 1, 1).unwrap())
}

#[test]
fn amdahl_holds() {
    let part = |name: &str, before, factor| Part { name: name.to_owned(), before, factor };
    let speedup =
        Speedup { parts: vec![part("conv", 50.0, 10.0), part("fc", 40.0, 2.0), part("other", 10.0, 1.0)] };
    // 1 / (0.5 / 10 + 0.4 / 2 + 0.1)
    close(speedup.factor(), 1.0 / 0.35);
    // If convolutions take no time: 1 / (0.4 / 2 + 0.1).
    close(speedup.limit(0), 1.0 / 0.3);
    assert_eq!(kind_of("conv+max_pool"), "conv");
    assert_eq!(kind_of("matmul"), "fc");
    assert_eq!(kind_of("max_pool"), "other");
}

#[test]
fn a_layer_bound_by_bandwidth_is_bounded_by_its_weights() {
    let layer = Streamed {
        inputs: 4096,
        outputs: 4096,
        batch: 1,
        number_bytes: 2,
        bytes_per_second: 12.8e9,
        macs_per_second: f64::INFINITY,
        alu_operations_per_second: 1e9,
    };
    // 6.4 G weights a second, two operations each, against 1 G operations a second.
    close(layer.limit(), 12.8);
    close(layer.bytes(), 2.0 * (4096.0 * 4096.0 + 2.0 * 4096.0));
    close(layer.factor(), 12.8 * 4096.0 / 4098.0);
    // With 1,024 multipliers at 1 GHz and a batch of a thousand, products decide.
    let batch = Streamed { batch: 1000, macs_per_second: 1.024e12, ..layer };
    close(batch.factor(), 2048.0);
}

#[test]
fn the_layers_of_alexnet_are_those_of_the_paper() {
    let layers = alexnet();
    assert_eq!(layers.len(), 8);
    // 55 x 55 x 64 x 3 x 11 x 11, and 4,096 x 9,216.
    assert_eq!(layers[0].macs(), 55 * 55 * 64 * 363);
    assert_eq!(layers[5].macs(), 4096 * 9216);
    assert_eq!(layers.iter().map(Layer::macs).sum::<u64>(), 714_188_480);
    assert_eq!(layers.iter().filter(|layer| layer.is_convolution()).count(), 5);
}

#[test]
fn the_roofs_of_the_reference_machine() {
    let roofs = Roofs::of(&Machine::preset("dlp16").unwrap(), ElementType::Int8);
    // 256 multiply-adds and 16 bytes a nanosecond.
    close(roofs.attainable(1e6), 512e9);
    close(roofs.attainable(1.0), 16e9);
    close(roofs.ridge(), 32.0);
    let fc = Layer {
        name: "fc".to_owned(),
        batch: 1,
        outputs: 4096,
        inputs: 4096,
        groups: 1,
        pixels: [1, 1],
        image: [1, 1],
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0],
    };
    let network = Network::analytic("fc", &[fc], 8192, &roofs);
    // A weight is a byte and two operations, which is hardly less than 2 operations a byte: 32 G a second.
    close(network.analytic.intensity, 2.0 * 4096.0 / 4098.0);
    close(network.analytic.operations_per_second, 16e9 * 2.0 * 4096.0 / 4098.0);
}

#[test]
fn utilisation_follows_from_bytes_and_products() {
    let layers = alexnet();
    let unit = |arrangement, macs| Unit {
        arrangement,
        macs,
        clock_hz: 1_000_000_000,
        bytes_per_second: 12_800_000_000,
    };
    // One multiplier takes 4 of the 12.8 bytes a nanosecond.
    close(unit(Arrangement::Scalar, 1).closed_form(&layers), 1.0);
    // From 4 multipliers on bytes decide everywhere: 4 for each product, and 2 for each result.
    let products: f64 = layers.iter().map(|layer| layer.macs() as f64).sum();
    let results: f64 = layers.iter().map(|layer| layer.results() as f64).sum();
    for macs in [4, 64, 4096] {
        let expected = 12.8 * products / (macs as f64 * (4.0 * products + 2.0 * results));
        close(unit(Arrangement::Scalar, macs).closed_form(&layers), expected);
    }
    // An array of 64 x 64 on a fully connected layer takes a weight for each product, and the inputs once for
    // 64 outputs.
    let fc = &layers[5..6];
    let bytes = 2.0 * (9216.0 * 4096.0 + 9216.0 * 64.0 + 4096.0);
    close(unit(Arrangement::Array, 4096).closed_form(fc), 9216.0 * 4096.0 / 4096.0 / (bytes / 12.8));
}

#[test]
fn simulated_utilisation_is_near_the_closed_form_and_below_it() {
    let layers = alexnet();
    let measurements = sweep(&layers, 1_000_000_000, 12_800_000_000, 4096).unwrap();
    assert_eq!(measurements.len(), 26);
    for one in &measurements {
        // A layer's first tile of 64 arrives while nothing is computed. That is at most 1/64 if moving
        // decides, and 2/64 with computing. The rest is the array's edges: at most a block of 64 for 1,000
        // outputs and a step of 64 for 363 products, 2.4 % and 5.8 %.
        let ratio = one.simulated / one.closed_form;
        assert!(ratio < 1.0 + 1e-9 && ratio > 1.0 - 2.0 / 64.0 - 0.058 - 0.024, "{one:?}: {ratio}");
    }
}

#[test]
fn the_catalogue_is_complete_and_says_where_from() {
    let accelerators = catalogue::accelerators().unwrap();
    assert!(accelerators.len() >= 12);
    for one in &accelerators {
        assert!(!one.source.is_empty() && (2010..2030).contains(&one.year), "{}", one.name);
        assert!(one.inference_peak().is_some() && one.bandwidth_gbytes_per_second > 0.0, "{}", one.name);
        assert!(one.peak.keys().all(|ty| catalogue::TYPES.contains(&ty.as_str())), "{}", one.name);
    }
    // The TPU's paper: 92 TOPS at 75 W.
    close(accelerators[0].efficiency().unwrap(), 92.0 / 75.0);
    // The ridges that the page states, in operations a byte.
    let ridge = |name: &str| {
        let one = accelerators.iter().find(|one| one.name == name).unwrap();
        1e3 * one.inference_peak().unwrap().1 / one.bandwidth_gbytes_per_second
    };
    assert_eq!([ridge("TPU v2"), ridge("H100 SXM5"), ridge("TPU v1")].map(f64::round), [66.0, 590.0, 2706.0]);
    picture("accelerators", &catalogue::bandwidth_chart(&accelerators).to_svg());
    picture("efficiency", &catalogue::efficiency_chart(&accelerators).to_svg());
}

#[test]
fn the_decoder_has_the_names_of_the_hardware_and_every_instruction() {
    let hardware = concat!(include_str!("../../../rtl/control.sv"), include_str!("../../../rtl/fetch.sv"));
    let words: std::collections::HashSet<&str> =
        hardware.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for transition in decoder::TRANSITIONS {
        let names = transition.when.split(|c: char| !c.is_alphanumeric() && c != '_');
        for name in names.filter(|name| !name.is_empty() && !["at", "1"].contains(name)) {
            assert!(words.contains(name), "rtl has no {name}");
        }
        let known = |name: &str| decoder::STATES.iter().any(|state| state.0 == name);
        assert!(known(transition.from) && known(transition.to));
    }
    // `waiting` is the only state without its own signal: it is the absence of head_valid.
    for (state, _) in decoder::STATES.iter().filter(|state| state.0 != "waiting") {
        assert!(words.contains(state), "rtl has no {state}");
    }
    let drawn: usize = Engine::ALL.into_iter().map(|engine| decoder::mnemonics(engine).len()).sum();
    assert_eq!(drawn, INSTRUCTIONS.len());
    picture("decoder", &decoder::diagram().to_svg());
}
