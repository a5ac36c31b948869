//! The built-in networks against published figures, and the health of their activations.

#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use ediacara_data::synthetic;
use ediacara_graph::{Graph, NodeId, Tensor, ValueId};
use ediacara_nn::{Summary, build, build_sized, names, networks};

/// Computes every value of a graph on the host, and shows each node's result.
fn run(graph: &Graph, input: Tensor, mut see: impl FnMut(NodeId, &Tensor)) {
    let mut values: Vec<Option<Tensor>> = vec![None; graph.value_count()];
    values[graph.inputs()[0].index()] = Some(input);
    let mut readers: Vec<usize> = graph.values().map(|value| graph.consumers(value).len()).collect();
    for id in graph.order() {
        let node = graph.node(id);
        let operand = |value: &ValueId| {
            graph.constant(*value).or_else(|| values[value.index()].as_ref()).cloned().unwrap()
        };
        let operands: Vec<Tensor> = node.inputs.iter().map(operand).collect();
        let mut outputs: Vec<Tensor> = graph.output_types(id).iter().map(|ty| ty.zeros().unwrap()).collect();
        node.op.run(&operands.iter().collect::<Vec<_>>(), &mut outputs).unwrap();
        see(id, &outputs[0]);
        values[graph.output_of(id).index()] = outputs.pop();
        for input in &node.inputs {
            readers[input.index()] = readers[input.index()].saturating_sub(1);
            if readers[input.index()] == 0 {
                values[input.index()] = None;
            }
        }
    }
}

/// How many different numbers a tensor has after int8 quantisation, with the range of its own least and
/// greatest (and 0).
fn distinct_int8(values: &[f32]) -> usize {
    let low = values.iter().copied().fold(0.0, f32::min);
    let high = values.iter().copied().fold(0.0, f32::max);
    let mut seen = [false; 256];
    for value in values {
        seen[(((value - low) / (high - low) * 255.0).round() as usize).min(255)] = true;
    }
    seen.iter().filter(|&&seen| seen).count()
}

fn moments(values: &[f32]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    (mean, values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count)
}

/// `num_params` of torchvision's metadata; its `_ops` (0.714, 19.632, 4.089, 11.514, 0.301 G) are these
/// multiply-accumulates of convolutions and fully connected layers, rounded.
#[test]
fn parameters_and_macs_are_torchvisions() {
    let published = [
        ("alexnet", 61_100_840, 714_188_480),
        // The original's figures as Caffe publishes them (bvlc_alexnet: 60,965,224, 724 M).
        ("alexnet_two_groups", 60_965_224, 724_406_816),
        ("vgg19", 143_667_240, 19_632_062_464),
        ("resnet50", 25_557_032, 4_089_184_256),
        ("resnet152", 60_192_808, 11_513_626_624),
        ("mobilenet_v2", 3_504_872, 300_774_272),
        // timm's vit_small_patch16_224. Products: 196 patches of 768, then 12 layers of 197 tokens with 12 * 384^2
        // and the class. Those of attention have no weights: 12 layers of 2 * 197^2 * 384.
        ("vit_s", 22_050_664, 196 * 768 * 384 + 12 * 197 * (12 * 384 * 384 + 2 * 197 * 384) + 384_000),
        // LeNet-5's usual figures.
        ("lenet5", 61_706, 416_520),
        ("mlp:33-512-10", 22_538, 22_016),
    ];
    for (name, parameters, macs) in published {
        let graph = build(name, 1, 0).unwrap();
        let summary = Summary::new(&graph);
        assert_eq!((summary.parameters, summary.macs), (parameters, macs), "{name}");
        assert_eq!(summary.parameter_bytes, 4 * parameters, "{name}");
    }
}

/// 124,439,808 parameters are published for GPT-2 small.
///
/// The same count from the paper's sizes: tokens, positions, 12 layers of two normalisations, 12 * 768^2
/// weights and 9 * 768 biases, and the last normalisation. The output's weights are the tokens'.
#[test]
fn the_decoder_has_the_published_parameters() {
    let (width, length) = (768, 8);
    let parameters = (50_257 + 1024) * width + 12 * (4 * width + 12 * width * width + 9 * width) + 2 * width;
    assert_eq!(parameters, 124_439_808);
    let graph = build_sized("gpt2", length, 0).unwrap();
    let summary = Summary::new(&graph);
    assert_eq!(summary.parameters, parameters as u64);
    let macs = 12 * (12 * width * width + 2 * length * width) + 50_257 * width;
    assert_eq!(summary.macs, macs as u64);
    let ports = |ports: &[ediacara_nn::Port]| -> Vec<String> {
        ports.iter().map(|port| format!("{} {} {:?}", port.name, port.dtype, port.shape)).collect()
    };
    let (inputs, outputs) = (ports(&summary.inputs), ports(&summary.outputs));
    assert_eq!((inputs.len(), outputs.len()), (26, 25));
    assert_eq!(inputs[..2], ["input_ids i64 [1, 1]", "position i64 [1]"]);
    assert_eq!(inputs[2], "past_0_key f32 [1, 12, 8, 64]");
    assert_eq!(inputs[25], "past_11_value f32 [1, 12, 8, 64]");
    assert_eq!(outputs[..2], ["logits f32 [1, 1, 50257]", "present_0_key f32 [1, 12, 8, 64]"]);
    assert_eq!(outputs[24], "present_11_value f32 [1, 12, 8, 64]");
}

