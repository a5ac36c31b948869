//! The ranges of every field, and the relations between fields.
//!
//! The widths of the instruction set bound the memories: 24-bit offsets on chip, 40 bits of DRAM, 16-bit
//! records of PRAM. Sizes that the hardware indexes with plain counters or shifts are powers of two.

use std::fmt::Display;

use crate::{ElementType, Machine, MatrixKind, Problem, RECORD_BYTES};

/// Collects problems under field names.
#[derive(Default)]
struct Checker {
    problems: Vec<Problem>,
}

impl Checker {
    fn reject(&mut self, field: &'static str, found: impl Display, allowed: impl Into<String>) {
        self.problems.push(Problem { field, found: found.to_string(), allowed: allowed.into() });
    }

    fn range(&mut self, field: &'static str, value: u64, low: u64, high: u64) {
        if !(low..=high).contains(&value) {
            self.reject(field, value, format!("{low} to {high}"));
        }
    }

    fn power_of_two(&mut self, field: &'static str, value: u64, low: u64, high: u64) {
        if !(low..=high).contains(&value) || !value.is_power_of_two() {
            self.reject(field, value, format!("a power of two from {low} to {high}"));
        }
    }

    /// Checks that a size is a whole number of `unit`s; `why` names the unit.
    fn multiple(&mut self, field: &'static str, value: u64, unit: u64, high: u64, why: &str) {
        if unit > 0 && (value < unit || value > high || !value.is_multiple_of(unit)) {
            self.reject(field, value, format!("a multiple of {unit} ({why}) from {unit} to {high}"));
        }
    }
}

