//! What an operator of one's own builds its form in the float dialect with: [`Op::row_form`](crate::Op::row_form).

use ediacara_tensor::{DType, Tensor};

use crate::ops::{FRow, QTable, Reading, RowOperation, Writing};
use crate::{Emit, IntoOp, OpError, ValueId};

/// A value as a float instruction reads it: f32, or i8 with what its steps stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowValue {
    /// The value, of f32 or i8.
    pub value: ValueId,
    /// What an i8 stands for.
    pub reading: Reading,
}

impl RowValue {
    /// What the i8s stand for that an instruction stores so, if a step is 1.
    pub fn stored_as(writing: Writing) -> Reading {
        Reading { scale: 1.0, zero: writing.zero }
    }
}

/// The second operand of an instruction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowSecond {
    /// A value, each axis of which is as long as that of the first operand, or 1.
    Value(RowValue),
    /// One number for all elements.
    Number(f32),
}

impl From<RowValue> for RowSecond {
    fn from(value: RowValue) -> RowSecond {
        RowSecond::Value(value)
    }
}

impl From<f32> for RowSecond {
    fn from(number: f32) -> RowSecond {
        RowSecond::Number(number)
    }
}

/// An operand of the operator.
#[derive(Debug, Clone)]
pub struct RowOperand {
    /// The operand as an instruction reads it.
    pub row: RowValue,
    /// Its tensor, if that never changes.
    pub constant: Option<Tensor>,
}

/// The operands of an operator, how its result is stored, and the way to build its form.
///
/// A method that takes values adds a node of the float dialect and gives its result; its errors are that operator's.
pub struct RowForm<'a> {
    emit: &'a mut dyn Emit,
    operands: Vec<RowOperand>,
    result: Reading,
    refusal: Option<String>,
}

impl<'a> RowForm<'a> {
    /// For an operator of these operands, whose result is stored in the steps of `result`.
    pub fn new(emit: &'a mut dyn Emit, operands: Vec<RowOperand>, result: Reading) -> RowForm<'a> {
        RowForm { emit, operands, result, refusal: None }
    }

    /// An operand that is stored as whole numbers, one a step, and the least and the most of them; nothing for another.
    pub fn whole_numbers(&self, index: usize) -> Option<(RowValue, [i32; 2])> {
        let operand = self.operands.get(index).filter(|operand| operand.constant.is_none())?.row;
        let is_whole = self.emit.ty(operand.value).dtype == DType::I8 && operand.reading.scale == 1.0;
        let bound = |stored: i8| i32::from(stored) - i32::from(operand.reading.zero);
        is_whole.then(|| (operand, [bound(i8::MIN), bound(i8::MAX)]))
    }

    /// The tensor of an operand that never changes.
    pub fn constant(&self, index: usize) -> Option<&Tensor> {
        self.operands.get(index)?.constant.as_ref()
    }

    /// What the i8s of the result stand for.
    pub fn result(&self) -> Reading {
        self.result
    }

    /// Says why there is no form, as a sentence without its end: what an operator without one gives.
    pub fn refuse(&mut self, reason: impl Into<String>) -> Result<Option<RowValue>, OpError> {
        self.refusal = Some(reason.into());
        Ok(None)
    }

    /// Why there is no form.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// The dimensions of a value.
    pub fn shape(&self, x: RowValue) -> &[usize] {
        &self.emit.ty(x.value).shape
    }

    /// A constant of one number for each element of a row.
    ///
    /// # Errors
    /// There is not memory enough.
    pub fn row(&mut self, numbers: Vec<f32>) -> Result<RowValue, OpError> {
        let tensor = Tensor::from_vec(&[numbers.len()], numbers).map_err(failed)?;
        Ok(RowValue { value: self.emit.constant(tensor), reading: Reading::default() })
    }

    /// An operation of one operand, to f32.
    pub fn unary(&mut self, operation: RowOperation, a: RowValue) -> Result<RowValue, OpError> {
        self.store_unary(operation, a, Writing::default())
    }

    /// An operation of one operand, stored.
    pub fn store_unary(
        &mut self,
        operation: RowOperation,
        a: RowValue,
        writing: Writing,
    ) -> Result<RowValue, OpError> {
        let op = FRow { a: a.reading, result: writing, ..FRow::new(operation) };
        self.stored(op, &[a.value])
    }

    /// An operation of two operands, to f32; the first has the shape of the result, or of the rows that are reduced.
    pub fn pair(
        &mut self,
        operation: RowOperation,
        a: RowValue,
        b: impl Into<RowSecond>,
    ) -> Result<RowValue, OpError> {
        self.store_pair(operation, a, b, Writing::default())
    }

    /// An operation of two operands, stored.
    pub fn store_pair(
        &mut self,
        operation: RowOperation,
        a: RowValue,
        b: impl Into<RowSecond>,
        writing: Writing,
    ) -> Result<RowValue, OpError> {
        let op = FRow { a: a.reading, result: writing, ..FRow::new(operation) };
        match b.into() {
            RowSecond::Number(constant) => self.stored(FRow { constant, ..op }, &[a.value]),
            RowSecond::Value(b) => self.stored(FRow { b: b.reading, ..op }, &[a.value, b.value]),
        }
    }

    fn stored(&mut self, op: FRow, inputs: &[ValueId]) -> Result<RowValue, OpError> {
        let value = self.emit.one(op, inputs)?;
        Ok(RowValue { value, reading: RowValue::stored_as(op.result) })
    }

    /// The entries of a table for a value of i8, beginning with that of -128: whole numbers, one a step from `zero` on.
    pub fn look_up(&mut self, x: RowValue, table: [i8; 256], zero: i8) -> Result<RowValue, OpError> {
        let table = Tensor::from_vec(&[table.len()], table.to_vec()).map_err(failed)?;
        let table = self.emit.constant(table);
        let value = self.emit.one(QTable, &[x.value, table])?;
        Ok(RowValue { value, reading: Reading { scale: 1.0, zero } })
    }

    /// The same elements elsewhere, by an operator that moves them, such as reshape or transpose.
    pub fn moved(&mut self, op: impl IntoOp, x: RowValue) -> Result<RowValue, OpError> {
        Ok(RowValue { value: self.emit.one(op, &[x.value])?, ..x })
    }
}

fn failed(source: ediacara_tensor::TensorError) -> OpError {
    OpError::Tensor { op: "row_form", source }
}
