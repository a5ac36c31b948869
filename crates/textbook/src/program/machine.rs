//! The machines that abstract programs run on.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::fraction::{greatest_common_divisor, least_common_multiple};
use super::presets;

/// The most ticks in a nanosecond, so that a program's time fits 128 bits.
const TICKS_LIMIT: u128 = 1 << 44;

/// A memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Memory {
    /// The memory behind everything, without a limit.
    Dram,
    /// The memory of neurons, one for each core.
    Nram,
    /// The memory of weights, one for each core.
    Wram,
    /// The memory that the cores of a cluster share.
    SharedRam,
}

impl Memory {
    /// All memories.
    pub const ALL: [Memory; 4] = [Memory::Dram, Memory::Nram, Memory::Wram, Memory::SharedRam];

    /// The name in a program.
    pub fn name(self) -> &'static str {
        match self {
            Memory::Dram => "DRAM",
            Memory::Nram => "NRAM",
            Memory::Wram => "WRAM",
            Memory::SharedRam => "SharedRAM",
        }
    }

    /// Whether each core has its own.
    pub fn is_private(self) -> bool {
        matches!(self, Memory::Nram | Memory::Wram)
    }
}

/// A kind of scalar operation: what it does, and the bits of its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationType(usize);

impl OperationType {
    const NAMES: [&'static str; 10] =
        ["MAC16", "MAC32", "ADD16", "ADD32", "SUB16", "SUB32", "MUL16", "MUL32", "DIV16", "DIV32"];

    /// All operation types.
    pub fn all() -> impl Iterator<Item = OperationType> + Clone {
        (0..OperationType::NAMES.len()).map(OperationType)
    }

    /// The name in a program; in a machine's file the same in lower case.
    pub fn name(self) -> &'static str {
        OperationType::NAMES[self.0]
    }
}

/// A machine of memories, links and units without latency.
///
/// A gigabyte a second is 10^9 bytes a second; sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbstractMachine {
    /// Short name.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Where the numbers come from.
    pub source: String,
    /// Cores, 1 to 16.
    pub cores: u32,
    /// Clock in hertz.
    pub clock_hz: u64,
    /// Capacities.
    pub memory: MemorySizes,
    /// Bandwidths.
    pub bandwidth: Bandwidth,
    /// Operations that a core's compute unit does in a cycle, by type in lower case (`mac32`).
    ///
    /// It cannot do a type that is absent.
    pub operations_per_cycle: std::collections::BTreeMap<String, u64>,
}

/// Capacities in bytes.
///
/// A memory of 0 bytes does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemorySizes {
    /// Each core's NRAM.
    pub nram_bytes: u64,
    /// Each core's WRAM.
    pub wram_bytes: u64,
    /// The cluster's SharedRAM.
    #[serde(default)]
    pub shared_ram_bytes: u64,
}

/// Bandwidths in bytes a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bandwidth {
    /// The bandwidth of DRAM, for loads and stores of all cores together.
    pub dram: u64,
    /// The bandwidth of SharedRAM, for each core.
    #[serde(default)]
    pub shared_ram: u64,
}

/// Why a machine is refused.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The file could not be read.
    #[error("{file}: cannot read the machine: {source}")]
    Read {
        /// The path as given.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The text is not TOML, or has an unknown, missing or ill-typed field.
    #[error("{file}: {message}")]
    Syntax {
        /// The path or preset's name.
        file: String,
        /// Position and reason, from the TOML reader.
        message: String,
    },
    /// A field's value is out of range.
    #[error("{file}: {field} must be {allowed}, found {found}")]
    Invalid {
        /// The path or preset's name.
        file: String,
        /// The field.
        field: String,
        /// Its value.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// Neither a preset nor a file.
    #[error("there is no abstract machine `{name}`: it is neither a file nor a preset; {}", ediacara_hint::there_are(.name, .known.split(", ")))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The presets.
        known: String,
    },
}

impl AbstractMachine {
    /// The machine called `name_or_path`: a preset's name, else a TOML file.
    ///
    /// # Errors
    /// There is no such machine, it cannot be read, or it is wrong.
    pub fn load(name_or_path: &str) -> Result<AbstractMachine, MachineError> {
        if let Some(text) = presets::machine_text(name_or_path) {
            return AbstractMachine::from_toml(text, name_or_path);
        }
        let path = Path::new(name_or_path);
        if !path.exists() {
            let known: Vec<&str> = presets::machine_names().collect();
            return Err(MachineError::Unknown { name: name_or_path.to_owned(), known: known.join(", ") });
        }
        let text = ediacara_files::read_text(path)
            .map_err(|source| MachineError::Read { file: name_or_path.to_owned(), source })?;
        AbstractMachine::from_toml(&text, name_or_path)
    }

