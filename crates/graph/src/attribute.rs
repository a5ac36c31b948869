//! Attributes: the static parameters of an operator, in the form that text and equality see.

use std::fmt;

use ediacara_tensor::DType;

use crate::OpError;

/// The value of one attribute.
#[derive(Debug, Clone)]
pub enum Attribute {
    /// An integer, printed `3`.
    Int(i64),
    /// A float, printed `3.0`; always with a point, an exponent, `inf` or `nan`.
    Float(f64),
    /// A truth value, printed `true`.
    Bool(bool),
    /// A word, printed bare if it is an identifier, else quoted.
    Text(String),
    /// Integers, printed `[1, 2]`; an empty list `[]` is read as integers.
    Ints(Vec<i64>),
    /// Floats, printed `[1.0, 2.0]`.
    Floats(Vec<f64>),
}

impl PartialEq for Attribute {
    /// Floats are compared by bits, so that a graph equals itself even with NaN.
    fn eq(&self, other: &Attribute) -> bool {
        match (self, other) {
            (Attribute::Int(a), Attribute::Int(b)) => a == b,
            (Attribute::Float(a), Attribute::Float(b)) => a.to_bits() == b.to_bits(),
            (Attribute::Bool(a), Attribute::Bool(b)) => a == b,
            (Attribute::Text(a), Attribute::Text(b)) => a == b,
            (Attribute::Ints(a), Attribute::Ints(b)) => a == b,
            (Attribute::Floats(a), Attribute::Floats(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            _ => false,
        }
    }
}

impl Attribute {
    /// Integers from sizes or axes.
    pub fn sizes(sizes: &[usize]) -> Attribute {
        Attribute::Ints(sizes.iter().map(|&size| size as i64).collect())
    }

    /// A word from anything that displays.
    pub fn word(word: impl fmt::Display) -> Attribute {
        Attribute::Text(word.to_string())
    }
}

/// The attributes of an operator, in the operator's own fixed order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes {
    entries: Vec<(String, Attribute)>,
}

impl Attributes {
    /// No attribute.
    pub fn new() -> Attributes {
        Attributes::default()
    }

    /// These attributes and one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: Attribute) -> Attributes {
        self.entries.push((name.to_owned(), value));
        self
    }

    /// The attribute called `name`.
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.entries.iter().find(|(entry, _)| entry == name).map(|(_, value)| value)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Reads an operator's attributes; [`finish`](AttributeReader::finish) refuses those that nobody asked for.
#[derive(Debug)]
pub struct AttributeReader<'a> {
    op: &'static str,
    attributes: &'a Attributes,
    asked: Vec<&'static str>,
}

