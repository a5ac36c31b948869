//! A network's inputs: from a photo, a `.npy` or `.pb` file, or seeded numbers.

use std::path::{Path, PathBuf};

use ediacara_data::{Preprocess, RgbImage, bundled, synthetic};
use ediacara_graph::{DType, Graph, TensorType, ValueId};
use ediacara_tensor::{Tensor, npy, npz};

use crate::{Error, indices};

/// Where one input tensor comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file: an image (`.png`, `.jpg`, `.jpeg`), a NumPy array (`.npy`), an ONNX tensor (`.pb`), or a NumPy
    /// archive (`.npz`).
    ///
    /// An archive holds arrays for any number of inputs by their names.
    File(PathBuf),
    /// A file for the input of this name.
    Named {
        /// The input.
        input: String,
        /// As of [`Source::File`], but for archives.
        file: PathBuf,
    },
    /// An array of an archive, and the archive.
    Array {
        /// The archive.
        file: PathBuf,
        /// The array.
        tensor: Tensor,
    },
    /// The photo that is built into the binary.
    BundledPhoto,
    /// Seeded numbers of mean 0 and deviation 1.
    Synthetic(u64),
}

/// The tensors for all of `graph`'s inputs, from as many `sources`.
///
/// An input without a source is synthetic, from `seed`. Archives give the inputs that they name, sources with a name
/// theirs; the other sources give the rest, in order.
///
/// # Errors
/// There are more sources than inputs, or none of a name. A file cannot be read, or does not fit the input's shape. An archive
/// has no array for any input. A photo has no preprocessing.
pub fn load(
    graph: &Graph,
    sources: &[Source],
    preprocess: Option<&Preprocess>,
    seed: u64,
) -> Result<Vec<Tensor>, Error> {
    let names: Vec<&str> = graph.inputs().iter().map(|&input| graph.value(input).name.as_str()).collect();
    let sources = assign(&names, sources, seed)?;
    let tensor = |(&input, source): (&ValueId, Source)| match source {
        Source::Synthetic(seed) => seeded(graph, input, seed),
        source => one(&graph.value(input).name, graph.ty(input), &source, preprocess),
    };
    graph.inputs().iter().zip(sources).map(tensor).collect()
}

/// One source for each of the inputs of these `names`.
///
/// Archives give the inputs that they name, sources with a name theirs, and the other sources give the rest, in order. Inputs
/// that are left are synthetic, from `seed` on.
///
/// # Errors
/// More sources than inputs are left; a name is no input's, or comes twice; an archive that cannot be read, or has an array for none of the inputs.
pub fn assign(names: &[&str], sources: &[Source], seed: u64) -> Result<Vec<Source>, Error> {
    let mut assigned: Vec<Option<Source>> = vec![None; names.len()];
    let (archives, others): (Vec<&Source>, Vec<&Source>) =
        sources.iter().partition(|source| is_archive(source));
    for source in archives {
        let Source::File(path) = source else { continue };
        let mut arrays = npz::read(path)?;
        // If there is one array and one input, they need no common name.
        if let ([array], [name]) = (arrays.as_mut_slice(), names) {
            (*name).clone_into(&mut array.0);
        }
        let found: Vec<String> = arrays.iter().map(|(name, _)| name.clone()).collect();
        let mut used = false;
        for (name, tensor) in arrays {
            if let Some(index) = names.iter().position(|input| *input == name) {
                assigned[index] = Some(Source::Array { file: path.clone(), tensor });
                used = true;
            }
        }
        if !used {
            let inputs = names.iter().map(|name| (*name).to_owned()).collect();
            return Err(Error::NoSuchArray { path: path.clone(), found, inputs });
        }
    }
    let (named, others): (Vec<&Source>, Vec<&Source>) =
        others.into_iter().partition(|source| matches!(source, Source::Named { .. }));
    for source in named {
        let Source::Named { input, file } = source else { continue };
        let index = index_of(names, input)?;
        if let Some(Source::File(other)) = &assigned[index] {
            let (other, file) = (other.display(), file.display());
            return Err(Error::Invalid(format!("input {input} is given twice: {other} and {file}")));
        }
        assigned[index] = Some(Source::File(file.clone()));
    }
    let mut free = assigned.iter_mut().filter(|source| source.is_none());
    for source in &others {
        let Some(place) = free.next() else {
            let inputs = names.iter().map(|name| (*name).to_owned()).collect();
            return Err(Error::TooManyInputs { given: sources.len(), inputs });
        };
        *place = Some((*source).clone());
    }
    let numbered = assigned.into_iter().zip(0_u64..);
    Ok(numbered
        .map(|(source, index)| source.unwrap_or(Source::Synthetic(seed.wrapping_add(index))))
        .collect())
}

