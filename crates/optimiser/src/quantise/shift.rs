//! Shifts move the channels of a convolution's result so that each lies around zero, at no cost.

use std::collections::HashMap;

use ediacara_graph::ValueId;
use ediacara_graph::ops::Activation;

use super::linear::Linear;
use super::plan::{Lowering, Plan};
use crate::{Calibration, Range};

/// The number that is subtracted from each channel of a value before it is stored.
///
/// A tensor spans from its lowest channel to its highest, so that a tensor that lies to one side wastes half
/// of it. Between two convolutions the middle of each channel can be subtracted. The one in front subtracts
/// it from its bias; the one behind adds to its own bias what it would have made of it. That is exact as long
/// as nothing but such convolutions sees the value: padding would stand for the middle, not for zero, and a
/// relu bends at zero. Source: Wei et al., Outlier Suppression+, 2023.
pub(crate) fn offsets(plan: &Plan, calibration: &Calibration) -> HashMap<ValueId, Vec<f32>> {
    let mut readers: HashMap<ValueId, Vec<&Lowering>> = HashMap::new();
    for lowering in plan.lowerings() {
        for &operand in &lowering.operands {
            readers.entry(operand).or_default().push(lowering);
        }
    }
    let middle = |range: &Range| f32::midpoint(range.low, range.high);
    let of_result = |lowering: &Lowering| {
        let value = lowering.result;
        let readers = readers.get(&value).map_or(&[][..], Vec::as_slice);
        let movable = lowering.activation == Activation::None
            && linear(lowering).is_some()
            && !plan.host_reads(value)
            && readers.iter().all(|reader| linear(reader).is_some_and(|linear| !linear.is_padded));
        let statistics = calibration.statistics(&plan.graph.value(value).name).filter(|_| movable)?;
        let ranges = statistics.channel_ranges();
        (ranges.len() == plan.channels(value))
            .then(|| (value, ranges.iter().map(middle).collect::<Vec<f32>>()))
    };
    plan.lowerings().filter_map(of_result).collect()
}

/// The ranges of a value's channels once these offsets are subtracted; unchanged if there are none.
pub(crate) fn shifted(ranges: &[Range], offsets: Option<&[f32]>) -> Vec<Range> {
    let Some(offsets) = offsets.filter(|offsets| offsets.len() == ranges.len()) else {
        return ranges.to_vec();
    };
    let moved =
        |(range, offset): (&Range, &f32)| Range { low: range.low - offset, high: range.high - offset };
    ranges.iter().zip(offsets).map(moved).collect()
}

/// The weights of a step, if what is subtracted and divided can go into them.
fn linear(lowering: &Lowering) -> Option<Linear<'_>> {
    lowering.emit.as_linear().filter(Linear::takes_factors)
}
