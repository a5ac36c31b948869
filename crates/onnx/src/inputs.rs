//! The inputs of a model: their types, and the sizes of their dimensions.
//!
//! A dimension is fixed, or symbolic; a symbolic one has a name, or is called after its input and axis,
//! `INPUT[AXIS]`. The caller gives sizes by name, by input and axis, by whole shapes, or by the tensors that
//! will be fed. What nobody gives is 1, and reported.

use std::collections::HashSet;

use ediacara_graph::TensorType;
use ediacara_tensor::{DType, Tensor};

use crate::error::{ImportError, listed};
use crate::options::{BoundDim, ImportOptions};
use crate::proto::tensor_shape_proto::dimension::Value as Dim;
use crate::proto::type_proto::{Tensor as TensorProtoType, Value as TypeValue};
use crate::proto::{GraphProto, ValueInfoProto};
use crate::tensor;

/// An input that will be fed.
pub(crate) struct Fed<'a> {
    pub(crate) name: &'a str,
    pub(crate) ty: TensorType,
    /// What is fed to it, where that is known and fits.
    pub(crate) sample: Option<Tensor>,
}

/// The inputs of a graph, while sizes are bound.
pub(crate) struct Inputs<'a> {
    file: &'a str,
    options: &'a ImportOptions,
    graph: &'a GraphProto,
    /// The inputs that have no initialiser.
    free: Vec<&'a ValueInfoProto>,
    /// The symbolic dimensions that are bound.
    pub(crate) dims: Vec<BoundDim>,
}

fn name_of(input: &ValueInfoProto) -> &str {
    input.name.as_deref().unwrap_or("")
}

/// The tensor type that the file declares for an input, if it is one.
fn declared(input: &ValueInfoProto) -> Option<&TensorProtoType> {
    match input.r#type.as_ref()?.value.as_ref()? {
        TypeValue::TensorType(declared) => Some(declared),
        _ => None,
    }
}

/// The dimensions that the file declares for an input, if it does.
fn declared_dims(input: &ValueInfoProto) -> Option<Vec<Option<&Dim>>> {
    Some(declared(input)?.shape.as_ref()?.dim.iter().map(|dim| dim.value.as_ref()).collect())
}

/// What the axis of an input is called if nothing else is.
fn axis_name(input: &str, axis: usize) -> String {
    format!("{input}[{axis}]")
}

/// The size of a fixed dimension, or the name of a symbolic one: its own, or that of its input and axis.
fn fixed_or_symbol(input: &str, axis: usize, dim: Option<&Dim>) -> Result<usize, String> {
    match dim {
        // Some exporters write 0 or -1 for an unknown size; an input without elements makes no network.
        Some(&Dim::DimValue(size)) if size > 0 => usize::try_from(size).map_err(|_| axis_name(input, axis)),
        // Some call every unknown size by the same question mark.
        Some(Dim::DimParam(name)) if !name.is_empty() && name != "?" => Err(name.clone()),
        _ => Err(axis_name(input, axis)),
    }
}

/// Whether a tensor of that shape fits the sizes that are fixed.
fn fits(shape: &[usize], dims: &[Result<usize, String>]) -> bool {
    let mut axes = dims.iter().zip(shape);
    shape.len() == dims.len() && axes.all(|(dim, size)| dim.as_ref().map_or(true, |fixed| fixed == size))
}

