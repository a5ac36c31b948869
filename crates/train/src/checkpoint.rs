//! Checkpoints: tensors by name in a safetensors file, written beside and then renamed, so that there is always a whole one.

use std::io::Write;
use std::path::Path;

use ediacara_tensor::{Tensor, safetensors};

use crate::TrainError;

/// Writes tensors so that `path` holds either what it held before or all of them.
///
/// # Errors
/// The folder cannot be written.
pub fn save(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), TrainError> {
    let problem = |error: &dyn std::fmt::Display| TrainError::Checkpoint {
        path: path.to_owned(),
        problem: format!("cannot be written: {error}"),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| problem(&error))?;
    safetensors::write_to(&mut file, tensors)?;
    file.flush().and_then(|()| file.as_file().sync_all()).map_err(|error| problem(&error))?;
    file.persist(path).map_err(|error| problem(&error))?;
    Ok(())
}

/// Reads what [`save`] wrote.
///
/// # Errors
/// The file cannot be read, or is no whole safetensors file.
pub fn load(path: &Path) -> Result<Vec<(String, Tensor)>, TrainError> {
    safetensors::read(path).map_err(|error| TrainError::Checkpoint {
        path: path.to_owned(),
        problem: format!("{error}; delete it to begin anew"),
    })
}
