//! `ediacara summary` and `ediacara machines`.

use crate::{json, number, succeed};

/// Parameters and MACs of torchvision's networks (torchinfo 1.8 on torchvision's models).
///
/// Only convolutions and fully connected layers count.
const TOTALS: [(&str, u64, u64); 5] = [
    ("alexnet", 61_100_840, 714_188_480),
    ("vgg19", 143_667_240, 19_632_062_464),
    ("resnet50", 25_557_032, 4_089_184_256),
    ("resnet152", 60_192_808, 11_513_626_624),
    ("mobilenet_v2", 3_504_872, 300_774_272),
];

#[test]
fn totals_are_those_of_the_originals() {
    for (name, parameters, macs) in TOTALS {
        let summary = json(&["summary", name, "--json"]);
        assert_eq!(number(&summary["parameters"]), parameters, "{name}");
        assert_eq!(number(&summary["macs"]), macs, "{name}");
        for field in ["multiplications", "additions", "neurons", "zeros", "layers"] {
            assert!(summary.get(field).is_some(), "{field}");
        }
    }
}

#[test]
fn a_perceptron_is_named_by_its_layers() {
    // 33 * 512 + 512 + 512 * 10 + 10
    assert_eq!(number(&json(&["summary", "mlp:33-512-10", "--json"])["parameters"]), 22_538);
    assert!(succeed(&["summary", "mlp:33-512-10"]).contains("22,538"));
}

#[test]
fn a_machine_printed_is_a_machine_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let text = succeed(&["machines", "dlp16"]);
    std::fs::write(&path, &text).unwrap();
    assert_eq!(succeed(&["machines", path.to_str().unwrap()]), text);
    let of = |machine: &str| {
        json(&["run", "lenet5", "--timing-only", "--machine", machine, "--json"])["cycles"].clone()
    };
    assert_eq!(of("dlp16"), of(path.to_str().unwrap()));
}

/// The reference machine has exactly these figures.
#[test]
fn the_reference_machine_is_as_designed() {
    let machines = json(&["machines", "--json"]);
    let machine = machines.as_array().unwrap().iter().find(|machine| machine["name"] == "dlp16").unwrap();
    let kib = 1024;
    for (field, value) in [
        ("clock_hz", 1_000_000_000),
        ("peak_macs_per_cycle", 256),
        ("vector_lanes", 32),
        ("nram_bytes", 256 * kib),
        ("wram_bytes", 256 * kib),
        ("aram_bytes", 64 * kib),
        ("pram_bytes", 8 * kib),
        ("dram_latency_cycles", 100),
    ] {
        assert_eq!(number(&machine[field]), value, "{field}");
    }
    assert_eq!(machine["dram_bytes_per_cycle"], 16.0);
}
