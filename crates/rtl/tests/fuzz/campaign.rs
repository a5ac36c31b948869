//! Many random programs on one shape.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use ediacara_arch::Machine;
use ediacara_fuzzgen::{Coverage, Program, Random, Recipe, Verdict as Fitness, judge, pace, program};
use ediacara_rtl::{Core, Initial, LockstepOptions, Verdict, lockstep};

use crate::replay;
use crate::settings::Settings;
use crate::support::options;

/// Divergences after which a shape is given up: the first ones say enough.
const FAILURES: usize = 3;

/// What became of the programs of a shape.
pub(crate) struct Report {
    shape: String,
    pub(crate) accepted: u64,
    rejected: BTreeMap<Fitness, u64>,
    pub(crate) cycles: u64,
    events: u64,
    build_time: Duration,
    time: Duration,
    hardware_time: Duration,
    pub(crate) coverage: Coverage,
    pub(crate) failures: Vec<String>,
}

/// The machine and the program of a seed.
pub(crate) fn draw(shape: &Machine, seed: u64) -> (Machine, Program) {
    let mut random = Random::new(seed);
    let machine = pace(&mut random, shape);
    let program = program(&mut random, &machine, &Recipe::default());
    (machine, program)
}

/// Everything that a program finds in the memories.
pub(crate) fn initial(program: &Program) -> Initial {
    let dram = program.around_code().map(|(address, bytes)| (address, bytes.to_vec()));
    let on_chip = program.on_chip().map(|(memory, bytes)| (memory, 0, bytes.to_vec()));
    Initial { dram: dram.into(), on_chip: on_chip.into(), ..Initial::default() }
}

/// Runs programs until the shape's share of the cycles is reached.
pub(crate) fn run(shape: &Machine, settings: &Settings) -> Report {
    let start = Instant::now();
    let mut core = Core::build(shape, &options()).unwrap();
    let mut report = Report {
        shape: shape.name.clone(),
        accepted: 0,
        rejected: BTreeMap::new(),
        cycles: 0,
        events: 0,
        build_time: start.elapsed(),
        time: Duration::ZERO,
        hardware_time: Duration::ZERO,
        coverage: Coverage::new(),
        failures: Vec::new(),
    };
    let (start, wanted) = (Instant::now(), settings.cycles_of(&shape.name));
    for seed in (settings.seed..).take(usize::try_from(settings.programs).unwrap_or(usize::MAX)) {
        report.compare(&mut core, shape, seed);
        let is_done = settings.programs == u64::MAX && report.cycles >= wanted;
        if is_done || report.failures.len() >= FAILURES {
            break;
        }
    }
    report.time = start.elapsed();
    report
}

impl Report {
    fn compare(&mut self, core: &mut Core, shape: &Machine, seed: u64) {
        let (machine, program) = draw(shape, seed);
        let (fitness, outcome, _) = judge(&machine, &program).unwrap();
        if fitness != Fitness::Accepted {
            *self.rejected.entry(fitness).or_default() += 1;
            return;
        }
        self.accepted += 1;
        // Registers that reset leaves alone hold noise in every other program, and zero in the rest.
        let register_seed = if seed.is_multiple_of(2) { 0 } else { seed };
        let options = LockstepOptions { max_cycles: None, wave: None, seed: register_seed };
        let (executable, initial) = (program.executable(), initial(&program));
        match lockstep(core, &machine, &executable, &initial, &options, &mut |_| ()) {
            Ok(Verdict::Equal(agreement)) => {
                assert_eq!(agreement.outcome.cycles, outcome.cycles, "checked mode takes other cycles");
                self.cycles += agreement.outcome.cycles;
                self.events += agreement.events;
                self.hardware_time += agreement.hardware_time;
                self.coverage.add(&machine, &program, &outcome);
            }
            Ok(Verdict::Diverged(divergence)) => {
                let told = replay::tell(core, &machine, &program, seed);
                self.failures.push(format!("seed {seed} on {}:\n{divergence}\n{told}", shape.name));
            }
            Err(error) => {
                let told = replay::tell(core, &machine, &program, seed);
                self.failures.push(format!("seed {seed} on {}: {error}\n{told}", shape.name));
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs_f64().max(1e-9);
        write!(
            f,
            "{}: {} programs, {} cycles, {} events in {seconds:.0} s ({:.0} cycles/s; the hardware's part {:.0} s; build {:.0} s)",
            self.shape,
            self.accepted,
            self.cycles,
            self.events,
            self.cycles as f64 / seconds,
            self.hardware_time.as_secs_f64(),
            self.build_time.as_secs_f64(),
        )?;
        for (fitness, count) in &self.rejected {
            write!(f, ", {count} {fitness:?}")?;
        }
        Ok(())
    }
}
