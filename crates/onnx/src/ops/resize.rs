//! Resizing along axes.
//!
//! The core's resize does almost all of it. The rest (cropping, antialiasing, fractional sizes between
//! corners) takes one step for each axis: indices for nearest, a matrix of weights for interpolation. Both
//! are known at import.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Coordinates, Resize, ResizeMode as Mode, Rounding};
use ediacara_tensor::{DType, Tensor};

use super::{Table, one};
use crate::context::{Context, failed};
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, axes, sizes};

pub(super) const TABLE: Table = &[("Resize", resize), ("Upsample", upsample)];

/// The largest matrix of weights, in elements; a larger one could exhaust the memory.
const LARGEST_MATRIX: usize = 1 << 26;

/// Everything about a resize but the axes.
#[derive(Debug, Clone)]
struct Rule {
    mode: Mode,
    coordinates: Coordinates,
    /// Whether the region of interest is cut out, and the coordinates are those of tf_crop_and_resize.
    crops: bool,
    rounding: Rounding,
    cubic: f64,
    exclude_outside: bool,
    antialias: bool,
    extrapolation: f64,
}

/// One axis that changes, or that a scale maps onto itself.
#[derive(Debug, Clone, Copy)]
struct Step {
    axis: usize,
    input: usize,
    output: usize,
    scale: f64,
    /// Start and end of the region of interest, as fractions of the axis.
    roi: [f64; 2],
}

fn mode(node: &Node<'_>) -> NodeResult<Mode> {
    match node.string_or("mode", "nearest")? {
        "bilinear" => Ok(Mode::Linear),
        other => word(other, "mode"),
    }
}

/// A word of an attribute, which the core spells as ONNX does.
fn word<T: std::str::FromStr<Err = String>>(text: &str, attribute: &str) -> NodeResult<T> {
    text.parse().map_err(|problem| NodeError::new(format!("its attribute '{attribute}': {problem}")))
}

fn rule(context: &Context<'_>, node: &Node<'_>) -> NodeResult<Rule> {
    // Opset 10 had one rule: positions are divided by the scale and rounded down.
    let (default, rounding) =
        if context.opset < 11 { ("asymmetric", "floor") } else { ("half_pixel", "round_prefer_floor") };
    let coordinates = node.string_or("coordinate_transformation_mode", default)?;
    let crops = coordinates == "tf_crop_and_resize";
    Ok(Rule {
        mode: mode(node)?,
        coordinates: if crops {
            Coordinates::AlignCorners
        } else {
            word(coordinates, "coordinate_transformation_mode")?
        },
        crops,
        rounding: word(node.string_or("nearest_mode", rounding)?, "nearest_mode")?,
        cubic: f64::from(node.float_or("cubic_coeff_a", -0.75)?),
        exclude_outside: node.flag("exclude_outside", false)?,
        antialias: node.flag("antialias", false)?,
        extrapolation: f64::from(node.float_or("extrapolation_value", 0.0)?),
    })
}

fn floats(tensor: &Tensor) -> NodeResult<Vec<f64>> {
    tensor.cast(DType::F64).to_vec::<f64>().map_err(failed)
}

/// The output size and scale of one axis from a scale.
fn scaled(input: usize, scale: f64) -> NodeResult<(usize, f64)> {
    let output = (input as f64 * scale).floor();
    if !(scale > 0.0 && output < (1u64 << 31) as f64) {
        return Err(NodeError::new(format!("scales {input} elements by {scale}")));
    }
    Ok((output as usize, scale))
}

