//! The layers of the figures, by the names of their cases.
//!
//! Each is called `layer`.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Conv, ConvTranspose};
use ediacara_nn::{NnError, Scope, functional};

type Layer = fn(&mut Scope, &[ValueId]) -> Result<Vec<ValueId>, NnError>;

pub(crate) const CASES: &[(&str, Layer)] = &[
    ("elu", |scope, x| Ok(vec![scope.compose("layer", |emit| functional::elu(emit, x[0], 1.0))?])),
    ("elu_half", |scope, x| Ok(vec![scope.compose("layer", |emit| functional::elu(emit, x[0], 0.5))?])),
    ("gelu", |scope, x| Ok(vec![scope.compose("layer", |emit| functional::gelu(emit, x[0]))?])),
    ("leaky_relu", |scope, x| {
        Ok(vec![scope.compose("layer", |emit| functional::leaky_relu(emit, x[0], 0.125))?])
    }),
    ("softmax", |scope, x| Ok(vec![scope.compose("layer", |emit| functional::softmax(emit, x[0], 1))?])),
    ("prelu", |scope, x| Ok(vec![scope.prelu("layer", x[0])?])),
    ("conv_grouped", |scope, x| {
        let conv = Conv { stride: [2, 1], padding: [1; 4], groups: 2, ..Conv::default() };
        Ok(vec![scope.conv2d("layer", x[0], 6, 3, conv)?])
    }),
    ("conv_depthwise", |scope, x| {
        let conv = Conv { padding: [1; 4], groups: 3, ..Conv::default() };
        Ok(vec![scope.conv2d("layer", x[0], 3, 3, conv)?])
    }),
    ("conv_depthwise_multiplied", |scope, x| {
        let conv = Conv { dilation: [2; 2], groups: 2, ..Conv::default() };
        Ok(vec![scope.conv2d("layer", x[0], 6, 2, conv)?])
    }),
    ("conv_transpose", |scope, x| {
        let conv = ConvTranspose {
            stride: [2; 2],
            padding: [1; 4],
            output_padding: [1; 2],
            groups: 2,
            ..ConvTranspose::default()
        };
        Ok(vec![scope.conv_transpose2d("layer", x[0], 6, 3, conv)?])
    }),
    ("dense", |scope, x| Ok(vec![scope.dense("layer", x[0], 3)?])),
    ("embedding", |scope, x| Ok(vec![scope.embedding("layer", x[0], 5, 3)?])),
    ("batch_norm", |scope, x| Ok(vec![scope.batch_norm("layer", x[0])?])),
    ("layer_norm", |scope, x| Ok(vec![scope.layer_norm("layer", x[0], 2)?])),
    ("layer_norm_last_axis", |scope, x| Ok(vec![scope.layer_norm("layer", x[0], 1)?])),
    ("rnn", |scope, x| {
        let sequence = scope.rnn("layer", x[0], 4, Some(x[1]))?;
        Ok(vec![sequence.outputs, sequence.hidden])
    }),
    ("rnn_from_zero", |scope, x| {
        let sequence = scope.rnn("layer", x[0], 4, None)?;
        Ok(vec![sequence.outputs, sequence.hidden])
    }),
    ("lstm", |scope, x| {
        let (sequence, cell) = scope.lstm("layer", x[0], 4, Some([x[1], x[2]]))?;
        Ok(vec![sequence.outputs, sequence.hidden, cell])
    }),
    ("gru", |scope, x| {
        let sequence = scope.gru("layer", x[0], 4, Some(x[1]))?;
        Ok(vec![sequence.outputs, sequence.hidden])
    }),
    ("dot_product_attention", |scope, x| {
        Ok(vec![scope.compose("layer", |emit| {
            functional::scaled_dot_product_attention(emit, x[0], x[1], x[2], false)
        })?])
    }),
    ("attention", |scope, x| Ok(vec![scope.attention("layer", [x[0], x[1], x[2]], 2, false)?])),
    ("attention_causal", |scope, x| Ok(vec![scope.attention("layer", [x[0]; 3], 2, true)?])),
];
