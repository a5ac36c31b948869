//! Presets hold together, and errors name file, field, value and range.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

use ediacara_arch::{ArchError, Host, Machine};
use expect_test::{Expect, expect};

fn check_error(change: impl Fn(&str) -> String, expected: Expect) {
    let text = Machine::preset("dlp16").unwrap().to_toml();
    let changed = change(&text);
    assert_ne!(text, changed, "the change must change something");
    let error = Machine::from_toml(&changed, "my.toml").unwrap_err();
    expected.assert_eq(&error.to_string());
}

fn replace(from: &'static str, to: &'static str) -> impl Fn(&str) -> String {
    move |text| text.replacen(from, to, 1)
}

#[test]
fn presets_are_valid_named_and_ordered() {
    let mut peak = 0;
    for name in Machine::presets() {
        let machine = Machine::preset(name).unwrap();
        assert_eq!(machine.name, *name);
        // Presets modelled on published machines come last, in no order of size; `dlp16f` is as large as dlp16.
        if name.starts_with("dlp") {
            let is_larger = machine.peak_macs_per_cycle() > peak;
            assert!(is_larger || machine.matrix.has_float(), "{name} is larger than the one before");
            peak = machine.peak_macs_per_cycle();
        }
        assert_eq!(Machine::from_toml(&machine.to_toml(), name).unwrap(), machine);
    }
}

#[test]
fn dlp16_is_the_reference_machine() {
    let machine = Machine::load("dlp16").unwrap();
    assert_eq!((machine.matrix.rows, machine.matrix.columns, machine.vector.lanes), (16, 16, 32));
    assert_eq!((machine.core.nram_bytes, machine.core.wram_bytes), (256 << 10, 256 << 10));
    assert_eq!((machine.core.aram_bytes, machine.core.pram_bytes), (64 << 10, 8 << 10));
    assert_eq!((machine.dram.bytes_per_cycle.numerator, machine.dram.bytes_per_cycle.denominator), (16, 1));
    assert_eq!(
        (machine.dram.burst_bytes, machine.dram.latency_cycles, machine.dram.bursts_in_flight),
        (64, 100, 64)
    );
    assert_eq!((machine.core.queue_entries, machine.core.fetch_entries), (16, 16));
    assert_eq!((machine.matrix.latency_cycles, machine.vector.latency_cycles), (8, 8));
    assert_eq!(
        (machine.load.move_bytes_per_cycle, machine.dram.bytes, machine.chip.clock_hz),
        (16, 4 << 30, 1_000_000_000)
    );
    assert_eq!((machine.row_bytes(), machine.aram_accumulators(), machine.pram_records()), (256, 16384, 682));
    assert_eq!(machine.peak_macs_per_cycle(), 256);
}