fn resize(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let shape = context.shape(x).to_vec();
    let rule = rule(context, node)?;
    let axes = match node.ints("axes")? {
        Some(given) => axes(given, shape.len())?,
        None => (0..shape.len()).collect(),
    };
    let before_11 = context.opset < 11;
    let operand = |context: &mut Context<'_>, index: usize| -> NodeResult<Option<Vec<f64>>> {
        let tensor = context.constant_of(node, index)?.filter(|tensor| !tensor.is_empty());
        tensor.as_ref().map(floats).transpose()
    };
    let scales = operand(context, if before_11 { 1 } else { 2 })?;
    let wanted = if before_11 { None } else { operand(context, 3)? };
    let roi = if rule.crops { operand(context, 1)? } else { None };
    let mapped = match (&scales, &wanted) {
        (Some(scales), _) if scales.len() == axes.len() => {
            let pairs = axes.iter().zip(scales).map(|(&axis, &scale)| scaled(shape[axis], scale));
            pairs.collect::<NodeResult<Vec<_>>>()?
        }
        (None, Some(wanted)) if wanted.len() == axes.len() => {
            let wanted: Vec<i64> = wanted.iter().map(|&size| size as i64).collect();
            let inputs: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
            fitted(
                &inputs,
                &sizes(&wanted, "its sizes operand")?,
                node.string_or("keep_aspect_ratio_policy", "stretch")?,
            )?
        }
        _ => {
            return Err(NodeError::new(format!(
                "needs either a scale or a size for each of {} axes",
                axes.len()
            )));
        }
    };
    let count = axes.len();
    let steps = axes.iter().zip(mapped).enumerate().map(|(index, (&axis, (output, scale)))| {
        let bound = |place: usize, default: f64| {
            roi.as_ref().and_then(|roi| roi.get(place).copied()).unwrap_or(default)
        };
        let roi = [bound(index, 0.0), bound(count + index, 1.0)];
        Step { axis, input: shape[axis], output, scale, roi }
    });
    let steps: Vec<Step> = steps.collect();
    one(apply(context, x, &rule, &steps)?)
}

/// Sizes and scales under a policy about the aspect ratio.
fn fitted(inputs: &[usize], wanted: &[usize], policy: &str) -> NodeResult<Vec<(usize, f64)>> {
    let ratios = inputs.iter().zip(wanted).map(|(&input, &size)| size as f64 / input as f64);
    let scale = match policy {
        "stretch" => return Ok(wanted.iter().copied().zip(ratios).collect()),
        "not_larger" => ratios.fold(f64::INFINITY, f64::min),
        "not_smaller" => ratios.fold(0.0, f64::max),
        other => return Err(NodeError::new(format!("has the keep_aspect_ratio_policy '{other}'"))),
    };
    // Rounded half up, as the specification says.
    inputs
        .iter()
        .map(|&input| scaled(input, scale).map(|_| ((input as f64 * scale + 0.5).floor() as usize, scale)))
        .collect()
}

/// Scales were an attribute before opset 9; positions are divided by them and rounded down.
fn upsample(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let shape = context.shape(x).to_vec();
    let scales = if context.opset < 9 {
        node.floats("scales")?.unwrap_or(&[]).iter().map(|&scale| f64::from(scale)).collect()
    } else {
        floats(&context.required(node, 1)?)?
    };
    if scales.len() != shape.len() {
        return Err(NodeError::new(format!("has {} scales for {} axes", scales.len(), shape.len())));
    }
    let rule = Rule {
        mode: mode(node)?,
        coordinates: Coordinates::Asymmetric,
        crops: false,
        rounding: Rounding::Floor,
        cubic: -0.75,
        exclude_outside: false,
        antialias: false,
        extrapolation: 0.0,
    };
    let mut steps = Vec::new();
    for (axis, &scale) in scales.iter().enumerate() {
        let (output, scale) = scaled(shape[axis], scale)?;
        steps.push(Step { axis, input: shape[axis], output, scale, roi: [0.0, 1.0] });
    }
    one(apply(context, x, &rule, &steps)?)
}

