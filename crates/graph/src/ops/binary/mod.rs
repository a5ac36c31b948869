//! Elementwise operators of two operands with NumPy broadcasting, one file each.

mod add;
mod and;
mod div;
mod equal;
mod greater;
mod greater_equal;
mod less;
mod less_equal;
mod max;
mod min;
mod modulo;
mod mul;
mod or;
mod pow;
mod sub;
mod xor;

pub use add::Add;
pub use and::And;
pub use div::Div;
pub use equal::Equal;
pub use greater::Greater;
pub use greater_equal::GreaterEqual;
pub use less::Less;
pub use less_equal::LessEqual;
pub use max::Max;
pub use min::Min;
pub use modulo::Modulo;
pub use mul::Mul;
pub use or::Or;
pub use pow::Pow;
pub use sub::Sub;
pub use xor::Xor;

pub(crate) const DESCRIPTIONS: &[crate::OpDescription] = &[
    add::DESCRIPTION,
    and::DESCRIPTION,
    div::DESCRIPTION,
    equal::DESCRIPTION,
    greater::DESCRIPTION,
    greater_equal::DESCRIPTION,
    less::DESCRIPTION,
    less_equal::DESCRIPTION,
    max::DESCRIPTION,
    min::DESCRIPTION,
    modulo::DESCRIPTION,
    mul::DESCRIPTION,
    or::DESCRIPTION,
    pow::DESCRIPTION,
    sub::DESCRIPTION,
    xor::DESCRIPTION,
];
