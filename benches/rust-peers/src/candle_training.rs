//! Training by candle.

use candle_core::utils::get_num_threads;
use candle_core::{DType, Device, Tensor};
use candle_nn::loss::cross_entropy;
use candle_nn::{Conv2d, Conv2dConfig, Linear, Module, Optimizer, SGD, VarBuilder, VarMap, conv2d, linear};

use crate::training::{CLASSES, Layers, PICTURE, RATE, layers, samples_a_second};
use crate::{Failure, Peer};

struct Network {
    convolutions: Vec<Conv2d>,
    linears: Vec<Linear>,
}

impl Network {
    fn new(layers: &Layers, parameters: VarBuilder) -> candle_core::Result<Network> {
        let convolutions = layers.convolutions.iter().enumerate().map(|(at, layer)| {
            let configuration = Conv2dConfig { padding: layer.padding, ..Conv2dConfig::default() };
            conv2d(layer.inputs, layer.outputs, 5, configuration, parameters.pp(format!("convolution{at}")))
        });
        let linears =
            layers.linears.iter().enumerate().map(|(at, [inputs, outputs])| {
                linear(*inputs, *outputs, parameters.pp(format!("linear{at}")))
            });
        Ok(Network {
            convolutions: convolutions.collect::<candle_core::Result<_>>()?,
            linears: linears.collect::<candle_core::Result<_>>()?,
        })
    }

    fn forward(&self, pictures: &Tensor) -> candle_core::Result<Tensor> {
        let mut x = pictures.clone();
        for convolution in &self.convolutions {
            x = convolution.forward(&x)?.relu()?.max_pool2d(2)?;
        }
        let mut x = x.flatten_from(1)?;
        for (at, linear) in self.linears.iter().enumerate() {
            x = linear.forward(&if at == 0 { x } else { x.relu()? })?;
        }
        Ok(x)
    }
}

/// A network, trained on one batch.
pub(crate) struct Training {
    network: Network,
    optimiser: SGD,
    pictures: Tensor,
    classes: Tensor,
    batch: usize,
}

impl Training {
    pub(crate) fn new(name: &str, threads: usize) -> Result<Training, Failure> {
        // candle cuts products into as many parts as this number says, whatever pool computes them.
        if get_num_threads() != threads {
            return Err(format!("set RAYON_NUM_THREADS to {threads} as well: candle reads it").into());
        }
        let layers = layers(name)?;
        let parameters = VarMap::new();
        let builder = VarBuilder::from_varmap(&parameters, DType::F32, &Device::Cpu);
        let network = Network::new(&layers, builder)?;
        let [height, width] = PICTURE;
        let classes = (0..layers.batch).map(|at| (at % CLASSES) as u32);
        Ok(Training {
            network,
            optimiser: SGD::new(parameters.all_vars(), RATE)?,
            pictures: Tensor::randn(0.0_f32, 1.0, (layers.batch, 1, height, width), &Device::Cpu)?,
            classes: Tensor::from_iter(classes, &Device::Cpu)?,
            batch: layers.batch,
        })
    }

    fn step(&mut self) -> Result<(), Failure> {
        let loss = cross_entropy(&self.network.forward(&self.pictures)?, &self.classes)?;
        self.optimiser.backward_step(&loss)?;
        Ok(())
    }
}

impl Peer for Training {
    fn measure(&mut self) -> Result<f64, Failure> {
        samples_a_second(self.batch, || self.step())
    }
}
