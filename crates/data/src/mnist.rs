//! MNIST and its likes: the IDX format, gzipped or not.
//!
//! IDX has two zero bytes, the element type (8: unsigned byte), the number of dimensions, each dimension as
//! big-endian u32, then the elements. Source: <http://yann.lecun.com/exdb/mnist/>.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use ediacara_tensor::Tensor;

use crate::{DataError, DataSet, ImageSet, files};

/// The most elements that an IDX file may announce: far above MNIST's 47 million, far below memory.
const ELEMENT_LIMIT: usize = 1 << 30;

/// The byte at which the labels of a file begin, behind the magic number and one dimension.
const LABELS_START: usize = 8;

/// A part of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// 60,000 pictures.
    Train,
    /// 10,000 pictures.
    Test,
}

/// Reads an IDX file of unsigned bytes.
///
/// It gives a u8 tensor of the shape that the header announces, of 1 to 4 dimensions.
pub fn read_idx(path: &Path) -> Result<Tensor, DataError> {
    let mut reader = files::open(path)?;
    let magic = header_word(&mut reader, path, 0)?;
    if magic[..3] != [0, 0, 8] || !(1..=4).contains(&magic[3]) {
        let problem = format!(
            "not an IDX file of bytes: bytes 0 to 4 are {magic:02x?}, not 00 00 08 and 1 to 4 dimensions"
        );
        return Err(DataError::format(path, problem));
    }
    let mut shape = Vec::new();
    for index in 1..=usize::from(magic[3]) {
        shape.push(u32::from_be_bytes(header_word(&mut reader, path, 4 * index)?) as usize);
    }
    let count = shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side));
    let count = count.filter(|&count| count <= ELEMENT_LIMIT).ok_or_else(|| {
        DataError::format(
            path,
            format!(
                "its header announces the shape {shape:?} in bytes 4 to {}, more than {ELEMENT_LIMIT} bytes",
                4 * (1 + shape.len())
            ),
        )
    })?;
    let values = files::read_exactly(&mut reader, path, 4 * (1 + shape.len()), count)?;
    Ok(Tensor::from_vec(&shape, values)?)
}

/// The four bytes of an IDX header that begin at byte `at`.
fn header_word(reader: &mut dyn Read, path: &Path, at: usize) -> Result<[u8; 4], DataError> {
    let mut word = [0_u8; 4];
    let mut count = 0;
    while count < word.len() {
        match reader.read(&mut word[count..]) {
            Ok(0) => {
                let problem = format!("truncated inside its IDX header: it ends at byte {}", at + count);
                return Err(DataError::format(path, problem));
            }
            Ok(read) => count += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => {
                let problem = format!("damaged at byte {} of what it holds, unpacked: {source}", at + count);
                return Err(DataError::format(path, problem));
            }
        }
    }
    Ok(word)
}

/// Reads one part of MNIST or Fashion-MNIST from its folder: images u8 `[N, 1, 28, 28]`, labels 0..=9.
///
/// The files have their official names, with `.gz` or without.
pub fn load(folder: &Path, split: Split) -> Result<ImageSet, DataError> {
    let part = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let images_path = existing(folder, &format!("{part}-images-idx3-ubyte"))?;
    let labels_path = existing(folder, &format!("{part}-labels-idx1-ubyte"))?;
    let images = read_idx(&images_path)?;
    let labels = read_idx(&labels_path)?;
    let &[count, 28, 28] = images.shape() else {
        let problem = format!(
            "pictures of shape [N, 28, 28] expected, found {:?} in its header, from byte 4 on",
            images.shape()
        );
        return Err(DataError::format(&images_path, problem));
    };
    if labels.shape() != [count] {
        let problem = format!(
            "{count} labels expected, one a picture, found the shape {:?} in its header, from byte 4 on",
            labels.shape()
        );
        return Err(DataError::format(&labels_path, problem));
    }
    let labels = labels.to_vec::<u8>()?;
    if let Some(index) = labels.iter().position(|&label| label > 9) {
        let at = LABELS_START + index;
        let problem = format!("label {index}, byte {at}, is {}; labels are 0..=9", labels[index]);
        return Err(DataError::format(&labels_path, problem));
    }
    Ok(ImageSet { images: images.reshape(&[count, 1, 28, 28])?, labels })
}

/// The gzipped file if it is there, else the plain one.
fn existing(folder: &Path, name: &str) -> Result<PathBuf, DataError> {
    let [zipped, plain] = [folder.join(format!("{name}.gz")), folder.join(name)];
    if let Some(path) = [&zipped, &plain].into_iter().find(|path| path.exists()) {
        return Ok(path.clone());
    }
    let set = DataSet::ALL.into_iter().find(|set| folder.ends_with(set.name())).unwrap_or(DataSet::Mnist);
    let problem = format!("there is no such file, neither with .gz nor without. {}", set.remedy());
    Err(DataError::format(&zipped, problem))
}
