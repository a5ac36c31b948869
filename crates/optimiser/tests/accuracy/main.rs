//! What int8 costs in accuracy, measured on real networks and real photos on the host.
//!
//! Every test prints its figures (`cargo test -- --nocapture`) and asserts the bound that the project
//! promises. Calibration and test samples are disjoint throughout. A test whose data are not on this machine
//! says so by name and passes.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod detector;
mod networks;
mod qdq;

use ediacara_graph::{Graph, Tensor};
use ediacara_optimiser::{Calibration, quantise};
use networks::{Runner, Signal, argmax, optimised, photos, skip, stack};

/// Calibrates on one list of samples, and quantises.
fn quantised(graph: &Graph, samples: &[Tensor]) -> Graph {
    let calibration = Calibration::collect(graph, samples.iter().map(|sample| vec![sample.clone()])).unwrap();
    let quantised = quantise(graph, &calibration).unwrap();
    for left in &quantised.left {
        println!("  on the host: {} ({}): {}", left.node, left.op, left.reason);
    }
    quantised.graph
}

/// Top-1 agreement of f32 and int8, and the signal-to-noise ratio of the output, both folds together.
fn classifier(network: &str, preset: &str, size: usize, decibels: f64) {
    let (Some(graph), Some(fifty), Some(stubs)) =
        (optimised(network, 1), photos("imagenet50", preset, size), photos("imagenet-stubs", preset, size))
    else {
        return skip(network);
    };
    let real = Runner::new(&graph);
    let (mut agreeing, mut total) = (0, 0);
    for (fold, calibration, test) in
        [("imagenet50 -> stubs", &fifty, &stubs), ("stubs -> imagenet50", &stubs, &fifty)]
    {
        let int8 = quantised(&graph, calibration);
        let int8 = Runner::new(&int8);
        let mut signal = Signal::default();
        let mut agreed = 0;
        for photo in test {
            let (wanted, found) = (real.run(photo), int8.run(photo));
            signal.add(&wanted, &found);
            agreed += usize::from(argmax(&wanted) == argmax(&found));
        }
        println!(
            "{network}, {fold}: top-1 agrees on {agreed} of {}, SQNR {:.1} dB",
            test.len(),
            signal.decibels()
        );
        assert!(
            signal.decibels() >= decibels,
            "{network}, {fold}: SQNR {:.1} dB is below {decibels}",
            signal.decibels()
        );
        agreeing += agreed;
        total += test.len();
    }
    println!("{network}: top-1 agrees on {agreeing} of {total}");
    assert!(agreeing >= 62, "{network}: top-1 agrees on {agreeing} of {total} photos, 62 are promised");
}

#[test]
fn efficientnet_lite0_keeps_its_answers() {
    classifier("efficientnet_lite0", "lite", 224, 20.0);
}

#[test]
fn squeezenet_keeps_its_answers() {
    classifier("squeezenet10_deepcompressed", "caffe", 227, 20.0);
}

#[test]
fn resnet20_stays_within_a_point() {
    const BATCH: usize = 50;
    let (Some(graph), Some((images, labels))) = (optimised("resnet20_cifar10", BATCH), networks::cifar())
    else {
        return skip("resnet20_cifar10");
    };
    let batches: Vec<(Tensor, &[u8])> = images.chunks(BATCH).map(stack).zip(labels.chunks(BATCH)).collect();
    let (first, second) = batches.split_at(batches.len() / 2);
    let real = Runner::new(&graph);
    let (mut real_right, mut int8_right, mut total) = (0, 0, 0);
    let mut signal = Signal::default();
    for (calibration, test) in [(first, second), (second, first)] {
        let samples: Vec<Tensor> = calibration[..2].iter().map(|(images, _)| images.clone()).collect();
        let int8 = quantised(&graph, &samples);
        let int8 = Runner::new(&int8);
        for (images, labels) in test {
            let (wanted, found) = (real.run(images), int8.run(images));
            signal.add(&wanted, &found);
            let right = |logits: &[f32]| {
                logits
                    .chunks(10)
                    .zip(*labels)
                    .filter(|(row, label)| argmax(row) == usize::from(**label))
                    .count()
            };
            real_right += right(&wanted);
            int8_right += right(&found);
            total += labels.len();
        }
    }
    println!(
        "resnet20_cifar10: f32 {real_right}, int8 {int8_right} right of {total}, SQNR {:.1} dB",
        signal.decibels()
    );
    assert!((int8_right + total / 100) >= real_right, "int8 loses more than a point");
}

#[test]
fn fastestdet_finds_its_boxes_again() {
    let (Some(graph), Some(photos)) = (optimised("fastestdet", 1), networks::voc(352)) else {
        return skip("fastestdet");
    };
    let (first, second) = photos.split_at(photos.len() / 2);
    let real = Runner::new(&graph);
    let (mut found_again, mut total, mut extra) = (0, 0, 0);
    let mut signal = Signal::default();
    for (calibration, test) in [(first, second), (second, first)] {
        let int8 = quantised(&graph, &calibration[..32.min(calibration.len())]);
        let int8 = Runner::new(&int8);
        for photo in test {
            let (wanted, found) = (real.run(photo), int8.run(photo));
            signal.add(&wanted, &found);
            let (wanted, found) = (detector::boxes(&wanted, 0.5), detector::boxes(&found, 0.5));
            let again =
                wanted.iter().filter(|wanted| found.iter().any(|found| wanted.matches(found))).count();
            found_again += again;
            total += wanted.len();
            extra += found.len().saturating_sub(again);
        }
    }
    println!(
        "fastestdet: {found_again} of {total} f32 boxes found again in int8 ({:.1} %), {extra} others, SQNR {:.1} dB",
        100.0 * found_again as f64 / total as f64,
        signal.decibels()
    );
    // The promise is 95 %, which is an open task (docs/results.md); what is reached must not be lost.
    assert!(found_again * 100 >= total * 91, "less than 91 % of the boxes are found again");
}
