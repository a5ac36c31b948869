//! `cargo xtask tidy`: what the compiler does not check.
//!
//! There is one file for each check.
//!
//! [`architecture`] compares ARCHITECTURE.md's table of crates with Cargo. [`licences`] checks the licences
//! of dependencies, [`hygiene`] the committed files, [`paths`] the files that pages name, [`functions`] the
//! length of functions, and [`circles`] the imports between the modules of a crate.

mod architecture;
mod circles;
mod functions;
mod hygiene;
mod licences;
mod metadata;
mod paths;
mod sources;

use std::path::Path;

use anyhow::{Result, bail};

use metadata::Metadata;
use sources::Sources;

/// Checks everything and lists every offence at once.
pub(crate) fn run(root: &Path) -> Result<()> {
    let metadata = Metadata::read(root)?;
    let members = metadata.members();
    let sources = Sources::read(root, &members)?;
    let mut offences = architecture::offences(root, &members)?;
    offences.extend(licences::offences(&metadata));
    offences.extend(hygiene::offences(root)?);
    offences.extend(paths::offences(root)?);
    offences.extend(functions::offences(&sources, functions::EXCEPTIONS));
    offences.extend(circles::offences(&sources, &members)?);
    if offences.is_empty() {
        return Ok(());
    }
    bail!("tidy:\n  {}", offences.join("\n  "))
}
