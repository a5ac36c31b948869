//! NumPy's `.npy`: one tensor a file.
//!
//! The format is numpy.lib.format, versions 1.0 to 3.0.
//!
//! NumPy has no bf16; cast to f32 before writing.

use std::io::{BufReader, Read, Write};
use std::path::Path;

use crate::file::{in_file, open, write_atomically};
use crate::{DType, Result, Tensor, TensorError, element_count};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The most bytes of a header: real ones are under a kilobyte, and a hostile length must not become an
/// allocation.
const HEADER_LIMIT_BYTES: usize = 1 << 20;
/// The data start at a multiple of this, since the header is padded.
const ALIGNMENT_BYTES: usize = 64;

fn invalid(problem: impl Into<String>) -> TensorError {
    TensorError::Format { format: "npy", problem: problem.into() }
}

/// Reads the tensor of a file.
///
/// # Errors
/// The file cannot be read or is no valid `.npy` of a known element type.
pub fn read(path: &Path) -> Result<Tensor> {
    read_from(BufReader::new(open(path)?)).map_err(in_file(path))
}

/// Reads a tensor from a stream, up to the end of its data.
///
/// # Errors
/// As [`read`].
pub fn read_from(mut reader: impl Read) -> Result<Tensor> {
    let header = read_header(&mut reader)?;
    let bytes = element_count(header.dtype, &header.shape)? * header.dtype.size_bytes();
    // The buffer grows with what is really there, so that a header cannot demand memory that the file does
    // not fill.
    let mut data = Vec::new();
    let found = reader.take(bytes as u64).read_to_end(&mut data)?;
    if found != bytes {
        return Err(invalid(format!(
            "shape {:?} of {} needs {bytes} bytes, found {found}",
            header.shape, header.dtype
        )));
    }
    if header.big_endian {
        data.chunks_exact_mut(header.dtype.size_bytes()).for_each(<[u8]>::reverse);
    }
    if !header.fortran_order {
        return Tensor::from_bytes(header.dtype, &header.shape, data);
    }
    let reversed: Vec<usize> = header.shape.iter().rev().copied().collect();
    let axes: Vec<usize> = (0..reversed.len()).rev().collect();
    Ok(Tensor::from_bytes(header.dtype, &reversed, data)?.transpose(&axes)?.to_contiguous())
}

/// Writes a tensor as version 1.0, C order.
///
/// # Errors
/// The file cannot be written, or the element type is bf16.
pub fn write(path: &Path, tensor: &Tensor) -> Result<()> {
    write_atomically(path, |writer| write_to(writer, tensor))
}

/// Writes a tensor to a stream.
///
/// # Errors
/// As [`write()`].
pub fn write_to(mut writer: impl Write, tensor: &Tensor) -> Result<()> {
    writer.write_all(&header_bytes(tensor)?)?;
    writer.write_all(tensor.to_contiguous().as_bytes()?)?;
    Ok(())
}

/// The bytes before the data.
fn header_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    let descr = match tensor.dtype() {
        DType::F32 => "<f4",
        DType::F16 => "<f2",
        DType::F64 => "<f8",
        DType::I8 => "|i1",
        DType::U8 => "|u1",
        DType::I32 => "<i4",
        DType::I64 => "<i8",
        DType::Bool => "|b1",
        DType::BF16 => return Err(invalid("NumPy has no bf16; cast to f32 first")),
    };
    let dimensions: Vec<String> = tensor.shape().iter().map(usize::to_string).collect();
    let shape = match dimensions.as_slice() {
        [single] => format!("({single},)"),
        several => format!("({})", several.join(", ")),
    };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let prefix = MAGIC.len() + 4;
    let unpadded = prefix + header.len() + 1;
    header.push_str(&" ".repeat(unpadded.next_multiple_of(ALIGNMENT_BYTES) - unpadded));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| invalid("the shape has too many dimensions"))?;
    Ok([MAGIC.as_slice(), &[1, 0], &length.to_le_bytes(), header.as_bytes()].concat())
}

