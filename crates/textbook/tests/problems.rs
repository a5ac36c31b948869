//! The six problems: every program does the whole work, and takes hardly longer than its closed form.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use ediacara_textbook::program::{AbstractMachine, Estimate, PROGRAMS, Program, program_text};

fn estimate(name: &str) -> Estimate {
    let program =
        Program::parse(program_text(name).unwrap(), name).unwrap_or_else(|errors| panic!("{errors}"));
    let machine = AbstractMachine::load(program.machine().unwrap()).unwrap();
    program.estimate(&machine).unwrap_or_else(|error| panic!("{error}"))
}

/// A fully connected layer of `rows x 256` by `256 x columns`, with its bytes in DRAM divided, and with its
/// remaining products.
struct Layer {
    rows: u64,
    columns: u64,
    weights_divided: u64,
    inputs_divided: u64,
    products_divided: u64,
}

impl Layer {
    fn dense(rows: u64, columns: u64) -> Layer {
        Layer { rows, columns, weights_divided: 1, inputs_divided: 1, products_divided: 1 }
    }

    fn macs(&self) -> u64 {
        self.rows * 256 * self.columns / self.products_divided
    }

    fn loaded_bytes(&self) -> u64 {
        4 * 256 * (self.rows / self.inputs_divided) + 4 * 256 * self.columns / self.weights_divided
    }

    fn stored_bytes(&self) -> u64 {
        4 * self.rows * self.columns
    }

    /// max(products / peak, bytes / bandwidth), in ns.
    fn bound(&self, macs_per_ns: u64, bytes_per_ns: u64) -> f64 {
        let bytes = (self.loaded_bytes() + self.stored_bytes()) as f64;
        (self.macs() as f64 / macs_per_ns as f64).max(bytes / bytes_per_ns as f64)
    }
}

/// Asserts that the program does all of the layer's work and no more, that its bound is `bound`, and that it
/// ends by `latest`.
fn check(name: &str, layer: &Layer, cores: u64, bound: f64, latest: f64) {
    let estimate = estimate(name);
    let dram = estimate.units.iter().find(|unit| unit.name == "DRAM").unwrap();
    assert_eq!(estimate.operations, [("MAC32", layer.macs())], "{name}");
    assert_eq!(
        (dram.loaded_bytes, dram.stored_bytes),
        (layer.loaded_bytes(), layer.stored_bytes()),
        "{name}"
    );
    let bandwidth = if cores == 4 { 128 } else { 64 };
    assert_eq!(layer.bound(256 * cores, bandwidth), bound, "{name}");
    assert_eq!(estimate.lower_bound.to_f64(), bound, "{name}");
    let time = estimate.time.to_f64();
    assert!(
        time >= bound && time <= latest,
        "{name}: {time} ns, the bound is {bound} and the latest {latest}"
    );
}

#[test]
fn one_row_by_one_column() {
    // 2,052 bytes at 64 a nanosecond.
    check("fc_1x256x1", &Layer::dense(1, 1), 1, 32.0625, 34.0);
}

#[test]
fn small() {
    check("fc_32x256x128", &Layer::dense(32, 128), 1, 4_096.0, 4_096.0 * 1.01);
}

#[test]
fn large() {
    check("fc_1024x256x128", &Layer::dense(1024, 128), 1, 131_072.0, 131_072.0 * 1.01);
}

#[test]
fn compressed_without_gain() {
    let layer = Layer { weights_divided: 4, inputs_divided: 2, ..Layer::dense(1024, 128) };
    check("fc_1024x256x128_compressed", &layer, 1, 131_072.0, 131_072.0 * 1.01);
    let dense = estimate("fc_1024x256x128").time.to_f64();
    let compressed = estimate("fc_1024x256x128_compressed").time.to_f64();
    assert!((dense - compressed) / dense < 0.001, "{dense} ns, {compressed} ns compressed");
}

#[test]
fn compressed_with_zero_skipping() {
    let layer =
        Layer { weights_divided: 4, inputs_divided: 2, products_divided: 8, ..Layer::dense(1024, 128) };
    check("fc_1024x256x128_zero_skipping", &layer, 1, 16_896.0, 16_896.0 * 1.01);
}

#[test]
fn small_on_four_cores() {
    check("fc_32x256x128_cluster", &Layer::dense(32, 128), 4, 1_408.0, 1_408.0 * 1.03);
}

#[test]
fn large_on_four_cores() {
    check("fc_1024x256x2048_cluster", &Layer::dense(1024, 2048), 4, 524_288.0, 524_288.0 * 1.01);
}

#[test]
fn the_first_ends_when_paper_says() {
    // 16 pieces of 128 bytes: 32 ns; the last piece's 32 products: 1/8 ns; 4 bytes: 1/16 ns.
    assert_eq!(estimate("fc_1x256x1").time.to_string(), "32 3/16");
}

/// The pictures of docs/textbook are those that the programs give; `UPDATE_EXPECT=1` draws them again.
#[test]
fn the_pictures_are_of_these_programs() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/textbook/pictures");
    for (name, _) in PROGRAMS {
        let estimate = estimate(name);
        let picture = estimate.timeline(&format!("{name} on {}", estimate.machine)).to_svg();
        let path = format!("{folder}/{name}.svg");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &picture).unwrap();
        }
        assert!(
            std::fs::read_to_string(&path).unwrap() == picture,
            "{path} differs: UPDATE_EXPECT=1 draws it again"
        );
    }
}
