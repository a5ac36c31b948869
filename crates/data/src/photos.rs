//! Folders of photos with a table that says what is on them.

use std::path::{Path, PathBuf};

use crate::{DataError, files};

/// One photo of a labelled folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledPhoto {
    /// The photo's file.
    pub path: PathBuf,
    /// The class that it shows.
    pub class: usize,
    /// The table's further columns: name and value, in the table's order.
    pub columns: Vec<(String, String)>,
}

impl LabelledPhoto {
    /// The number in a further column, for instance the top class that a reference network gave.
    pub fn number(&self, column: &str) -> Option<usize> {
        self.columns.iter().find(|(name, _)| name == column).and_then(|(_, value)| value.parse().ok())
    }
}

/// Reads a table of photos.
///
/// It is tab-separated, with a header whose first two columns are `file` and `class`, and one photo a line.
/// Files are relative to the table's folder. The photos themselves must exist but are not opened.
pub fn read_table(table: &Path) -> Result<Vec<LabelledPhoto>, DataError> {
    let text = files::read_text(table)?;
    let folder = table.parent().unwrap_or(Path::new("."));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').map(str::trim).collect();
    let ["file", "class", further @ ..] = header.as_slice() else {
        return Err(DataError::format(table, "its first line must start with 'file TAB class'"));
    };
    let mut photos = Vec::new();
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let problem = |what: String| DataError::format(table, format!("line {}: {what}", index + 2));
        let values: Vec<&str> = line.split('\t').map(str::trim).collect();
        if values.len() != header.len() {
            return Err(problem(format!("{} columns, but the header has {}", values.len(), header.len())));
        }
        let class = values[1].parse().map_err(|_| problem(format!("'{}' is no class number", values[1])))?;
        let path = folder.join(values[0]);
        if !path.is_file() {
            return Err(problem(format!("the photo {} does not exist", path.display())));
        }
        let columns =
            further.iter().zip(&values[2..]).map(|(name, value)| (name.to_string(), value.to_string()));
        photos.push(LabelledPhoto { path, class, columns: columns.collect() });
    }
    if photos.is_empty() {
        return Err(DataError::format(table, "no photos in it"));
    }
    Ok(photos)
}