fn apply(context: &mut Context<'_>, x: ValueId, rule: &Rule, steps: &[Step]) -> NodeResult<ValueId> {
    // Between corners the specification divides by the exact size, the core by the whole number.
    let inexact = |step: &Step| step.input as f64 * step.scale != step.output as f64;
    let between_corners = rule.coordinates == Coordinates::AlignCorners && steps.iter().any(inexact);
    if !rule.crops && !rule.antialias && !between_corners {
        return whole(context, x, rule, steps);
    }
    if steps.iter().any(|step| step.input == 0 && step.output > 0) {
        return Err(NodeError::new("resizes an axis without elements"));
    }
    let dtype = context.dtype(x);
    let mut result = if rule.mode == Mode::Nearest { x } else { context.cast(x, DType::F32)? };
    for step in steps.iter().filter(|step| rule.crops || step.input != step.output || step.scale != 1.0) {
        result = match rule.mode {
            Mode::Nearest => nearest(context, result, rule, step)?,
            _ => interpolate(context, result, rule, step)?,
        };
        result = extrapolate(context, result, rule, step)?;
    }
    context.cast(result, dtype)
}

/// Resizes all axes at once, by the core's resize.
///
/// Integers are interpolated as f32.
fn whole(context: &mut Context<'_>, x: ValueId, rule: &Rule, steps: &[Step]) -> NodeResult<ValueId> {
    let mut shape = context.shape(x).to_vec();
    let mut scales = vec![1.0; shape.len()];
    for step in steps {
        (shape[step.axis], scales[step.axis]) = (step.output, step.scale);
    }
    if shape == context.shape(x) && scales.iter().all(|&scale| scale == 1.0) {
        return Ok(x);
    }
    let dtype = context.dtype(x);
    let work = if rule.mode == Mode::Nearest || dtype.is_float() { dtype } else { DType::F32 };
    let resize = Resize {
        mode: rule.mode,
        coordinates: rule.coordinates,
        rounding: rule.rounding,
        shape,
        scales,
        cubic_coefficient: rule.cubic,
        exclude_outside: rule.exclude_outside,
    };
    let x = context.cast(x, work)?;
    let result = context.emit(resize, &[x])?;
    context.cast(result, dtype)
}

/// The position in the input for a position of the output.
fn source(rule: &Rule, step: &Step, position: usize) -> f64 {
    let (position, input, output) = (position as f64, step.input as f64, step.output as f64);
    // The specification computes with the output's exact size, which need not be whole.
    let exact = step.scale * input;
    if rule.crops {
        let [start, end] = step.roi;
        let moved = if exact == 1.0 {
            (end - start) * (input - 1.0) / 2.0
        } else {
            position * (end - start) * (input - 1.0) / (exact - 1.0)
        };
        return start * (input - 1.0) + moved;
    }
    match rule.coordinates {
        Coordinates::HalfPixel => (position + 0.5) / step.scale - 0.5,
        Coordinates::HalfPixelSymmetric => {
            input / 2.0 * (1.0 - output / exact) + (position + 0.5) / step.scale - 0.5
        }
        Coordinates::PytorchHalfPixel if exact == 1.0 => -0.5,
        Coordinates::PytorchHalfPixel => (position + 0.5) / step.scale - 0.5,
        Coordinates::AlignCorners if exact == 1.0 => 0.0,
        Coordinates::AlignCorners => position * (input - 1.0) / (exact - 1.0),
        Coordinates::Asymmetric => position / step.scale,
    }
}

fn nearest(context: &mut Context<'_>, x: ValueId, rule: &Rule, step: &Step) -> NodeResult<ValueId> {
    let round: fn(f64) -> f64 = match rule.rounding {
        Rounding::RoundPreferFloor => |at| (at - 0.5).ceil(),
        Rounding::RoundPreferCeil => |at| (at + 0.5).floor(),
        Rounding::Floor => f64::floor,
        Rounding::Ceil => f64::ceil,
    };
    let last = step.input as f64 - 1.0;
    let indices =
        (0..step.output).map(|position| round(source(rule, step, position)).clamp(0.0, last) as i64);
    let indices = Tensor::from_vec::<i64>(&[step.output], indices.collect()).map_err(failed)?;
    let indices = context.constant(indices)?;
    context.gather(x, indices, step.axis)
}

