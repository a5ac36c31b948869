//! Training by burn.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Distribution, Int, Tensor};

use crate::training::{CLASSES, Layers, PICTURE, RATE, layers, samples_a_second};
use crate::{Failure, Peer};

#[derive(Module, Debug)]
struct Network {
    convolutions: Vec<Conv2d>,
    pool: MaxPool2d,
    linears: Vec<Linear>,
}

impl Network {
    fn new(layers: &Layers, device: &Device) -> Network {
        let convolutions = layers.convolutions.iter().map(|layer| {
            let padding =
                PaddingConfig2d::Explicit(layer.padding, layer.padding, layer.padding, layer.padding);
            Conv2dConfig::new([layer.inputs, layer.outputs], [5, 5]).with_padding(padding).init(device)
        });
        let linears =
            layers.linears.iter().map(|[inputs, outputs]| LinearConfig::new(*inputs, *outputs).init(device));
        Network {
            convolutions: convolutions.collect(),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            linears: linears.collect(),
        }
    }

    fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let mut x = pictures;
        for convolution in &self.convolutions {
            x = self.pool.forward(relu(convolution.forward(x)));
        }
        let mut x = x.flatten::<2>(1, 3);
        for (at, linear) in self.linears.iter().enumerate() {
            x = linear.forward(if at == 0 { x } else { relu(x) });
        }
        x
    }
}

/// A network, trained on one batch.
pub(crate) struct Training {
    /// Present except while the optimiser has it, which updates in place a network that nobody else holds.
    network: Option<Network>,
    optimiser: ModuleOptimizer,
    loss: CrossEntropyLoss,
    pictures: Tensor<4>,
    classes: Tensor<1, Int>,
    batch: usize,
}

impl Training {
    pub(crate) fn new(name: &str) -> Result<Training, Failure> {
        let device = Device::flex().autodiff();
        device.seed(1);
        let layers = layers(name)?;
        let [height, width] = PICTURE;
        let noise = Distribution::Normal(0.0, 1.0);
        Ok(Training {
            network: Some(Network::new(&layers, &device)),
            optimiser: SgdConfig::new().init(),
            loss: CrossEntropyLossConfig::new().init(&device),
            pictures: Tensor::random([layers.batch, 1, height, width], noise, &device),
            classes: Tensor::arange(0..layers.batch as i64, &device).remainder_scalar(CLASSES as i64),
            batch: layers.batch,
        })
    }

    fn step(&mut self) -> Result<(), Failure> {
        let network = self.network.take().ok_or("a step has failed")?;
        let loss = self.loss.forward(network.forward(self.pictures.clone()), self.classes.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        self.network = Some(self.optimiser.step(RATE, network, gradients));
        Ok(())
    }
}

impl Peer for Training {
    fn measure(&mut self) -> Result<f64, Failure> {
        samples_a_second(self.batch, || self.step())
    }
}
