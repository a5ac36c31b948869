//! `iGELU` and `iHardswish`: functions of one integer, which a `RequantShift` brings back to 8 bits.

use std::sync::Arc;

use ediacara_graph::{
    Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, Tensor, TensorType, ValueId,
};
use ediacara_onnx::{Context, Node, NodeError};

use crate::support::{Wide, integer, integers, operands, tensors, whole, write};

const GELU_NAME: &str = "i_gelu";
const HARD_SWISH_NAME: &str = "i_hard_swish";

pub(crate) const GELU: OpDescription = OpDescription {
    name: GELU_NAME,
    documentation: "I-BERT's GELU of integers: x * ((one + l) >> 1) with l = sign(x) * (one - (min(|x|, -b) + b)^2).\n\
        Operand: x, f32 of integers. Result: y like x. Attributes: b, below 0; one.",
    build: |attributes| {
        let mut reader = AttributeReader::new(GELU_NAME, attributes);
        let op = Gelu { b: integer(&mut reader, "b")?, one: integer(&mut reader, "one")? };
        if op.b >= 0 {
            return Err(reader.error("b", "must be below 0"));
        }
        reader.finish()?;
        Ok(Arc::new(op))
    },
};

pub(crate) const HARD_SWISH: OpDescription = OpDescription {
    name: HARD_SWISH_NAME,
    documentation: "The hard swish of integers: x * clamp(x + three, 0, six) * one_over_six.\n\
        Operand: x, f32 of integers. Result: y like x. Attributes: one_over_six; three; six, at least 0.",
    build: |attributes| {
        let mut reader = AttributeReader::new(HARD_SWISH_NAME, attributes);
        let one_over_six = integer(&mut reader, "one_over_six")?;
        let (three, six) = (integer(&mut reader, "three")?, integer(&mut reader, "six")?);
        if six < 0 {
            return Err(reader.error("six", "must be at least 0"));
        }
        reader.finish()?;
        Ok(Arc::new(HardSwish { one_over_six, three, six }))
    },
};

/// `x * ((one + l) >> 1)` with `l = sign(x) * (one - (min(|x|, -b) + b)^2)`.
///
/// Source: Kim et al., I-BERT: Integer-only BERT Quantization, 2021, algorithm 2.
#[derive(Debug)]
pub(crate) struct Gelu {
    /// Where the polynomial ends, below 0.
    b: Wide,
    /// What stands for 1.
    one: Wide,
}

impl Gelu {
    fn of(&self, x: Wide) -> Wide {
        let d = x.abs().min(-self.b) + self.b;
        let erf = x.signum() * (self.one - d * d);
        x * ((self.one + erf) >> 1)
    }
}

/// `x * clamp(x + three, 0, six) * one_over_six`.
#[derive(Debug)]
pub(crate) struct HardSwish {
    one_over_six: Wide,
    three: Wide,
    six: Wide,
}

impl HardSwish {
    fn of(&self, x: Wide) -> Wide {
        x * ((x + self.three).clamp(0, self.six) * self.one_over_six)
    }
}

impl Op for Gelu {
    fn name(&self) -> &'static str {
        GELU_NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("b", Attribute::Int(self.b as i64))
            .with("one", Attribute::Int(self.one as i64))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(GELU_NAME, inputs)?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(GELU_NAME, inputs)?;
        write(GELU_NAME, outputs, integers(GELU_NAME, x)?.into_iter().map(|x| self.of(x)))
    }

    /// An elementwise operator is a table on the DLP, together with the `RequantShift` behind it.
    fn is_elementwise(&self) -> bool {
        true
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let count = outputs.iter().map(|output| output.elements() as u64).sum::<u64>();
        Cost::multiplications(3 * count) + Cost::additions(3 * count) + Cost::others(4 * count)
    }
}

impl Op for HardSwish {
    fn name(&self) -> &'static str {
        HARD_SWISH_NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("one_over_six", Attribute::Int(self.one_over_six as i64))
            .with("three", Attribute::Int(self.three as i64))
            .with("six", Attribute::Int(self.six as i64))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(HARD_SWISH_NAME, inputs)?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(HARD_SWISH_NAME, inputs)?;
        write(HARD_SWISH_NAME, outputs, integers(HARD_SWISH_NAME, x)?.into_iter().map(|x| self.of(x)))
    }

    /// As of [`Gelu`].
    fn is_elementwise(&self) -> bool {
        true
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let count = outputs.iter().map(|output| output.elements() as u64).sum::<u64>();
        Cost::multiplications(2 * count) + Cost::additions(count) + Cost::others(2 * count)
    }
}

/// iGELU of one operand, with the attributes `b` and `one`.
pub(crate) fn import_gelu(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let attributes = attributes(node, &["b", "one"])?;
    context.emit_all((GELU.build)(&attributes)?, &[node.input(0)?])
}

/// iHardswish of one operand, with the attributes `one_over_six`, `three` and `six`.
pub(crate) fn import_hard_swish(
    context: &mut Context<'_>,
    node: &Node<'_>,
) -> Result<Vec<ValueId>, NodeError> {
    let attributes = attributes(node, &["one_over_six", "three", "six"])?;
    context.emit_all((HARD_SWISH.build)(&attributes)?, &[node.input(0)?])
}

fn attributes(node: &Node<'_>, names: &[&str]) -> Result<Attributes, NodeError> {
    names.iter().try_fold(Attributes::new(), |attributes, name| {
        Ok(attributes.with(name, Attribute::Int(whole(node, name)?)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_is_odd_but_for_its_gate() {
        let gelu = Gelu { b: -40, one: 1743 };
        // d = min(|x|, 40) - 40: l = one - d^2 for x > 0, and one + l is halved downwards.
        assert_eq!(gelu.of(0), 0);
        assert_eq!(gelu.of(10), 10 * ((1743 + 1743 - 900) >> 1));
        assert_eq!(gelu.of(-10), -10 * ((1743 - (1743 - 900)) >> 1));
        // Odd sums lose their half: (1743 + 1743 - 39^2) / 2 = 982.5.
        assert_eq!(gelu.of(1), 982);
        assert_eq!(gelu.of(100), 100 * 1743);
        assert_eq!(gelu.of(-100), 0);
    }

    #[test]
    fn hard_swish_is_zero_below_and_linear_above() {
        let swish = HardSwish { one_over_six: 42, three: 122, six: 244 };
        assert_eq!(swish.of(-122), 0);
        assert_eq!(swish.of(-128), 0);
        assert_eq!(swish.of(-121), -121 * 42);
        assert_eq!(swish.of(10), 10 * 132 * 42);
        assert_eq!(swish.of(127), 127 * 244 * 42);
    }
}
