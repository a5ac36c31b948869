//! `ediacara run --generate`: a decoder, token after token.

use std::process::ExitCode;

use ediacara::arch::Machine;
use ediacara::decode::{self, DecodeOptions, Family, Generation, Step};
use ediacara::profile::{plain_table, split_line, thousands};
use ediacara::{Error, Model, RunOptions};
use serde_json::{Value, json};

use super::{Outcome, setup};
use crate::arguments::{ModelArguments, RunArguments};
use crate::output::say;
use crate::progress::Progress;

pub(crate) fn execute(count: usize, arguments: &RunArguments) -> Outcome {
    let machine = Machine::load(&arguments.machine.machine)?;
    let progress = Progress::new();
    progress.stage("load");
    let first = setup::model(&arguments.model, &arguments.preprocess)?;
    let own = decode::length(&first)?;
    let free = free_dimension(&arguments.model, &first);
    drop(first);
    let sized = |sizes: &[(String, usize)]| {
        let dims = [&arguments.model.dims[..], sizes].concat();
        setup::model(&ModelArguments { dims, ..arguments.model.clone() }, &arguments.preprocess)
    };
    let load =
        |length: usize| sized(&free.iter().map(|dimension| (dimension.clone(), length)).collect::<Vec<_>>());
    let precision = arguments.precision.of_all().ok_or_else(|| {
        Error::Invalid("--generate computes all layers in one precision: int8, f32, bf16 or f16".to_owned())
    })?;
    let options = DecodeOptions {
        run: RunOptions {
            checked: arguments.checked,
            disable: arguments.compiler.disable.clone(),
            top: 0,
            ..RunOptions::on(machine)
        },
        precision,
        prompt: arguments.prompt_ids.clone(),
        count,
    };
    let family = match own {
        Some(own) => Family::Placed { load: &load, fixed: free.is_none().then_some(own) },
        None => Family::Growing { load: &sized },
    };
    let generation = decode::generate(&family, &options, &mut |name| progress.stage(name), &mut |step| {
        tracing::info!("token {} at {}: {}", step.token, step.position, step.next);
    })?;
    drop(progress);
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&to_json(&generation, arguments)?)?);
    } else {
        print(&generation, arguments);
    }
    let equal = generation.steps.iter().all(|step| step.report.check.bit_exact != Some(false));
    Ok(if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The dimension that says how long the caches are, if nobody gave it a size.
fn free_dimension(arguments: &ModelArguments, model: &Model) -> Option<String> {
    if !arguments.dims.is_empty() {
        return None;
    }
    match model.unbound.as_slice() {
        [only] => Some(only.clone()),
        _ => {
            let is_built_in = ediacara::nn::names().contains(&arguments.model.as_str());
            is_built_in.then(|| ediacara::nn::free_dimension(&arguments.model).name.to_owned())
        }
    }
}

/// Tokens that one second of the machine's time is enough for.
fn tokens_a_second(step: &Step) -> f64 {
    step.report.clock_hz as f64 / step.cycles.max(1) as f64
}

fn ids(tokens: &[i64]) -> String {
    tokens.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
}

fn print(generation: &Generation, arguments: &RunArguments) {
    let Some(last) = generation.steps.last() else { return };
    let report = &last.report;
    say!("{} on {} in {}", report.model, report.machine, report.precision);
    say!("on the DLP    {}\n", report.on_dlp);
    let header = [
        "position",
        "caches",
        "token",
        "next",
        "in f32",
        "SQNR (dB)",
        "DLP cycles",
        "host",
        "border",
        "tokens/s",
        "equal",
    ];
    let row = |step: &Step| {
        vec![
            step.position.to_string(),
            step.length.to_string(),
            step.token.to_string(),
            step.next.to_string(),
            step.next_in_f32.to_string(),
            step.sqnr_db.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.1}")),
            thousands(step.report.dlp_cycles),
            thousands(step.report.host_cycles),
            thousands(step.border_cycles),
            format!("{:.1}", tokens_a_second(step)),
            step.report.check.bit_exact.map_or("-", |equal| if equal { "yes" } else { "NO" }).to_owned(),
        ]
    };
    say!("{}\n", plain_table(&header, 0..10, generation.steps.iter().map(row).collect()));
    say!("prompt        {}", ids(&arguments.prompt_ids));
    say!("generated     {}", ids(&generation.tokens));
    let cycles: u64 = generation.steps.iter().map(|step| step.cycles).sum();
    let a_second = generation.steps.len() as f64 * report.clock_hz as f64 / cycles.max(1) as f64;
    say!(
        "cycles        {} for {} tokens, {a_second:.1} tokens/s at {:.2} GHz",
        thousands(cycles),
        generation.steps.len(),
        report.clock_hz as f64 / 1e9
    );
    say!("last token    {}", split_line(report.layers.iter().map(|layer| &layer.split)));
    let (tensors, bytes) = generation.steps.iter().fold((0, 0), |(tensors, bytes), step| {
        (tensors + step.report.check.tensors, bytes + step.report.check.bytes)
    });
    let equal = generation.steps.iter().all(|step| step.report.check.bit_exact == Some(true));
    let said = if equal { "equal to" } else { "NOT equal to" };
    say!(
        "check         {said} host {}: {} tensors, {} bytes",
        report.precision,
        thousands(tensors as u64),
        thousands(bytes)
    );
    print_distance(generation);
    say!("quantisation  {}", generation.method);
    let same = generation.steps.iter().filter(|step| step.next == step.next_in_f32).count();
    say!("              the same next token as in f32 for {same} of {} tokens", generation.steps.len());
    if ediacara::nn::names().contains(&arguments.model.model.as_str()) {
        say!("notice        the weights are made up from a seed, so that what is generated means nothing");
    }
}

/// How far the logits of a file that was rewritten are from its own.
fn print_distance(generation: &Generation) {
    let distances = generation.steps.iter().filter_map(|step| step.file_distance);
    let Some(largest) = distances.reduce(f32::max) else { return };
    let near = if largest > 0.0 { format!("within {largest:.0e} of") } else { "equal to".to_owned() };
    say!(
        "file          concatenates to its caches, and is compiled with caches of a fixed length: logits in f32 {near} its own \
         at each position"
    );
}

fn to_json(generation: &Generation, arguments: &RunArguments) -> serde_json::Result<Value> {
    let step = |step: &Step| {
        Ok(json!({
            "position": step.position,
            "cache_length": step.length,
            "token": step.token,
            "next": step.next,
            "next_in_f32": step.next_in_f32,
            "sqnr_db": step.sqnr_db,
            "file_distance": step.file_distance,
            "cycles": step.cycles,
            "border_cycles": step.border_cycles,
            "tokens_per_second": tokens_a_second(step),
            "report": serde_json::to_value(&step.report)?,
        }))
    };
    let steps = generation.steps.iter().map(step).collect::<serde_json::Result<Vec<_>>>()?;
    Ok(json!({
        "model": arguments.model.model,
        "prompt": arguments.prompt_ids,
        "tokens": generation.tokens,
        "quantisation": generation.method,
        "steps": steps,
    }))
}
