//! Attributes that are defined by their names alone.

/// Defines `build` for the registry and the method `integers` for [`Op::attributes`](crate::Op::attributes).
///
/// The operator's attributes are all integers. The fields stand in the order of the text form.
macro_rules! integer_attributes {
    ($name:expr, $type:ident { $($attribute:ident),+ }) => {
        fn build(attributes: &$crate::Attributes) -> Result<std::sync::Arc<dyn $crate::Op>, $crate::OpError> {
            let mut reader = $crate::AttributeReader::new($name, attributes);
            let op = $type { $($attribute: reader.int_as(stringify!($attribute))?),+ };
            reader.finish()?;
            Ok(std::sync::Arc::new(op))
        }

        impl $type {
            fn integers(&self) -> $crate::Attributes {
                $crate::Attributes::new()
                    $(.with(stringify!($attribute), $crate::Attribute::Int(self.$attribute as i64)))+
            }
        }
    };
}
pub(crate) use integer_attributes;
