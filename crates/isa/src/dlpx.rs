//! The bytes of a plan and of the programs in it (docs/dlpx.md).
//!
//! A checksum covers every byte of a file. There is exactly one way to write an executable, so that a file
//! that is read and written back has the same bytes.

mod check;
mod container;
mod plan;
mod plan_check;
mod read;
mod write;

use std::io::{self, Write};
use std::path::Path;

use crate::{Executable, Plan};

/// Version of the image of a program that this crate writes; it reads this one and those before.
const IMAGE_VERSION: u32 = 2;
/// Version of a plan's file, which is the newest.
const PLAN_VERSION: u32 = 3;
/// The bit of a section's kind that says that a reader may skip it.
const OPTIONAL: u32 = 1 << 31;
/// The largest file that is read, in bytes: more than any network's data.
const FILE_LIMIT_BYTES: u64 = 16 << 30;

/// The sections of a program's image, in its order; the number is the section's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Section {
    Machine = 1,
    Code = 2,
    Data = 3,
    Ports = 4,
    SourceMap = 5,
    Layers = 6,
    Labels = OPTIONAL | 1,
    Values = OPTIONAL | 2,
    SelfTest = OPTIONAL | 3,
    Rest = OPTIONAL | 4,
}

impl Section {
    /// The sections that every file has.
    const REQUIRED: [Section; 6] =
        [Section::Machine, Section::Code, Section::Data, Section::Ports, Section::SourceMap, Section::Layers];
    /// The sections that a file has only where there is something to say.
    const NOTES: [Section; 4] = [Section::Labels, Section::Values, Section::SelfTest, Section::Rest];

    fn kind(self) -> u32 {
        self as u32
    }

    fn entry(self) -> container::Kind {
        (self.kind(), self.name())
    }

    fn of_kind(kind: u32) -> Option<Section> {
        Section::REQUIRED.into_iter().chain(Section::NOTES).find(|section| section.kind() == kind)
    }

    fn name(self) -> &'static str {
        match self {
            Section::Machine => "machine",
            Section::Code => "code",
            Section::Data => "data",
            Section::Ports => "ports",
            Section::SourceMap => "source map",
            Section::Layers => "layers",
            Section::Labels => "labels",
            Section::Values => "values",
            Section::SelfTest => "self-test",
            Section::Rest => "host's rest",
        }
    }
}

/// Whether a note may have this kind although this version does not know it.
pub(crate) fn may_be_unknown(kind: u32) -> bool {
    kind & OPTIONAL != 0 && Section::of_kind(kind).is_none()
}

/// Why bytes are not an executable, or why an executable may not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExecutableError {
    /// Reading or writing failed.
    #[error("{file}: {source}")]
    Io {
        /// The path as given.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is an executable, but a bad one.
    #[error("{file}: {error}")]
    InFile {
        /// The path as given.
        file: String,
        /// What is wrong.
        error: Box<ExecutableError>,
    },
    /// The first four bytes are not `DLPX`.
    #[error("this is no DLP executable: it does not begin with `DLPX`")]
    Magic,
    /// The format is of another version.
    #[error(
        "the executable has format version {found}; this program reads versions 1 to {PLAN_VERSION}: take a newer one, or \
         compile the network again"
    )]
    Version {
        /// What the header says.
        found: u32,
    },
    /// The file has a section that cannot be skipped, of a kind that this version does not know.
    #[error(
        "the executable has a section of kind {kind}, which this program does not know and may not skip: take a newer \
         version of it"
    )]
    UnknownSection {
        /// Its kind.
        kind: u32,
    },
    /// A plan stands where the image of a program is wanted.
    #[error("this is the plan of a network, and no program by itself")]
    IsPlan,
    /// A checksum is wrong.
    #[error(
        "the {part} of the executable is damaged: its checksum is {found:#010x}, and should be {expected:#010x}"
    )]
    Checksum {
        /// Header or section.
        part: &'static str,
        /// The checksum of the bytes.
        found: u32,
        /// The checksum that the file gives.
        expected: u32,
    },
    /// Sizes, offsets or values do not fit together.
    #[error("the {part} of the executable is malformed: {message}")]
    Malformed {
        /// Header or section.
        part: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The parts of the program contradict each other.
    #[error("the program is inconsistent: {0}")]
    Inconsistent(String),
}

/// The version that the header gives, if it is one of 1 to `newest`.
fn version(bytes: &[u8], newest: u32) -> Result<u32, ExecutableError> {
    match container::version(bytes) {
        None => Err(ExecutableError::Magic),
        Some(found) if (1..=newest).contains(&found) => Ok(found),
        Some(PLAN_VERSION) => Err(ExecutableError::IsPlan),
        Some(found) => Err(ExecutableError::Version { found }),
    }
}

/// Gives damaged bytes their checksums, those of a plan's programs too.
pub(crate) fn repair_checksums(file: &mut [u8]) {
    let inner: Vec<usize> = file
        .windows(container::MAGIC.len())
        .enumerate()
        .filter(|(_, window)| *window == container::MAGIC)
        .map(|(at, _)| at)
        .collect();
    // A program's image lies within its plan: its checksums come first.
    inner.into_iter().rev().for_each(|at| container::repair_checksums(&mut file[at..]));
}

impl Executable {
    /// The image of the program: what a plan's file holds of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        write::to_bytes(self)
    }

    /// Reads an image: checks checksums, then sizes, then what [`Executable::check`] checks.
    ///
    /// # Errors
    /// [`ExecutableError`]; never panics, and never allocates more than a small multiple of `bytes.len()`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Executable, ExecutableError> {
        let executable = read::from_bytes(bytes)?;
        executable.check()?;
        Ok(executable)
    }
}

impl Plan {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        plan::to_bytes(self)
    }

    /// Reads the bytes of a file: checks checksums, then sizes, then what [`Plan::check`] checks.
    ///
    /// A file of version 1 or 2 is the image of a program, and becomes a plan of one segment.
    ///
    /// # Errors
    /// [`ExecutableError`]; never panics, and never allocates more than a small multiple of `bytes.len()`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Plan, ExecutableError> {
        if version(bytes, PLAN_VERSION)? <= IMAGE_VERSION {
            return Ok(Plan::from(Executable::from_bytes(bytes)?));
        }
        let plan = plan::from_bytes(bytes)?;
        plan.check()?;
        Ok(plan)
    }

    /// Writes the file, in whole or not at all.
    ///
    /// # Errors
    /// [`ExecutableError::Inconsistent`] if the plan could not be loaded again, [`ExecutableError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), ExecutableError> {
        let file = path.display().to_string();
        self.check()
            .map_err(|error| ExecutableError::InFile { file: file.clone(), error: Box::new(error) })?;
        ediacara_files::write_atomically(path, |writer| writer.write_all(&self.to_bytes()))
            .map_err(|source: io::Error| ExecutableError::Io { file, source })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ExecutableError::Io`], or [`ExecutableError::InFile`] with what [`Plan::from_bytes`] says.
    pub fn load(path: &Path) -> Result<Plan, ExecutableError> {
        let file = path.display().to_string();
        let bytes = ediacara_files::read(path, FILE_LIMIT_BYTES)
            .map_err(|source| ExecutableError::Io { file: file.clone(), source })?;
        Plan::from_bytes(&bytes).map_err(|error| ExecutableError::InFile { file, error: Box::new(error) })
    }
}