/// The weights are the papers': mean 0, deviation 0.02, those behind a sum scaled by 1 / sqrt(24).
#[test]
fn weights_of_transformers_are_the_papers() {
    let graph = build("vit_s", 1, 3).unwrap();
    let check = |graph: &Graph, name: &str, deviation: f64| {
        let weight = graph.constant(graph.value_by_name(name).unwrap()).unwrap();
        let (mean, variance) = moments(&weight.to_vec::<f32>().unwrap());
        assert!(mean.abs() < 0.05 * deviation, "{name}: mean {mean}");
        assert!((variance.sqrt() / deviation - 1.0).abs() < 0.02, "{name}: variance {variance}");
    };
    for name in ["patch_embed.proj.weight", "pos_embed", "blocks.11.attn.qkv.weight", "head.weight"] {
        check(&graph, name, 0.02);
    }
    let graph = build("gpt2", 1, 3).unwrap();
    check(&graph, "wte.weight", 0.02);
    check(&graph, "h.0.attn.c_proj.weight", 0.02 / 24.0_f64.sqrt());
    check(&graph, "h.11.mlp.c_proj.weight", 0.02 / 24.0_f64.sqrt());
}

/// The published table of AlexNet's layers.
#[test]
fn alexnets_layers() {
    let graph = build("alexnet", 2, 0).unwrap();
    let summary = Summary::new(&graph);
    let layers: Vec<_> = summary.layers.iter().collect();
    let found: Vec<_> = layers
        .iter()
        .filter(|layer| layer.parameters > 0)
        .map(|layer| {
            (layer.name.as_str(), layer.kind.as_str(), layer.output_shape.as_slice(), layer.parameters)
        })
        .collect();
    let expected: [(&str, &str, &[usize], u64); 8] = [
        ("features.0", "conv", &[2, 64, 55, 55], 23_296),
        ("features.3", "conv", &[2, 192, 27, 27], 307_392),
        ("features.6", "conv", &[2, 384, 13, 13], 663_936),
        ("features.8", "conv", &[2, 256, 13, 13], 884_992),
        ("features.10", "conv", &[2, 256, 13, 13], 590_080),
        ("classifier.1", "gemm", &[2, 4096], 37_752_832),
        ("classifier.4", "gemm", &[2, 4096], 16_781_312),
        ("classifier.6", "gemm", &[2, 1000], 4_097_000),
    ];
    assert_eq!(found, expected);
    assert_eq!(summary.macs, 2 * 714_188_480, "arithmetic grows with the batch, parameters do not");
    assert_eq!(summary.parameters, 61_100_840);
}

/// torchvision's ResNets have 53 and 155 convolutions, each with its normalisation, and a pooling to 7 x 7
/// pixels.
#[test]
fn resnets_layers() {
    for (name, convolutions, blocks) in [("resnet50", 53, 16), ("resnet152", 155, 50)] {
        let graph = build(name, 1, 0).unwrap();
        let summary = Summary::new(&graph);
        let count = |kind: &str| summary.layers.iter().filter(|layer| layer.kind == kind).count();
        assert_eq!((count("conv"), count("batch_norm"), count("add")), (convolutions, convolutions, blocks));
        let last = summary.layers.iter().filter(|layer| layer.kind == "conv").last().unwrap();
        assert_eq!(
            (last.name.as_str(), last.output_shape.as_slice()),
            ("layer4.2.conv3", [1, 2048, 7, 7].as_slice())
        );
        let norm = summary.layers.iter().find(|layer| layer.kind == "batch_norm").unwrap();
        assert_eq!((norm.name.as_str(), norm.parameters, norm.neurons), ("bn1", 128, 0));
        assert_eq!((norm.multiplications, norm.additions, norm.macs), (64 * 112 * 112, 64 * 112 * 112, 0));
    }
}

