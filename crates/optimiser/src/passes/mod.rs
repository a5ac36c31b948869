//! The passes over real graphs, in the order in which they run.
//!
//! Each rule is one file; each preserves the graph's values up to floating-point rounding.

mod activation;
mod bias;
mod channel_gather;
mod common_subexpressions;
mod constant_folding;
mod dead_nodes;
mod dequantise_weights;
mod factor_behind_product;
mod half_precision;
mod identities;
mod linear;
mod masked_attention;
mod matmul_to_gemm;
mod pad_into_window;
mod reduce_to_pool;
mod reshapes;
mod scale_into_weights;
mod sink_quantisers;
mod stored;
mod transposes;

use ediacara_graph::rewrite::{Pass, Pipeline, Rewrite, RewritePass};

/// The visible list of passes.
pub fn pipeline() -> Pipeline {
    Pipeline::new(vec![
        Box::new(half_precision::HalfPrecision),
        Box::new(dequantise_weights::DequantiseWeights),
        pass(
            "sink_quantisers",
            "Brings what is quantised already to one form: only quantize_linear gives integers, only dequantize_linear reads \
             them.",
            vec![Box::new(sink_quantisers::SinkQuantisers)],
        ),
        pass(
            "constant_folding",
            "Computes what depends on constants alone.",
            vec![Box::new(constant_folding::ConstantFolding)],
        ),
        pass(
            "movement",
            "Removes what changes nothing and merges reshapes and transposes with their like.",
            vec![
                Box::new(identities::Identities),
                Box::new(reshapes::Reshapes),
                Box::new(transposes::Transposes),
            ],
        ),
        pass(
            "channel_gather",
            "Turns movements that pick whole channels (channel shuffles) into one gather.",
            vec![Box::new(channel_gather::ChannelGather), Box::new(identities::Identities)],
        ),
        pass(
            "common_subexpressions",
            "Computes once what would be computed twice.",
            vec![Box::new(common_subexpressions::CommonSubexpressions)],
        ),
        pass(
            "matmul_to_gemm",
            "Makes a product with constant weights a fully connected layer.",
            vec![Box::new(matmul_to_gemm::MatmulToGemm)],
        ),
        pass(
            "pad_into_window",
            "Lets convolutions and pools pad by themselves.",
            vec![Box::new(pad_into_window::PadIntoWindow)],
        ),
        pass(
            "reduce_to_pool",
            "Makes means and maxima over an image pools, which have an int8 form.",
            vec![Box::new(reduce_to_pool::ReduceToPool)],
        ),
        pass(
            "normalisation",
            "Folds per-channel factors and offsets behind a convolution or gemm (BatchNorm, bias) into its weights and bias.",
            vec![Box::new(scale_into_weights::ScaleIntoWeights), Box::new(bias::IntoBias)],
        ),
        pass(
            "attention",
            "Scales scores behind their product, and computes none that a constant mask silences.",
            vec![
                Box::new(factor_behind_product::FactorBehindProduct),
                Box::new(masked_attention::MaskedAttention),
            ],
        ),
        pass(
            "activation",
            "Lets convolutions and gemms apply a relu or clamp that alone reads them.",
            vec![Box::new(activation::FuseActivation)],
        ),
        Box::new(dead_nodes::DeadNodes),
    ])
}

/// A pass of these rules.
fn pass(name: &'static str, documentation: &'static str, rules: Vec<Box<dyn Rewrite>>) -> Box<dyn Pass> {
    Box::new(RewritePass::new(name, documentation, rules))
}
