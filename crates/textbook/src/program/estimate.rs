//! The estimate of a program, as data, table, timeline and JSON.

use ediacara_plot::{Row, Span, Timeline};
use serde_json::{Map, Value, json};

use super::fraction::Fraction;
use super::machine::{AbstractMachine, OperationType};
use super::pieces::UnitIndex;

/// What a unit is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Moving towards the cores.
    Load,
    /// Moving away from them.
    Store,
    /// Computing.
    Compute,
}

impl Activity {
    const ALL: [Activity; 3] = [Activity::Load, Activity::Store, Activity::Compute];

    fn name(self) -> &'static str {
        match self {
            Activity::Load => "load",
            Activity::Store => "store",
            Activity::Compute => "compute",
        }
    }
}

/// A stretch of time in which a unit does one thing, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// When it starts.
    pub start: u128,
    /// When it ends.
    pub end: u128,
    /// What it does.
    pub activity: Activity,
}

/// One unit's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// `DRAM`, `SharedRAM of core 0`, `compute of core 0`; without a core on a machine with one core.
    pub name: String,
    /// How long it worked, in nanoseconds.
    pub busy: Fraction,
    /// Bytes that it loaded; 0 for a compute unit.
    pub loaded_bytes: u64,
    /// Bytes that it stored; 0 for a compute unit.
    pub stored_bytes: u64,
    /// When it worked, in order; stretches that touch are joined.
    pub intervals: Vec<Interval>,
}

/// The estimate of a program on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// The machine's name.
    pub machine: String,
    /// From the start to the end of the last instruction, in nanoseconds.
    pub time: Fraction,
    /// The time that no program with the same moves and operations can beat, in nanoseconds.
    ///
    /// It is the largest of DRAM's work, an equal share of the work of the ways to SharedRAM, and an equal
    /// share of the computing.
    pub lower_bound: Fraction,
    /// Which of them is the largest.
    pub bound_by: &'static str,
    /// Every unit that did something.
    pub units: Vec<Unit>,
    /// Operations of all cores by type.
    pub operations: Vec<(&'static str, u64)>,
    /// Ticks of the intervals in a nanosecond.
    pub ticks_per_nanosecond: u128,
}

/// The account while a program runs.
pub(super) struct Tally {
    units: Vec<(u128, u64, u64, Vec<Interval>)>,
    operations: Vec<(OperationType, u64)>,
}

impl Tally {
    pub(super) fn new(machine: &AbstractMachine) -> Tally {
        Tally {
            units: vec![(0, 0, 0, Vec::new()); 1 + 2 * machine.cores as usize],
            operations: OperationType::all().map(|operation| (operation, 0)).collect(),
        }
    }

    pub(super) fn busy(&mut self, unit: UnitIndex, interval: Interval) {
        let Some((busy, _, _, intervals)) = self.units.get_mut(unit as usize) else { return };
        *busy += interval.end - interval.start;
        match intervals.last_mut() {
            Some(last) if last.activity == interval.activity && last.end == interval.start => {
                last.end = interval.end;
            }
            _ => intervals.push(interval),
        }
    }

    pub(super) fn moved(&mut self, unit: UnitIndex, activity: Activity, bytes: u64) {
        let Some((_, loaded, stored, _)) = self.units.get_mut(unit as usize) else { return };
        if activity == Activity::Store { *stored += bytes } else { *loaded += bytes }
    }

    pub(super) fn computed(&mut self, operation: OperationType, count: u64) {
        if let Some((_, sum)) = self.operations.iter_mut().find(|(one, _)| *one == operation) {
            *sum += count;
        }
    }

    pub(super) fn finish(self, machine: &AbstractMachine, ticks: u128) -> Estimate {
        let per_nanosecond = machine.ticks_per_nanosecond().unwrap_or(1);
        let cores = machine.cores as usize;
        let name = |unit: usize| match unit {
            0 => "DRAM".to_owned(),
            unit if cores == 1 => ["SharedRAM", "compute"][(unit - 1) / cores].to_owned(),
            unit => {
                format!("{} of core {}", ["SharedRAM", "compute"][(unit - 1) / cores], (unit - 1) % cores)
            }
        };
        let work = |units: std::ops::Range<usize>| -> u128 {
            self.units.get(units).unwrap_or_default().iter().map(|unit| unit.0).sum()
        };
        let bounds = [
            ("DRAM", work(0..1)),
            ("SharedRAM", work(1..1 + cores) / cores as u128),
            ("compute", work(1 + cores..1 + 2 * cores) / cores as u128),
        ];
        // Of equal bounds the last counts: a program that is held by both is said to compute.
        let (bound_by, bound) = bounds.into_iter().max_by_key(|(_, ticks)| *ticks).unwrap_or(("nothing", 0));
        let units = self.units.into_iter().enumerate().filter(|(_, unit)| !unit.3.is_empty());
        Estimate {
            machine: machine.name.clone(),
            time: Fraction::new(ticks, per_nanosecond),
            lower_bound: Fraction::new(bound, per_nanosecond),
            bound_by,
            units: units
                .map(|(index, (busy, loaded_bytes, stored_bytes, intervals))| Unit {
                    name: name(index),
                    busy: Fraction::new(busy, per_nanosecond),
                    loaded_bytes,
                    stored_bytes,
                    intervals,
                })
                .collect(),
            operations: self
                .operations
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(operation, count)| (operation.name(), count))
                .collect(),
            ticks_per_nanosecond: per_nanosecond,
        }
    }
}

