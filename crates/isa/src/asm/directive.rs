//! Directives: everything that begins with a dot.

use super::{
    arguments::{Argument, Arguments, in_range, key, list_of, text_of},
    error::{Problem, suggestion},
    expression::evaluate,
    lexer::Token,
    program::{Late, Program, Section},
    source::Line,
    text::from_hex,
};
use crate::{
    Binding, Data, ElementType, Encoding, LayerInfo, Layout, MachineKey, NO_LAYER, Port, REGISTERS,
    WORD_BYTES,
};

/// Every directive, for suggestions.
const NAMES: [&str; 26] = [
    ".machine",
    ".code",
    ".data",
    ".byte",
    ".word",
    ".record",
    ".hex",
    ".zero",
    ".align",
    ".equ",
    ".binding",
    ".input",
    ".output",
    ".layer",
    ".within",
    ".line",
    ".instruction",
    ".include",
    ".label",
    ".value",
    ".self_test",
    ".rest",
    ".rest_output",
    ".rest_reason",
    ".note",
    ".disassembly",
];

pub(super) const ADDRESS: (i128, i128) = (0, (1 << 40) - 1);
pub(super) const U64: (i128, i128) = (0, u64::MAX as i128);
pub(super) const U32: (i128, i128) = (0, u32::MAX as i128);

