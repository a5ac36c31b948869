//! NumPy's `.npz`: named tensors in a ZIP archive (PKWARE APPNOTE 6.3), one `.npy` each.
//!
//! It reads stored and deflated entries through the central directory. It writes stored entries with a fixed
//! date, so that the same tensors give the same bytes.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use crate::file::{in_file, write_atomically};
use crate::{Result, Tensor, TensorError, npy};

const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END_RECORD: u32 = 0x0605_4b50;
const END_RECORD_64: u32 = 0x0606_4b50;
const END_LOCATOR_64: u32 = 0x0706_4b50;
const END_RECORD_BYTES: usize = 22;
/// 1 January 1980, midnight: the earliest date that the format can say.
const FIXED_DATE: u16 = 0x0021;
/// Deflate cannot compress better than 1032 to 1, so a larger claim is false.
const DEFLATE_RATIO_LIMIT: usize = 1032;

fn invalid(problem: impl Into<String>) -> TensorError {
    TensorError::Format { format: "npz", problem: problem.into() }
}

/// Reads every tensor of a file, in the order of the archive.
///
/// Names are without `.npy`.
///
/// # Errors
/// The file cannot be read or is no valid `.npz` of known element types.
pub fn read(path: &Path) -> Result<Vec<(String, Tensor)>> {
    let bytes = crate::file::read(path)?;
    read_bytes(&bytes).map_err(in_file(path))
}

/// Reads every tensor of an archive in memory.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(archive: &[u8]) -> Result<Vec<(String, Tensor)>> {
    let (count, mut position) = find_directory(archive)?;
    let mut tensors = Vec::new();
    for _ in 0..count {
        let entry = Entry::read(archive, &mut position)?;
        let data = entry.data(archive)?;
        let tensor = npy::read_from(data.as_slice());
        let tensor = tensor.map_err(|error| invalid(format!("entry `{}`: {error}", entry.name)))?;
        let name = entry.name.strip_suffix(".npy").unwrap_or(&entry.name).to_owned();
        tensors.push((name, tensor));
    }
    Ok(tensors)
}

/// Writes named tensors, in this order.
///
/// # Errors
/// The file cannot be written; an element type is bf16; a name is given twice; the archive would pass 4 GiB.
pub fn write(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    write_atomically(path, |writer| write_to(writer, tensors))
}

/// Writes named tensors to a stream.
///
/// # Errors
/// As [`write()`].
pub fn write_to(mut writer: impl Write, tensors: &[(String, Tensor)]) -> Result<()> {
    let too_large = |_| invalid("the archive would pass 4 GiB; write safetensors");
    let (mut directory, mut offset, mut names) = (Vec::new(), 0_usize, HashSet::new());
    for (name, tensor) in tensors {
        if !names.insert(name) {
            return Err(invalid(format!("the name `{name}` is given twice")));
        }
        let name = format!("{name}.npy");
        let mut data = Vec::new();
        npy::write_to(&mut data, tensor)?;
        let size = u32::try_from(data.len()).map_err(too_large)?;
        let start = u32::try_from(offset).map_err(too_large)?;
        let name_length =
            u16::try_from(name.len()).map_err(|_| invalid(format!("the name `{name}` is too long")))?;
        // Version 2.0; UTF-8 names; stored.
        let mut common = Vec::new();
        [20, 0x0800, 0, 0, FIXED_DATE].iter().for_each(|field: &u16| common.extend(field.to_le_bytes()));
        [crc32(&data), size, size].iter().for_each(|field| common.extend(field.to_le_bytes()));
        common.extend(name_length.to_le_bytes());
        common.extend([0; 2]);
        writer.write_all(&LOCAL_HEADER.to_le_bytes())?;
        writer.write_all(&common)?;
        writer.write_all(name.as_bytes())?;
        writer.write_all(&data)?;
        directory.extend(CENTRAL_HEADER.to_le_bytes());
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&common);
        // There is no comment, one disk, and no attributes.
        directory.extend([0; 10]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
        offset += 4 + common.len() + name.len() + data.len();
    }
    let count = u16::try_from(tensors.len()).map_err(|_| invalid("more than 65535 tensors"))?;
    let directory_bytes = u32::try_from(directory.len()).map_err(too_large)?;
    let start = u32::try_from(offset).map_err(too_large)?;
    writer.write_all(&directory)?;
    writer.write_all(&END_RECORD.to_le_bytes())?;
    writer.write_all(&[0; 4])?;
    writer.write_all(&[count.to_le_bytes(), count.to_le_bytes()].concat())?;
    writer.write_all(&[directory_bytes.to_le_bytes(), start.to_le_bytes()].concat())?;
    writer.write_all(&[0; 2])?;
    Ok(())
}

