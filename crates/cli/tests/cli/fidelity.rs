//! Cycle counts beside published ones of another project's RTL (docs/fidelity.md).

use crate::{json, number};

/// M, K, N; cycles of Gemmini's default configuration in full-system RTL simulation.
///
/// This one gives the overhead of a call.
const FIRST: ([u64; 3], u64) = ([64, 64, 64], 3_810);
/// The same for other sizes, and how far off the prediction may be, in percent.
///
/// docs/fidelity.md states and discusses these figures.
const OTHERS: [([u64; 3], u64, f64); 5] = [
    ([128, 128, 128], 10_530, 8.9),
    ([256, 256, 256], 69_653, 0.4),
    ([16, 512, 512], 32_506, 34.6),
    ([512, 512, 64], 74_413, 5.7),
    ([512, 512, 512], 543_240, 2.3),
];

#[test]
fn gemms_beside_gemmini() {
    let cycles = |[m, k, n]: [u64; 3]| {
        let (model, batch) = (format!("mlp:{k}-{n}"), format!("N={m}"));
        let report =
            json(&["run", &model, "--dim", &batch, "--machine", "gemmini16", "--timing-only", "--json"]);
        assert_eq!(report["timing_basis"], "modelled");
        assert_eq!(number(&report["macs"]), m * k * n);
        number(&report["dlp_cycles"])
    };
    let overhead = FIRST.1 - cycles(FIRST.0);
    for (shape, published, percent) in OTHERS {
        let predicted = cycles(shape) + overhead;
        let error = 100.0 * (predicted as f64 - published as f64) / published as f64;
        assert!(error.abs() <= percent, "{shape:?}: {predicted} cycles, published {published}: {error:.1} %");
    }
}
