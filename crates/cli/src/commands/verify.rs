//! `ediacara verify`: simulator and hardware side by side.

use std::path::PathBuf;
use std::process::ExitCode;

use ediacara::arch::Machine;
use ediacara::inputs::{self, Source};
use ediacara::profile::thousands;
use ediacara::rtl::{Agreement, BuildOptions, Core, Divergence, LockstepOptions, Verdict, lockstep};
use ediacara::verify::{self, Ready};
use serde_json::{Value, json};

use super::{Outcome, setup};
use crate::arguments::VerifyArguments;
use crate::operators;
use crate::output::say;
use crate::progress::Progress;

pub(crate) fn execute(arguments: &VerifyArguments) -> Outcome {
    let progress = Progress::new();
    let To { machine, programs, bindings } = prepare(arguments, &progress)?;
    let name = &arguments.model.model;
    progress.stage("looking for races");
    for ready in &programs {
        if let Some(race) = verify::race(&machine, ready, arguments.max_cycles)? {
            return Err(format!(
                "{name}: simulator and hardware agree only on programs without races: {race}"
            )
            .into());
        }
    }
    let mut building = || progress.stage("building the hardware (once for a machine)");
    let mut core = Core::build_observed(&machine, &build_options(arguments)?, &mut building)?;
    let mut verdicts = Vec::new();
    for (number, ready) in programs.iter().enumerate() {
        let part = match programs.len() {
            1 => String::new(),
            count => format!(" program {} of {count}", number + 1),
        };
        progress.stage(&format!("comparing{part}"));
        let options = LockstepOptions {
            max_cycles: arguments.max_cycles,
            wave: arguments.wave.clone().filter(|_| number == 0),
            ..LockstepOptions::default()
        };
        let mut at = |cycle| progress.stage(&format!("comparing{part}: cycle {}", thousands(cycle)));
        let verdict = lockstep(&mut core, &machine, &ready.executable, &ready.initial, &options, &mut at)?;
        let diverged = !matches!(verdict, Verdict::Equal(_));
        verdicts.push((ready.segment, verdict));
        if diverged {
            break;
        }
    }
    drop(progress);
    say_verdicts(arguments, &machine, &bindings, &verdicts)?;
    let equal = verdicts.iter().all(|(_, verdict)| matches!(verdict, Verdict::Equal(_)));
    Ok(if equal && !verdicts.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says what the comparison of each program found.
fn say_verdicts(
    arguments: &VerifyArguments,
    machine: &Machine,
    bindings: &[(String, u64)],
    verdicts: &[(usize, Verdict)],
) -> Result<(), Box<dyn std::error::Error>> {
    let name = &arguments.model.model;
    let to_json = |name: &str, machine: &Machine, mut value: Value| {
        value["bindings"] = setup::bindings_json(bindings);
        to_json(name, machine, value)
    };
    let value = |verdict: &Verdict| match verdict {
        Verdict::Equal(agreement) => equal(agreement),
        Verdict::Diverged(divergence) => diverged(divergence),
    };
    match verdicts {
        [] => say!("{name}: it has no program of the DLP, so that nothing was compared"),
        [(_, verdict)] if arguments.json => say!("{}", to_json(name, machine, value(verdict))?),
        several if arguments.json => {
            let mut segments = Vec::new();
            for (segment, verdict) in several {
                let mut value = value(verdict);
                value["segment"] = json!(segment);
                segments.push(value);
            }
            let equal = several.iter().all(|(_, verdict)| matches!(verdict, Verdict::Equal(_)));
            say!("{}", to_json(name, machine, json!({ "equal": equal, "segments": segments }))?);
        }
        verdicts => {
            for (segment, verdict) in verdicts {
                let name = match verdicts.len() {
                    1 => name.clone(),
                    _ => format!("{name}, segment {segment},"),
                } + &setup::with_bindings(bindings);
                match verdict {
                    Verdict::Equal(agreement) => say!("{}", line(&name, machine, agreement)),
                    Verdict::Diverged(divergence) => {
                        crate::output::write(format_args!("{name} on {}: {divergence}", machine.name));
                    }
                }
            }
        }
    }
    Ok(())
}

/// What is compared.
struct To {
    machine: Machine,
    /// The programs with their inputs.
    programs: Vec<Ready>,
    /// The numbers of the bindings, those that were drawn too.
    bindings: Vec<(String, u64)>,
}

/// The machine, and the programs with their inputs.
fn prepare(arguments: &VerifyArguments, progress: &Progress) -> Result<To, Box<dyn std::error::Error>> {
    progress.stage("load");
    let given = setup::sources(&arguments.input);
    if let Some(plan) = verify::load_plan(&arguments.model.model)? {
        let own = plan.machine.name.clone();
        let name = arguments.machine.as_deref().unwrap_or(if own.is_empty() { "dlp16" } else { &own });
        let machine = Machine::load(name)?;
        let bindings = verify::drawn(&plan, &arguments.bindings.bindings, arguments.seed);
        let registry = operators::registry()?;
        let programs = verify::programs(&plan, &machine, &registry, &given, &bindings, arguments.seed)?;
        return Ok(To { machine, programs, bindings });
    }
    setup::refuse_bindings(&arguments.model.model, &arguments.bindings.bindings)?;
    let machine = Machine::load(arguments.machine.as_deref().unwrap_or("dlp16"))?;
    let model =
        setup::sampled(&arguments.model, &arguments.preprocess, &arguments.input, &arguments.calibration)?;
    let takes_photo = model.labels.is_some() && model.preprocess.is_some();
    let sources = if given.is_empty() && takes_photo { vec![Source::BundledPhoto] } else { given };
    let tensors = inputs::load(&model.graph, &sources, model.preprocess.as_ref(), arguments.seed)?;
    let mut stage = |name: &str| progress.stage(name);
    let calibration = setup::calibration_beside(&arguments.calibration, &model, &tensors)?;
    let asked = (&arguments.precision, &arguments.calibration);
    let (prepared, _) = setup::prepared(&model, &machine, asked, (&calibration, &[]), &mut stage)?;
    progress.stage("compile");
    let programs = verify::network(&prepared, &machine, &tensors, arguments.host_only.choice())?;
    Ok(To { machine, programs, bindings: Vec::new() })
}

fn build_options(arguments: &VerifyArguments) -> Result<BuildOptions, String> {
    let command = std::env::var_os("EDIACARA_VERILATOR").or_else(|| std::env::var_os("VERILATOR"));
    Ok(BuildOptions {
        verilator: command.map(PathBuf::from),
        cache: cache()?,
        sources: arguments.rtl.clone(),
        wave: arguments.wave.is_some(),
    })
}

/// The folder in which built hardware is kept: `EDIACARA_CACHE`, or the system's place for such things.
fn cache() -> Result<PathBuf, String> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let usual = || {
        let home = variable("HOME");
        let base = if cfg!(target_os = "macos") {
            home.map(|home| home.join("Library/Caches"))
        } else {
            variable("XDG_CACHE_HOME").or_else(|| home.map(|home| home.join(".cache")))
        };
        base.map(|base| base.join("ediacara"))
    };
    variable("EDIACARA_CACHE")
        .or_else(usual)
        .ok_or_else(|| "no folder for built hardware: HOME is not set; name one in EDIACARA_CACHE".to_owned())
}

fn line(name: &str, machine: &Machine, agreement: &Agreement) -> String {
    let outcome = &agreement.outcome;
    let [simulator, hardware] =
        [agreement.simulator_time, agreement.hardware_time].map(|time| time.as_secs_f64().max(1e-9));
    let rate = |seconds: f64| thousands((outcome.cycles as f64 / seconds) as u64);
    let fault = outcome.fault.as_ref().map(|fault| format!(", both with a {} fault", fault.kind.name()));
    format!(
        "{name} on {}: equal; {} cycles, {} instructions, {} events, {} bytes{}; simulator {simulator:.2} s ({} cycles/s), hardware {hardware:.2} s ({} cycles/s)",
        machine.name,
        thousands(outcome.cycles),
        thousands(outcome.instructions),
        thousands(agreement.events),
        thousands(agreement.bytes),
        fault.unwrap_or_default(),
        rate(simulator),
        rate(hardware),
    )
}

fn to_json(name: &str, machine: &Machine, mut result: Value) -> Result<String, serde_json::Error> {
    result["program"] = json!(name);
    result["machine"] = json!(machine.name);
    serde_json::to_string_pretty(&result)
}

fn equal(agreement: &Agreement) -> Value {
    let outcome = &agreement.outcome;
    json!({
        "equal": true,
        "timing_basis": "rtl-verified",
        "cycles": outcome.cycles,
        "instructions": outcome.instructions,
        "fault": outcome.fault.as_ref().map(ToString::to_string),
        "events": agreement.events,
        "bytes": agreement.bytes,
        "simulator_seconds": agreement.simulator_time.as_secs_f64(),
        "hardware_seconds": agreement.hardware_time.as_secs_f64(),
    })
}

fn diverged(divergence: &Divergence) -> Value {
    let subject = divergence.subject.as_ref().map(|subject| {
        json!({
            "instruction": subject.instruction,
            "text": subject.text,
            "line": subject.line,
            "label": subject.label.as_ref().map(|(name, _)| name),
            "layer": subject.layer.as_ref().map(|(_, name)| name),
        })
    });
    json!({
        "equal": false,
        "report": divergence.to_string(),
        "subject": subject,
        "rules": divergence.rules,
    })
}
