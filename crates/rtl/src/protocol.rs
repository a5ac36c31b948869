//! The conversation with the harness; `rtl/sim/harness.cpp` is the other side and describes it.

use std::io::{self, Read, Write};

use ediacara_isa::{Engine, Memory, Registers};
use ediacara_sim::{Event, EventKind, FaultKind, Requester};

const MAGIC: u64 = u64::from_le_bytes(*b"EDIACARA");
/// Flags of a request.
const REPORT_EVENTS: u64 = 1;
const REPORT_MEMORIES: u64 = 2;
/// Bytes of a page of DRAM.
pub(crate) const PAGE_BYTES: usize = 1 << 16;
/// More than any chunk has: WRAM with 16 MiB, ARAM with 64 MiB.
const LARGEST_CHUNK_BYTES: u64 = 1 << 28;
/// Kinds of fault, as the core numbers them.
const FAULTS: [FaultKind; 6] = [
    FaultKind::Opcode,
    FaultKind::Operand,
    FaultKind::Address,
    FaultKind::Fetch,
    FaultKind::SemaphoreOverflow,
    FaultKind::Deadlock,
];
const FAULT_LIMIT: u64 = 254;
const NO_FAULT: u64 = 255;

/// The memories on chip, as the harness numbers them from 1.
///
/// DRAM is 0.
pub(crate) const ON_CHIP: [Memory; 4] = [Memory::Nram, Memory::Wram, Memory::Aram, Memory::Pram];

/// One program for the harness.
#[derive(Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) latency: u64,
    pub(crate) numerator: u64,
    pub(crate) denominator: u64,
    pub(crate) limit: u64,
    pub(crate) code_base: u64,
    pub(crate) code_length: u64,
    pub(crate) events: bool,
    pub(crate) memories: bool,
    pub(crate) seed: u64,
    pub(crate) registers: Registers,
    /// Memory, address, bytes.
    pub(crate) regions: Vec<(Memory, u64, &'a [u8])>,
}

impl Request<'_> {
    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let flags = (u64::from(self.events) * REPORT_EVENTS) | (u64::from(self.memories) * REPORT_MEMORIES);
        let head = [
            MAGIC,
            self.latency,
            self.numerator,
            self.denominator,
            self.limit,
            self.code_base,
            self.code_length,
            flags,
            self.seed,
        ];
        words(to, &head)?;
        words(to, &self.registers)?;
        words(to, &[self.regions.len() as u64])?;
        for (memory, address, bytes) in &self.regions {
            let number = ON_CHIP.iter().position(|known| known == memory);
            words(to, &[number.map_or(0, |number| number as u64 + 1), *address, bytes.len() as u64])?;
            to.write_all(bytes)?;
        }
        to.flush()
    }
}

fn words(to: &mut impl Write, words: &[u64]) -> io::Result<()> {
    words.iter().try_for_each(|word| to.write_all(&word.to_le_bytes()))
}

/// How a run of the hardware ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) cycles: u64,
    /// Kind, instruction, cycle.
    pub(crate) fault: Option<(FaultKind, u64, u64)>,
}

/// One piece of a reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    Events(Vec<Event>),
    Progress(u64),
    End(End),
    Memory(Memory, Vec<u8>),
    Page(u64, Vec<u8>),
    Done,
}

impl Chunk {
    /// Reads the next chunk; one that makes no sense is [`io::ErrorKind::InvalidData`].
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Chunk> {
        let [kind, length] = [word(from)?, word(from)?];
        if length > LARGEST_CHUNK_BYTES {
            return Err(invalid(format!("a chunk of {length} bytes")));
        }
        let mut payload = vec![0; length as usize];
        from.read_exact(&mut payload)?;
        Self::parse(kind, payload)
    }

    fn parse(kind: u64, payload: Vec<u8>) -> io::Result<Chunk> {
        let bytes = payload.len();
        let (words, rest) = payload.as_chunks::<8>();
        let first = words.first().map(|word| u64::from_le_bytes(*word));
        match (kind, first) {
            (1, _) if rest.is_empty() && words.len().is_multiple_of(2) => {
                let pairs = words.as_chunks::<2>().0.iter();
                Ok(Chunk::Events(pairs.map(event).collect::<io::Result<_>>()?))
            }
            (2, Some(cycle)) if bytes == 8 => Ok(Chunk::Progress(cycle)),
            (3, Some(cycles)) if bytes == 32 => {
                let [kind, instruction, cycle] = [1, 2, 3].map(|index| u64::from_le_bytes(words[index]));
                Ok(Chunk::End(End { cycles, fault: fault(kind, instruction, cycle, cycles)? }))
            }
            (4, Some(memory @ 1..=4)) => {
                Ok(Chunk::Memory(ON_CHIP[memory as usize - 1], payload[8..].to_vec()))
            }
            (5, Some(address)) if bytes == PAGE_BYTES + 8 => Ok(Chunk::Page(address, payload[8..].to_vec())),
            (6, None) if bytes == 0 => Ok(Chunk::Done),
            _ => Err(invalid(format!("a chunk of kind {kind} with {bytes} bytes"))),
        }
    }
}