pub(crate) fn is_archive(source: &Source) -> bool {
    let Source::File(path) = source else { return false };
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz"))
}

/// The names of the inputs of `graph` whose numbers would be made up: those without a source, or with a
/// synthetic one.
///
/// # Errors
/// As [`assign`].
pub fn made_up(graph: &Graph, sources: &[Source]) -> Result<Vec<String>, Error> {
    let names: Vec<&str> = graph.inputs().iter().map(|&input| graph.value(input).name.as_str()).collect();
    let assigned = names.iter().zip(assign(&names, sources, 0)?);
    let made_up = assigned.filter(|(_, source)| matches!(source, Source::Synthetic(_)));
    Ok(made_up.map(|(name, _)| (*name).to_owned()).collect())
}

/// Seeded numbers for an input of `graph`; whole numbers that pick rows lie within the number of rows.
///
/// # Errors
/// A tensor of the input's shape cannot be made.
pub fn seeded(graph: &Graph, input: ValueId, seed: u64) -> Result<Tensor, Error> {
    let value = graph.value(input);
    let tensor = match (value.ty.dtype, indices::bound(graph, input)) {
        (DType::I64 | DType::I32, Some(bound)) => {
            synthetic::indices(&value.ty.shape, bound, seed)?.cast(value.ty.dtype)
        }
        _ => numbers(&value.ty, seed)?,
    };
    fit(&value.name, &value.ty, tensor, &Source::Synthetic(seed))
}

/// The position of the input of `graph` with this name.
///
/// # Errors
/// No input has this name; the error lists the names.
pub fn position(graph: &Graph, name: &str) -> Result<usize, Error> {
    let names: Vec<&str> = graph.inputs().iter().map(|&input| graph.value(input).name.as_str()).collect();
    index_of(&names, name)
}

fn index_of(names: &[&str], name: &str) -> Result<usize, Error> {
    names.iter().position(|input| *input == name).ok_or_else(|| {
        Error::Invalid(format!("the network has no input {name}; its inputs are {}", names.join(", ")))
    })
}

/// One input tensor of type `ty`; `name` is the input's, for errors.
///
/// # Errors
/// As [`load`].
pub fn one(
    name: &str,
    ty: &TensorType,
    source: &Source,
    preprocess: Option<&Preprocess>,
) -> Result<Tensor, Error> {
    let tensor = match source {
        Source::File(path) | Source::Named { file: path, .. } => from_file(name, ty, path, preprocess)?,
        Source::Array { tensor, .. } => tensor.clone(),
        Source::BundledPhoto => photo(name, ty, &bundled::PHOTO.decode()?, preprocess)?,
        Source::Synthetic(seed) => numbers(ty, *seed)?,
    };
    fit(name, ty, tensor, source)
}

/// The photos that are built in for calibration, as inputs of type `ty`.
///
/// # Errors
/// `ty` is no picture.
pub fn bundled_calibration(
    name: &str,
    ty: &TensorType,
    preprocess: &Preprocess,
) -> Result<Vec<Tensor>, Error> {
    bundled::CALIBRATION.iter().map(|file| photo(name, ty, &file.decode()?, Some(preprocess))).collect()
}