/// CRC-32 as in ISO 3309, which ZIP uses.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let mut value = index as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { (value >> 1) ^ 0xedb8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, &byte| (crc >> 8) ^ TABLE[usize::from(crc as u8 ^ byte)])
}

fn take<const N: usize>(archive: &[u8], position: usize) -> Result<[u8; N]> {
    let bytes = position.checked_add(N).and_then(|end| archive.get(position..end));
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| invalid("a record reaches beyond the end of the file"))
}

fn u16_at(archive: &[u8], position: usize) -> Result<u16> {
    take(archive, position).map(u16::from_le_bytes)
}

fn u32_at(archive: &[u8], position: usize) -> Result<u32> {
    take(archive, position).map(u32::from_le_bytes)
}

fn u64_at(archive: &[u8], position: usize) -> Result<usize> {
    let value = u64::from_le_bytes(take(archive, position)?);
    usize::try_from(value).map_err(|_| invalid("a size does not fit the address space"))
}

/// The number of entries and where the central directory starts.
fn find_directory(archive: &[u8]) -> Result<(usize, usize)> {
    let no_end = || invalid("it has no end record; it is truncated or no ZIP archive");
    let last = archive.len().checked_sub(END_RECORD_BYTES).ok_or_else(no_end)?;
    // A comment of up to 64 KiB may follow the record.
    let first = last.saturating_sub(usize::from(u16::MAX));
    let end = (first..=last).rev().find(|&at| archive[at..].starts_with(&END_RECORD.to_le_bytes()));
    let end = end.ok_or_else(no_end)?;
    let (count, start) = (u16_at(archive, end + 10)?, u32_at(archive, end + 16)?);
    if count != u16::MAX && start != u32::MAX {
        return Ok((usize::from(count), start as usize));
    }
    let locator = end.checked_sub(20).ok_or_else(no_end)?;
    if u32_at(archive, locator)? != END_LOCATOR_64 {
        return Ok((usize::from(count), start as usize));
    }
    let end = u64_at(archive, locator + 8)?;
    if u32_at(archive, end)? != END_RECORD_64 {
        return Err(invalid("its 64-bit end record is not where the locator says"));
    }
    let field = |offset: usize| end.checked_add(offset).ok_or_else(no_end);
    Ok((u64_at(archive, field(32)?)?, u64_at(archive, field(48)?)?))
}

/// One entry of the central directory.
struct Entry {
    name: String,
    method: u16,
    checksum: u32,
    compressed_bytes: usize,
    bytes: usize,
    header: usize,
}

impl Entry {
    /// Reads the entry at `position` and moves behind it.
    fn read(archive: &[u8], position: &mut usize) -> Result<Entry> {
        let at = *position;
        if u32_at(archive, at)? != CENTRAL_HEADER {
            return Err(invalid(format!("there is no entry at byte {at}, where the directory should go on")));
        }
        let [name_length, extra_length, comment_length] =
            [28, 30, 32].map(|offset| u16_at(archive, at + offset).map(usize::from));
        let (name_length, extra_length, comment_length) = (name_length?, extra_length?, comment_length?);
        let name = archive.get(at + 46..at + 46 + name_length).ok_or_else(|| invalid("a name is cut off"))?;
        let extra_start = at + 46 + name_length;
        let extra = archive.get(extra_start..extra_start + extra_length);
        let mut entry = Entry {
            name: String::from_utf8_lossy(name).into_owned(),
            method: u16_at(archive, at + 10)?,
            checksum: u32_at(archive, at + 16)?,
            compressed_bytes: u32_at(archive, at + 20)? as usize,
            bytes: u32_at(archive, at + 24)? as usize,
            header: u32_at(archive, at + 42)? as usize,
        };
        entry.widen(extra.ok_or_else(|| invalid("an extra field is cut off"))?)?;
        *position = extra_start + extra_length + comment_length;
        Ok(entry)
    }