/// Outputs of convolutions and fully connected layers.
///
/// For the original AlexNet they are textbooks' 659,272 and 813,859 (with the input of 227 x 227 x 3). For
/// the others they are the same sum over the layers that the papers list.
#[test]
fn neurons_are_those_of_textbooks() {
    let published = [
        ("alexnet", 494_184, 494_184 + 224 * 224 * 3),
        ("alexnet_two_groups", 659_272, 813_859),
        ("vgg19", 14_861_288, 14_861_288 + 224 * 224 * 3),
        ("resnet152", 22_555_112, 22_555_112 + 224 * 224 * 3),
        ("mlp:33-512-10", 522, 522 + 33),
    ];
    for (name, neurons, with_inputs) in published {
        let graph = build(name, 1, 0).unwrap();
        let summary = Summary::new(&graph);
        assert_eq!((summary.neurons, summary.neurons_with_inputs), (neurons, with_inputs), "{name}");
        assert_eq!(summary.layers.iter().map(|layer| layer.neurons).sum::<u64>(), neurons, "{name}");
    }
}

/// The squares that it sums up are multiplications, but not of a convolution or matrix product.
#[test]
fn response_normalisation_has_no_multiply_adds() {
    let graph = build("alexnet_two_groups", 1, 0).unwrap();
    let summary = Summary::new(&graph);
    let norms: Vec<_> = summary.layers.iter().filter(|layer| layer.kind == "lrn").collect();
    assert_eq!(norms.len(), 2);
    assert!(norms.iter().all(|norm| norm.macs == 0 && norm.multiplications > 0), "{norms:?}");
}

#[test]
fn alexnet_of_two_groups_is_healthy() {
    check_health("alexnet_two_groups");
}

/// Counted by hand: 33 inputs, 512 hidden, 10 outputs.
#[test]
fn a_perceptron_counted_by_hand() {
    let graph = build("mlp:33-512-10", 1, 0).unwrap();
    let summary = Summary::new(&graph);
    let layers: Vec<_> = summary.layers.iter().collect();
    let rows: Vec<_> = layers
        .iter()
        .map(|layer| {
            (layer.kind.as_str(), layer.parameters, layer.neurons, layer.multiplications, layer.additions)
        })
        .collect();
    // A neuron of n inputs takes n multiplications, n - 1 additions and one for the bias.
    let expected = [
        ("gemm", 33 * 512 + 512, 512, 33 * 512, 33 * 512),
        ("relu", 0, 0, 0, 0),
        ("gemm", 512 * 10 + 10, 10, 512 * 10, 512 * 10),
    ];
    assert_eq!(rows, expected);
    assert_eq!((summary.neurons, summary.input_bytes), (512 + 10, 33 * 4));
    assert_eq!(summary.activation_bytes, 4 * (512 + 512 + 10));
    assert_eq!(summary.memory_bytes, 4 * (33 + 22_538 + 512 + 512 + 10));
    let first = &layers[0];
    assert_eq!(first.memory_bytes, 4 * (33 + 33 * 512 + 512 + 512));
}

#[test]
fn summaries_serialise() {
    let graph = build("lenet5", 1, 0).unwrap();
    let summary = Summary::new(&graph);
    let json = serde_json::to_value(&summary).unwrap();
    for field in ["parameters", "macs", "multiplications", "additions", "neurons", "layers"] {
        assert!(json.get(field).is_some(), "{field}");
    }
    assert_eq!(json["layers"][0]["output_shape"], serde_json::json!([1, 6, 28, 28]));
    assert_eq!(json["inputs"][0]["shape"], serde_json::json!([1, 1, 28, 28]));
}

/// Through the whole depth every value has a variance near 1 (a residual branch near 1 / blocks).
///
/// It also differs from place to place, and keeps more than 32 int8 numbers.
#[track_caller]
fn check_health(name: &str) {
    let graph = build(name, 1, 1).unwrap();
    let input = synthetic::normal(&graph.ty(graph.inputs()[0]).shape, 1).unwrap();
    run(&graph, input, |id, output| {
        let (layer, kind) = (&graph.node(id).name, graph.node(id).op.name());
        let values = output.as_slice::<f32>().unwrap();
        let (mean, variance) = moments(values);
        let few = values.len() < 1000;
        assert!(few || distinct_int8(values) > 32, "{name} {layer} ({kind}): {}", distinct_int8(values));
        if kind != "pool" && kind != "reshape" && values.len() >= 10 {
            assert!(
                (0.01..8.0).contains(&variance),
                "{name} {layer} ({kind}): variance {variance}, mean {mean}"
            );
        }
        assert!(kind != "relu" || variance / (mean * mean) > 0.3, "{name} {layer} is flat");
    });
}

