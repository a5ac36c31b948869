//! Reads and writes files for every crate here: regular files only, read within a limit, written whole or not
//! at all.
//!
//! Errors are those of the system and do not name the file, because the caller knows it and names it. Start
//! reading at [`open`] and [`write_atomically`].

mod read;
mod write;

pub use read::{open, read, read_text, same_file};
pub use write::{abandon_writes, check_writable, write_atomically};
