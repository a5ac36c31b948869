//! What keeps a simulation from starting.

/// An error of setting up a simulation or of touching its memories from outside.
///
/// Faults of the program are not errors: see [`crate::Fault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimError {
    /// The machine's description is not valid.
    #[error("{0}")]
    Machine(String),
    /// The program was made for another machine.
    #[error(
        "the program was made for another machine than `{machine}`: {difference}; compile it for this machine, or choose the one it was made for"
    )]
    Mismatch {
        /// Name of the machine at hand.
        machine: String,
        /// The first parameter that differs, with both values.
        difference: String,
    },
    /// A range of DRAM that the machine does not have.
    #[error("{what}: {length} bytes at {address:#x} lie outside DRAM, which has {size:#x} bytes")]
    Dram {
        /// What the bytes are, such as `data block 2` or "input `x`".
        what: String,
        /// First address.
        address: u64,
        /// Number of bytes.
        length: u64,
        /// Bytes of DRAM.
        size: u64,
    },
    /// A write from outside would change the code, which was decoded already.
    #[error(
        "{length} bytes at {address:#x} meet the code, {start:#x} to {end:#x}, which cannot be overwritten"
    )]
    Code {
        /// First address.
        address: u64,
        /// Number of bytes.
        length: u64,
        /// Where the code starts.
        start: u64,
        /// Where it ends, exclusive.
        end: u64,
    },
    /// The code segment is not where code may be.
    #[error("the code's base {base:#x} is not a multiple of the burst of {burst} bytes")]
    CodeBase {
        /// The base found.
        base: u64,
        /// Bytes of a burst.
        burst: u64,
    },
    /// A core that the machine does not have, or that has a program already.
    #[error("there is no core {core} that could have a program: the machine has {cores}, each at most one")]
    Core {
        /// The core.
        core: usize,
        /// Cores of the machine.
        cores: usize,
    },
    /// Two cores' code at one place.
    #[error("the code of core {} meets that of core {}: each core has code of its own", cores[1], cores[0])]
    Codes {
        /// The cores.
        cores: [usize; 2],
    },
    /// A range of a memory on chip that does not exist, or does not hold whole elements.
    #[error(
        "{length} bytes at {address:#x} are not whole elements inside {memory}, which has {size:#x} bytes in elements of {element}"
    )]
    OnChip {
        /// The memory's name.
        memory: &'static str,
        /// First byte.
        address: u64,
        /// Number of bytes.
        length: u64,
        /// Bytes of the memory.
        size: u64,
        /// Bytes of an element.
        element: u64,
    },
    /// There is no such port.
    #[error("there is no {direction} `{name}`; the program has {known}")]
    Port {
        /// `input` or `output`.
        direction: &'static str,
        /// The name asked for.
        name: String,
        /// Names of the ports there are.
        known: String,
    },
    /// A port was given the wrong number of bytes.
    #[error("input `{name}` has {expected} bytes ({shape:?}), but {found} were given")]
    PortLength {
        /// The port's name.
        name: String,
        /// Bytes of the port.
        expected: u64,
        /// Its shape.
        shape: Vec<usize>,
        /// Bytes given.
        found: u64,
    },
}
