//! `ediacara machines`: the built-in machines, or one as TOML.

use std::process::ExitCode;

use ediacara::arch::Machine;
use ediacara::profile::plain_table;
use ediacara::textbook::catalogue::{Accelerator, TYPES, accelerators, bandwidth_chart, efficiency_chart};
use serde_json::{Value, json};

use super::Outcome;
use crate::arguments::MachinesArguments;
use crate::output::{say, write_whole};

pub(crate) fn execute(arguments: &MachinesArguments) -> Outcome {
    if arguments.catalogue {
        return catalogue(arguments);
    }
    if let Some(name) = &arguments.name {
        let machine = Machine::load(name)?;
        if arguments.json {
            say!("{}", serde_json::to_string_pretty(&describe(&machine))?);
        } else {
            crate::output::write(format_args!("{}", machine.to_toml()));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let machines =
        Machine::presets().iter().map(|name| Machine::preset(name)).collect::<Result<Vec<_>, _>>()?;
    if arguments.json {
        let list: Vec<Value> = machines.iter().map(describe).collect();
        say!("{}", serde_json::to_string_pretty(&list)?);
    } else {
        say!("{}", table(&machines));
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(machine: &Machine) -> Value {
    json!({
        "name": machine.name,
        "description": machine.description,
        "clock_hz": machine.chip.clock_hz,
        "matrix": { "kind": machine.matrix.kind.name(), "rows": machine.matrix.rows, "columns": machine.matrix.columns, "types": types(machine) },
        "peak_macs_per_cycle": machine.peak_macs_per_cycle(),
        "vector_lanes": machine.vector.lanes,
        "float_lanes": machine.vector.float_lanes,
        "nram_bytes": machine.core.nram_bytes,
        "wram_bytes": machine.core.wram_bytes,
        "aram_bytes": machine.core.aram_bytes,
        "pram_bytes": machine.core.pram_bytes,
        "dram_bytes_per_cycle": machine.dram.bytes_per_cycle.to_f64(),
        "dram_latency_cycles": machine.dram.latency_cycles,
    })
}

/// The types that the array multiplies.
fn types(machine: &Machine) -> Vec<&'static str> {
    machine.matrix.types.iter().map(|ty| ty.name()).collect()
}

fn table(machines: &[Machine]) -> String {
    let header = [
        "machine",
        "array",
        "int8 MAC/cycle",
        "lanes",
        "float lanes",
        "NRAM",
        "WRAM",
        "ARAM",
        "PRAM",
        "DRAM B/cycle",
        "clock",
        "array's types",
    ];
    let kib = |bytes: u64| format!("{} KiB", bytes / 1024);
    let row = |machine: &Machine| {
        vec![
            machine.name.clone(),
            format!("{} {}x{}", machine.matrix.kind.name(), machine.matrix.rows, machine.matrix.columns),
            machine.peak_macs_per_cycle().to_string(),
            machine.vector.lanes.to_string(),
            machine.vector.float_lanes.to_string(),
            kib(machine.core.nram_bytes),
            kib(machine.core.wram_bytes),
            kib(machine.core.aram_bytes),
            kib(machine.core.pram_bytes),
            machine.dram.bytes_per_cycle.to_string(),
            format!("{} MHz", machine.chip.clock_hz / 1_000_000),
            types(machine).join(", "),
        ]
    };
    plain_table(&header, 2..11, machines.iter().map(row).collect())
}

/// Accelerators on the market.
fn catalogue(arguments: &MachinesArguments) -> Outcome {
    let accelerators = accelerators()?;
    if let Some(path) = &arguments.svg {
        write_whole(path, bandwidth_chart(&accelerators).to_svg().as_bytes())?;
    }
    if let Some(path) = &arguments.efficiency_svg {
        write_whole(path, efficiency_chart(&accelerators).to_svg().as_bytes())?;
    }
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&accelerators)?);
        return Ok(ExitCode::SUCCESS);
    }
    let optional = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let row = |one: &Accelerator| {
        let peaks = TYPES.iter().filter_map(|ty| Some(format!("{ty} {}", one.peak.get(*ty)?)));
        vec![
            one.name.clone(),
            one.maker.clone(),
            one.year.to_string(),
            optional(one.process_nm.map(|process| process.to_string())),
            optional(one.power_watts.map(|power| power.to_string())),
            one.bandwidth_gbytes_per_second.to_string(),
            peaks.collect::<Vec<_>>().join(", "),
        ]
    };
    let header = ["accelerator", "maker", "year", "nm", "W", "GB/s", "peak, 10^12 operations a second"];
    say!("{}\n", plain_table(&header, 2..6, accelerators.iter().map(row).collect()));
    for one in &accelerators {
        say!("{}: {}", one.name, one.source);
    }
    Ok(ExitCode::SUCCESS)
}