    /// Takes sizes that do not fit 32 bits from the extra field.
    fn widen(&mut self, mut extra: &[u8]) -> Result<()> {
        const ZIP64: u16 = 1;
        while extra.len() >= 4 {
            let (tag, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
            let body = extra.get(4..4 + length).ok_or_else(|| invalid("an extra field is cut off"))?;
            if tag == ZIP64 {
                let wide = [&mut self.bytes, &mut self.compressed_bytes, &mut self.header];
                let wanted = wide.into_iter().filter(|field| **field == u32::MAX as usize);
                for (index, field) in wanted.enumerate() {
                    *field = u64_at(body, 8 * index)?;
                }
            }
            extra = &extra[4 + length..];
        }
        Ok(())
    }

    /// The entry's data, unpacked and checked.
    fn data(&self, archive: &[u8]) -> Result<Vec<u8>> {
        let problem = |problem: &str| invalid(format!("entry `{}`: {problem}", self.name));
        if u32_at(archive, self.header)? != LOCAL_HEADER {
            return Err(problem("its header is not where the directory says"));
        }
        // The local header may have another extra field than the directory.
        let start = self.header
            + 30
            + usize::from(u16_at(archive, self.header + 26)?)
            + usize::from(u16_at(archive, self.header + 28)?);
        let end = start.checked_add(self.compressed_bytes);
        let packed =
            end.and_then(|end| archive.get(start..end)).ok_or_else(|| problem("its data are cut off"))?;
        let data = match self.method {
            0 => packed.to_vec(),
            8 if self.bytes
                > packed.len().saturating_mul(DEFLATE_RATIO_LIMIT).saturating_add(DEFLATE_RATIO_LIMIT) =>
            {
                return Err(problem("it claims more data than its compressed bytes can hold"));
            }
            8 => miniz_oxide::inflate::decompress_to_vec_with_limit(packed, self.bytes)
                .map_err(|_| problem("its compressed data are damaged"))?,
            method => {
                return Err(problem(&format!(
                    "compression method {method} is not supported; stored and deflate are"
                )));
            }
        };
        if data.len() != self.bytes || crc32(&data) != self.checksum {
            return Err(problem("its data do not match the checksum; the file is damaged"));
        }
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<(String, Tensor)> {
        vec![
            ("x".to_owned(), Tensor::from_vec(&[2, 3], vec![1.0_f32, -2.0, 3.5, 0.0, 9.0, -1.0]).unwrap()),
            ("labels".to_owned(), Tensor::from_vec(&[4], vec![1_i64, 2, 3, -4]).unwrap()),
            ("empty".to_owned(), Tensor::zeros(crate::DType::U8, &[0, 3]).unwrap()),
        ]
    }

    #[test]
    fn round_trips() {
        let mut file = Vec::new();
        write_to(&mut file, &sample()).unwrap();
        assert_eq!(read_bytes(&file).unwrap(), sample());
    }

    #[test]
    fn checksum_of_the_standard_check_string() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn every_truncation_and_bit_flip_is_an_error_or_the_same_tensors() {
        let mut file = Vec::new();
        write_to(&mut file, &sample()).unwrap();
        for length in 0..file.len() {
            assert!(read_bytes(&file[..length]).is_err(), "cut to {length}");
        }
        for position in 0..file.len() {
            let mut damaged = file.clone();
            damaged[position] ^= 0x41;
            // Names and dates carry no checksum, but data and sizes must.
            if let Ok(tensors) = read_bytes(&damaged) {
                let found: Vec<&Tensor> = tensors.iter().map(|(_, tensor)| tensor).collect();
                let (sample, taken) = (sample(), tensors.len());
                let expected: Vec<&Tensor> = sample.iter().map(|(_, tensor)| tensor).take(taken).collect();
                assert_eq!(found, expected, "byte {position}");
            }
        }
    }

    #[test]
    fn reads_deflated_entries() {
        // zlib's raw deflate of the stored entry, with the fields of both headers set to match.
        let tensor = Tensor::zeros(crate::DType::F32, &[100]).unwrap();
        let mut data = Vec::new();
        npy::write_to(&mut data, &tensor).unwrap();
        let packed = miniz_oxide::deflate::compress_to_vec(&data, 6);
        let mut file = Vec::new();
        let header = |file: &mut Vec<u8>| {
            [20_u16, 0, 8, 0, FIXED_DATE].iter().for_each(|field| file.extend(field.to_le_bytes()));
            [crc32(&data), packed.len() as u32, data.len() as u32]
                .iter()
                .for_each(|f| file.extend(f.to_le_bytes()));
            file.extend([5, 0, 0, 0]);
        };
        file.extend(LOCAL_HEADER.to_le_bytes());
        header(&mut file);
        file.extend(b"x.npy");
        file.extend(&packed);
        let start = file.len() as u32;
        file.extend(CENTRAL_HEADER.to_le_bytes());
        file.extend([20, 0]);
        header(&mut file);
        file.extend([0; 14]);
        file.extend(b"x.npy");
        let size = file.len() as u32 - start;
        file.extend(END_RECORD.to_le_bytes());
        file.extend([0, 0, 0, 0, 1, 0, 1, 0]);
        file.extend(size.to_le_bytes());
        file.extend(start.to_le_bytes());
        file.extend([0, 0]);
        assert_eq!(read_bytes(&file).unwrap(), [("x".to_owned(), tensor)]);
    }
}
