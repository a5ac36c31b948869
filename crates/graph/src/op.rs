//! What an operator is.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use ediacara_tensor::Tensor;

use crate::{
    Attributes, Emit, GradientContext, OpError, OperandGradients, RowForm, RowValue, TensorType, ValueId,
};

/// The arithmetic of one execution of an operator, counted in operations on scalars.
///
/// `multiplications` and `additions` are totals: they include those that `macs` counts as pairs. `others`
/// counts the rest: comparisons, divisions, transcendental functions, conversions. Pure data movement costs
/// nothing here. Sums of costs saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Multiply-accumulates of convolutions and matrix products; sums of products in other operators do not
    /// count.
    pub macs: u64,
    /// Multiplications, those of `macs` included.
    pub multiplications: u64,
    /// Additions and subtractions, those of `macs` included.
    pub additions: u64,
    /// Other operations on scalars: comparisons, divisions, functions, conversions.
    pub others: u64,
}

impl Cost {
    /// No arithmetic: the operator only moves data.
    pub const NONE: Cost = Cost { macs: 0, multiplications: 0, additions: 0, others: 0 };

    /// The cost of `outputs` inner products of `terms` terms each, with `biases` additions of a bias.
    ///
    /// A sum of n terms takes n - 1 additions.
    pub fn inner_products(outputs: u64, terms: u64, biases: u64) -> Cost {
        let macs = outputs.saturating_mul(terms);
        let additions = outputs.saturating_mul(terms.saturating_sub(1)).saturating_add(biases);
        Cost { macs, multiplications: macs, additions, others: 0 }
    }

    /// `count` multiplications.
    pub fn multiplications(count: u64) -> Cost {
        Cost { multiplications: count, ..Cost::NONE }
    }

    /// `count` additions.
    pub fn additions(count: u64) -> Cost {
        Cost { additions: count, ..Cost::NONE }
    }

    /// `count` other operations.
    pub fn others(count: u64) -> Cost {
        Cost { others: count, ..Cost::NONE }
    }

    /// Every operation, each multiplication and addition counted once.
    pub fn total(&self) -> u64 {
        self.multiplications.saturating_add(self.additions).saturating_add(self.others)
    }
}

impl std::ops::Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost {
            macs: self.macs.saturating_add(other.macs),
            multiplications: self.multiplications.saturating_add(other.multiplications),
            additions: self.additions.saturating_add(other.additions),
            others: self.others.saturating_add(other.others),
        }
    }
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Cost>>(costs: I) -> Cost {
        costs.fold(Cost::NONE, std::ops::Add::add)
    }
}

/// An operator with its attributes: what a node does.
///
/// An implementation is immutable and knows nothing of the graph it is in. A user's own operator implements
/// this trait and is entered into a [`Registry`](crate::Registry) under its name; nothing else in the project
/// has to change.
pub trait Op: Debug + Send + Sync + Any {
    /// The name in text and registry, in snake case.
    fn name(&self) -> &'static str;

    /// Every attribute, always in the same order.
    ///
    /// Text form and equality come from the attributes. Two operators of the same name and attributes are the
    /// same, and the registry rebuilds the operator from them.
    fn attributes(&self) -> Attributes;

    /// The types of the outputs for inputs of these types: the shape and type rule.
    ///
    /// # Errors
    /// The operands do not fit the operator or one another; the error names operator, operand and shapes.
    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError>;

    /// Computes on the host.
    ///
    /// `inputs` have types that [`infer`](Op::infer) accepted and may be views of any strides. `outputs` are
    /// allocated and contiguous, have the inferred types and unspecified content, and are written whole. The
    /// result does not depend on the number of threads.
    ///
    /// # Errors
    /// The host has no kernel for this type, or a value (an index) is out of range.
    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError>;

    /// Builds, out of ordinary operators, the gradient with respect to each operand from the gradients with
    /// respect to the results: the vector-Jacobian products.
    ///
    /// It is only called where some operand needs a gradient and some result has one. A gradient that is
    /// nothing is zero.
    ///
    /// # Errors
    /// The operator has no gradient, which is the default, or not for these attributes or operands.
    fn gradient(&self, _context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        Err(OpError::NotDifferentiable { op: self.name(), problem: "it has no gradient rule".to_owned() })
    }

    /// The operator made ready to run many times in one place of a graph.
    ///
    /// It is nothing, which is the default, where that would save nothing. Unless `place` allows any order,
    /// the results have the same bits as if each operator ran by itself.
    fn prepare(&self, _place: &Place) -> Option<Ready> {
        None
    }

    /// The operator that computes on images `[N,H,W,C]` what this one computes on images `[N,C,H,W]`.
    ///
    /// Its axes are other numbers. It is nothing, which is the default, if there is none; an elementwise
    /// operator needs none.
    fn with_channels_last(&self) -> Option<Arc<dyn Op>> {
        None
    }

    /// The output as a view of the only input's storage, for operators that merely describe the same memory
    /// anew.
    fn view(&self, _input: &Tensor) -> Option<Tensor> {
        None
    }

    /// Whether every element of the output depends only on the elements of the (broadcast) operands at its
    /// position.
    ///
    /// Such an operator takes operands of any shape. If it has one result and one operand, both of numbers,
    /// it is a table on the DLP, computed by [`run`](Op::run).
    fn is_elementwise(&self) -> bool {
        false
    }

