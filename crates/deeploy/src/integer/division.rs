//! `TrueIntegerDiv`: a division by a number that is known, as a factor.

use ediacara_graph::ValueId;
use ediacara_graph::ops::Mul;
use ediacara_onnx::{Context, Node, NodeError};

use crate::support::{Wide, floor_div, whole};

/// What a division multiplies by: floor(delta * eta / (divisor * eta + eps)), the factor first.
fn factor(delta: Wide, eta: Wide, divisor: Wide, eps: Wide) -> Option<Wide> {
    let denominator = divisor * eta + eps;
    (denominator > 0).then(|| floor_div(delta * eta, denominator))
}

/// TrueIntegerDiv(x; Delta, eta, eps, y): x times a factor, which f32 computes exactly up to 2^24.
pub(crate) fn import(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let number = |name| whole(node, name).map(Wide::from);
    let (delta, eta, divisor, eps) = (number("Delta")?, number("eta")?, number("y")?, number("eps")?);
    let factor = factor(delta, eta, divisor, eps)
        .ok_or_else(|| NodeError::new("divides by y * eta + eps, which has to be above 0"))?;
    let x = node.input(0)?;
    let factor = context.scalar_like(x, factor as f64)?;
    Ok(vec![context.emit(Mul, &[x, factor])?])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 16384 * 200000 / (2 * 200000 + 1) = 8191.98: the factor is rounded down before it multiplies.
    #[test]
    fn the_factor_is_rounded_down_first() {
        assert_eq!(factor(16384, 200_000, 2, 1), Some(8191));
        assert_eq!(factor(1, 1, 0, 0), None);
    }
}