/// Whether an input of this type can be made from a photo: f32 `[N, 1 or 3, H, W]`.
pub fn is_picture(ty: &TensorType) -> bool {
    ty.dtype == DType::F32 && matches!(ty.shape[..], [_, 1 | 3, height, width] if height > 1 && width > 1)
}

fn from_file(
    name: &str,
    ty: &TensorType,
    path: &Path,
    preprocess: Option<&Preprocess>,
) -> Result<Tensor, Error> {
    let extension = path.extension().map(|text| text.to_string_lossy().to_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "npy" => Ok(npy::read(path)?),
        "pb" => Ok(ediacara_onnx::read_tensor(path)?.1),
        _ if is_photo(path) => photo(name, ty, &RgbImage::open(path)?, preprocess),
        _ => Err(Error::UnknownInputFile { path: path.to_owned() }),
    }
}

/// Whether a file is a picture, by its name.
pub(crate) fn is_photo(path: &Path) -> bool {
    let extension = path.extension().map(|text| text.to_string_lossy().to_lowercase());
    matches!(extension.as_deref(), Some("png" | "jpg" | "jpeg"))
}

fn photo(
    name: &str,
    ty: &TensorType,
    photo: &RgbImage,
    preprocess: Option<&Preprocess>,
) -> Result<Tensor, Error> {
    let [batch, channels, height, width] = ty.shape[..] else {
        return Err(Error::NotAPicture { input: name.to_owned(), shape: ty.shape.clone() });
    };
    if !is_picture(ty) {
        return Err(Error::NotAPicture { input: name.to_owned(), shape: ty.shape.clone() });
    }
    let Some(preprocess) = preprocess else {
        return Err(Error::NoPreprocessing { input: name.to_owned() });
    };
    let one = preprocess.apply(photo, channels, height, width)?;
    Ok(one.broadcast_to(&[batch, channels, height, width])?.to_contiguous())
}

fn numbers(ty: &TensorType, seed: u64) -> Result<Tensor, Error> {
    match ty.dtype {
        DType::F32 => Ok(synthetic::normal(&ty.shape, seed)?),
        DType::I8 => Ok(synthetic::bytes(&ty.shape, seed)?),
        DType::U8 => {
            let bytes = synthetic::bytes(&ty.shape, seed)?.to_vec::<i8>()?;
            Ok(Tensor::from_vec(&ty.shape, bytes.into_iter().map(i8::cast_unsigned).collect())?)
        }
        DType::I64 | DType::I32 => Ok(synthetic::indices(&ty.shape, 2, seed)?.cast(ty.dtype)),
        other => Ok(synthetic::normal(&ty.shape, seed)?.cast(other)),
    }
}

/// The tensor in the input's shape and type.
///
/// Numbers are converted if that changes none of them. A missing or extra batch axis of one is accepted.
pub(crate) fn fit(name: &str, ty: &TensorType, tensor: Tensor, source: &Source) -> Result<Tensor, Error> {
    let without_ones =
        |shape: &[usize]| shape.iter().copied().skip_while(|&size| size == 1).collect::<Vec<_>>();
    let source_text = || match source {
        Source::File(path) | Source::Array { file: path, .. } | Source::Named { file: path, .. } => {
            path.display().to_string()
        }
        Source::BundledPhoto => "the bundled photo".to_owned(),
        Source::Synthetic(_) => "synthetic numbers".to_owned(),
    };
    if without_ones(tensor.shape()) != without_ones(&ty.shape) {
        return Err(Error::InputMismatch {
            input: name.to_owned(),
            source_text: source_text(),
            found: format!("{} {:?}", tensor.dtype().name(), tensor.shape()),
            expected: format!("{} {:?}", ty.dtype.name(), ty.shape),
        });
    }
    let tensor = convert(&tensor, ty.dtype).map_err(|number| Error::InexactInput {
        input: name.to_owned(),
        source_text: source_text(),
        found: tensor.dtype().name(),
        expected: ty.dtype.name(),
        number,
    })?;
    Ok(tensor.to_contiguous().reshape(&ty.shape)?)
}