#[test]
fn alexnet_is_healthy() {
    check_health("alexnet");
}

#[test]
fn vgg19_is_healthy() {
    check_health("vgg19");
}

#[test]
fn resnet50_is_healthy() {
    check_health("resnet50");
}

#[test]
fn resnet152_is_healthy() {
    check_health("resnet152");
}

#[test]
fn mobilenet_v2_is_healthy() {
    check_health("mobilenet_v2");
}

#[test]
fn small_networks_are_healthy() {
    check_health("lenet5");
    check_health("mlp:33-512-10");
    check_health("mlp:1-100-100-1");
}

/// Every network is built for the input that it declares, in the batch that was asked for.
#[test]
fn inputs_and_outputs() {
    for network in networks() {
        let graph = build(network.name, 3, 0).unwrap();
        assert_eq!(graph.name, network.name);
        let (input, output) = (graph.inputs()[0], graph.outputs()[0]);
        assert_eq!(graph.ty(input).shape, [&[3], network.input.as_slice()].concat());
        let classes = if network.name == "lenet5" { 10 } else { 1000 };
        assert_eq!(graph.ty(output).shape, [3, classes]);
        assert_eq!(
            (graph.value(input).name.as_str(), graph.value(output).name.as_str()),
            ("input", "logits")
        );
    }
}

#[test]
fn weights_come_from_the_seed_alone() {
    let weight = |batch: usize, seed: u64| {
        let graph = build("lenet5", batch, seed).unwrap();
        graph.constant(graph.value_by_name("conv2.weight").unwrap()).unwrap().to_vec::<f32>().unwrap()
    };
    assert_eq!(weight(1, 5), weight(4, 5));
    assert_ne!(weight(1, 5), weight(1, 6));
    // Filters are centred: 150 weights of deviation 1 / sqrt(150 * 0.3408), sum 0.
    for filter in weight(1, 5).chunks_exact(150) {
        assert!(filter.iter().sum::<f32>().abs() < 1e-5);
    }
    let (_, variance) = moments(&weight(1, 5));
    assert!((variance * 150.0 * 0.3408 - 1.0).abs() < 0.1, "{variance}");
}

#[test]
fn errors_list_what_there_is() {
    let check = |name: &str, batch: usize, expect: &str| {
        assert_eq!(build(name, batch, 0).map(|_| ()).unwrap_err().to_string(), expect);
    };
    let known = "alexnet, alexnet_two_groups, vgg19, resnet50, resnet152, mobilenet_v2, vit_s, lenet5, gpt2, \
         mlp:33-512-10, lstm:128-128x100, gru:128-128x100";
    assert_eq!(names().join(", "), known);
    check(
        "resnet51",
        1,
        &format!("no built-in network is called 'resnet51'; did you mean `resnet50`? There are {known}"),
    );
    check("gpt2", 2, "a batch of 2 cannot be built for 'gpt2'; give 1 to 1");
    for length in [0, 1025] {
        let error = build_sized("gpt2", length, 0).map(|_| ()).unwrap_err().to_string();
        let expected = format!("'gpt2' cannot be built with caches of {length} tokens; give T=1 to T=1024");
        assert_eq!(error, expected);
    }
    check("lenet5", 0, "a batch of 0 cannot be built for 'lenet5'; give 1 to 1024");
    let form = "write inputs, units and steps like lstm:128-128x100";
    check("lstm:512-256", 1, &format!("'lstm:512-256': '512-256' is not INPUT-HIDDENxSTEPS; {form}"));
    check("gru:8-0x4", 1, &format!("'gru:8-0x4': inputs, units and steps are 1 to 8192; {form}"));
    let form = "write the sizes from input to output like mlp:33-512-10";
    check("mlp:33", 1, &format!("'mlp:33': an input and an output size are needed; {form}"));
    check("mlp:", 1, &format!("'mlp:': '' is no size of a layer; {form}"));
    check("mlp:33-0-10", 1, &format!("'mlp:33-0-10': '0' is no size of a layer; {form}"));
    check("mlp:33-x", 1, &format!("'mlp:33-x': 'x' is no size of a layer; {form}"));
    check("mlp:99999-99999", 1, &format!("'mlp:99999-99999': more than 1073741824 weights; {form}"));
    let huge = format!("mlp:{0}-{0}", usize::MAX);
    check(&huge, 1, &format!("'{huge}': more than 1073741824 weights; {form}"));
}
