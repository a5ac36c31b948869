//! `ediacara compile`: a network to an executable.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ediacara::arch::Machine;
use ediacara::compiler::{Options, PASSES};
use serde_json::json;

use super::{Outcome, setup};
use crate::arguments::CompileArguments;
use crate::output::say;
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
    let model = setup::model(&arguments.model, &arguments.preprocess)?;
    let calibration = setup::calibration(&arguments.calibration)?;
    let prepared = ediacara::prepare(&model, &calibration, &mut |name| progress.stage(name))?;
    progress.stage("compile");
    let options = Options {
        print_after: arguments.print_after.iter().cloned().collect(),
        disable: arguments.compiler.disable.clone(),
    };
    let compiled = ediacara::compiler::compile(&prepared.quantised, &machine, &options)?;
    drop(progress);

    let output = arguments.output.clone().unwrap_or_else(|| default_output(&model.name));
    compiled.executable.save(&output)?;
    for listing in &compiled.listings {
        say!("{}", listing.text);
    }
    let executable = &compiled.executable;
    let data: usize = executable.segments.iter().map(|segment| segment.bytes.len()).sum();
    if arguments.json {
        let report = json!({
            "model": model.name,
            "machine": machine.name,
            "output": output.display().to_string(),
            "instructions": executable.code.len(),
            "data_bytes": data,
            "layers": executable.layers.len(),
            "quantisation": prepared.method,
            "host_ops": compiled.host_ops.iter()
                .map(|op| json!({ "name": op.name, "op": op.op, "reason": op.reason })).collect::<Vec<_>>(),
        });
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        say!(
            "{}: {} layers, {} instructions, {data} bytes of data for {}",
            output.display(),
            executable.layers.len(),
            executable.code.len(),
            machine.name
        );
        for op in &compiled.host_ops {
            say!("left to the host: {} {}: {}", op.op, op.name, op.reason);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The model's file name with the executable's extension, in the current folder.
fn default_output(model: &str) -> PathBuf {
    let stem = Path::new(model).file_stem().map(|stem| stem.to_string_lossy().replace(':', "-"));
    PathBuf::from(format!("{}.dlpx", stem.unwrap_or_default()))
}