/// The tensor in another element type, or the first number that the type cannot hold exactly.
fn convert(tensor: &Tensor, to: DType) -> Result<Tensor, f64> {
    if tensor.dtype() == to {
        return Ok(tensor.clone());
    }
    let converted = tensor.cast(to);
    let numbers = |tensor: &Tensor| tensor.cast(DType::F64).to_vec::<f64>().unwrap_or_default();
    let (before, after) = (numbers(tensor), numbers(&converted));
    let changed = before
        .iter()
        .zip(&after)
        .find(|(before, after)| !(before == after || (before.is_nan() && after.is_nan())));
    changed.map_or(Ok(converted), |(&number, _)| Err(number))
}

/// The tensor in a file, if the file holds one and can be read; a photo is none yet.
pub fn stored(path: &Path) -> Option<Tensor> {
    let extension = path.extension()?.to_string_lossy().to_lowercase();
    match extension.as_str() {
        "npy" => npy::read(path).ok(),
        "pb" => Some(ediacara_onnx::read_tensor(path).ok()?.1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_converted_where_none_changes() {
        let given = Tensor::from_vec(&[3], vec![0.5_f64, -3.0, f64::NAN]).unwrap();
        assert_eq!(convert(&given, DType::F32).unwrap().to_vec::<f32>().unwrap()[..2], [0.5, -3.0]);
        // 0.1 in 53 bits is not 0.1 in 24.
        let given = Tensor::from_vec(&[2], vec![0.5_f64, 0.1]).unwrap();
        assert_eq!(convert(&given, DType::F32).unwrap_err(), 0.1);
        let given = Tensor::from_vec(&[2], vec![7_i64, (1 << 24) + 1]).unwrap();
        assert_eq!(convert(&given, DType::F32).unwrap_err(), 16_777_217.0);
        assert_eq!(convert(&given, DType::I32).unwrap().to_vec::<i32>().unwrap(), [7, 16_777_217]);
        assert_eq!(convert(&given, DType::U8).unwrap_err(), 16_777_217.0);
        let given = Tensor::from_vec(&[2], vec![0.0_f32, 2.5]).unwrap();
        assert_eq!(convert(&given, DType::I64).unwrap_err(), 2.5);
    }

    #[test]
    fn named_files_go_to_their_inputs_and_the_rest_in_order() {
        let named = |input: &str, file: &str| Source::Named { input: input.to_owned(), file: file.into() };
        let assigned = |sources: &[Source]| -> Result<Vec<String>, String> {
            let found = assign(&["a", "b", "c"], sources, 7).map_err(|error| error.to_string())?;
            let name = |source| match source {
                Source::File(path) => path.display().to_string(),
                other => format!("{other:?}"),
            };
            Ok(found.into_iter().map(name).collect())
        };
        let [x, y] = ["x.npy", "y.npy"].map(|file| Source::File(file.into()));
        let given = [x.clone(), named("b", "z.npy"), y.clone()];
        assert_eq!(assigned(&given), Ok(["x.npy", "z.npy", "y.npy"].map(str::to_owned).to_vec()));
        assert_eq!(
            assigned(&[named("c", "z.npy")]),
            Ok(["Synthetic(7)", "Synthetic(8)", "z.npy"].map(str::to_owned).to_vec())
        );
        let says = |sources: &[Source], part: &str| {
            let error = assigned(sources).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        says(&[named("d", "z.npy")], "the network has no input d; its inputs are a, b, c");
        says(&[named("b", "z.npy"), named("b", "y.npy")], "input b is given twice: z.npy and y.npy");
        says(&[x.clone(), x.clone(), x, named("b", "z.npy")], "4");
    }

    #[test]
    fn every_type_has_numbers_of_its_own() {
        for dtype in
            [DType::F32, DType::F16, DType::F64, DType::I8, DType::U8, DType::I32, DType::I64, DType::Bool]
        {
            let ty = TensorType { dtype, shape: vec![2, 3] };
            let found = one("x", &ty, &Source::Synthetic(1), None).unwrap();
            assert_eq!(TensorType::of(&found), ty);
        }
    }
}
