//! Elementwise operators of one operand without attributes, one file each.

mod abs;
mod ceil;
mod cos;
mod erf;
mod exp;
mod floor;
mod log;
mod neg;
mod not;
mod reciprocal;
mod relu;
mod round;
mod sigmoid;
mod sign;
mod sin;
mod softplus;
mod sqrt;
mod tan;
mod tanh;

pub use abs::Abs;
pub use ceil::Ceil;
pub use cos::Cos;
pub use erf::Erf;
pub use exp::Exp;
pub use floor::Floor;
pub use log::Log;
pub use neg::Neg;
pub use not::Not;
pub use reciprocal::Reciprocal;
pub use relu::Relu;
pub use round::Round;
pub use sigmoid::Sigmoid;
pub use sign::Sign;
pub use sin::Sin;
pub use softplus::Softplus;
pub use sqrt::Sqrt;
pub use tan::Tan;
pub use tanh::Tanh;

pub(crate) const DESCRIPTIONS: &[crate::OpDescription] = &[
    abs::DESCRIPTION,
    ceil::DESCRIPTION,
    cos::DESCRIPTION,
    erf::DESCRIPTION,
    exp::DESCRIPTION,
    floor::DESCRIPTION,
    log::DESCRIPTION,
    neg::DESCRIPTION,
    not::DESCRIPTION,
    reciprocal::DESCRIPTION,
    relu::DESCRIPTION,
    round::DESCRIPTION,
    sigmoid::DESCRIPTION,
    sign::DESCRIPTION,
    sin::DESCRIPTION,
    softplus::DESCRIPTION,
    sqrt::DESCRIPTION,
    tan::DESCRIPTION,
    tanh::DESCRIPTION,
];
