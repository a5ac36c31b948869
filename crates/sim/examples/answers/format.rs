//! A file of programs, each with all that its memories hold and with the hardware's answer.
//!
//! `crates/rtl/examples/record.rs` writes it, `main.rs` beside reads it.

use std::io::{self, Read, Write};

use ediacara_arch::Machine;
use ediacara_isa::{Executable, Memory};
use ediacara_sim::{Event, FaultKind};

/// Memories on chip, in the order of the file.
pub(crate) const ON_CHIP: [Memory; 4] = [Memory::Nram, Memory::Wram, Memory::Aram, Memory::Pram];

/// A program and its answer.
pub(crate) struct Case {
    /// Where it comes from, for people.
    pub(crate) name: String,
    /// The machine, as TOML.
    pub(crate) machine: String,
    /// DRAM address of the first instruction.
    pub(crate) base: u64,
    /// The instructions.
    pub(crate) code: Vec<u8>,
    /// All of DRAM.
    pub(crate) dram: Vec<u8>,
    /// The memories on chip, in the order of [`ON_CHIP`].
    pub(crate) on_chip: [Vec<u8>; 4],
    /// What the hardware did.
    pub(crate) answer: Answer,
}

/// The result of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Cycles of the run.
    pub(crate) cycles: u64,
    /// The fault with its instruction and cycle; empty if there was none.
    pub(crate) fault: String,
    /// Number of events.
    pub(crate) events: u64,
    /// Hash of the events with their cycles.
    pub(crate) events_hash: u64,
    /// Hash of everything that the memories hold in the end.
    pub(crate) memories_hash: u64,
}

/// A fault in words.
pub(crate) fn fault(kind: FaultKind, instruction: u64, cycle: u64) -> String {
    format!("{} {instruction} {cycle}", kind.name())
}

/// A hash of events.
pub(crate) fn hash_events(events: &[Event]) -> u64 {
    events.iter().fold(FNV, |state, event| hash(state, format!("{event:?}").as_bytes()))
}

/// A hash of memories: DRAM, then those of [`ON_CHIP`].
pub(crate) fn hash_memories<'a>(memories: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    memories.into_iter().fold(FNV, |state, bytes| hash(hash(state, bytes), &[1]))
}

const FNV: u64 = 0xcbf2_9ce4_8422_2325;

fn hash(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl Case {
    /// The machine and the executable.
    pub(crate) fn parse(&self) -> Result<(Machine, Executable), String> {
        let machine = Machine::from_toml(&self.machine, &self.name).map_err(|error| error.to_string())?;
        let (code, _) = self.code.as_chunks();
        Ok((machine, Executable { code_base: self.base, code: code.to_vec(), ..Executable::default() }))
    }

    /// Appends it to a file.
    #[allow(dead_code, reason = "only the recorder writes")]
    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let answer = &self.answer;
        let [nram, wram, aram, pram] = &self.on_chip;
        let blobs: [&[u8]; 9] = [
            self.name.as_bytes(),
            self.machine.as_bytes(),
            &self.code,
            &self.dram,
            nram,
            wram,
            aram,
            pram,
            answer.fault.as_bytes(),
        ];
        for blob in blobs {
            to.write_all(&(blob.len() as u64).to_le_bytes())?;
            to.write_all(blob)?;
        }
        for number in [self.base, answer.cycles, answer.events, answer.events_hash, answer.memories_hash] {
            to.write_all(&number.to_le_bytes())?;
        }
        Ok(())
    }

    /// Reads the next one of a file; `None` at its end.
    #[allow(dead_code, reason = "only the checker reads")]
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut text = |is_first: bool| -> io::Result<Option<Vec<u8>>> {
            let length = match number(from) {
                Err(error) if is_first && error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                length => length?,
            };
            let mut bytes = vec![0; length as usize];
            from.read_exact(&mut bytes)?;
            Ok(Some(bytes))
        };
        let Some(name) = text(true)? else { return Ok(None) };
        let mut blob = || text(false).map(Option::unwrap_or_default);
        let (machine, code, dram) = (blob()?, blob()?, blob()?);
        let on_chip = [blob()?, blob()?, blob()?, blob()?];
        let fault = blob()?;
        let string = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let base = number(from)?;
        let answer = Answer {
            fault: string(fault),
            cycles: number(from)?,
            events: number(from)?,
            events_hash: number(from)?,
            memories_hash: number(from)?,
        };
        Ok(Some(Self { name: string(name), machine: string(machine), base, code, dram, on_chip, answer }))
    }
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
