//! Whole-number expressions over the counters of loops.

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Number(i64),
    /// The counter of the loop at this depth, from 0 for the outermost.
    Counter(usize),
    Binary(Operator, Box<Expression>, Box<Expression>),
}

impl Expression {
    /// The value with the given counters, or why there is none.
    pub(super) fn value(&self, counters: &[u64]) -> Result<i64, String> {
        match self {
            Expression::Number(number) => Ok(*number),
            Expression::Counter(depth) => Ok(counters.get(*depth).copied().unwrap_or(0) as i64),
            Expression::Binary(operator, left, right) => {
                let (left, right) = (left.value(counters)?, right.value(counters)?);
                apply(*operator, left, right)
            }
        }
    }
}

fn apply(operator: Operator, left: i64, right: i64) -> Result<i64, String> {
    if right == 0 && matches!(operator, Operator::Divide | Operator::Remainder) {
        return Err(format!("{left} is divided by 0"));
    }
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide if left.checked_rem(right).is_some_and(|rest| rest != 0) => {
            return Err(format!("{left} / {right} is no whole number"));
        }
        Operator::Divide => left.checked_div(right),
        Operator::Remainder => left.checked_rem_euclid(right),
    };
    result.ok_or_else(|| "the value has more than 63 bits".to_owned())
}