    /// What the operator does to its first operand, if it brings sums of products to few bits.
    ///
    /// `operands` are those that are known. Where the network says how the result is stored (a quantize_linear behind
    /// the operator), a product, a convolution, an addition or a multiplication right before it does in int8 what the
    /// operator does, without storing its own result first. It is nothing, which is the default, for other operators.
    fn rescaling(&self, _operands: &[Option<&Tensor>]) -> Option<Rescaling> {
        None
    }

    /// The operator in the float dialect (f_row and what moves or looks up bytes), for a DLP that has float lanes.
    ///
    /// It is built with `form`, which says how operands and result are stored, and its last node is an f_row that stores
    /// the result in these steps. To the bit it is what [`run`](Op::run) gives and the steps then hold: for all operands
    /// that can be stored so, rows without a number that the operator refuses excepted. It is nothing, which is the
    /// default, if the operator has no form or none that is exact ([`RowForm::refuse`] says why); it is the host's then.
    ///
    /// # Errors
    /// A node refuses its operands.
    fn row_form(&self, _form: &mut RowForm<'_>) -> Result<Option<RowValue>, OpError> {
        Ok(None)
    }

    /// The same function composed of other operators, which go to `emit`.
    ///
    /// An exported file carries the composition for readers who do not know the operator. The results are as
    /// many as [`infer`](Op::infer) gives. They are nothing, which is the default, if there is no
    /// composition.
    ///
    /// # Errors
    /// One of the operators refuses its operands.
    fn composition(
        &self,
        _emit: &mut dyn Emit,
        _inputs: &[ValueId],
    ) -> Result<Option<Vec<ValueId>>, OpError> {
        Ok(None)
    }

    /// The arithmetic of one execution.
    ///
    /// Every operator states it; [`Cost::NONE`] is for data movement alone.
    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost;
}

/// What [`Op::rescaling`] gives: `factor * x + offset`, rounded to the nearest step of the result, within bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Rescaling {
    /// One factor, or one for each channel (axis 1); above 0 and finite.
    pub factors: Vec<f64>,
    /// As many offsets; finite.
    pub offsets: Vec<f64>,
    /// The smallest result.
    pub low: f32,
    /// The largest result.
    pub high: f32,
}

impl Rescaling {
    /// Whether there are factors, as many offsets, and all are what they have to be.
    pub fn is_valid(&self) -> bool {
        let Rescaling { factors, offsets, low, high } = self;
        !factors.is_empty()
            && factors.len() == offsets.len()
            && factors.iter().all(|factor| factor.is_finite() && *factor > 0.0)
            && offsets.iter().all(|offset| offset.is_finite())
            && low <= high
    }

    /// The factor and the offset of a channel.
    ///
    /// # Panics
    /// There is no such channel.
    pub fn of_channel(&self, channel: usize) -> (f64, f64) {
        let at = if self.factors.len() == 1 { 0 } else { channel };
        (self.factors[at], self.offsets[at])
    }
}

/// What [`Op::prepare`] knows of the operator's place in a graph.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The operands.
    pub operands: Vec<Operand<'a>>,
    /// What follows, each the follower of the one before it.
    pub followers: Vec<Follower<'a>>,
    /// Whether the result may be summed in another order than by [`Op::run`], and an image batch may lie in
    /// memory with channels last.
    pub any_order: bool,
}

/// What [`Op::prepare`] knows of an operand.
#[derive(Debug, Clone, Copy)]
pub struct Operand<'a> {
    /// Its type.
    pub ty: &'a TensorType,
    /// Its value, if that never changes.
    pub constant: Option<&'a Tensor>,
    /// Whether it is an image batch `[N,C,H,W]` that lies in memory as `[N,H,W,C]`.
    pub channels_last: bool,
}

/// An elementwise operator of one result; it alone reads the result of the operator before it, and once.
#[derive(Debug, Clone)]
pub struct Follower<'a> {
    /// The operator.
    pub op: &'a dyn Op,
    /// Its other operands.
    pub others: Vec<&'a TensorType>,
}

/// What [`Op::prepare`] gives.
#[derive(Debug)]
pub struct Ready {
    /// What runs.
    pub prepared: Arc<dyn Prepared>,
    /// How many of the followers are computed with it.
    pub followers: usize,
    /// Whether the result is written as `[N,H,W,C]`: `outputs` have that shape then.
    pub channels_last: bool,
}

/// An operator that [`Op::prepare`] has made ready.
///
/// Its constants have the layout that its loops read, and followers are computed in the same pass.
pub trait Prepared: Debug + Send + Sync {
    /// Computes on the host, as [`Op::run`].
    ///
    /// `inputs` are the operator's operands, then the other operands of each follower in turn. `outputs` are
    /// those of the last operator.
    ///
    /// # Errors
    /// As [`Op::run`].
    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError>;
}

impl dyn Op {
    /// The operator as the concrete type `T`, if it is one.
    pub fn downcast_ref<T: Op>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }

    /// Whether both have the same name and attributes.
    pub fn same_as(&self, other: &dyn Op) -> bool {
        self.name() == other.name() && self.attributes() == other.attributes()
    }
}

/// What [`Graph::add_node`](crate::Graph::add_node) takes: an operator, or one that is shared already.
pub trait IntoOp {
    /// The operator behind a shared pointer.
    fn into_op(self) -> Arc<dyn Op>;
}

impl<T: Op> IntoOp for T {
    fn into_op(self) -> Arc<dyn Op> {
        Arc::new(self)
    }
}

impl IntoOp for Arc<dyn Op> {
    fn into_op(self) -> Arc<dyn Op> {
        self
    }
}
