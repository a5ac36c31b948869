//! `ediacara compile`: a network to an executable.

use std::process::ExitCode;

use ediacara::arch::Machine;
use ediacara::compiler::{Options, PASSES};
use ediacara::isa::Executable;
use ediacara::profile::{WhatIf, host_lines, plain_table, shorten, split_line, thousands, what_if_text};
use ediacara::self_test;
use ediacara::{CompiledNetwork, LayerExplanation, Prepared};
use serde_json::{Value, json};

use super::{Outcome, precisions, setup};
use crate::arguments::CompileArguments;
use crate::output::{say, write_plan};
use crate::progress::Progress;

pub(crate) fn execute(arguments: &CompileArguments) -> Outcome {
    if arguments.print_after.as_deref() == Some("list") {
        for pass in PASSES {
            say!("{:<12} {}", pass.name, pass.documentation);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let machine = Machine::load(&arguments.machine.machine)?;
    let progress = Progress::new();
    let model = setup::sampled(&arguments.model, &arguments.preprocess, &[], &arguments.calibration)?;
    let calibration = setup::calibration(&arguments.calibration)?;
    let asked = (&arguments.precision, &arguments.calibration);
    let mut stage = |name: &str| progress.stage(name);
    let (prepared, choice) = setup::prepared(&model, &machine, asked, (&calibration, &[]), &mut stage)?;
    progress.stage("compile");
    let options = Options {
        print_after: arguments.print_after.iter().cloned().collect(),
        disable: arguments.compiler.disable.clone(),
    };
    let mut network = ediacara::compile(&prepared, &machine, &options, arguments.host_only.choice())?;
    network.plan.notes.self_test = self_test::expected(&network)?;
    let explained = match &arguments.explain {
        Some(part) => Some(explain(part, &prepared, &network, &machine, &options, &progress)?),
        None => None,
    };
    drop(progress);

    if let Some(choice) = choice.filter(|_| !arguments.json) {
        say!("precision: {}", precisions::summary(&choice));
    }
    write_plan(&arguments.output(), &network.file()?)?;
    for listing in &network.compiled.listings {
        say!("{}", listing.text);
    }
    if arguments.json {
        let report = report(arguments, &machine, &prepared, &network, explained.as_ref());
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        if let Some(explained) = &explained {
            let one = arguments.explain.as_deref().is_some_and(|layer| !layer.is_empty());
            let Explained { layers, tried } = explained;
            say!("{}\n", if one { details(layers, tried) } else { overview(layers) });
        }
        say_compiled(arguments, &machine, &network);
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer to `--explain`.
struct Explained {
    layers: Vec<LayerExplanation>,
    /// The effects of changes of the machine on the whole network, if single layers were asked for.
    tried: Vec<WhatIf>,
}

/// Explains the layers whose name contains `part`, and tries what would help them if it is not empty.
fn explain(
    part: &str,
    prepared: &Prepared,
    network: &CompiledNetwork,
    machine: &Machine,
    options: &Options,
    progress: &Progress,
) -> Result<Explained, ediacara::Error> {
    progress.stage("simulate");
    let all = ediacara::explain(&network.compiled, machine)?;
    let cycles = all.iter().map(|layer| layer.cycles).sum();
    let layers = chosen(all, part)?;
    let mut tried = Vec::new();
    if !part.is_empty() {
        progress.stage("what if");
        let remedies = layers.iter().map(|layer| (layer.remedy, layer.cycles));
        tried = ediacara::what_if(prepared, machine, &options.disable, cycles, remedies)?;
    }
    Ok(Explained { layers, tried })
}

/// The compiled network as JSON.
fn report(
    arguments: &CompileArguments,
    machine: &Machine,
    prepared: &Prepared,
    network: &CompiledNetwork,
    explained: Option<&Explained>,
) -> Value {
    let Size { layers, instructions, data_bytes } = Size::of(network);
    let mut report = json!({
        "model": prepared.name,
        "machine": machine.name,
        "on_dlp": network.share,
        "output": arguments.output().display().to_string(),
        "segments": network.plan.segments.len(),
        "instructions": instructions,
        "data_bytes": data_bytes,
        "layers": layers,
        "quantisation": prepared.method,
        "host_ops": network.host_ops,
    });
    if let Some(Explained { layers, tried }) = explained {
        report["explain"] = layers.iter().map(LayerExplanation::to_json).collect();
        report["what_if"] = json!(tried);
    }
    report
}

/// The compiled network in words.
fn say_compiled(arguments: &CompileArguments, machine: &Machine, network: &CompiledNetwork) {
    let Size { layers, instructions, data_bytes } = Size::of(network);
    let segments = match network.plan.segments.len() {
        1 => String::new(),
        count => format!("{count} segments, "),
    };
    say!("on the DLP: {}", network.share);
    say!(
        "{}: {segments}{layers} layers, {instructions} instructions, {data_bytes} bytes of data for {}",
        arguments.output().display(),
        machine.name
    );
    for line in host_lines(&network.host_ops) {
        say!("left to the host: {line}");
    }
}

/// What the programs of a network come to.
struct Size {
    layers: usize,
    instructions: usize,
    data_bytes: usize,
}

impl Size {
    fn of(network: &CompiledNetwork) -> Size {
        let sum = |number: fn(&Executable) -> usize| {
            network.compiled.dlp().map(|segment| number(&segment.executable)).sum()
        };
        Size {
            layers: sum(|executable| executable.layers.len()),
            instructions: sum(|executable| executable.code.len()),
            data_bytes: sum(|executable| executable.data.iter().map(|block| block.bytes.len()).sum()),
        }
    }
}

/// Those layers whose name contains `part`; all for an empty one.
fn chosen(layers: Vec<LayerExplanation>, part: &str) -> Result<Vec<LayerExplanation>, ediacara::Error> {
    let names: Vec<String> = layers.iter().map(|layer| format!("  {}", layer.name)).collect();
    let found: Vec<LayerExplanation> = layers.into_iter().filter(|layer| layer.name.contains(part)).collect();
    if found.is_empty() {
        let names = names.join("\n");
        return Err(ediacara::Error::Invalid(format!(
            "no layer's name contains `{part}`; there are\n{names}"
        )));
    }
    Ok(found)
}

/// One line for each layer.
fn overview(layers: &[LayerExplanation]) -> String {
    let row = |layer: &LayerExplanation| {
        let choice = layer.choice.as_ref();
        let error = layer.error().map(|error| format!("{:+.1} %", 100.0 * error));
        vec![
            shorten(&layer.name, 40),
            layer.op.clone(),
            thousands(layer.cycles),
            choice.map_or_else(String::new, |choice| thousands(choice.estimate.cycles() as u64)),
            error.unwrap_or_default(),
            choice.map_or("", |choice| choice.busiest()).to_owned(),
            in_nram(layer),
            choice.map_or_else(|| "moves or combines elements".to_owned(), |choice| choice.tiling.clone()),
        ]
    };
    let header = ["layer", "op", "cycles", "estimated", "error", "busiest", "in NRAM", "how it is cut"];
    plain_table(&header, 2..5, layers.iter().map(row).collect())
}

/// How many of the layer's activations stay in NRAM, of those that are no inputs or outputs of the network.
fn in_nram(layer: &LayerExplanation) -> String {
    let kept = layer.activations.iter().filter(|activation| activation.is_kept()).count();
    format!("{kept} of {}", layer.activations.len())
}

/// A paragraph for each layer.
///
/// Changes that were `tried` say what they do to the whole network.
fn details(layers: &[LayerExplanation], tried: &[WhatIf]) -> String {
    let cycles = |cycles: f64| thousands(cycles.round() as u64);
    let paragraph = |layer: &LayerExplanation| {
        let mut lines = vec![format!("{} ({})", layer.name, layer.op)];
        lines.push(format!(
            "  {} cycles: {}",
            thousands(layer.cycles),
            split_line([&layer.split].into_iter())
        ));
        lines.push(format!(
            "  occupies {} cycles; limited by {}",
            thousands(layer.occupied_cycles),
            layer.limited_by
        ));
        let change = layer.remedy.change;
        lines.push(match tried.iter().find(|tried| tried.change == change) {
            Some(tried) => format!("  would help, for the whole network: {}", what_if_text(tried)),
            None => format!("  would help: {}", change.text()),
        });
        lines.extend(layer.activations.iter().map(|activation| format!("  {activation}")));
        let Some(choice) = &layer.choice else {
            lines
                .push(format!("  {} cycles; it moves or combines elements, and has no choice", layer.cycles));
            return lines.join("\n");
        };
        let estimate = &choice.estimate;
        lines.push(format!("  best of {}: {}", choice.considered, choice.tiling));
        lines.push(format!(
            "  estimated {} cycles, simulated {} ({:+.1} %)",
            cycles(estimate.cycles()),
            thousands(layer.cycles),
            100.0 * layer.error().unwrap_or_default()
        ));
        lines.push(format!(
            "  busiest is {}: matrix {}, vector {}, DRAM {}; {} before the first tile, {} after the last",
            choice.busiest(),
            cycles(estimate.matrix),
            cycles(estimate.vector),
            cycles(estimate.dram),
            cycles(estimate.start),
            cycles(estimate.drain)
        ));
        lines.push(match &choice.runner_up {
            Some((tiling, second)) => format!(
                "  runner-up: {tiling}\n  estimated {} cycles: matrix {}, vector {}, DRAM {}",
                cycles(second.cycles()),
                cycles(second.matrix),
                cycles(second.vector),
                cycles(second.dram)
            ),
            None => "  nothing else fits".to_owned(),
        });
        lines.join("\n")
    };
    layers.iter().map(paragraph).collect::<Vec<_>>().join("\n\n")
}