impl Estimate {
    /// The estimate for other tools.
    ///
    /// Times are in nanoseconds, once as a number and once exactly.
    pub fn to_json(&self) -> Value {
        let time = |time: Fraction| json!({ "ns": time.to_f64(), "exact": time.to_string() });
        json!({
            "machine": self.machine,
            "time": time(self.time),
            "lower_bound": time(self.lower_bound),
            "bound_by": self.bound_by,
            "time_over_bound": self.over_bound(),
            "units": self.units.iter().map(|unit| json!({
                "name": unit.name,
                "busy": time(unit.busy),
                "share": unit.busy.to_f64() / self.time.to_f64().max(f64::MIN_POSITIVE),
                "loaded_bytes": unit.loaded_bytes,
                "stored_bytes": unit.stored_bytes,
            })).collect::<Vec<_>>(),
            "operations": self.operations.iter().map(|(name, count)| ((*name).to_owned(), json!(count)))
                .collect::<Map<_, _>>(),
        })
    }

    /// How many times as long as the bound the program takes.
    pub fn over_bound(&self) -> f64 {
        self.time.to_f64() / self.lower_bound.to_f64().max(f64::MIN_POSITIVE)
    }

    /// When each unit works, as lines of `columns` characters.
    ///
    /// A character's shade is the share of its time that the unit is busy; a unit that only stores is
    /// hatched.
    pub fn timeline_text(&self, columns: usize) -> String {
        let name = self.units.iter().map(|unit| unit.name.chars().count()).max().unwrap_or(0);
        let total = (self.time.to_f64() * self.ticks_per_nanosecond as f64).max(1.0);
        let mut text = String::new();
        for unit in &self.units {
            let mut shares = vec![(0.0, 0.0); columns];
            for interval in &unit.intervals {
                let at = |ticks: u128| ticks as f64 / total * columns as f64;
                let (start, end) = (at(interval.start), at(interval.end));
                for (column, share) in
                    shares.iter_mut().enumerate().take(end.ceil() as usize).skip(start as usize)
                {
                    let part = (end.min(column as f64 + 1.0) - start.max(column as f64)).max(0.0);
                    share.0 += part;
                    share.1 += if interval.activity == Activity::Store { part } else { 0.0 };
                }
            }
            let line: String = shares.into_iter().map(|(busy, storing)| shade(busy, storing)).collect();
            text += &format!("{:<name$} |{line}|\n", unit.name);
        }
        let end = format!("{:.1} ns", self.time.to_f64());
        let gap = columns.saturating_sub(1);
        text + &format!("{:<name$} 0 {end:>gap$}", "")
    }

    /// The timeline as a picture.
    pub fn timeline(&self, title: &str) -> Timeline {
        let nanoseconds = |ticks: u128| ticks as f64 / self.ticks_per_nanosecond as f64;
        let span = |interval: &Interval| Span {
            start: nanoseconds(interval.start),
            end: nanoseconds(interval.end),
            kind: interval.activity as usize,
            name: String::new(),
        };
        Timeline {
            title: title.to_owned(),
            axis: "time in ns".to_owned(),
            kinds: Activity::ALL.map(|activity| activity.name().to_owned()).to_vec(),
            rows: self
                .units
                .iter()
                .map(|unit| Row { name: unit.name.clone(), spans: unit.intervals.iter().map(span).collect() })
                .collect(),
        }
    }
}

fn shade(busy: f64, storing: f64) -> char {
    match busy {
        busy if busy < 0.02 => ' ',
        busy if storing > busy / 2.0 => '/',
        busy if busy < 0.35 => '░',
        busy if busy < 0.7 => '▒',
        busy if busy < 0.98 => '▓',
        _ => '█',
    }
}
