//! How much noise in each channel of each stored value weighs in the network's answers.
//!
//! Noise is taken to be independent from number to number, so that a convolution adds it up by the squares of
//! its weights. A relu holds back the share of numbers that calibration saw not to be positive. This is the
//! diagonal of what a gradient would say, and one walk back through the plan finds it. It only decides how
//! channels are compared, so that a rough answer is enough.

use std::collections::HashMap;

use ediacara_graph::ValueId;
use ediacara_graph::ops::Activation;

use super::plan::{Lowering, Plan};
use crate::{Calibration, Statistics};

/// A value that never leaves zero has no width to compare noise with.
const LEAST_WIDTH: f64 = 1e-12;

/// The weight of noise in each channel, as a number.
pub(crate) struct Sensitivity<'a> {
    plan: &'a Plan<'a>,
    calibration: &'a Calibration,
    by_value: HashMap<ValueId, Vec<f64>>,
}

impl<'a> Sensitivity<'a> {
    /// Walks back from the values that the host reads.
    ///
    /// There, noise counts relative to the width of all numbers.
    pub(crate) fn find(plan: &'a Plan, calibration: &'a Calibration) -> Sensitivity<'a> {
        let mut found = Sensitivity { plan, calibration, by_value: HashMap::new() };
        let lowerings: Vec<&Lowering> = plan.lowerings().collect();
        for value in lowerings.iter().map(|lowering| lowering.result).filter(|&value| plan.host_reads(value))
        {
            let channels = plan.channels(value);
            let all = channels as f64 * pixels(plan, value);
            found.add(value, vec![1.0 / (found.width(value).powi(2) * all); channels]);
        }
        for lowering in lowerings.into_iter().rev() {
            found.carry_back(lowering);
        }
        found
    }

    /// The statistics that calibration has of a value.
    pub(crate) fn statistics(&self, value: ValueId) -> Option<&'a Statistics> {
        self.calibration.statistics(&self.plan.graph.value(value).name)
    }

    /// The weights of a value's channels; nothing if its noise does not reach the host.
    pub(crate) fn get(&self, value: ValueId) -> Option<&[f64]> {
        self.by_value.get(&value).map(Vec::as_slice)
    }

    /// The weights of the channels of a step's result before its activation.
    pub(crate) fn before_activation(&self, lowering: &Lowering) -> Option<Vec<f64>> {
        let mut weights = self.get(lowering.result)?.to_vec();
        if lowering.activation != Activation::None {
            let passed = self.statistics(lowering.result)?.positive_shares();
            weights.iter_mut().zip(passed).for_each(|(weight, share)| *weight *= share);
        }
        Some(weights)
    }

    fn width(&self, value: ValueId) -> f64 {
        self.statistics(value).map_or(1.0, |statistics| statistics.range().width().max(LEAST_WIDTH))
    }

    fn add(&mut self, value: ValueId, more: Vec<f64>) {
        let known = self.by_value.entry(value).or_insert_with(|| vec![0.0; more.len()]);
        known.iter_mut().zip(more).for_each(|(known, more)| *known += more);
    }

    fn carry_back(&mut self, lowering: &Lowering) {
        let Some(weights) = self.before_activation(lowering) else { return };
        let plan = self.plan;
        let counts: Vec<usize> = lowering.operands.iter().map(|&operand| plan.channels(operand)).collect();
        let maps = plan.channel_maps(lowering);
        for (index, &operand) in lowering.operands.iter().enumerate() {
            // Each number of the result reads every tap of a window once.
            let ratio = pixels(plan, lowering.result) / pixels(plan, operand);
            let back: Vec<f64> = match (lowering.emit.as_linear(), &maps) {
                (Some(linear), _) => linear.carry_back(&weights, counts[index]),
                (None, Some(maps)) => {
                    let weight_at = |to: &Option<usize>| to.and_then(|to| weights.get(to)).copied();
                    maps[index].iter().map(|to| weight_at(to).unwrap_or(0.0)).collect()
                }
                (None, None) => {
                    // For any other step only the slope is known, from the widths of its operand and its
                    // result.
                    let slope = self.width(lowering.result) / self.width(operand);
                    let each = weights.iter().sum::<f64>() * slope.powi(2) / counts[index].max(1) as f64;
                    vec![each; counts[index]]
                }
            };
            self.add(operand, back.into_iter().map(|weight| weight * ratio).collect());
        }
    }
}

/// How many numbers each channel of a value has.
pub(crate) fn pixels(plan: &Plan, value: ValueId) -> f64 {
    let channels = plan.channel_axis(value);
    let shape = plan.graph.ty(value).shape.iter().enumerate();
    shape.filter(|(axis, _)| Some(*axis) != channels).map(|(_, &size)| size as f64).product()
}
