//! One line of code: mnemonic, operands, masks.

use super::{
    arguments::Argument,
    error::{Problem, suggestion},
    expression::{Symbols, evaluate},
    lexer::{Lexeme, Token},
    source::Line,
};
use crate::{
    ConfigForm, ConfigRegister, ConfigWrites, DecodeError, ElementType, FieldSpec, INSTRUCTIONS,
    InstructionSpec, Kind, Memory, WORD_BYTES, Word, decode, field::Field, word::set_bits,
};

/// What an instruction's operands may refer to.
pub(super) struct Context<'a> {
    pub(super) line: &'a Line<'a>,
    pub(super) symbols: &'a Symbols,
    /// Index of the instruction.
    pub(super) here: i128,
}

/// A piece of the line behind the mnemonic.
enum Group<'a> {
    Operand(Argument<'a>),
    /// `wait(...)` or `post(...)`: the name and what is in the parentheses.
    Mask(&'a Lexeme, &'a [Lexeme]),
    Missing(usize),
}

/// The word of the instruction whose mnemonic is lexeme number `first`; all its problems otherwise.
pub(super) fn instruction(context: &Context<'_>, first: usize) -> Result<Word, Vec<Problem>> {
    let lexemes = &context.line.lexemes;
    let mnemonic = &lexemes[first];
    let name = context.line.slice(mnemonic);
    let Some(spec) = InstructionSpec::by_mnemonic(name) else {
        let problem = Problem::new(mnemonic.start, mnemonic.end, format!("there is no instruction `{name}`"));
        let help = suggestion(name, INSTRUCTIONS.iter().map(|spec| spec.mnemonic));
        return Err(vec![problem.help(help)]);
    };
    let groups = groups(context.line, &lexemes[first + 1..]).map_err(|problem| vec![problem])?;
    let mut builder = Builder {
        context,
        spec,
        word: [0; WORD_BYTES],
        given: vec![None; spec.fields.len()],
        writes: ConfigWrites::default(),
        masks: [None; 2],
    };
    builder.word[0] = spec.opcode;
    let mut problems = Vec::new();
    for group in &groups {
        let result = match group {
            Group::Operand(argument) => builder.operand(argument),
            Group::Mask(name, inner) => builder.mask(name, inner),
            Group::Missing(place) => {
                Err(Problem::new(*place, *place + 1, "an operand is missing before this comma"))
            }
        };
        problems.extend(result.err());
    }
    if problems.is_empty() {
        builder.finish(mnemonic).map_err(|problem| vec![problem])
    } else {
        Err(problems)
    }
}

fn groups<'a>(line: &Line<'_>, lexemes: &'a [Lexeme]) -> Result<Vec<Group<'a>>, Problem> {
    let mut groups = Vec::new();
    let (mut start, mut at, mut depth) = (0, 0, 0i64);
    // Whether an empty piece is fine, as it is at the line's beginning and behind a mask.
    let mut may_be_empty = true;
    while at < lexemes.len() {
        let lexeme = &lexemes[at];
        let is_mask = depth == 0
            && matches!(line.slice(lexeme), "wait" | "post")
            && lexemes.get(at + 1).is_some_and(|next| next.token == Token::Open);
        if is_mask {
            if start < at {
                groups.push(Group::Operand(Argument::new(&lexemes[start..at])));
            }
            let close = lexemes[at..].iter().position(|lexeme| lexeme.token == Token::Close);
            let Some(close) = close.map(|offset| at + offset) else {
                return Err(Problem::new(
                    lexeme.start,
                    lexemes[at + 1].end,
                    "this parenthesis is not closed",
                ));
            };
            groups.push(Group::Mask(lexeme, &lexemes[at + 2..close]));
            at = close + 1;
            start = at;
            may_be_empty = true;
            continue;
        }
        match lexeme.token {
            Token::Open | Token::OpenBracket => depth += 1,
            Token::Close | Token::CloseBracket => depth -= 1,
            Token::Comma if depth <= 0 => {
                if start < at {
                    groups.push(Group::Operand(Argument::new(&lexemes[start..at])));
                } else if !may_be_empty {
                    groups.push(Group::Missing(lexeme.start));
                }
                start = at + 1;
                may_be_empty = false;
            }
            _ => {}
        }
        at += 1;
    }
    if start < lexemes.len() {
        groups.push(Group::Operand(Argument::new(&lexemes[start..])));
    } else if !may_be_empty && start > 0 {
        groups.push(Group::Missing(lexemes[start - 1].start));
    }
    Ok(groups)
}

