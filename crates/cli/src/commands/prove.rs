//! `ediacara prove`: what holds for every timing of a program.

use std::process::ExitCode;

use ediacara::arch::Machine;
use ediacara::compile::{refuse_empty, share_of};
use ediacara::isa::{Binding, Executable, Plan, Registers};
use ediacara::profile::thousands;
use ediacara::prove::{Options, Proof, Provenance, Settings, prove, prove_values, settings};
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
            let asked = (&arguments.precision, &arguments.calibration);
            let (prepared, _) = setup::prepared(&model, &machine, asked, (&calibration, &[]), &mut stage)?;
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
    let mut bound = Bound::default();
    for (number, (segment, executable)) in plan.programs().enumerate() {
        let program = Program {
            plan: &plan,
            executable,
            machine: &machine,
            values: values.as_ref().and_then(|values| values.get(number)).map(Vec::as_slice),
        };
        let proof = bound.prove(&program, &arguments.bindings.bindings, options)?;
        proofs.push((segment, proof));
    }
    drop(progress);
    let all = proofs.iter().all(|(_, proof)| proof.proven);
    if arguments.json {
        let mut summary = json!({ "program": name, "machine": machine.name, "on_dlp": rest.map(share_of) });
        summary["bindings"] = bound.json(&plan);
        say!("{}", serde_json::to_string_pretty(&to_json(summary, &proofs, all)?)?);
    } else {
        if let Some(rest) = rest {
            say!("on the DLP: {}", share_of(rest));
        }
        for (segment, proof) in &proofs {
            let name = if proofs.len() > 1 { format!("{name}, segment {segment},") } else { name.clone() };
            say!("{}", text(&name, &machine, proof, options.findings));
        }
        bound.say(&plan);
        if proofs.is_empty() {
            say!("{name}: it has no program of the DLP, so that nothing was proven");
        }
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A program of a plan, and which values it has in its memories, if that is known.
struct Program<'a> {
    plan: &'a Plan,
    executable: &'a Executable,
    machine: &'a Machine,
    values: Option<&'a [ediacara::isa::Value]>,
}

/// At which numbers of its bindings a plan was proven.
#[derive(Default)]
struct Bound {
    /// Combinations of numbers.
    count: usize,
    /// Whether some combination was left out.
    some: bool,
    /// The combination at which the proof failed.
    failed: Option<Registers>,
}

impl Bound {
    /// Proves a program at every combination of numbers that has to be looked at, up to the first that fails; at the
    /// numbers that are given, if there are any.
    fn prove(
        &mut self,
        program: &Program,
        given: &[(String, u64)],
        options: Options,
    ) -> Result<Proof, Box<dyn std::error::Error>> {
        let &Program { plan, executable, machine, values } = program;
        let settings = if given.is_empty() {
            settings(executable, machine, &plan.bindings, options.instructions)?
        } else {
            Settings { registers: vec![plan.registers(given)?], all: false }
        };
        self.some |= !settings.all;
        self.count = self.count.max(settings.registers.len());
        let mut last = None;
        for registers in settings.registers {
            let options = Options { registers, ..options };
            let proof = match values {
                Some(values) => prove_values(executable, machine, values, &options),
                None => prove(executable, machine, &options),
            };
            let proven = proof.proven;
            last = Some(proof);
            if !proven {
                self.failed = Some(registers);
                break;
            }
        }
        last.ok_or_else(|| "the program's bindings have no number".into())
    }

    /// The numbers that registers give the bindings.
    fn numbers(plan: &Plan, registers: &Registers) -> Vec<(String, u64)> {
        let number = |binding: &Binding| registers[usize::from(binding.register)];
        plan.bindings.iter().map(|binding| (binding.name.clone(), number(binding))).collect()
    }

    /// What was proven of which numbers, as an object; null without bindings.
    fn json(&self, plan: &Plan) -> Value {
        if plan.bindings.is_empty() {
            return Value::Null;
        }
        let range =
            |binding: &Binding| json!({ "name": binding.name, "low": binding.low, "high": binding.high });
        json!({
            "ranges": plan.bindings.iter().map(range).collect::<Vec<_>>(),
            "combinations": self.count,
            "all": !self.some,
            "failed": self.failed.map(|registers| setup::bindings_json(&Bound::numbers(plan, &registers))),
        })
    }

    /// Says it in words.
    fn say(&self, plan: &Plan) {
        if plan.bindings.is_empty() {
            return;
        }
        if let Some(registers) = &self.failed {
            return say!("bindings: it fails{}", setup::with_bindings(&Bound::numbers(plan, registers)));
        }
        let ranges: Vec<String> = plan
            .bindings
            .iter()
            .map(|binding| format!("{} {} to {}", binding.name, binding.low, binding.high))
            .collect();
        let which = match (self.some, self.count) {
            (false, count) => format!("at all {count} combinations of their numbers"),
            (true, 1) => "at the numbers given alone".to_owned(),
            (true, count) => format!(
                "at {count} combinations: the ends of the ranges, and wherever a trip count or a branch changes"
            ),
        };
        say!("bindings ({}): proven {which}", ranges.join(", "));
    }
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