/// The weights of the neighbours of a position that lies `ratio` (above 0, at most 1) behind its left
/// neighbour.
///
/// Also gives the offset of the first of them from that neighbour.
fn weights(rule: &Rule, ratio: f64, scale: f64) -> (i64, Vec<f64>) {
    // An antialiasing filter is wider by the factor by which the output is smaller.
    let stretch = if rule.antialias { scale.min(1.0) } else { 1.0 };
    let reach = if rule.mode == Mode::Cubic { 2.0 } else { 1.0 };
    let first = (-reach / stretch).floor() as i64 + 1;
    let a = rule.cubic;
    let kernel = |at: f64| {
        let at = at.abs();
        match rule.mode {
            Mode::Cubic if at <= 1.0 => ((a + 2.0) * at - (a + 3.0)) * at * at + 1.0,
            Mode::Cubic if at < 2.0 => ((at - 5.0) * at + 8.0) * at * a - 4.0 * a,
            Mode::Cubic => 0.0,
            _ => (1.0 - at).max(0.0),
        }
    };
    let weights: Vec<f64> =
        (first..2 - first).map(|offset| kernel((offset as f64 - ratio) * stretch)).collect();
    let sum: f64 = weights.iter().sum();
    (first, weights.into_iter().map(|weight| weight / sum).collect())
}

fn interpolate(context: &mut Context<'_>, x: ValueId, rule: &Rule, step: &Step) -> NodeResult<ValueId> {
    let size = step.input.saturating_mul(step.output);
    let widest = (4.0 / step.scale.min(1.0)) as usize;
    if size > LARGEST_MATRIX || (rule.antialias && widest.saturating_mul(step.output) > LARGEST_MATRIX) {
        return Err(NodeError::new(format!(
            "resizes {} elements to {}, which is too much",
            step.input, step.output
        )));
    }
    // Columns are positions of the output, rows those of the input.
    let mut matrix = vec![0.0f32; size];
    let last = step.input as i64 - 1;
    for position in 0..step.output {
        let at = source(rule, step, position);
        let left = at.ceil() - 1.0;
        let (first, mut weights) = weights(rule, at - left, step.scale);
        let indices = (0..weights.len() as i64).map(|offset| left as i64 + first + offset);
        let indices: Vec<i64> = indices.collect();
        if rule.exclude_outside {
            for (weight, index) in weights.iter_mut().zip(&indices) {
                if !(0..=last).contains(index) {
                    *weight = 0.0;
                }
            }
            let sum: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        for (weight, index) in weights.iter().zip(indices) {
            // Beyond the edges the outermost elements repeat.
            matrix[index.clamp(0, last) as usize * step.output + position] += *weight as f32;
        }
    }
    let matrix = Tensor::from_vec::<f32>(&[step.input, step.output], matrix).map_err(failed)?;
    let matrix = context.constant(matrix)?;
    let rank = context.shape(x).len();
    let mut swap: Vec<usize> = (0..rank).collect();
    swap.swap(step.axis, rank - 1);
    let last = context.transpose(x, &swap)?;
    let product = context.matmul(last, matrix)?;
    context.transpose(product, &swap)
}

/// Replaces elements from outside the input, where a region reaches beyond it.
fn extrapolate(context: &mut Context<'_>, x: ValueId, rule: &Rule, step: &Step) -> NodeResult<ValueId> {
    if !rule.crops {
        return Ok(x);
    }
    let outside = |position: usize| {
        let at = source(rule, step, position);
        at < 0.0 || at > step.input as f64 - 1.0
    };
    let mask: Vec<bool> = (0..step.output).map(outside).collect();
    if !mask.contains(&true) {
        return Ok(x);
    }
    let mut shape = vec![1; context.shape(x).len()];
    shape[step.axis] = step.output;
    let mask = context.constant(Tensor::from_vec::<bool>(&shape, mask).map_err(failed)?)?;
    let value = context.scalar_like(x, rule.extrapolation)?;
    context.select(mask, value, x)
}
