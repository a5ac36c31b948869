//! CIFAR-10's binary format, gzipped or not.
//!
//! A record is one label (0..=9) and 3,072 bytes: 32 x 32 red, green, then blue. Source:
//! <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::io::Read;
use std::path::Path;

use ediacara_tensor::Tensor;

use crate::{DataError, ImageSet, files};

const PIXELS: usize = 3 * 32 * 32;
const RECORD_BYTES: usize = 1 + PIXELS;
/// The most records that are read: the whole set in one file.
const RECORD_LIMIT: usize = 60_000;

/// The names of the ten classes, in class order.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Reads one file of records: images u8 `[N, 3, 32, 32]`, labels 0..=9. At least one record and no part of
/// one.
pub fn read_batch(path: &Path) -> Result<ImageSet, DataError> {
    let mut bytes = Vec::new();
    let limit = RECORD_LIMIT * RECORD_BYTES;
    files::open(path)?
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| DataError::read(path, source))?;
    if bytes.len() > limit {
        return Err(DataError::format(path, format!("more than CIFAR-10's {RECORD_LIMIT} records")));
    }
    if bytes.is_empty() || bytes.len() % RECORD_BYTES != 0 {
        let problem =
            format!("{} bytes, not a positive multiple of the record's {RECORD_BYTES}", bytes.len());
        return Err(DataError::format(path, problem));
    }
    let count = bytes.len() / RECORD_BYTES;
    let mut labels = Vec::with_capacity(count);
    let mut pixels = Vec::with_capacity(count * PIXELS);
    for (index, record) in bytes.chunks_exact(RECORD_BYTES).enumerate() {
        if record[0] > 9 {
            let problem = format!("record {index} has label {}; labels are 0..=9", record[0]);
            return Err(DataError::format(path, problem));
        }
        labels.push(record[0]);
        pixels.extend_from_slice(&record[1..]);
    }
    Ok(ImageSet { images: Tensor::from_vec(&[count, 3, 32, 32], pixels)?, labels })
}
