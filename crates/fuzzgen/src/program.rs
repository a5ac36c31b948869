//! Programs, and the memories that they begin with.

use ediacara_arch::Machine;
use ediacara_isa::{Executable, Memory, Word};
use ediacara_sim::{SimError, Simulator};

use crate::vector_footprint::element;
use crate::{Random, chaos, ordered, reals};

/// The programs to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Percent of programs in which nobody cares for order or sense: for faults at any place.
    pub chaotic: u64,
    /// Percent of the others that end in a fault.
    pub faulty: u64,
    /// The most things that a program does: instructions, loops, idioms.
    pub items: u64,
    /// Cycles that a program may take, by a rough bound from above.
    pub cycles: u64,
}

impl Default for Recipe {
    /// The recipe of comparisons with hardware.
    fn default() -> Self {
        Self { chaotic: 12, faulty: 15, items: 40, cycles: 20_000 }
    }
}

impl Recipe {
    /// Only programs without races.
    pub fn ordered() -> Self {
        Self { chaotic: 0, ..Self::default() }
    }

    /// Only programs without sense.
    pub fn chaotic() -> Self {
        Self { chaotic: 100, ..Self::default() }
    }
}

/// A program, and what every memory holds when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// DRAM address of the first instruction.
    pub base: u64,
    /// The instructions.
    pub code: Vec<Word>,
    /// All of DRAM, the code included.
    pub dram: Vec<u8>,
    /// All of NRAM.
    pub nram: Vec<u8>,
    /// All of WRAM.
    pub wram: Vec<u8>,
    /// All of ARAM, four bytes an accumulator, little endian.
    pub aram: Vec<u8>,
    /// All whole records of PRAM, twelve bytes each.
    pub pram: Vec<u8>,
}

/// A random program for a machine.
pub fn program(random: &mut Random, machine: &Machine, recipe: &Recipe) -> Program {
    let burst = u64::from(machine.dram.burst_bytes);
    let base = random.range(0, 20) * burst;
    let code = if random.chance(recipe.chaotic) {
        chaos::program(random, machine)
    } else {
        ordered::program(random, machine, recipe, base)
    };
    Program::new(random, machine, base, code)
}

impl Program {
    /// A program with memories full of noise.
    pub fn new(random: &mut Random, machine: &Machine, base: u64, code: Vec<Word>) -> Self {
        let has_float = machine.vector.float_lanes > 0 || machine.matrix.has_float();
        let mut dram = random.bytes(machine.dram.bytes);
        if has_float {
            reals::strew(random, &mut dram);
        }
        // Some of the bytes that loads may take for records or accumulators make sense.
        for at in (0..dram.len().saturating_sub(12)).step_by(96) {
            dram[at..at + 12].copy_from_slice(&record_of(random, has_float));
        }
        let bytes = code.as_flattened();
        dram[base as usize..base as usize + bytes.len()].copy_from_slice(bytes);
        let pram = (0..machine.pram_records()).flat_map(|_| record_of(random, has_float)).collect();
        let aram = (0..machine.aram_accumulators()).flat_map(|_| accumulator(random, has_float)).collect();
        let mut nram = random.bytes(machine.core.nram_bytes);
        if has_float {
            reals::strew(random, &mut nram);
        }
        let mut wram = random.bytes(machine.core.wram_bytes);
        if machine.matrix.has_float() {
            reals::strew(random, &mut wram);
        }
        Self { base, dram, nram, wram, aram, pram, code }
    }

    /// The code as a file would carry it.
    pub fn executable(&self) -> Executable {
        Executable { code_base: self.base, code: self.code.clone(), ..Executable::default() }
    }

    /// Puts the memories into a simulator that was made with [`Program::executable`].
    ///
    /// # Errors
    /// A machine whose memories have other sizes.
    pub fn fill_memories(&self, simulator: &mut Simulator) -> Result<(), SimError> {
        for (address, bytes) in self.around_code() {
            simulator.write_dram(address, bytes)?;
        }
        self.on_chip().into_iter().try_for_each(|(memory, bytes)| simulator.write_memory(memory, 0, bytes))
    }

    /// Addresses and bytes of DRAM before and behind the code, which comes with the executable.
    pub fn around_code(&self) -> [(u64, &[u8]); 2] {
        let end = self.base + 32 * self.code.len() as u64;
        [(0, &self.dram[..self.base as usize]), (end, &self.dram[end as usize..])]
    }

    /// Everything in the memories on chip.
    pub fn on_chip(&self) -> [(Memory, &[u8]); 4] {
        [
            (Memory::Nram, &self.nram),
            (Memory::Wram, &self.wram),
            (Memory::Aram, &self.aram),
            (Memory::Pram, &self.pram),
        ]
    }
}

/// A record for an instruction of integers, or for one of floating point where there are any.
fn record_of(random: &mut Random, has_float: bool) -> [u8; 12] {
    if has_float && random.chance(50) { reals::record(random) } else { record(random) }
}

/// A requantise record: any bits, one of a network, or one of any scale.
fn record(random: &mut Random) -> [u8; 12] {
    let mut record = [0; 12];
    record.iter_mut().for_each(|byte| *byte = (random.next() >> 40) as u8);
    let (bias, multiplier, shift) = match random.range(0, 9) {
        0..=1 => return record,
        2..=7 => {
            let shift = if random.chance(80) { random.range(36, 48) } else { random.range(0, 63) };
            ((random.next() >> 40) as i32 - (1 << 23), (1u32 << 30) | (random.next() >> 34) as u32, shift)
        }
        // At most four times the sum, so that small shifts do not all end at the clamp.
        _ => {
            let (shift, bias) = (random.small(0, 62), (random.next() as i32) >> random.range(8, 31));
            (bias, random.range(0, (4 << shift.min(29)) - 1) as u32, shift)
        }
    };
    record[..4].copy_from_slice(&bias.to_le_bytes());
    record[4..8].copy_from_slice(&multiplier.to_le_bytes());
    record[8] = shift as u8;
    record[9..].fill(0);
    record
}

/// Any accumulator, small ones more often; real numbers too where there are any.
fn accumulator(random: &mut Random, has_float: bool) -> [u8; 4] {
    if has_float && random.chance(50) {
        return reals::real(random, element::F32).to_le_bytes();
    }
    let value = random.next() as i32;
    let shift = random.range(0, 30);
    (value >> shift).to_le_bytes()
}