fn word(from: &mut impl Read) -> io::Result<u64> {
    let mut word = [0; 8];
    from.read_exact(&mut word)?;
    Ok(u64::from_le_bytes(word))
}

fn fault(kind: u64, instruction: u64, cycle: u64, cycles: u64) -> io::Result<Option<(FaultKind, u64, u64)>> {
    match kind {
        NO_FAULT => Ok(None),
        FAULT_LIMIT => Ok(Some((FaultKind::CycleLimit, 0, cycles))),
        _ => match FAULTS.get(kind as usize) {
            Some(kind) => Ok(Some((*kind, instruction, cycle))),
            None => Err(invalid(format!("a fault of kind {kind}"))),
        },
    }
}

fn event(words: &[[u8; 8]; 2]) -> io::Result<Event> {
    let [cycle, what] = words.map(u64::from_le_bytes);
    let (kind, number, value) = (what >> 56, (what >> 48 & 0xff) as usize, what & 0xffff_ffff_ffff);
    let instruction = value as u32;
    let engine = || Engine::ALL.get(number).copied().ok_or_else(|| invalid(format!("engine {number}")));
    let kind = match kind {
        0 => EventKind::Issue { engine: engine()?, instruction },
        1 => EventKind::Start { engine: engine()?, instruction },
        2 => match Requester::ALL.get(number) {
            Some(requester) => EventKind::Grant { requester: *requester, address: value },
            None => return Err(invalid(format!("requester {number}"))),
        },
        3 => EventKind::Commit { engine: engine()?, instruction },
        _ => return Err(invalid(format!("an event of kind {kind}"))),
    };
    Ok(Event { cycle, core: 0, kind })
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: u64, payload: &[u8]) -> io::Result<Chunk> {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend((payload.len() as u64).to_le_bytes());
        bytes.extend(payload);
        Chunk::read(&mut bytes.as_slice())
    }

    fn packed(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn events_are_unpacked() {
        let payload = packed(&[7, 3 << 56 | 4 << 48 | 0xab_cdef, 8, 2 << 56 | 1 << 48 | 0xff_1234_5678]);
        let commit = EventKind::Commit { engine: Engine::Store, instruction: 0xab_cdef };
        let grant = EventKind::Grant { requester: Requester::Load, address: 0xff_1234_5678 };
        let expected =
            vec![Event { cycle: 7, core: 0, kind: commit }, Event { cycle: 8, core: 0, kind: grant }];
        assert_eq!(chunk(1, &payload).unwrap(), Chunk::Events(expected));
    }

    #[test]
    fn ends_carry_their_fault() {
        let end = |words: &[u64]| match chunk(3, &packed(words)) {
            Ok(Chunk::End(end)) => end.fault,
            other => panic!("{other:?}"),
        };
        assert_eq!(end(&[10, NO_FAULT, 3, 4]), None);
        assert_eq!(end(&[10, 5, 3, 4]), Some((FaultKind::Deadlock, 3, 4)));
        assert_eq!(end(&[10, FAULT_LIMIT, 3, 4]), Some((FaultKind::CycleLimit, 0, 10)));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(chunk(9, &[]).is_err());
        assert!(chunk(1, &[0; 8]).is_err());
        assert!(chunk(1, &packed(&[0, 7 << 56])).is_err());
        assert!(chunk(1, &packed(&[0, 9 << 48])).is_err());
        assert!(chunk(3, &packed(&[1, 6, 0, 0])).is_err());
        assert!(chunk(4, &packed(&[5])).is_err());
        assert!(chunk(5, &packed(&[0, 0])).is_err());
        assert!(chunk(6, &[1]).is_err());
        assert!(Chunk::read(&mut packed(&[1, 1 << 40]).as_slice()).is_err());
    }

    #[test]
    fn a_request_is_a_head_and_regions() {
        let mut bytes = Vec::new();
        let regions = vec![(Memory::Dram, 5, &[1, 2][..]), (Memory::Pram, 12, &[3][..])];
        let mut registers = [0; 16];
        registers[15] = 7;
        let request = Request { seed: 9, memories: true, registers, regions, ..Request::default() };
        request.write(&mut bytes).unwrap();
        assert_eq!(&bytes[..8], b"EDIACARA");
        assert_eq!(bytes[56..72], packed(&[2, 9]));
        assert_eq!(bytes[72..200], packed(&registers));
        assert_eq!(bytes[200..208], packed(&[2]));
        let mut expected = packed(&[0, 5, 2]);
        expected.extend([1, 2]);
        expected.extend(packed(&[4, 12, 1]));
        expected.push(3);
        assert_eq!(bytes[208..], expected);
    }
}