impl<'a> AttributeReader<'a> {
    /// A reader for the operator `op`.
    pub fn new(op: &'static str, attributes: &'a Attributes) -> AttributeReader<'a> {
        AttributeReader { op, attributes, asked: Vec::new() }
    }

    /// An error about one attribute.
    pub fn error(&self, attribute: &str, problem: impl Into<String>) -> OpError {
        OpError::Attribute {
            op: self.op.to_owned(),
            attribute: attribute.to_owned(),
            problem: problem.into(),
        }
    }

    fn find(&mut self, name: &'static str) -> Option<&'a Attribute> {
        self.asked.push(name);
        self.attributes.get(name)
    }

    fn required(&mut self, name: &'static str) -> Result<&'a Attribute, OpError> {
        self.find(name).ok_or_else(|| self.error(name, "is missing"))
    }

    /// Whether the attribute is given; it does not count as asked for.
    pub fn has(&self, name: &str) -> bool {
        self.attributes.get(name).is_some()
    }

    /// An integer.
    ///
    /// # Errors
    /// It is missing or something else.
    pub fn int(&mut self, name: &'static str) -> Result<i64, OpError> {
        match self.required(name)? {
            Attribute::Int(value) => Ok(*value),
            other => Err(self.error(name, format!("must be an integer, found {other}"))),
        }
    }

    /// An integer that fits `T`.
    ///
    /// # Errors
    /// It is missing, something else, or out of range.
    pub fn int_as<T: TryFrom<i64>>(&mut self, name: &'static str) -> Result<T, OpError> {
        let value = self.int(name)?;
        T::try_from(value).map_err(|_| {
            self.error(name, format!("{value} is out of the range of {}", std::any::type_name::<T>()))
        })
    }

    /// A float; an integer is taken for one.
    ///
    /// # Errors
    /// It is missing or something else.
    pub fn float(&mut self, name: &'static str) -> Result<f64, OpError> {
        match self.required(name)? {
            Attribute::Float(value) => Ok(*value),
            Attribute::Int(value) => Ok(*value as f64),
            other => Err(self.error(name, format!("must be a float, found {other}"))),
        }
    }

    /// A truth value.
    ///
    /// # Errors
    /// It is missing or something else.
    pub fn bool(&mut self, name: &'static str) -> Result<bool, OpError> {
        match self.required(name)? {
            Attribute::Bool(value) => Ok(*value),
            other => Err(self.error(name, format!("must be true or false, found {other}"))),
        }
    }

    /// A truth value, `false` if it is missing.
    ///
    /// # Errors
    /// It is something else.
    pub fn flag(&mut self, name: &'static str) -> Result<bool, OpError> {
        if self.has(name) {
            self.bool(name)
        } else {
            self.asked.push(name);
            Ok(false)
        }
    }

    /// A word.
    ///
    /// # Errors
    /// It is missing or something else.
    pub fn text(&mut self, name: &'static str) -> Result<&'a str, OpError> {
        match self.required(name)? {
            Attribute::Text(value) => Ok(value),
            other => Err(self.error(name, format!("must be a word, found {other}"))),
        }
    }

    /// A word that parses as `T`.
    ///
    /// # Errors
    /// It is missing, something else, or does not parse.
    pub fn parse<T: std::str::FromStr<Err = String>>(&mut self, name: &'static str) -> Result<T, OpError> {
        let text = self.text(name)?;
        text.parse().map_err(|problem: String| self.error(name, problem))
    }

    /// An element type.
    ///
    /// # Errors
    /// It is missing, or no element type.
    pub fn dtype(&mut self, name: &'static str) -> Result<DType, OpError> {
        let text = self.text(name)?;
        text.parse().map_err(|problem: ediacara_tensor::TensorError| self.error(name, problem.to_string()))
    }

    /// A list of integers.
    ///
    /// # Errors
    /// It is missing or something else.
    pub fn ints(&mut self, name: &'static str) -> Result<&'a [i64], OpError> {
        match self.required(name)? {
            Attribute::Ints(values) => Ok(values),
            other => Err(self.error(name, format!("must be a list of integers, found {other}"))),
        }
    }

    /// A list of sizes or axes: integers that are not negative.
    ///
    /// # Errors
    /// It is missing, something else, or has a negative entry.
    pub fn sizes(&mut self, name: &'static str) -> Result<Vec<usize>, OpError> {
        let values = self.ints(name)?;
        let sizes: Result<Vec<usize>, _> = values.iter().map(|&value| usize::try_from(value)).collect();
        sizes.map_err(|_| self.error(name, format!("{values:?} must not have a negative entry")))
    }

    /// Exactly `N` sizes.
    ///
    /// # Errors
    /// As [`sizes`](AttributeReader::sizes), or another number of entries.
    pub fn sizes_of<const N: usize>(&mut self, name: &'static str) -> Result<[usize; N], OpError> {
        let sizes = self.sizes(name)?;
        sizes.try_into().map_err(|sizes: Vec<usize>| {
            self.error(name, format!("must have {N} entries, found {}", sizes.len()))
        })
    }

    /// A list of floats.
    ///
    /// # Errors
    /// It is missing or something else.
    pub fn floats(&mut self, name: &'static str) -> Result<Vec<f64>, OpError> {
        match self.required(name)? {
            Attribute::Floats(values) => Ok(values.clone()),
            Attribute::Ints(values) => Ok(values.iter().map(|&value| value as f64).collect()),
            other => Err(self.error(name, format!("must be a list of floats, found {other}"))),
        }
    }

    /// Checks that every attribute given was asked for.
    ///
    /// # Errors
    /// One was not.
    pub fn finish(self) -> Result<(), OpError> {
        let stranger = self.attributes.iter().find(|(name, _)| !self.asked.contains(name));
        match stranger {
            None => Ok(()),
            Some((name, _)) => {
                let known = if self.asked.is_empty() { "none".to_owned() } else { self.asked.join(", ") };
                Err(self.error(name, format!("{} has no such attribute; it has {known}", self.op)))
            }
        }
    }
}

/// Whether `text` can stand without quotes where a word is expected.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
        && !matches!(text, "true" | "false" | "inf" | "nan")
}

/// Writes `text` in quotes, with `"`, `\` and control characters escaped.
pub(crate) fn write_quoted(formatter: &mut impl fmt::Write, text: &str) -> fmt::Result {
    formatter.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => formatter.write_str("\\\"")?,
            '\\' => formatter.write_str("\\\\")?,
            '\n' => formatter.write_str("\\n")?,
            control if control.is_control() => write!(formatter, "\\u{{{:x}}}", u32::from(control))?,
            other => formatter.write_char(other)?,
        }
    }
    formatter.write_char('"')
}

/// Writes a float so that it reads back to the same bits (every NaN as `nan`).
pub(crate) fn write_float(formatter: &mut impl fmt::Write, value: f64) -> fmt::Result {
    if value.is_nan() {
        formatter.write_str("nan")
    } else if value.is_infinite() {
        formatter.write_str(if value > 0.0 { "inf" } else { "-inf" })
    } else {
        write!(formatter, "{value:?}")
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attribute::Int(value) => write!(formatter, "{value}"),
            Attribute::Float(value) => write_float(formatter, *value),
            Attribute::Bool(value) => write!(formatter, "{value}"),
            Attribute::Text(text) if is_identifier(text) => formatter.write_str(text),
            Attribute::Text(text) => write_quoted(formatter, text),
            Attribute::Ints(values) => write!(formatter, "{values:?}"),
            Attribute::Floats(values) => {
                formatter.write_str("[")?;
                for (position, &value) in values.iter().enumerate() {
                    if position > 0 {
                        formatter.write_str(", ")?;
                    }
                    write_float(formatter, value)?;
                }
                formatter.write_str("]")
            }
        }
    }
}
