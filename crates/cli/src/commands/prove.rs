//! `ediacara prove`: what holds for every timing of a program.

use std::process::ExitCode;

use ediacara::arch::Machine;
use ediacara::compile::{refuse_empty, share_of};
use ediacara::profile::thousands;
use ediacara::prove::{Options, Proof, Provenance, prove, prove_values};
use ediacara::verify;
use serde_json::{Value, json};

use super::{Outcome, setup};
use crate::arguments::ProveArguments;
use crate::output::say;
use crate::progress::Progress;

pub(crate) fn execute(arguments: &ProveArguments) -> Outcome {
    let progress = Progress::new();
    progress.stage("load");
    let name = &arguments.model.model;
    let (machine, executable, values) = match verify::load_program(name)? {
        Some(executable) => {
            let own = executable.machine.name.clone();
            let machine = arguments.machine.as_deref().unwrap_or(if own.is_empty() { "dlp16" } else { &own });
            (Machine::load(machine)?, executable, None)
        }
        None => {
            let machine = Machine::load(arguments.machine.as_deref().unwrap_or("dlp16"))?;
            let model = setup::model(&arguments.model, &arguments.preprocess)?;
            let mut stage = |name: &str| progress.stage(name);
            let calibration = setup::calibration(&arguments.calibration)?;
            let prepared = ediacara::prepare(&model, &calibration, &mut stage)?;
            progress.stage("compile");
            let network =
                ediacara::compile(&prepared, &machine, &Default::default(), arguments.host_only.choice())?;
            (machine, network.compiled.executable, Some(network.compiled.values))
        }
    };
    let rest = executable.notes.rest.as_ref();
    refuse_empty(name, rest, arguments.host_only.choice())?;
    let share = rest.map(share_of);
    progress.stage("prove");
    let options = Options { instructions: arguments.max_instructions, ..Options::default() };
    let proof = match &values {
        Some(values) => prove_values(&executable, &machine, values, &options),
        None => prove(&executable, &machine, &options),
    };
    drop(progress);
    if arguments.json {
        let mut result = json!({ "program": name, "machine": machine.name, "on_dlp": share });
        if let (Some(result), Value::Object(proof)) = (result.as_object_mut(), serde_json::to_value(&proof)?)
        {
            result.extend(proof);
        }
        say!("{}", serde_json::to_string_pretty(&result)?);
    } else {
        if let Some(share) = share {
            say!("on the DLP: {share}");
        }
        say!("{}", text(name, &machine, &proof, options.findings));
    }
    Ok(if proof.proven { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(name: &str, machine: &Machine, proof: &Proof, most: usize) -> String {
    if proof.proven {
        let proven = format!(
            "{name} on {}: proven for every timing; {} instructions, {} waits, {} accesses: no race, no deadlock, every byte written before it is read, all inside the memories, every post taken, every output byte written once",
            machine.name,
            thousands(proof.instructions),
            thousands(proof.waits),
            thousands(proof.accesses),
        );
        return format!("{proven}\n{}", provenance(proof.provenance.as_ref()));
    }
    let mut lines = vec![format!("{name} on {}: not proven", machine.name)];
    lines.extend(proof.findings.iter().map(|finding| format!("  {finding}")));
    if proof.findings.len() >= most {
        lines.push(format!("  ... stopped after {most}"));
    }
    lines.join("\n")
}

/// What was compared with the values that the compiler declares.
fn provenance(compared: Option<&Provenance>) -> String {
    let Some(Provenance { values, reads, bytes }) = compared else {
        return "provenance not compared: who means to read what is known of a network, not of a program"
            .to_owned();
    };
    if *reads == 0 {
        return "provenance not compared: the program reads nothing".to_owned();
    }
    format!(
        "provenance: {} reads of {} bytes found what the declared writers of {} values left ({} bytes in DRAM, {} in NRAM, {} in WRAM, {} in ARAM, {} in PRAM)",
        thousands(*reads),
        thousands(bytes.total()),
        thousands(*values),
        thousands(bytes.dram),
        thousands(bytes.nram),
        thousands(bytes.wram),
        thousands(bytes.aram),
        thousands(bytes.pram),
    )
}
