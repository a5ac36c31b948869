//! Operators on integers that are held in tensors of f32, each with its importer.
//!
//! Operands are rounded to integers of 32 bits, everything between is exact, and results are exact up to 2^24 in
//! magnitude. `//` is a division that rounds to minus infinity, `tdiv` one that rounds to zero.

mod activation;
mod division;
mod ita_max;
mod layer_norm;
mod mean;
mod normal;
mod operands;
mod quotient;
mod requant_shift;
mod rms_norm;
mod softmax;

use ediacara_graph::OpDescription;
use ediacara_onnx::Handler;

/// What a registry knows of them.
pub(crate) const DESCRIPTIONS: &[OpDescription] = &[
    activation::GELU,
    activation::HARD_SWISH,
    ita_max::DESCRIPTION,
    layer_norm::DESCRIPTION,
    mean::DESCRIPTION,
    requant_shift::DESCRIPTION,
    rms_norm::DESCRIPTION,
    softmax::DESCRIPTION,
];

/// The operators of the files, all in the domain of ONNX.
pub(crate) const IMPORTED: &[(&str, Handler)] = &[
    ("Conv", operands::stored_inputs),
    ("ITAMax", ita_max::import),
    ("IntegerMean", mean::import),
    ("MatMul", operands::stored_inputs),
    ("RequantShift", requant_shift::import),
    ("TrueIntegerDiv", division::import),
    ("iGELU", activation::import_gelu),
    ("iHardswish", activation::import_hard_swish),
    ("iLayerNorm", layer_norm::import),
    ("iRMSNorm", rms_norm::import),
    ("iSoftmax", softmax::import),
];
