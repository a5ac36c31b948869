//! CIFAR-10's binary format: the published archive, or a file of records, gzipped or not.
//!
//! A record is one label (0..=9) and 3,072 bytes: 32 x 32 red, green, then blue. Source:
//! <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::io::Read;
use std::path::Path;

use ediacara_tensor::Tensor;

use crate::mnist::Split;
use crate::tar::{self, Next};
use crate::{DataError, ImageSet, files};

const PIXELS: usize = 3 * 32 * 32;
const RECORD_BYTES: usize = 1 + PIXELS;
/// The most records that are read: the whole set in one file.
const RECORD_LIMIT: usize = 60_000;

/// The published archive of the binary version, which `ediacara data fetch cifar10` brings.
pub const ARCHIVE: &str = "cifar-10-binary.tar.gz";

/// The names of the ten classes, in class order.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Reads one part of the set from its folder, straight from the published archive.
///
/// Images are u8 `[N, 3, 32, 32]`, and labels 0..=9. There are 50,000 to train, in the order of the five
/// batches, and 10,000 to test.
pub fn load(folder: &Path, split: Split) -> Result<ImageSet, DataError> {
    let path = folder.join(ARCHIVE);
    let wanted: &[&str] = match split {
        Split::Train => &[
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
        ],
        Split::Test => &["test_batch.bin"],
    };
    let mut batches: Vec<Option<Vec<u8>>> = vec![None; wanted.len()];
    tar::each_file(&mut files::open(&path)?, &path, &mut |name, size, contents| {
        let position = wanted.iter().position(|&wanted| name.rsplit('/').next() == Some(wanted));
        if let Some(position) = position {
            batches[position] = Some(read_limited(contents, &path, size)?);
        }
        Ok(if batches.iter().all(Option::is_some) { Next::Stop } else { Next::Continue })
    })?;
    let mut records = Vec::new();
    for (name, batch) in wanted.iter().zip(batches) {
        let batch = batch.ok_or_else(|| DataError::format(&path, format!("{name} is not in the archive")))?;
        records.extend_from_slice(&batch);
    }
    parse(&records, &path)
}

/// Reads one file of records: images u8 `[N, 3, 32, 32]`, labels 0..=9.
///
/// The file must hold at least one record, and no part of one.
pub fn read_batch(path: &Path) -> Result<ImageSet, DataError> {
    let limit = (RECORD_LIMIT * RECORD_BYTES) as u64 + 1;
    parse(&read_limited(&mut files::open(path)?, path, limit)?, path)
}

/// Reads everything, at most `limit` bytes, and at most one byte more than the largest set.
fn read_limited(reader: &mut dyn Read, path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let limit = limit.min((RECORD_LIMIT * RECORD_BYTES) as u64 + 1);
    reader.take(limit).read_to_end(&mut bytes).map_err(|source| DataError::read(path, source))?;
    Ok(bytes)
}

fn parse(bytes: &[u8], path: &Path) -> Result<ImageSet, DataError> {
    if bytes.len() > RECORD_LIMIT * RECORD_BYTES {
        return Err(DataError::format(path, format!("more than CIFAR-10's {RECORD_LIMIT} records")));
    }
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD_BYTES) {
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
