//! Bindings that inputs of a network say: where a decoder writes its keys, or a digit of that (docs/isa.md, "Bindings").

use ediacara_data::Random;
use ediacara_isa::{Binding, BindingError, BufferId, ElementType, Plan};
use ediacara_tensor::{DType, Tensor};

use crate::Error;

/// The input that says a binding, and what of its number the binding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Following {
    /// Its index among the network's inputs.
    pub input: usize,
    digit: Digit,
}

/// What of a number a binding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digit {
    Whole,
    Quotient(u64),
    Remainder(u64),
}

impl Following {
    /// The binding's part of a number.
    fn part(self, number: u64) -> u64 {
        match self.digit {
            Digit::Whole => number,
            Digit::Quotient(by) => number / by,
            Digit::Remainder(by) => number % by,
        }
    }
}

/// What a binding follows: the network's input of its name, or of the name before ` / N` or ` % N`, if that is one number of i64.
pub(crate) fn followed(plan: &Plan, binding: &Binding) -> Option<Following> {
    let number = |name: &str| {
        plan.inputs.iter().position(|&id| {
            plan.buffer(id).is_some_and(|buffer| {
                let is_number =
                    buffer.element == ElementType::I64 && buffer.shape.iter().product::<usize>() == 1;
                buffer.name == name && is_number
            })
        })
    };
    if let Some(input) = number(&binding.name) {
        return Some(Following { input, digit: Digit::Whole });
    }
    let digit = |sign: &str, digit: fn(u64) -> Digit| {
        let (name, by) = binding.name.rsplit_once(sign)?;
        let by = by.parse().ok().filter(|&by: &u64| by > 0)?;
        Some(Following { input: number(name)?, digit: digit(by) })
    };
    digit(" / ", Digit::Quotient).or_else(|| digit(" % ", Digit::Remainder))
}

/// The numbers of an input for which the bindings that follow it are in their ranges; nothing if none follows it.
fn range(plan: &Plan, input: usize) -> Option<(u64, u64)> {
    let following = plan.bindings.iter().filter_map(|binding| Some((binding, followed(plan, binding)?)));
    let ranges = following.filter(|(_, following)| following.input == input).map(|(binding, following)| {
        let Binding { low, high, .. } = *binding;
        match following.digit {
            Digit::Whole => (low, high),
            Digit::Quotient(by) => (low.saturating_mul(by), high.saturating_mul(by).saturating_add(by - 1)),
            Digit::Remainder(by) if (low, high) == (0, by - 1) => (0, u64::MAX),
            Digit::Remainder(_) => (low, high),
        }
    });
    ranges.reduce(|(low, high), (other_low, other_high)| (low.max(other_low), high.min(other_high)))
}

/// A number for an input that bindings follow, drawn by seed from their ranges; nothing for another input.
pub(crate) fn drawn(plan: &Plan, id: BufferId, seed: u64) -> Option<Result<Tensor, Error>> {
    let input = plan.inputs.iter().position(|&other| other == id)?;
    let (low, high) = range(plan, input)?;
    let buffer = plan.buffer(id)?;
    let number = low + Random::named(seed, &buffer.name).below(high.saturating_sub(low).saturating_add(1));
    Some(Tensor::from_vec(&buffer.shape, vec![number as i64]).map_err(Error::from))
}

/// The number that an input gives the binding that follows it.
///
/// # Errors
/// It is outside the range that the bindings together have.
pub(crate) fn number(plan: &Plan, following: Following, tensor: &Tensor) -> Result<u64, Error> {
    let numbers = tensor.cast(DType::I64).to_vec::<i64>()?;
    let number = numbers.first().copied().unwrap_or(-1);
    let buffer = plan.inputs.get(following.input).and_then(|&id| plan.buffer(id));
    let name = buffer.map_or_else(String::new, |buffer| buffer.name.clone());
    let Ok(value) = u64::try_from(number) else {
        return Err(Error::Invalid(format!(
            "input `{name}` is {number}: it says where rows are written, from 0 on"
        )));
    };
    match range(plan, following.input) {
        Some((low, high)) if !(low..=high).contains(&value) => {
            Err(BindingError::Range { name, value, low, high }.into())
        }
        _ => Ok(following.part(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ediacara_isa::Buffer;

    fn plan(bindings: &[(&str, u64, u64)]) -> Plan {
        let buffer = Buffer { name: "position".to_owned(), element: ElementType::I64, shape: vec![1] };
        let binding = |(register, &(name, low, high)): (u8, &(&str, u64, u64))| Binding {
            name: name.to_owned(),
            register,
            low,
            high,
        };
        Plan {
            buffers: vec![buffer],
            inputs: vec![BufferId(0)],
            bindings: (1..).zip(bindings).map(binding).collect(),
            ..Plan::default()
        }
    }

    #[test]
    fn digits_of_an_input_are_its_quotient_and_its_remainder() {
        let plan = plan(&[("position / 16", 0, 3), ("position % 16", 0, 15), ("other / 16", 0, 3)]);
        let of = |index: usize| followed(&plan, &plan.bindings[index]);
        let given = |number: i64| {
            let tensor = Tensor::from_vec(&[1], vec![number]).unwrap();
            [0, 1].map(|index| super::number(&plan, of(index).unwrap(), &tensor))
        };
        assert_eq!(given(37).map(Result::unwrap), [2, 5]);
        assert_eq!(given(63).map(Result::unwrap), [3, 15]);
        assert_eq!(
            given(64).map(|number| number.unwrap_err().to_string()),
            ["binding `position` cannot be 64; give it a number of 0 to 63"; 2]
        );
        assert_eq!(of(2), None);
    }

    #[test]
    fn a_number_is_drawn_from_what_all_bindings_of_an_input_allow() {
        let plan = plan(&[("position / 4", 0, 2), ("position % 4", 0, 3), ("position", 0, 9)]);
        let all = (0..200)
            .map(|seed| drawn(&plan, BufferId(0), seed).unwrap().unwrap().to_vec::<i64>().unwrap()[0]);
        let all: std::collections::BTreeSet<i64> = all.collect();
        assert_eq!(all, (0..10).collect());
    }
}
