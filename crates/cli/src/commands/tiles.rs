//! `ediacara tiles`: a layer as loops, and how it is cut.

use std::process::ExitCode;

use ediacara::arch::Machine;
use ediacara::profile::{plain_table, thousands};
use ediacara::textbook::layers::{Layer, layers};
use ediacara::textbook::nest::{Memories, Stationary, Tiling, definition, timeline, to_json};
use ediacara::{HostOnly, LayerExplanation, Prepared};
use serde_json::json;

use super::{Outcome, setup};
use crate::arguments::TilesArguments;
use crate::output::{say, write_whole};
use crate::progress::Progress;

pub(crate) fn execute(arguments: &TilesArguments) -> Outcome {
    let machine = Machine::load(&arguments.machine.machine)?;
    let progress = Progress::new();
    let model = setup::load(&arguments.model)?;
    let layers = layers(&model.graph);
    let Some(part) = &arguments.layer else {
        drop(progress);
        for layer in &layers {
            say!("{}", layer.name);
        }
        return Ok(ExitCode::SUCCESS);
    };
    let layer = chosen(&layers, part)?;
    let memories = Memories::of(&machine);
    let mut tilings = Vec::new();
    for stationary in Stationary::ALL {
        let tiling = Tiling::best(layer, &memories, stationary)?;
        tilings.push(tiling.ok_or_else(|| format!("{}: no tile fits {} twice", layer.name, machine.name))?);
    }
    let prepared =
        ediacara::prepare(&model, &setup::ranges(arguments.ranges), &mut |stage| progress.stage(stage))?;
    progress.stage("compile");
    let compiled = compilers(&prepared, &machine, &layer.name)?;
    drop(progress);
    if let Some(path) = &arguments.svg {
        write_whole(path, timeline(layer, &tilings).to_svg().as_bytes())?;
    }
    if arguments.json {
        let report = json!({
            "model": model.name,
            "layer": layer.name,
            "machine": machine.name,
            "definition": definition(layer),
            "tilings": to_json(layer, &memories, &tilings),
            "compiler": compiled.as_ref().map(LayerExplanation::to_json),
        });
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(layer, &memories, &tilings, compiled.as_ref());
    }
    Ok(ExitCode::SUCCESS)
}

/// The one layer with this name, or else the one whose name contains it.
fn chosen<'a>(layers: &'a [Layer], part: &str) -> Result<&'a Layer, String> {
    if let Some(layer) = layers.iter().find(|layer| layer.name == part) {
        return Ok(layer);
    }
    let found: Vec<&Layer> = layers.iter().filter(|layer| layer.name.contains(part)).collect();
    if let [layer] = found.as_slice() {
        return Ok(layer);
    }
    let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
    Err(format!("{} layers have `{part}` in their name; there are {}", found.len(), names.join(", ")))
}

/// How the compiler cuts the layer; nothing if the compiled network has no layer of that name.
fn compilers(
    prepared: &Prepared,
    machine: &Machine,
    layer: &str,
) -> Result<Option<LayerExplanation>, Box<dyn std::error::Error>> {
    let network = ediacara::compile(prepared, machine, &Default::default(), HostOnly::Allowed)?;
    let explained = ediacara::explain(&network.compiled, machine)?;
    let parts = |name: &str| name.split(" + ").any(|part| part == layer);
    Ok(explained.into_iter().find(|one| parts(&one.name)))
}

fn print(layer: &Layer, memories: &Memories, tilings: &[Tiling], compiled: Option<&LayerExplanation>) {
    say!("{}: {} multiply-adds\n\n{}\n", layer.name, thousands(layer.macs()), definition(layer));
    for tiling in tilings {
        say!("{}\n\n{}\n", tiling.stationary.name(), tiling.code(layer));
    }
    let row = |tiling: &Tiling| {
        let (dram, array) = (tiling.dram_traffic(layer), tiling.array_traffic(layer, memories));
        let numbers = [
            tiling.steps(layer),
            dram.inputs,
            dram.weights,
            dram.sums,
            dram.outputs,
            dram.total(),
            array.nram_read,
            array.wram_read,
            array.aram_read,
            array.aram_written,
        ];
        [tiling.stationary.name().to_owned()].into_iter().chain(numbers.into_iter().map(thousands)).collect()
    };
    let header = [
        "bytes",
        "tiles",
        "DRAM: inputs",
        "weights",
        "sums",
        "outputs",
        "total",
        "array: NRAM",
        "WRAM",
        "ARAM read",
        "ARAM written",
    ];
    say!("{}", plain_table(&header, 1..11, tilings.iter().map(row).collect()));
    match compiled.and_then(|one| Some((one, one.choice.as_ref()?))) {
        Some((one, choice)) => {
            say!("\nthe compiler's: {}", choice.tiling);
            let cycles = thousands(one.cycles);
            say!("best of {}; {cycles} cycles, {} is busiest", choice.considered, choice.busiest());
        }
        None => say!(
            "\nthe compiler has no choice under this name: the layer was renamed, or moves elements only"
        ),
    }
}