impl Program<'_> {
    /// First pass over the directive at token `first`.
    pub(super) fn directive(&mut self, number: usize, first: usize) -> Result<(), Problem> {
        let line = &self.lines[number];
        let lexeme = &line.lexemes[first];
        let arguments = Arguments::split(line, first)?;
        match line.slice(lexeme) {
            ".machine" => self.machine(arguments),
            ".code" => self.code(arguments),
            ".data" => self.block(arguments, number),
            ".byte" => self.reserve(arguments, number, first, 1),
            ".word" => self.reserve(arguments, number, first, 4),
            ".record" => self.reserve_record(arguments, number, first),
            ".hex" => self.hex(arguments),
            ".zero" => self.zero(arguments),
            ".align" => self.align(arguments),
            ".equ" => self.equ(arguments, number),
            ".input" | ".output" => {
                self.late.push((number, first, Late::Port));
                Ok(())
            }
            ".binding" => self.binding(arguments),
            ".layer" => self.layer(arguments),
            ".within" => self.within(arguments),
            ".line" => self.line(arguments, number),
            ".label" => self.label(arguments),
            ".value" => self.named_bytes(arguments),
            ".self_test" => self.self_test(arguments),
            ".rest" => self.rest(arguments),
            ".rest_output" | ".rest_reason" => self.rest_text(arguments, line.slice(lexeme)),
            ".note" => self.unknown_note(arguments),
            ".disassembly" => self.disassembly(arguments, number),
            ".instruction" => self.raw_instruction(arguments, number),
            // The lines of the file follow this one already.
            ".include" => Ok(()),
            name => {
                let problem =
                    Problem::new(lexeme.start, lexeme.end, format!("there is no directive `{name}`"));
                Err(problem.help(suggestion(name, NAMES.iter().copied())))
            }
        }
    }

    fn machine(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let line = arguments.line;
        let first = arguments.take("the machine's name")?;
        let name = text_of(line, &first, "the machine's name")?;
        if std::mem::replace(&mut self.machine_given, true) {
            return Err(first.problem("a second `.machine`").help("a program is for one machine"));
        }
        let mut machine = MachineKey { name, ..MachineKey::default() };
        let names = ["rows", "columns", "nram_bytes", "wram_bytes", "aram_bytes", "pram_bytes", "dram_bytes"];
        while let Some(argument) = arguments.take_optional() {
            let name = key(line, &argument, &names)?;
            let value = self.evaluate(line, &argument)?;
            let range = if matches!(name, "rows" | "columns") { U32 } else { U64 };
            let value = in_range(value, range, &argument, name)? as u64;
            match name {
                "rows" => machine.rows = value as u32,
                "columns" => machine.columns = value as u32,
                "nram_bytes" => machine.nram_bytes = value,
                "wram_bytes" => machine.wram_bytes = value,
                "aram_bytes" => machine.aram_bytes = value,
                "pram_bytes" => machine.pram_bytes = value,
                _ => machine.dram_bytes = value,
            }
        }
        self.executable.machine = machine;
        Ok(())
    }

    /// A register that is set before the program starts.
    fn binding(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let first = arguments.take("the binding's name")?;
        let name = text_of(arguments.line, &first, "the binding's name")?;
        let place = arguments.take("its register")?;
        let register = match place.value {
            [one] => arguments.line.slice(one).strip_prefix('r').and_then(|number| number.parse().ok()),
            _ => None,
        };
        let Some(register) = register.filter(|register| (1..REGISTERS as u8).contains(register)) else {
            let problem = place.problem("a register that can be written is expected");
            return Err(problem.help("write r1 to r15; r0 is always zero"));
        };
        let low = arguments.ranged("the least number", ADDRESS, &self.symbols, self.here())? as u64;
        let high = arguments.ranged("the largest number", ADDRESS, &self.symbols, self.here())? as u64;
        arguments.finish()?;
        if low > high {
            let problem = first.problem(format!("`{name}` can have no number: {low} is above {high}"));
            return Err(problem.help("the least number stands before the largest"));
        }
        let other =
            self.executable.bindings.iter().find(|other| other.register == register || other.name == name);
        if let Some(other) = other {
            let (other, taken) = (&other.name, other.register);
            let problem = first.problem(format!("binding `{other}` has r{taken} already"));
            return Err(problem.help("a binding has a name and a register of its own"));
        }
        self.executable.bindings.push(Binding { name, register, low, high });
        Ok(())
    }

    pub(super) fn evaluate(&self, line: &Line<'_>, argument: &Argument<'_>) -> Result<i128, Problem> {
        evaluate(line, argument.value, argument.end, &self.symbols, self.here())
    }

    fn code(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        if let Some(argument) = arguments.take_optional() {
            let base = self.evaluate(arguments.line, &argument)?;
            let base = in_range(base, ADDRESS, &argument, "the code's address")?;
            if base % WORD_BYTES as i128 != 0 {
                return Err(argument
                    .problem(format!("{base:#x} is no multiple of 32"))
                    .help("the code begins at a multiple of the machine's burst, at least 32"));
            }
            if std::mem::replace(&mut self.code_base_given, true) {
                return Err(argument
                    .problem("the code's address is given twice")
                    .help("go back with a bare `.code`"));
            }
            self.executable.code_base = base as u64;
        }
        self.section = Section::Code;
        arguments.finish()
    }

    fn block(&mut self, mut arguments: Arguments<'_>, number: usize) -> Result<(), Problem> {
        let address = arguments.ranged("the data's address", ADDRESS, &self.symbols, self.here())?;
        self.executable.data.push(Data { address: address as u64, bytes: Vec::new() });
        self.block_lines.push(number);
        self.section = Section::Data;
        arguments.finish()
    }

    /// Appends zero bytes to the block, and says at which offset.
    fn extend(&mut self, bytes: u64, place: &Argument<'_>) -> Result<(usize, usize), Problem> {
        self.need_data(place)?;
        if bytes > self.data_left_bytes {
            return Err(place.problem("the program has too much data").help("a gigabyte is the limit"));
        }
        self.data_left_bytes -= bytes;
        let index = self.executable.data.len() - 1;
        let data = &mut self.executable.data[index].bytes;
        let offset = data.len();
        data.resize(offset + bytes as usize, 0);
        Ok((index, offset))
    }

    fn need_data(&self, place: &Argument<'_>) -> Result<(), Problem> {
        match self.section {
            Section::Data => Ok(()),
            Section::Code => {
                Err(place.problem("data stands among code").help("say where it goes with `.data ADDRESS`"))
            }
        }
    }

    fn reserve(
        &mut self,
        mut arguments: Arguments<'_>,
        number: usize,
        first: usize,
        element_bytes: u64,
    ) -> Result<(), Problem> {
        let count = arguments.left() as u64;
        let place = arguments.take("a value")?;
        let (block, offset) = self.extend(count * element_bytes, &place)?;
        self.late.push((number, first, Late::Data { block, offset }));
        Ok(())
    }

    fn reserve_record(
        &mut self,
        mut arguments: Arguments<'_>,
        number: usize,
        first: usize,
    ) -> Result<(), Problem> {
        let place = arguments.take("the bias")?;
        arguments.take("the multiplier")?;
        arguments.take("the shift")?;
        arguments.finish()?;
        let (block, offset) = self.extend(12, &place)?;
        self.late.push((number, first, Late::Data { block, offset }));
        Ok(())
    }

    /// Second pass over `.byte`, `.word`, `.record`.
    pub(super) fn data(
        &mut self,
        number: usize,
        first: usize,
        block: usize,
        offset: usize,
    ) -> Result<(), Problem> {
        let line = &self.lines[number];
        let here = i128::from(self.executable.data[block].address) + offset as i128;
        let mut arguments = Arguments::split(line, first)?;
        let mut bytes = Vec::new();
        let mut take =
            |what: &str, low: i128, high: i128| arguments.ranged(what, (low, high), &self.symbols, here);
        match line.slice(&line.lexemes[first]) {
            ".record" => {
                let bias = take("the bias", i32::MIN.into(), i32::MAX.into())? as i32;
                let multiplier = take("the multiplier", 0, i32::MAX.into())? as i32;
                let shift = take("the shift", 1, 62)? as u8;
                bytes.extend(bias.to_le_bytes());
                bytes.extend(multiplier.to_le_bytes());
                bytes.extend([shift, 0, 0, 0]);
            }
            ".word" => {
                while arguments.left() > 0 {
                    let range = (i32::MIN.into(), u32::MAX.into());
                    let word = arguments.ranged("a word", range, &self.symbols, here)?;
                    bytes.extend((word as u32).to_le_bytes());
                }
            }
            _ => {
                while arguments.left() > 0 {
                    let byte = arguments.ranged("a byte", (-128, 255), &self.symbols, here)?;
                    bytes.push(byte as u8);
                }
            }
        }
        self.executable.data[block].bytes[offset..offset + bytes.len()].copy_from_slice(&bytes);
        Ok(())
    }

    fn hex(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let argument = arguments.take("a string of hexadecimal bytes")?;
        let text = text_of(arguments.line, &argument, "hexadecimal data")?;
        let bytes = from_hex(&text).map_err(|message| argument.problem(message))?;
        let (block, offset) = self.extend(bytes.len() as u64, &argument)?;
        self.executable.data[block].bytes[offset..].copy_from_slice(&bytes);
        arguments.finish()
    }

    fn zero(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let (count, argument) = arguments.value("the number of bytes", &self.symbols, self.here())?;
        let count = in_range(count, ADDRESS, &argument, "the number of bytes")?;
        self.extend(count as u64, &argument)?;
        arguments.finish()
    }

    fn align(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let (unit, argument) = arguments.value("the alignment", &self.symbols, self.here())?;
        let unit = in_range(unit, (1, 1 << 20), &argument, "the alignment")?;
        self.need_data(&argument)?;
        let padding = (unit - self.here() % unit) % unit;
        self.extend(padding as u64, &argument)?;
        arguments.finish()
    }

    fn equ(&mut self, mut arguments: Arguments<'_>, number: usize) -> Result<(), Problem> {
        let argument = arguments.take("the constant's name")?;
        let [name] = argument.value else {
            return Err(argument
                .problem("a constant's name is expected")
                .help("write `.equ NAME, expression`"));
        };
        if name.token != Token::Name || argument.name.is_some() {
            return Err(argument
                .problem("a constant's name is expected")
                .help("write `.equ NAME, expression`"));
        }
        let (value, _) = arguments.value("the constant's value", &self.symbols, self.here())?;
        let text = arguments.line.slice(name);
        self.define(text, value, number, name.start, name.end)?;
        arguments.finish()
    }

    /// Second pass over `.input` and `.output`.
    pub(super) fn port(&mut self, number: usize, first: usize) -> Result<(), Problem> {
        let line = &self.lines[number];
        let mut arguments = Arguments::split(line, first)?;
        let name = arguments.name("the tensor's name")?;
        let address = arguments.ranged("the tensor's address", ADDRESS, &self.symbols, 0)? as u64;
        let argument = arguments.take("the tensor's shape")?;
        let shape = sizes(&argument, &list_of(line, &argument, &self.symbols)?)?;
        let mut port = Port::plain(name, address, shape);
        let (mut scale, mut zero, mut caller) = (None, 0, None);
        while let Some(argument) = arguments.take_optional() {
            let list = || sizes(&argument, &list_of(line, &argument, &self.symbols)?);
            match key(line, &argument, &["type", "scale", "zero", "permutation", "tensor"])? {
                "type" => port.element = element(line, &argument)?,
                "scale" => scale = Some(real(line, &argument)?),
                "zero" => {
                    let value = evaluate(line, argument.value, argument.end, &self.symbols, 0)?;
                    zero = in_range(value, (-128, 127), &argument, "the zero point")? as i32;
                }
                "permutation" => port.layout = Layout::permuted(&port.shape, list()?),
                _ => caller = Some(list()?),
            }
        }
        port.layout.shape = caller.unwrap_or(port.layout.shape);
        port.encoding = scale.map(|scale| Encoding { scale, zero });
        let place = &line.lexemes[first];
        if let Err(message) = port.check() {
            return Err(Problem::new(place.start, line.text.trim_end().len(), message));
        }
        match line.slice(place) {
            ".input" => self.executable.inputs.push(port),
            _ => self.executable.outputs.push(port),
        }
        Ok(())
    }

    fn layer(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let line = arguments.line;
        let mut layer = LayerInfo { name: arguments.name("the layer's name")?, ..LayerInfo::default() };
        let names = ["op", "shape", "macs", "matrix_macs", "vector_operations", "weight_bytes"];
        while let Some(argument) = arguments.take_optional() {
            let name = key(line, &argument, &names)?;
            match name {
                "op" => layer.op = text_of(line, &argument, "the operation")?,
                "shape" => layer.shape = sizes(&argument, &list_of(line, &argument, &self.symbols)?)?,
                _ => {
                    let value = self.evaluate(line, &argument)?;
                    let value = in_range(value, U64, &argument, name)? as u64;
                    match name {
                        "macs" => layer.macs = value,
                        "matrix_macs" => layer.matrix_macs = value,
                        "vector_operations" => layer.vector_operations = value,
                        _ => layer.weight_bytes = value,
                    }
                }
            }
        }
        self.layer = self.executable.layers.len() as u32;
        self.executable.layers.push(layer);
        Ok(())
    }

    fn within(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let argument = arguments.take("a layer's number or `none`")?;
        if let [one] = argument.value
            && arguments.line.slice(one) == "none"
        {
            self.layer = NO_LAYER;
            return arguments.finish();
        }
        let value = self.evaluate(arguments.line, &argument)?;
        let count = self.executable.layers.len() as i128;
        if !(0..count).contains(&value) {
            return Err(argument.problem(format!("there is no layer {value} yet")).help(format!(
                "{count} layers are declared, numbered from 0; declare one with `.layer NAME`"
            )));
        }
        self.layer = value as u32;
        arguments.finish()
    }

    fn line(&mut self, mut arguments: Arguments<'_>, number: usize) -> Result<(), Problem> {
        let line = arguments.ranged("the line number", U32, &self.symbols, self.here())?;
        // An edited disassembly has other lines than the source that it speaks of.
        if !self.edited.contains(&self.lines[number].reference.file) {
            self.line_number = Some(line as u32);
        }
        arguments.finish()
    }

    fn raw_instruction(&mut self, mut arguments: Arguments<'_>, number: usize) -> Result<(), Problem> {
        let argument = arguments.take("the instruction's 32 bytes")?;
        if self.section == Section::Data {
            return Err(argument
                .problem("an instruction stands among data")
                .help("go back to the code with `.code`"));
        }
        let text = text_of(arguments.line, &argument, "an instruction")?;
        let bytes = from_hex(&text).map_err(|message| argument.problem(message))?;
        let count = bytes.len();
        let word = bytes.try_into().map_err(|_| {
            argument
                .problem(format!("an instruction has 32 bytes, not {count}"))
                .help("bytes are in memory's order")
        })?;
        self.push_word(word, number);
        arguments.finish()
    }
}

/// Numbers that must be sizes or axes.
fn sizes(argument: &Argument<'_>, values: &[i128]) -> Result<Vec<usize>, Problem> {
    values
        .iter()
        .map(|value| Ok(in_range(*value, (0, usize::MAX as i128), argument, "an entry")? as usize))
        .collect()
}

/// The name of an element type.
fn element(line: &Line<'_>, argument: &Argument<'_>) -> Result<ElementType, Problem> {
    let name = text_of(line, argument, "an element type")?;
    ElementType::ALL.into_iter().find(|element| element.name() == name).ok_or_else(|| {
        let names = ElementType::ALL.map(ElementType::name);
        argument
            .problem(format!("there is no element type `{name}`"))
            .help(suggestion(&name, names.into_iter()))
    })
}

/// A positive real number.
fn real(line: &Line<'_>, argument: &Argument<'_>) -> Result<f32, Problem> {
    let wrong = || argument.problem("a positive number is expected").help("write it as `0.0078125` or `1`");
    let [one] = argument.value else {
        return Err(wrong());
    };
    match (one.token, line.slice(one).parse::<f32>()) {
        (Token::Real | Token::Number, Ok(value)) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err(wrong()),
    }
}