#[test]
fn values_out_of_range() {
    check_error(
        replace("burst_bytes = 64", "burst_bytes = 48"),
        expect!["my.toml: dram.burst_bytes is 48; it must be a power of two from 32 to 4096"],
    );
    check_error(
        replace("fetch_entries = 16", "fetch_entries = 1"),
        expect!["my.toml: core.fetch_entries is 1; it must be a power of two from 2 to 256"],
    );
    check_error(
        |text| text.replace("latency_cycles = 8", "latency_cycles = 1").replace("lanes = 32", "lanes = 33"),
        expect![[r#"
            my.toml: matrix.latency_cycles is 1; it must be 3 to 255
              vector.lanes is 33; it must be a power of two from 1 to 1024
              vector.latency_cycles is 1; it must be 3 to 255
              vector.latency_cycles is 1; it must be at least 8 with vector.float_lanes"#]],
    );
}

#[test]
fn kinds_to_come_are_named_as_such() {
    check_error(
        replace("kind = \"dot\"", "kind = \"systolic-os\""),
        expect![[
            r#"my.toml: matrix.kind is "systolic-os"; it must be "dot" or "systolic-ws": the present tools support no other matrix unit"#
        ]],
    );
    check_error(
        replace("clusters = 1", "clusters = 4"),
        expect![
            "my.toml: chip.clusters is 4; it must be 1: the present tools support one cluster of one core"
        ],
    );
}

#[test]
fn float_lanes_need_lanes_and_stages() {
    check_error(
        replace("float_lanes = 8", "float_lanes = 12"),
        expect!["my.toml: vector.float_lanes is 12; it must be a power of two from 1 to 16"],
    );
    check_error(
        |text| {
            text.replace(
                "lanes = 32\nfloat_lanes = 8\nlatency_cycles = 8",
                "lanes = 2\nfloat_lanes = 2\nlatency_cycles = 7",
            )
        },
        expect![[r#"
            my.toml: vector.lanes is 2; it must be at least 4 with vector.float_lanes: an f32 has 4 bytes
              vector.latency_cycles is 7; it must be at least 8 with vector.float_lanes"#]],
    );
    let text = Machine::preset("dlp4").unwrap().to_toml();
    let float = text.replace("[vector]\nlanes = 8\n", "[vector]\nlanes = 8\nfloat_lanes = 8\n");
    assert_eq!(Machine::from_toml(&float, "my.toml").unwrap().vector.float_lanes, 8);
}

#[test]
fn dlp16f_differs_from_dlp16_in_types_alone() {
    let mut machine = Machine::preset("dlp16f").unwrap();
    // 16 bytes of a column are 8 elements of 2 bytes.
    assert!(machine.matrix.has_float() && machine.matrix.float_lanes() == 8);
    let plain = Machine::preset("dlp16").unwrap();
    assert!(!plain.matrix.has_float() && plain.matrix.float_lanes() == 0);
    machine.matrix.types.truncate(1);
    (machine.name, machine.description) = (plain.name.clone(), plain.description.clone());
    assert_eq!(machine, plain);
}

#[test]
fn textbook1_has_the_figures_of_the_book() {
    let machine = Machine::preset("textbook1").unwrap();
    // Question 7.7: 1 GHz, WRAM 256 KB, NRAM 128 KB, 256 multiply-adds of f32 a cycle, 64 GB/s.
    assert_eq!(machine.chip.clock_hz, 1_000_000_000);
    assert_eq!((machine.core.wram_bytes, machine.core.nram_bytes), (256 << 10, 128 << 10));
    assert_eq!(machine.row_bytes() / 4, 256);
    assert_eq!(machine.dram.bytes_per_cycle.to_f64(), 64.0);
    // The rate can be kept up over the latency.
    let dram = &machine.dram;
    assert!(dram.bursts_in_flight * dram.burst_bytes >= 64 * (dram.latency_cycles + 1));
}

#[test]
fn types_of_floating_point_need_an_array_that_holds_them() {
    let types = |types: &'static str| replace("types = [\"int8\"]", types);
    check_error(
        types("types = [\"bf16\"]"),
        expect![[
            r#"my.toml: matrix.types is ["bf16"]; it must be "int8" and any of "f16", "bf16", "f32", each once"#
        ]],
    );
    check_error(
        types("types = [\"int8\", \"f16\", \"f16\"]"),
        expect![[
            r#"my.toml: matrix.types is ["int8", "f16", "f16"]; it must be "int8" and any of "f16", "bf16", "f32", each once"#
        ]],
    );
    check_error(
        |text| types("types = [\"int8\", \"f32\"]")(text).replace("rows = 16", "rows = 2"),
        expect![[
            "my.toml: matrix.rows is 2; it must be at least 4 with such matrix.types: the bytes of an element"
        ]],
    );
    // Eight products have three levels, which come behind reading and multiplying.
    let latency = |stages: &'static str, names: &'static str| {
        move |text: &str| types(names)(text).replacen("latency_cycles = 8", stages, 1)
    };
    check_error(
        latency("latency_cycles = 4", "types = [\"int8\", \"bf16\"]"),
        expect!["my.toml: matrix.latency_cycles is 4; it must be at least 5 with such matrix.types and rows"],
    );
    let text = Machine::preset("dlp16").unwrap().to_toml();
    let narrow = latency("latency_cycles = 4", "types = [\"int8\", \"f32\"]")(&text);
    assert_eq!(Machine::from_toml(&narrow, "my.toml").unwrap().matrix.float_lanes(), 4);
    let text = Machine::preset("gemmini16").unwrap().to_toml();
    let error = Machine::from_toml(&types("types = [\"int8\", \"bf16\"]")(&text), "my.toml").unwrap_err();
    expect![[
        r#"my.toml: matrix.types is ["int8", "bf16"]; it must be ["int8"]: only matrix.kind "dot" has floating point"#
    ]]
    .assert_eq(&error.to_string());
}

#[test]
fn unknown_missing_and_ill_typed_fields() {
    check_error(
        replace("lanes = 32", "lanes = 32\nwidth = 3"),
        expect![[r#"
            my.toml: TOML parse error at line 37, column 1
               |
            37 | width = 3
               | ^^^^^
            unknown field `width`, expected one of `lanes`, `float_lanes`, `latency_cycles`
        "#]],
    );
    check_error(
        replace("lanes = 32", ""),
        expect![[r#"
        my.toml: TOML parse error at line 35, column 1
           |
        35 | [vector]
           | ^^^^^^^^
        missing field `lanes`
    "#]],
    );
    check_error(
        replace("lanes = 32", "lanes = \"many\""),
        expect![[r#"
        my.toml: TOML parse error at line 36, column 9
           |
        36 | lanes = "many"
           |         ^^^^^^
        invalid type: string "many", expected u32
    "#]],
    );
    check_error(
        replace("kind = \"dot\"", "kind = \"quantum\""),
        expect![[r#"
        my.toml: TOML parse error at line 29, column 8
           |
        29 | kind = "quantum"
           |        ^^^^^^^^^
        unknown variant `quantum`, expected one of `dot`, `systolic-ws`, `systolic-os`, `scalar`
    "#]],
    );
}

#[test]
fn what_is_neither_preset_nor_file() {
    let error = Machine::load("dlp17").unwrap_err();
    expect![
        "there is no machine `dlp17`: it is neither a file nor a preset; did you mean `dlp16`? There are dlp4, dlp8, dlp16, dlp16f, dlp32, gemmini16, textbook1"
    ]
    .assert_eq(&error.to_string());
    assert!(matches!(Machine::from_file("no/such.toml".as_ref()), Err(ArchError::Read { .. })));
}

#[test]
fn a_description_without_a_host_has_the_assumed_one() {
    let text = Machine::preset("dlp16").unwrap().to_toml();
    let (without, _) = text.split_once("[host]").unwrap();
    let machine = Machine::from_toml(without, "mine.toml").unwrap();
    assert_eq!(machine, Machine::preset("dlp16").unwrap());
    assert_eq!(machine.host, Host { call_cycles: 1000, bytes_per_cycle: 16, operations_per_cycle: 16 });
    // 33 bytes take three cycles, 31 operations two.
    assert_eq!(
        (machine.host.cycles(33, 31), machine.host.cycles(0, 31), machine.host.cycles(0, 0)),
        (3, 2, 0)
    );
    let error =
        Machine::from_toml(&format!("{without}[host]\nbytes_per_cycle = 0\n"), "mine.toml").unwrap_err();
    assert!(error.to_string().contains("host.bytes_per_cycle"), "{error}");
}