#[derive(Debug, PartialEq)]
struct Header {
    dtype: DType,
    big_endian: bool,
    fortran_order: bool,
    shape: Vec<usize>,
}

fn read_header(reader: &mut impl Read) -> Result<Header> {
    let short = |_| invalid("it ends within its header");
    let mut start = [0; 8];
    reader.read_exact(&mut start).map_err(short)?;
    if &start[..6] != MAGIC {
        return Err(invalid("it does not start with the npy magic bytes"));
    }
    let length = match start[6] {
        1 => {
            let mut length = [0; 2];
            reader.read_exact(&mut length).map_err(short)?;
            usize::from(u16::from_le_bytes(length))
        }
        2 | 3 => {
            let mut length = [0; 4];
            reader.read_exact(&mut length).map_err(short)?;
            u32::from_le_bytes(length) as usize
        }
        version => return Err(invalid(format!("version {version} is unknown; 1, 2 and 3 are read"))),
    };
    if length > HEADER_LIMIT_BYTES {
        return Err(invalid(format!(
            "its header claims {length} bytes; at most {HEADER_LIMIT_BYTES} are read"
        )));
    }
    let mut header = vec![0; length];
    reader.read_exact(&mut header).map_err(short)?;
    let header = std::str::from_utf8(&header).map_err(|_| invalid("its header is not text"))?;
    parse_header(header)
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, with the keys in any order.
fn parse_header(text: &str) -> Result<Header> {
    let inner = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let mut rest = inner.ok_or_else(|| invalid("its header is no dictionary"))?.trim_start();
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    while !rest.is_empty() {
        let (key, after) = quoted(rest)?;
        let value = after
            .trim_start()
            .strip_prefix(':')
            .ok_or_else(|| invalid("a key of its header has no value"))?;
        let value = value.trim_start();
        rest = match key {
            "descr" => {
                let (text, after) = quoted(value)?;
                descr = Some(text);
                after
            }
            "fortran_order" => {
                let (flag, after) = boolean(value)?;
                fortran_order = Some(flag);
                after
            }
            "shape" => {
                let (dimensions, after) = tuple(value)?;
                shape = Some(dimensions);
                after
            }
            other => return Err(invalid(format!("its header has the unknown key `{other}`"))),
        };
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    let (Some(descr), Some(fortran_order), Some(shape)) = (descr, fortran_order, shape) else {
        return Err(invalid("its header lacks descr, fortran_order or shape"));
    };
    let (dtype, big_endian) = parse_descr(descr)?;
    Ok(Header { dtype, big_endian, fortran_order, shape })
}

fn parse_descr(descr: &str) -> Result<(DType, bool)> {
    let unknown = || {
        invalid(format!(
            "element type `{descr}` is not supported; known are f2 f4 f8 i1 u1 i4 i8 b1 (cast in NumPy first)"
        ))
    };
    let (order, name) = descr.split_at_checked(1).ok_or_else(unknown)?;
    let dtype = match name {
        "f4" => DType::F32,
        "f2" => DType::F16,
        "f8" => DType::F64,
        "i1" => DType::I8,
        "u1" => DType::U8,
        "i4" => DType::I32,
        "i8" => DType::I64,
        "b1" => DType::Bool,
        _ => return Err(unknown()),
    };
    match order {
        "<" | "=" => Ok((dtype, false)),
        "|" if dtype.size_bytes() == 1 => Ok((dtype, false)),
        ">" => Ok((dtype, true)),
        _ => Err(unknown()),
    }
}

/// A Python string at the start of `text`, and what follows it.
fn quoted(text: &str) -> Result<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
    let quote = quote.ok_or_else(|| invalid("a string of its header is not quoted"))?;
    text[1..].split_once(quote).ok_or_else(|| invalid("a string of its header is not closed"))
}

fn boolean(text: &str) -> Result<(bool, &str)> {
    let found = [("False", false), ("True", true)]
        .into_iter()
        .find_map(|(word, value)| text.strip_prefix(word).map(|rest| (value, rest)));
    found.ok_or_else(|| invalid("fortran_order is neither True nor False"))
}

fn tuple(text: &str) -> Result<(Vec<usize>, &str)> {
    let error = || invalid("its shape is no tuple of sizes");
    let (inner, rest) = text.strip_prefix('(').and_then(|inner| inner.split_once(')')).ok_or_else(error)?;
    let inner = inner.trim();
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    if inner.is_empty() {
        return Ok((Vec::new(), rest));
    }
    // Old files of Python 2 write `3L`.
    let size = |part: &str| part.trim().trim_end_matches('L').parse::<usize>().map_err(|_| error());
    Ok((inner.split(',').map(size).collect::<Result<_>>()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `numpy.save` 1.26 writes for `numpy.array([[1, 2], [3, 4]], dtype="<f4", order=...)`.
    fn numpy_file(fortran_order: &str, data: [f32; 4]) -> Vec<u8> {
        let mut header = format!("{{'descr': '<f4', 'fortran_order': {fortran_order}, 'shape': (2, 2), }}");
        header.push_str(&" ".repeat(117 - header.len()));
        header.push('\n');
        let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        file.extend(header.as_bytes());
        data.iter().for_each(|value| file.extend(value.to_le_bytes()));
        file
    }

    #[test]
    fn reads_what_numpy_writes() {
        let expected = Tensor::from_vec(&[2, 2], vec![1.0_f32, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(read_from(numpy_file("False", [1.0, 2.0, 3.0, 4.0]).as_slice()).unwrap(), expected);
        assert_eq!(read_from(numpy_file("True", [1.0, 3.0, 2.0, 4.0]).as_slice()).unwrap(), expected);
    }

    #[test]
    fn writes_what_numpy_writes() {
        let tensor = Tensor::from_vec(&[2, 2], vec![1.0_f32, 2.0, 3.0, 4.0]).unwrap();
        let mut file = Vec::new();
        write_to(&mut file, &tensor).unwrap();
        assert_eq!(file, numpy_file("False", [1.0, 2.0, 3.0, 4.0]));
    }

    #[test]
    fn every_type_and_rank_round_trips() {
        for dtype in DType::ALL {
            for shape in [&[][..], &[0], &[3], &[2, 0, 4], &[2, 3, 1]] {
                let tensor = Tensor::zeros(dtype, shape).unwrap();
                let mut file = Vec::new();
                if dtype == DType::BF16 {
                    assert!(write_to(&mut file, &tensor).is_err());
                    continue;
                }
                write_to(&mut file, &tensor).unwrap();
                assert!(read_from(file.as_slice()).unwrap().same_bits(&tensor), "{dtype} {shape:?}");
            }
        }
    }

    #[test]
    fn big_endian_is_swapped() {
        let mut file = Vec::new();
        write_to(&mut file, &Tensor::from_vec(&[1], vec![1_i32]).unwrap()).unwrap();
        let descr = file.windows(3).position(|window| window == b"<i4").unwrap();
        file[descr] = b'>';
        let value = read_from(file.as_slice()).unwrap().to_vec::<i32>().unwrap();
        assert_eq!(value, [1 << 24]);
    }

    #[test]
    fn a_huge_shape_is_refused_without_memory() {
        let mut file = numpy_file("False", [0.0; 4]);
        let at = file.windows(6).position(|window| window == b"(2, 2)").unwrap();
        file.splice(at..at + 6, *b"(99999999999, 9)");
        let extra = 10;
        file[8] += extra;
        let error = read_from(file.as_slice()).unwrap_err().to_string();
        assert!(error.contains("bytes, found"), "{error}");
    }
}