impl Machine {
    /// Everything that is wrong with the machine, in the order of the description.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut checker = Checker::default();
        self.check_name_and_chip(&mut checker);
        self.check_dram(&mut checker);
        self.check_engines(&mut checker);
        self.check_core(&mut checker);
        checker.problems
    }

    fn check_name_and_chip(&self, checker: &mut Checker) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(plain) {
            let allowed = "1 to 64 lower-case letters, digits, `_` or `-`";
            checker.reject("name", format!("{:?}", self.name), allowed);
        }
        let one = "1: the present tools support one cluster of one core";
        if self.chip.clusters != 1 {
            checker.reject("chip.clusters", self.chip.clusters, one);
        }
        if self.chip.cores_per_cluster != 1 {
            checker.reject("chip.cores_per_cluster", self.chip.cores_per_cluster, one);
        }
        checker.range("chip.clock_hz", self.chip.clock_hz, 1_000, 10_000_000_000);
    }

    fn check_dram(&self, checker: &mut Checker) {
        let dram = &self.dram;
        let burst = u64::from(dram.burst_bytes);
        // Instructions are 32 bytes and must not straddle bursts.
        checker.power_of_two("dram.burst_bytes", burst, 32, 4096);
        // With a bad burst size, this check would only repeat the complaint about it.
        if burst.is_power_of_two() {
            checker.multiple("dram.bytes", dram.bytes, burst, 1 << 40, "bursts");
        }
        let rate = dram.bytes_per_cycle;
        checker.range("dram.bytes_per_cycle.numerator", rate.numerator.into(), 1, 65_535);
        checker.range("dram.bytes_per_cycle.denominator", rate.denominator.into(), 1, 65_535);
        // Data returns at the earliest in the cycle after the grant (T-DRAM-LATENCY).
        checker.range("dram.latency_cycles", dram.latency_cycles.into(), 1, 65_535);
        checker.range("dram.bursts_in_flight", dram.bursts_in_flight.into(), 1, 4_096);
    }

    fn check_engines(&self, checker: &mut Checker) {
        if !matches!(self.matrix.kind, MatrixKind::Dot | MatrixKind::SystolicWs) {
            let allowed = "\"dot\" or \"systolic-ws\": the present tools support no other matrix unit";
            checker.reject("matrix.kind", format!("{:?}", self.matrix.kind.name()), allowed);
        }
        checker.power_of_two("matrix.rows", self.matrix.rows.into(), 1, 256);
        checker.power_of_two("matrix.columns", self.matrix.columns.into(), 1, 256);
        self.check_types(checker);
        // Read, compute, write: no shorter pipeline can be built.
        checker.range("matrix.latency_cycles", self.matrix.latency_cycles.into(), 3, 255);
        checker.power_of_two("vector.lanes", self.vector.lanes.into(), 1, 1_024);
        checker.range("vector.latency_cycles", self.vector.latency_cycles.into(), 3, 255);
        self.check_float(checker);
        checker.power_of_two("load.move_bytes_per_cycle", self.load.move_bytes_per_cycle.into(), 1, 1_024);
        checker.range("host.call_cycles", self.host.call_cycles.into(), 0, 1_000_000_000);
        checker.range("host.bytes_per_cycle", self.host.bytes_per_cycle.into(), 1, 65_536);
        checker.range("host.operations_per_cycle", self.host.operations_per_cycle.into(), 1, 65_536);
    }

    /// The matrix unit's types, and what floating point asks of it.
    fn check_types(&self, checker: &mut Checker) {
        let matrix = &self.matrix;
        let found = || format!("{:?}", matrix.types.iter().map(|t| t.name()).collect::<Vec<_>>());
        let is_again = |(index, ty): (usize, &ElementType)| matrix.types[..index].contains(ty);
        // The engine always has `dot`, and networks are compiled to it.
        if !matrix.types.contains(&ElementType::Int8) || matrix.types.iter().enumerate().any(is_again) {
            let allowed = r#""int8" and any of "f16", "bf16", "f32", each once"#;
            return checker.reject("matrix.types", found(), allowed);
        }
        if !matrix.has_float() {
            return;
        }
        if matrix.kind != MatrixKind::Dot {
            let allowed = r#"["int8"]: only matrix.kind "dot" has floating point"#;
            checker.reject("matrix.types", found(), allowed);
        }
        let widest = matrix.types.iter().map(|ty| ty.bytes()).max().unwrap_or(1);
        if matrix.rows < widest {
            let allowed = format!("at least {widest} with such matrix.types: the bytes of an element");
            return checker.reject("matrix.rows", matrix.rows, allowed);
        }
        // Read; convert and multiply; each level of the tree; add to the running sum and write: a stage each.
        let least = 2 + matrix.float_lanes().max(1).ilog2();
        if matrix.latency_cycles < least {
            let allowed = format!("at least {least} with such matrix.types and rows");
            checker.reject("matrix.latency_cycles", matrix.latency_cycles, allowed);
        }
    }

    fn check_float(&self, checker: &mut Checker) {
        let vector = &self.vector;
        if vector.float_lanes == 0 {
            return;
        }
        // A beat must hold one f32 at least, and every float lane has a lane's accumulator and record.
        let most = 16.min(vector.lanes.max(1));
        checker.power_of_two("vector.float_lanes", vector.float_lanes.into(), 1, most.into());
        if vector.lanes < 4 {
            checker.reject(
                "vector.lanes",
                vector.lanes,
                "at least 4 with vector.float_lanes: an f32 has 4 bytes",
            );
        }
        // Read, convert, scale, compute, accumulate, function, scale, convert: a stage each.
        if vector.latency_cycles < 8 {
            let allowed = "at least 8 with vector.float_lanes";
            checker.reject("vector.latency_cycles", vector.latency_cycles, allowed);
        }
    }

    fn check_core(&self, checker: &mut Checker) {
        let core = &self.core;
        let (rows, columns) = (u64::from(self.matrix.rows), u64::from(self.matrix.columns));
        // NRAM is built of banks as wide as the widest reader or writer.
        let widths = [rows, self.vector.lanes.into(), self.dram.burst_bytes.into()];
        let width = widths.into_iter().filter(|width| width.is_power_of_two()).max().unwrap_or(1);
        checker.multiple("core.nram_bytes", core.nram_bytes, width, 1 << 24, "the widest access");
        let row = rows * columns;
        checker.multiple("core.wram_bytes", core.wram_bytes, row, 1 << 24, "matrix.rows x matrix.columns");
        let accumulators = "4 x matrix.columns";
        checker.multiple("core.aram_bytes", core.aram_bytes, 4 * columns, 1 << 26, accumulators);
        checker.range("core.pram_bytes", core.pram_bytes, RECORD_BYTES, RECORD_BYTES << 16);
        checker.power_of_two("core.queue_entries", core.queue_entries.into(), 1, 256);
        // The FIFO must take a whole burst, or the prefetcher never asks for one (T-FETCH-FIFO).
        let burst_instructions = u64::from(self.dram.burst_bytes / 32).max(1);
        checker.power_of_two("core.fetch_entries", core.fetch_entries.into(), burst_instructions, 256);
    }
}
