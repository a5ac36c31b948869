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
    let (machine, plan, values) = match verify::load_plan(name)? {
        Some(plan) => {
            let own = plan.machine.name.clone();
            let machine = arguments.machine.as_deref().unwrap_or(if own.is_empty() { "dlp16" } else { &own });
            (Machine::load(machine)?, plan, None)
        }
        None => {
            let machine = Machine::load(arguments.machine.as_deref().unwrap_or("dlp16"))?;
            let model = setup::sampled(&arguments.model, &arguments.preprocess, &[], &arguments.calibration)?;
            let mut stage = |name: &str| progress.stage(name);
            let calibration = setup::calibration(&arguments.calibration)?;
            let prepared =
                ediacara::prepare_in(&model, arguments.precision.precision, &calibration, &mut stage)?;
            progress.stage("compile");
            let network =
                ediacara::compile(&prepared, &machine, &Default::default(), arguments.host_only.choice())?;
            let values: Vec<_> = network.compiled.dlp().map(|segment| segment.values.clone()).collect();
            (machine, network.plan, Some(values))
        }
    };
    let rest = plan.notes.rest.as_ref();
    refuse_empty(name, rest, arguments.host_only.choice())?;
    progress.stage("prove");
    let options = Options { instructions: arguments.max_instructions, ..Options::default() };
    let mut proofs = Vec::new();
    for (number, (segment, executable)) in plan.programs().enumerate() {
        let proof = match values.as_ref().and_then(|values| values.get(number)) {
            Some(values) => prove_values(executable, &machine, values, &options),
            None => prove(executable, &machine, &options),
        };
        proofs.push((segment, proof));
    }
    drop(progress);
    let all = proofs.iter().all(|(_, proof)| proof.proven);
    if arguments.json {
        let summary = json!({ "program": name, "machine": machine.name, "on_dlp": rest.map(share_of) });
        say!("{}", serde_json::to_string_pretty(&to_json(summary, &proofs, all)?)?);
    } else {
        if let Some(rest) = rest {
            say!("on the DLP: {}", share_of(rest));
        }
        for (segment, proof) in &proofs {
            let name = if proofs.len() > 1 { format!("{name}, segment {segment},") } else { name.clone() };
            say!("{}", text(&name, &machine, proof, options.findings));
        }
        if proofs.is_empty() {
            say!("{name}: it has no program of the DLP, so that nothing was proven");
        }
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The proof of one program as one object. The proofs of several are a list, with a word on all.
fn to_json(mut summary: Value, proofs: &[(usize, Proof)], all: bool) -> serde_json::Result<Value> {
    let mut objects = Vec::new();
    for (segment, proof) in proofs {
        let mut object = serde_json::to_value(proof)?;
        object["segment"] = json!(segment);
        objects.push(object);
    }
    match (objects.as_mut_slice(), summary.as_object_mut()) {
        ([Value::Object(only)], Some(summary)) => summary.extend(std::mem::take(only)),
        (_, Some(summary)) => {
            summary.insert("proven".to_owned(), json!(all));
            summary.insert("segments".to_owned(), Value::Array(objects));
        }
        _ => {}
    }
    Ok(summary)
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