struct Builder<'a> {
    context: &'a Context<'a>,
    spec: &'static InstructionSpec,
    word: Word,
    /// Where each field was given.
    given: Vec<Option<(usize, usize)>>,
    writes: ConfigWrites,
    /// Where wait and post stand.
    masks: [Option<(usize, usize)>; 2],
}

impl Builder<'_> {
    /// Semaphores of a mask.
    fn mask(&mut self, name: &Lexeme, inner: &[Lexeme]) -> Result<(), Problem> {
        let line = self.context.line;
        let is_post = line.slice(name) == "post";
        let allowed = if is_post { self.spec.may_post } else { self.spec.may_wait };
        if !allowed {
            let message = format!("`{}` may have no {} mask", self.spec.mnemonic, line.slice(name));
            let help =
                "semaphores order the instructions of load, matrix, vector and store; `signal` may post";
            return Err(Problem::new(name.start, name.end, message).help(help));
        }
        let place = &mut self.masks[usize::from(is_post)];
        if place.replace((name.start, name.end)).is_some() {
            return Err(Problem::new(name.start, name.end, format!("a second `{}`", line.slice(name)))
                .help("name all semaphores in one list"));
        }
        for piece in super::arguments::split_commas(inner) {
            let number = evaluate(line, piece, name.end, self.context.symbols, self.context.here)?;
            if !(0..16).contains(&number) {
                let (start, end) = span(piece, name.end);
                return Err(Problem::new(start, end, format!("there is no semaphore {number}"))
                    .help("semaphores are 0 to 15"));
            }
            let lsb = if is_post { 32 } else { 16 };
            set_bits(&mut self.word, lsb + number as u32, 1, 1);
        }
        Ok(())
    }

    /// One `name=value`, or a flag's `name`.
    fn operand(&mut self, argument: &Argument<'_>) -> Result<(), Problem> {
        let line = self.context.line;
        let (name, is_flag) = match (argument.name, argument.value) {
            (Some(name), _) => (name, false),
            (None, [name]) if name.token == Token::Name => (name, true),
            _ => return Err(argument.problem("`operand=value` is expected").help(self.operand_names())),
        };
        let text = line.slice(name);
        let problem = |message: String| Problem::new(name.start, name.end, message);
        if self.spec.mnemonic == "config" {
            return self.config_write(text, name, argument);
        }
        if self.spec.mnemonic == "loop" && text == "until" {
            return self.until(argument);
        }
        let position = self.spec.fields.iter().position(|field| field.name == text);
        let Some(position) =
            position.filter(|position| !matches!(self.spec.fields[*position].kind, Kind::Memory(_)))
        else {
            return Err(
                problem(format!("`{}` has no operand `{text}`", self.spec.mnemonic)).help(self.meant(text))
            );
        };
        let field = &self.spec.fields[position];
        if is_flag && field.kind != Kind::Flag {
            return Err(problem(format!("`{text}` wants a value")).help(format!("write `{text}=...`")));
        }
        self.claim(position, name)?;
        if is_flag {
            set_bits(&mut self.word, field.lsb, field.width, 1);
            return Ok(());
        }
        self.value(field, argument)
    }

    fn claim(&mut self, position: usize, name: &Lexeme) -> Result<(), Problem> {
        if self.given[position].replace((name.start, name.end)).is_some() {
            let message = format!("`{}` is given twice", self.context.line.slice(name));
            return Err(Problem::new(name.start, name.end, message));
        }
        Ok(())
    }

    /// The operand that was probably meant, or all.
    fn meant(&self, text: &str) -> String {
        match ediacara_hint::nearest(text, self.spec.fields.iter().map(|field| field.name)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => self.operand_names(),
        }
    }

    fn operand_names(&self) -> String {
        if self.spec.mnemonic == "config" {
            return "operands are `register=value`, at most five".to_owned();
        }
        let names = self.spec.fields.iter().filter(|field| !matches!(field.kind, Kind::Memory(_)));
        let names: Vec<&str> = names.map(|field| field.name).collect();
        match names.is_empty() {
            false if self.spec.mnemonic == "loop" => {
                format!("operands are: {} or until=label", names.join(", "))
            }
            true => format!("`{}` has no operands", self.spec.mnemonic),
            false => format!("operands are: {}", names.join(", ")),
        }
    }

    fn evaluate(&self, argument: &Argument<'_>) -> Result<i128, Problem> {
        evaluate(self.context.line, argument.value, argument.end, self.context.symbols, self.context.here)
    }

    fn value(&mut self, field: &FieldSpec, argument: &Argument<'_>) -> Result<(), Problem> {
        match field.kind {
            Kind::Address(_) | Kind::Selected => self.address(field, argument),
            Kind::Register => {
                let number = self.register(argument)?;
                set_bits(&mut self.word, field.lsb, field.width, number);
                Ok(())
            }
            Kind::Word(words) => self.word(field, words, argument),
            Kind::Signed => {
                self.number(field, argument, -(1i128 << (field.width - 1)), (1i128 << (field.width - 1)) - 1)
            }
            Kind::Count | Kind::Body => self.number(field, argument, 1, (1i128 << field.width) - 1),
            // Scalar registers wrap, so that a negative number is as good as its complement.
            Kind::Unsigned if field.width == 40 => {
                self.number(field, argument, -(1i128 << 39), (1i128 << 40) - 1)
            }
            Kind::Unsigned | Kind::Target | Kind::Flag => {
                self.number(field, argument, 0, (1i128 << field.width) - 1)
            }
            Kind::Memory(_) | Kind::ConfigWrites => Err(argument.problem("this cannot be written")),
        }
    }

    fn number(
        &mut self,
        field: &FieldSpec,
        argument: &Argument<'_>,
        low: i128,
        high: i128,
    ) -> Result<(), Problem> {
        let value = self.evaluate(argument)?;
        if !(low..=high).contains(&value) {
            let (start, end) = span(argument.value, argument.end);
            let message = format!("{} is {value}, outside {low}..={high}", field.name);
            return Err(Problem::new(start, end, message));
        }
        set_bits(&mut self.word, field.lsb, field.width, value as u64);
        Ok(())
    }

    fn word(
        &mut self,
        field: &FieldSpec,
        words: &'static [&'static str],
        argument: &Argument<'_>,
    ) -> Result<(), Problem> {
        let (start, end) = span(argument.value, argument.end);
        let text = &self.context.line.text[start..end];
        let Some(code) = words.iter().position(|word| *word == text) else {
            let problem = Problem::new(start, end, format!("there is no {} `{text}`", field.name));
            return Err(problem.help(suggestion(text, words.iter().copied())));
        };
        set_bits(&mut self.word, field.lsb, field.width, code as u64);
        Ok(())
    }

    fn register(&self, argument: &Argument<'_>) -> Result<u64, Problem> {
        let (start, end) = span(argument.value, argument.end);
        let number = match argument.value {
            [one] => register_number(self.context.line.slice(one)),
            _ => None,
        };
        number
            .ok_or_else(|| Problem::new(start, end, "a register is expected").help("registers are r0 to r15"))
    }

    /// `loop until=label`: the body ends before that instruction.
    fn until(&mut self, argument: &Argument<'_>) -> Result<(), Problem> {
        let (Some(name), Some(position)) =
            (argument.name, self.spec.fields.iter().position(|field| field.kind == Kind::Body))
        else {
            return Err(argument.problem("`until` wants a label").help("write `until=label`"));
        };
        self.claim(position, name)?;
        let field = &self.spec.fields[position];
        let body = self.evaluate(argument)? - self.context.here - 1;
        let most = (1i128 << field.width) - 1;
        if !(1..=most).contains(&body) {
            let (start, end) = span(argument.value, argument.end);
            let message = format!("the body would have {body} instructions, outside 1..={most}");
            return Err(Problem::new(start, end, message)
                .help("the label stands behind the last instruction of the body, which follows the loop"));
        }
        set_bits(&mut self.word, field.lsb, field.width, body as u64);
        Ok(())
    }

    fn config_write(&mut self, text: &str, name: &Lexeme, argument: &Argument<'_>) -> Result<(), Problem> {
        let Some(register) = ConfigRegister::from_name(text) else {
            let problem =
                Problem::new(name.start, name.end, format!("there is no configuration register `{text}`"));
            return Err(
                match ediacara_hint::nearest(text, ConfigRegister::ALL.iter().map(|register| register.name()))
                {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None => problem.help("docs/isa.md lists them"),
                },
            );
        };
        if argument.name.is_none() {
            return Err(argument
                .problem(format!("`{text}` wants a value"))
                .help(format!("write `{text}=...`")));
        }
        let value = self.config_value(register, argument)?;
        let (start, end) = span(argument.value, argument.end);
        self.writes.push(register, value).map_err(|error| {
            if self.writes.as_slice().len() == ConfigWrites::MAX {
                return argument.problem(error.message).help("put the others into another `config`");
            }
            Problem::new(start, end, format!("{text}: {}", error.message))
        })
    }

    /// The value of a register: a word where it holds a type, a real number where it holds one, else an
    /// expression.
    fn config_value(&self, register: ConfigRegister, argument: &Argument<'_>) -> Result<i64, Problem> {
        let (start, end) = span(argument.value, argument.end);
        let text = &self.context.line.text[start..end];
        match register.spec().form {
            ConfigForm::Number => {}
            ConfigForm::Type => {
                if let Some(code) = ElementType::OPERANDS.iter().position(|element| element.name() == text) {
                    return Ok(code as i64);
                }
            }
            ConfigForm::Real => {
                let is_real = argument.value.iter().any(|lexeme| lexeme.token == Token::Real);
                if is_real && let Ok(value) = text.replace(' ', "").parse::<f32>() {
                    return Ok(value.to_bits().into());
                }
            }
        }
        // Values beyond 64 bits are out of every register's range.
        Ok(i64::try_from(self.evaluate(argument)?).unwrap_or(i64::MAX))
    }

    /// `expression`, `expression + rN`, `rN`, either bare or as `memory[...]`.
    fn address(&mut self, field: &FieldSpec, argument: &Argument<'_>) -> Result<(), Problem> {
        let line = self.context.line;
        let mut inner = argument.value;
        let mut memory = None;
        if let [name, open, rest @ .., close] = inner
            && name.token == Token::Name
            && open.token == Token::OpenBracket
            && close.token == Token::CloseBracket
        {
            memory = Some(name);
            inner = rest;
        }
        self.check_memory(field, memory, argument)?;
        let mut register = 0;
        match inner {
            [one] if register_number(line.slice(one)).is_some() => {
                register = register_number(line.slice(one)).unwrap_or(0);
                inner = &[];
            }
            [rest @ .., plus, one]
                if plus.token == Token::Plus && register_number(line.slice(one)).is_some() =>
            {
                register = register_number(line.slice(one)).unwrap_or(0);
                inner = rest;
            }
            [one, plus, rest @ ..]
                if plus.token == Token::Plus && register_number(line.slice(one)).is_some() =>
            {
                register = register_number(line.slice(one)).unwrap_or(0);
                inner = rest;
            }
            _ => {}
        }
        let offset = match inner.is_empty() && register_given(line, argument) {
            true => 0,
            false => evaluate(line, inner, argument.end, self.context.symbols, self.context.here)?,
        };
        let width = field.offset_width();
        let most = (1i128 << width) - 1;
        if !(0..=most).contains(&offset) {
            let (start, end) = span(inner, argument.end);
            return Err(Problem::new(start, end, format!("{} is {offset}, outside 0..={most}", field.name))
                .help("a register can carry the rest of an address: `offset + rN`"));
        }
        set_bits(&mut self.word, field.lsb, width, offset as u64);
        set_bits(&mut self.word, field.lsb + width, 4, register);
        Ok(())
    }

    /// Checks the memory written around an address.
    ///
    /// It is required where the instruction leaves a choice. Elsewhere it may be left out, but must be the
    /// right one.
    fn check_memory(
        &mut self,
        address: &FieldSpec,
        given: Option<&Lexeme>,
        argument: &Argument<'_>,
    ) -> Result<(), Problem> {
        let line = self.context.line;
        if let Kind::Address(memory) = address.kind {
            return match given {
                Some(name) if line.slice(name) != memory.name() => {
                    let message = format!("this address is in {memory}, not `{}`", line.slice(name));
                    Err(Problem::new(name.start, name.end, message))
                }
                _ => Ok(()),
            };
        }
        let field = self.spec.fields.iter().find(|field| matches!(field.kind, Kind::Memory(_)));
        let Some((field, allowed)) = field.and_then(|field| match field.kind {
            Kind::Memory(allowed) => Some((field, allowed)),
            _ => None,
        }) else {
            return Ok(());
        };
        let names: Vec<String> = allowed.iter().map(|memory| format!("{memory}[...]")).collect();
        let Some(name) = given else {
            if let Some(code) = field.default {
                set_bits(&mut self.word, field.lsb, field.width, code);
                return Ok(());
            }
            let (start, end) = span(argument.value, argument.end);
            return Err(Problem::new(start, end, "the destination's memory is missing")
                .help(format!("write {}", names.join(" or "))));
        };
        match allowed.iter().find(|memory: &&Memory| memory.name() == line.slice(name)) {
            Some(memory) => {
                // Every memory that is allowed has a code.
                let _ = memory.insert(&mut self.word, field);
                Ok(())
            }
            None => {
                let message = format!("`{}` cannot write `{}`", self.spec.mnemonic, line.slice(name));
                Err(Problem::new(name.start, name.end, message).help(format!("write {}", names.join(" or "))))
            }
        }
    }

    /// Fills in defaults, reports what is missing, and asks the decoder.
    fn finish(mut self, mnemonic: &Lexeme) -> Result<Word, Problem> {
        let problem = |message: String| Problem::new(mnemonic.start, mnemonic.end, message);
        for (field, given) in self.spec.fields.iter().zip(&self.given) {
            match (field.kind, given, field.default) {
                (Kind::Memory(_), ..) | (_, Some(_), _) => {}
                (Kind::ConfigWrites, ..) => {
                    // The list knows its own size, so that inserting it cannot fail.
                    let _ = self.writes.insert(&mut self.word, field);
                }
                (_, None, Some(default)) => set_bits(&mut self.word, field.lsb, field.width, default),
                (_, None, None) => {
                    let message =
                        format!("`{}` wants `{}`: {}", self.spec.mnemonic, field.name, field.doc.trim());
                    return Err(problem(message).help(self.operand_names()));
                }
            }
        }
        match decode(&self.word) {
            Ok(_) => Ok(self.word),
            Err(DecodeError::Operand(error)) => {
                let field = self.spec.fields.iter().position(|field| field.name == error.field);
                let message = format!("{} {}", error.field, error.message);
                Err(match field.and_then(|field| self.given[field]) {
                    Some((start, end)) => Problem::new(start, end, message),
                    None => problem(message),
                })
            }
            Err(error) => Err(problem(error.to_string())),
        }
    }
}

/// Whether an address has a register, so that its expression may be left out.
fn register_given(line: &Line<'_>, argument: &Argument<'_>) -> bool {
    argument.value.iter().any(|lexeme| register_number(line.slice(lexeme)).is_some())
}

fn register_number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('r')?;
    let number: u64 = digits.parse().ok()?;
    // No signs and no leading zeros: a register has one name.
    (number < 16 && digits == number.to_string()).then_some(number)
}

/// Where tokens stand; `after` if there are none.
fn span(lexemes: &[Lexeme], after: usize) -> (usize, usize) {
    match (lexemes.first(), lexemes.last()) {
        (Some(first), Some(last)) => (first.start, last.end),
        _ => (after, after),
    }
}
