//! Inference by tract.

use std::time::Instant;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, RunOptions};
use tract_onnx::tract_hir::infer::Factoid;

use crate::{Failure, Peer};

/// The value of every element of every input, cast to the input's type.
const INPUT: f32 = 0.5;

/// The network of an ONNX file, optimised.
pub(crate) struct Inference {
    /// The state that is kept from one inference to the next, with what it has allocated.
    state: TypedSimpleState,
    inputs: TVec<TValue>,
}

impl Inference {
    pub(crate) fn new(file: &str) -> Result<Inference, Failure> {
        let mut model = tract_onnx::onnx().model_for_path(file)?;
        let mut inputs = tvec!();
        for at in 0..model.input_outlets()?.len() {
            let fact = model.input_fact(at)?;
            let ty = fact.datum_type.concretize().ok_or("the type of an input is not known")?;
            // A size counts as 1 if it is a symbol or unknown.
            let size = |dim: Option<TDim>| dim.and_then(|dim| dim.to_usize().ok()).unwrap_or(1);
            let shape: TVec<usize> = fact.shape.dims().map(|dim| size(dim.concretize())).collect();
            model.set_input_fact(at, InferenceFact::dt_shape(ty, &shape))?;
            let mut input = Tensor::zero::<f32>(&shape)?;
            input.fill_t(INPUT)?;
            inputs.push(input.cast_to_dt(ty)?.into_owned().into_tvalue());
        }
        // On a thread of a pool, `RayonGlobal` runs on that pool. With its own pool, which is the other way
        // to more than one thread, tract was some percent slower.
        let executor = Some(multithread::Executor::RayonGlobal);
        let options = RunOptions { executor, ..RunOptions::default() };
        let state = model.into_optimized()?.into_runnable_with_options(&options)?.spawn()?;
        Ok(Inference { state, inputs })
    }

    fn run(&mut self) -> Result<TVec<TValue>, Failure> {
        Ok(self.state.run(self.inputs.clone())?)
    }
}

impl Peer for Inference {
    fn measure(&mut self) -> Result<f64, Failure> {
        self.run()?;
        let start = Instant::now();
        self.run()?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }

    fn outputs(&mut self) -> Result<String, Failure> {
        let mut elements = Vec::new();
        for output in self.run()? {
            let output = output.cast_to::<f32>()?;
            elements.extend(output.view().as_slice::<f32>()?.iter().map(f32::to_string));
        }
        Ok(elements.join(" "))
    }
}