    /// The names of the machines that come with the tools.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        presets::machine_names()
    }

    /// Parses and checks a machine; `file` is only for messages.
    ///
    /// # Errors
    /// [`MachineError::Syntax`] or [`MachineError::Invalid`].
    pub fn from_toml(text: &str, file: &str) -> Result<AbstractMachine, MachineError> {
        let machine: AbstractMachine = toml::from_str(text)
            .map_err(|error| MachineError::Syntax { file: file.to_owned(), message: error.to_string() })?;
        machine.check(file)?;
        Ok(machine)
    }

    fn check(&self, file: &str) -> Result<(), MachineError> {
        let invalid = |field: &str, found: String, allowed: &str| MachineError::Invalid {
            file: file.to_owned(),
            field: field.to_owned(),
            found,
            allowed: allowed.to_owned(),
        };
        let range = |field: &str, value: u64, low: u64, high: u64| {
            let allowed = format!("{low} to {high}");
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(invalid(field, value.to_string(), &allowed))
            }
        };
        range("cores", self.cores.into(), 1, 16)?;
        range("clock_hz", self.clock_hz, 1, 1_000_000_000_000)?;
        range("memory.nram_bytes", self.memory.nram_bytes, 0, 1 << 44)?;
        range("memory.wram_bytes", self.memory.wram_bytes, 0, 1 << 44)?;
        range("memory.shared_ram_bytes", self.memory.shared_ram_bytes, 0, 1 << 44)?;
        range("bandwidth.dram", self.bandwidth.dram, 1, 1_000_000_000_000_000)?;
        let least = u64::from(self.memory.shared_ram_bytes > 0);
        range("bandwidth.shared_ram", self.bandwidth.shared_ram, least, 1_000_000_000_000_000)?;
        for (name, &rate) in &self.operations_per_cycle {
            if OperationType::all().all(|operation| !operation.name().eq_ignore_ascii_case(name)) {
                let names: Vec<String> = OperationType::all().map(|one| one.name().to_lowercase()).collect();
                return Err(invalid("operations_per_cycle", format!("{name:?}"), &names.join(", ")));
            }
            range(&format!("operations_per_cycle.{name}"), rate, 1, 1 << 24)?;
        }
        if self.ticks_per_nanosecond().is_none() {
            let found = format!(
                "clock_hz {}, bandwidth.dram {}, bandwidth.shared_ram {}",
                self.clock_hz, self.bandwidth.dram, self.bandwidth.shared_ram
            );
            let allowed = "such that times have a common unit: use rounder numbers";
            return Err(invalid("the rates", found, allowed));
        }
        Ok(())
    }

    /// Bytes that a memory holds; nothing for DRAM, which has no limit.
    pub fn capacity_bytes(&self, memory: Memory) -> Option<u64> {
        match memory {
            Memory::Dram => None,
            Memory::Nram => Some(self.memory.nram_bytes),
            Memory::Wram => Some(self.memory.wram_bytes),
            Memory::SharedRam => Some(self.memory.shared_ram_bytes),
        }
    }

    /// Operations of a type that a core does in a cycle.
    pub fn rate(&self, operation: OperationType) -> Option<u64> {
        self.operations_per_cycle.get(&operation.name().to_lowercase()).copied()
    }

    /// The ticks in a nanosecond: every duration on this machine is a whole number of ticks.
    ///
    /// It is a multiple of the number of cores, so that work can be shared out exactly.
    pub(super) fn ticks_per_nanosecond(&self) -> Option<u128> {
        let operations =
            self.operations_per_cycle.values().map(|&rate| u128::from(rate) * u128::from(self.clock_hz));
        let links = [self.bandwidth.dram, self.bandwidth.shared_ram].map(u128::from);
        let per_second = operations.chain(links).filter(|&rate| rate > 0);
        let ticks = per_second
            .map(|rate| rate / greatest_common_divisor(rate, GIGA))
            .try_fold(1, least_common_multiple)?;
        let ticks = ticks.checked_mul(self.cores.into())?;
        (ticks <= TICKS_LIMIT).then_some(ticks)
    }

    /// Ticks that one unit of work takes at a rate of units a second.
    pub(super) fn ticks_of(&self, per_second: u128) -> u128 {
        self.ticks_per_nanosecond().unwrap_or(1) * GIGA / per_second.max(1)
    }
}

/// Nanoseconds in a second.
const GIGA: u128 = 1_000_000_000;
