//! The 8 x 8 handwritten digits of scikit-learn: lines of 64 pixels in 0..=16 and the digit, separated by
//! commas.

use std::path::Path;

use ediacara_tensor::Tensor;

use crate::{DataError, ImageSet, files};

/// Reads digits from a file, gzipped or not: images u8 `[N, 1, 8, 8]` of 0..=16, labels 0..=9.
pub fn open(path: &Path) -> Result<ImageSet, DataError> {
    parse(&files::read_text(path)?, path)
}

/// Parses digits, of which there must be at least one.
///
/// `name` only appears in errors.
pub fn parse(text: &str, name: &Path) -> Result<ImageSet, DataError> {
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let values: Result<Vec<u8>, _> = line.split(',').map(|value| value.trim().parse::<u8>()).collect();
        match values.as_deref() {
            Ok([row @ .., label])
                if row.len() == 64 && *label <= 9 && row.iter().all(|&pixel| pixel <= 16) =>
            {
                pixels.extend_from_slice(row);
                labels.push(*label);
            }
            _ => {
                let problem = format!(
                    "line {}: expected 64 pixels of 0..=16 and a digit, separated by commas",
                    index + 1
                );
                return Err(DataError::format(name, problem));
            }
        }
    }
    if labels.is_empty() {
        return Err(DataError::format(name, "no digits in it"));
    }
    Ok(ImageSet { images: Tensor::from_vec(&[labels.len(), 1, 8, 8], pixels)?, labels })
}