impl<'a> Inputs<'a> {
    /// The inputs of a graph without those whose names are `stored`, as initialisers.
    ///
    /// # Errors
    /// The options name an input that there is not; a typing mistake would silently change the result.
    pub(crate) fn new(
        file: &'a str,
        options: &'a ImportOptions,
        graph: &'a GraphProto,
        stored: &HashSet<&str>,
    ) -> Result<Inputs<'a>, ImportError> {
        let free = graph.input.iter().filter(|input| !stored.contains(name_of(input))).collect();
        let inputs = Inputs { file, options, graph, free, dims: Vec::new() };
        let shapes = options.shapes.iter().map(|(name, _)| name);
        let mut named = shapes.chain(options.constants.iter().map(|(name, _)| name));
        match named.find(|name| !graph.input.iter().any(|input| name_of(input) == name.as_str())) {
            Some(name) => Err(inputs.unknown("input", name, graph.input.iter().map(name_of))),
            None => Ok(inputs),
        }
    }

    fn unknown<'n>(
        &self,
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> ImportError {
        ImportError::UnknownName {
            file: self.file.to_owned(),
            kind,
            name: name.to_owned(),
            known: listed(known),
        }
    }

    fn error(&self, found: impl Into<String>, remedy: impl Into<String>) -> ImportError {
        ImportError::Model { file: self.file.to_owned(), found: found.into(), remedy: remedy.into() }
    }

    fn tensor_error(&self, name: &str, found: String) -> ImportError {
        ImportError::Tensor { file: self.file.to_owned(), tensor: name.to_owned(), found }
    }

    /// The inputs that the options fix, each with its value in the type that the file declares, if Ediacara
    /// holds that type.
    pub(crate) fn constants(&self) -> impl Iterator<Item = (&'a str, Tensor)> {
        self.options.constants.iter().map(|(name, constant)| {
            let input = self.graph.input.iter().find(|input| name_of(input) == name);
            let dtype = input.and_then(declared).and_then(|ty| tensor::dtype(ty.elem_type.unwrap_or(0)).ok());
            (name.as_str(), dtype.map_or_else(|| constant.clone(), |dtype| constant.cast(dtype)))
        })
    }

    /// The inputs that will be fed.
    ///
    /// # Errors
    /// An input is no dense tensor of a type that Ediacara holds, or is too large; sizes contradict each other;
    /// the options name a dimension that there is not.
    pub(crate) fn fed(&mut self) -> Result<Vec<Fed<'a>>, ImportError> {
        for index in 0..self.free.len() {
            self.bind_axes(self.free[index])?;
        }
        let mut fed = Vec::with_capacity(self.free.len());
        for index in 0..self.free.len() {
            let name = name_of(self.free[index]);
            if !self.options.constants.iter().any(|(fixed, _)| fixed == name) {
                let given = self.options.fed.get(fed.len()).and_then(Option::as_ref);
                let ty = self.input_type(self.free[index], given)?;
                let sample =
                    given.filter(|tensor| tensor.shape() == ty.shape).map(|tensor| tensor.cast(ty.dtype));
                fed.push(Fed { name, ty, sample });
            }
        }
        let is_known =
            |name: &str| self.dims.iter().any(|dim| dim.name == name) || self.axes().any(|axis| axis == name);
        match self.options.dims.iter().find(|(name, _)| !is_known(name)) {
            Some((name, _)) => {
                let symbols: Vec<String> = self.dims.iter().map(|dim| dim.name.clone()).collect();
                let fixed: Vec<String> = self.axes().filter(|axis| !symbols.contains(axis)).collect();
                let known = symbols.iter().chain(&fixed).map(String::as_str);
                Err(self.unknown("dimension", name, known))
            }
            None => Ok(fed),
        }
    }

    /// Every axis of every input, called after both.
    fn axes(&self) -> impl Iterator<Item = String> {
        self.free.iter().flat_map(|input| {
            let rank = declared_dims(input).map_or(0, |dims| dims.len());
            (0..rank).map(|axis| axis_name(name_of(input), axis))
        })
    }

    /// The whole shape that the options give an input.
    fn given_shape(&self, input: &str) -> Option<&'a [usize]> {
        let given = self.options.shapes.iter().rev().find(|(named, _)| named == input);
        given.map(|(_, shape)| shape.as_slice())
    }

    /// The size that the options give a dimension by that name.
    fn given_dim(&self, name: &str) -> Option<usize> {
        self.options.dims.iter().rev().find(|(named, _)| named == name).map(|&(_, size)| size)
    }

    /// The size that the options give an axis of an input, by a whole shape or by input and axis.
    fn given_axis(&self, input: &str, axis: usize) -> Option<usize> {
        let in_shape = self.given_shape(input).and_then(|shape| shape.get(axis).copied());
        in_shape.or_else(|| self.given_dim(&axis_name(input, axis)))
    }

    /// Binds an input's symbolic dimensions to the sizes that the options give its axes.
    fn bind_axes(&mut self, input: &ValueInfoProto) -> Result<(), ImportError> {
        let name = name_of(input);
        let Some(declared) = declared_dims(input) else { return Ok(()) };
        if let Some(shape) = self.given_shape(name)
            && shape.len() != declared.len()
        {
            return Err(self.error(
                format!("its input '{name}' has {} axes, but the shape {shape:?} is given", declared.len()),
                "give one size an axis",
            ));
        }
        for (axis, dim) in declared.into_iter().enumerate() {
            let Some(size) = self.given_axis(name, axis) else { continue };
            let Err(symbol) = fixed_or_symbol(name, axis, dim) else { continue };
            let bound = self.dims.iter().find(|bound| bound.name == symbol).map(|bound| bound.size);
            if let Some(other) = bound.or_else(|| self.given_dim(&symbol)).filter(|&other| other != size) {
                return Err(self.error(
                    format!("its dimension '{symbol}' is given the sizes {other} and {size}"),
                    "give it one size",
                ));
            }
            if bound.is_none() {
                self.dims.push(BoundDim { name: symbol, size, given: true });
            }
        }
        Ok(())
    }

    /// The type of an input; `given` will be fed to it, if known.
    fn input_type(
        &mut self,
        input: &'a ValueInfoProto,
        given: Option<&Tensor>,
    ) -> Result<TensorType, ImportError> {
        let name = name_of(input);
        let Some(ty) = declared(input) else {
            return Err(self.error(
                format!("its input '{name}' is no dense tensor"),
                "sequences, maps, optional and sparse values are not supported",
            ));
        };
        let dtype = tensor::dtype(ty.elem_type.unwrap_or(0));
        let dtype = dtype.map_err(|found| self.tensor_error(name, found))?;
        let shape = match (self.given_shape(name), declared_dims(input)) {
            (Some(shape), _) => shape.to_vec(),
            (None, None) => {
                return Err(self.error(
                    format!("its input '{name}' has no declared shape"),
                    "give one with --shape NAME=1x3x48x192, or export the model with shapes",
                ));
            }
            (None, Some(dims)) => {
                let dims = dims.into_iter().enumerate();
                let dims: Vec<_> = dims.map(|(axis, dim)| fixed_or_symbol(name, axis, dim)).collect();
                let fed = given.map(Tensor::shape).filter(|shape| fits(shape, &dims));
                let sizes = dims.into_iter().enumerate();
                sizes
                    .map(|(axis, dim)| match dim {
                        Ok(size) => self.given_axis(name, axis).unwrap_or(size),
                        Err(symbol) => self.bound(symbol, fed.map(|shape| shape[axis])),
                    })
                    .collect()
            }
        };
        self.checked_type(name, dtype, shape)
    }

    fn checked_type(&self, name: &str, dtype: DType, shape: Vec<usize>) -> Result<TensorType, ImportError> {
        match tensor::checked_size_bytes(dtype, &shape, self.options.limits.input_bytes) {
            Ok(_) => Ok(TensorType { dtype, shape }),
            Err(found) => Err(self.tensor_error(name, format!("as an input, {found}"))),
        }
    }

    /// The size of a symbolic dimension.
    ///
    /// `fed` is the size in the tensor that will be fed, if known.
    fn bound(&mut self, name: String, fed: Option<usize>) -> usize {
        if let Some(bound) = self.dims.iter().find(|bound| bound.name == name) {
            return bound.size;
        }
        let given = self.given_dim(&name).or(fed);
        let size = given.unwrap_or(1);
        self.dims.push(BoundDim { name, size, given: given.is_some() });
        size
    }
}
