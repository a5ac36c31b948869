//! Operators whose result is their operand.

/// Defines an operator without attributes whose result is its operand; `gradient` gives the operand's
/// gradient.
macro_rules! identity_op {
    (
        $(#[$doc:meta])* $type:ident, $name:literal, $documentation:literal,
        gradient: |$context:ident| $gradient:expr
    ) => {
        /// The operator as the registry knows it.
        pub(crate) const DESCRIPTION: $crate::OpDescription = $crate::OpDescription {
            name: $name,
            documentation: $documentation,
            build: |attributes| {
                $crate::AttributeReader::new($name, attributes).finish()?;
                Ok(std::sync::Arc::new($type))
            },
        };

        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $type;

        impl $crate::Op for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn attributes(&self) -> $crate::Attributes {
                $crate::Attributes::new()
            }

            fn infer(
                &self,
                inputs: &[&$crate::TensorType],
            ) -> Result<Vec<$crate::TensorType>, $crate::OpError> {
                let [x] = $crate::ops::support::operands($name, inputs)?;
                Ok(vec![x.clone()])
            }

            fn run(
                &self,
                inputs: &[&$crate::Tensor],
                outputs: &mut [$crate::Tensor],
            ) -> Result<(), $crate::OpError> {
                use $crate::ops::support::{copy_into, single_output, tensors};
                let [x] = tensors($name, inputs)?;
                copy_into($name, x, single_output($name, outputs)?)
            }

            fn view(&self, input: &$crate::Tensor) -> Option<$crate::Tensor> {
                Some(input.clone())
            }

            fn gradient(
                &self,
                $context: &mut $crate::GradientContext,
            ) -> Result<$crate::OperandGradients, $crate::OpError> {
                Ok($gradient)
            }

            fn cost(&self, _inputs: &[&$crate::TensorType], _outputs: &[&$crate::TensorType]) -> $crate::Cost {
                $crate::Cost::NONE
            }
        }
    };
}
pub(crate) use identity_op;
