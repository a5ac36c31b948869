//! Bindings: scalar registers that hold a number before a program starts.

/// How many scalar registers a core has.
pub const REGISTERS: usize = 16;

/// What scalar registers hold before cycle 0, modulo 2^40; register 0 stays 0.
pub type Registers = [u64; REGISTERS];

/// A scalar register that is set before cycle 0 of every DLP segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// What it is called.
    pub name: String,
    /// The register, 1 to 15.
    pub register: u8,
    /// The least number that it may be set to.
    pub low: u64,
    /// The largest, below 2^40.
    pub high: u64,
}

/// Why bindings cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// The program has no binding of this name.
    #[error("the program has no binding called `{name}`; {}", known_bindings(.name, .known))]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A binding has no number.
    #[error("binding `{name}` is not set; give it a number of {low} to {high}: {name}=NUMBER")]
    Missing {
        /// The binding.
        name: String,
        /// Its least number.
        low: u64,
        /// Its largest.
        high: u64,
    },
    /// A number is outside a binding's range.
    #[error("binding `{name}` cannot be {value}; give it a number of {low} to {high}")]
    Range {
        /// The binding.
        name: String,
        /// What was given.
        value: u64,
        /// Its least number.
        low: u64,
        /// Its largest.
        high: u64,
    },
    /// A binding is set twice.
    #[error("binding `{name}` is set twice; give it one number")]
    Twice {
        /// The binding.
        name: String,
    },
}

fn known_bindings(name: &str, known: &[String]) -> String {
    match known {
        [] => "it declares none".to_owned(),
        known => ediacara_hint::there_are(name, known.iter().map(String::as_str)),
    }
}

/// The registers that numbers give bindings, by name: each binding has one.
pub(crate) fn registers(bindings: &[Binding], given: &[(String, u64)]) -> Result<Registers, BindingError> {
    for (index, (name, _)) in given.iter().enumerate() {
        if bindings.iter().all(|binding| binding.name != *name) {
            let known = bindings.iter().map(|binding| binding.name.clone()).collect();
            return Err(BindingError::Unknown { name: name.clone(), known });
        }
        if given[..index].iter().any(|(before, _)| before == name) {
            return Err(BindingError::Twice { name: name.clone() });
        }
    }
    let mut registers = [0; REGISTERS];
    for Binding { name, register, low, high } in bindings {
        let (low, high) = (*low, *high);
        let Some((_, value)) = given.iter().find(|(given, _)| given == name) else {
            return Err(BindingError::Missing { name: name.clone(), low, high });
        };
        if !(low..=high).contains(value) {
            return Err(BindingError::Range { name: name.clone(), value: *value, low, high });
        }
        registers[usize::from(*register)] = *value;
    }
    Ok(registers)
}
