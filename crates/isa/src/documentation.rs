//! The generated tables of docs/isa.md.

use std::fmt::Write;

use crate::{
    ConfigForm, ConfigRegister, Engine, FieldSpec, INSTRUCTIONS, Kind, Memory, VectorOperands,
    VectorOperation, VectorRule, VectorShape,
};

/// The page with the text between its markers made anew.
///
/// A piece stands between the lines `<!-- generated: NAME -->` and `<!-- end -->`. Names are `config`,
/// `vector rules` and those of the engines. What stands between unknown markers stays.
pub fn documentation(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut skipping = false;
    for line in page.lines() {
        if line == "<!-- end -->" {
            skipping = false;
        }
        if skipping {
            continue;
        }
        out.push_str(line);
        out.push('\n');
        let name = line.strip_prefix("<!-- generated: ").and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(piece) = name.and_then(piece) {
            out.push_str(&piece);
            skipping = true;
        }
    }
    out
}

fn piece(name: &str) -> Option<String> {
    match name {
        "config" => return Some(config_table()),
        "vector rules" => return Some(rule_table()),
        _ => {}
    }
    Engine::ALL.into_iter().find(|engine| engine.name() == name).map(instruction_table)
}

/// The configuration registers as a Markdown table.
pub fn config_table() -> String {
    let mut out =
        String::from("| number | register | values | reset | meaning |\n| --- | --- | --- | --- | --- |\n");
    for register in ConfigRegister::ALL {
        let spec = register.spec();
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            out,
            "| {:#04x} | `{}` | {} | {} | {} |",
            spec.id,
            spec.name,
            match spec.form {
                ConfigForm::Number => format!("{}..={}", spec.low, bound(spec.high)),
                ConfigForm::Type => "a type".to_owned(),
                ConfigForm::Real => "an f32".to_owned(),
            },
            register.text(spec.reset),
            spec.doc.trim(),
        );
    }
    out
}

/// The instructions of an engine as a Markdown table.
pub fn instruction_table(engine: Engine) -> String {
    let mut out =
        String::from("| opcode | instruction | operands (bits) | effect |\n| --- | --- | --- | --- |\n");
    for spec in INSTRUCTIONS.iter().filter(|spec| spec.engine == engine) {
        let operands: Vec<String> = spec.fields.iter().map(operand).collect();
        let operands = match (operands.is_empty(), spec.engine, spec.may_post) {
            (true, Engine::Control, true) => "post mask".to_owned(),
            _ => operands.join(", "),
        };
        let _ = writeln!(
            out,
            "| {:#04x} | `{}` | {operands} | {} |",
            spec.opcode,
            spec.mnemonic,
            spec.doc.trim()
        );
    }
    out
}

/// What the instructions of the vector engine read, write and promise, as a Markdown table.
pub fn rule_table() -> String {
    let mut out = String::from(
        "| instruction | goes | reads | writes | in place | registers |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for operation in VectorOperation::ALL {
        let rule = operation.rule();
        let sources = [("a", rule.a), ("b", rule.b), ("p", rule.p)];
        let reads = sources.into_iter().filter_map(|(name, memory)| Some((name, memory?)));
        let reads: Vec<String> =
            reads.map(|(name, memory)| format!("`{name}` in {}", place(rule, name, memory))).collect();
        let writes =
            rule.d.map_or_else(|| "the table".to_owned(), |memory| format!("`d` in {}", memory.title()));
        let goes = match rule.shape {
            VectorShape::Rows => "by rows",
            VectorShape::Window => "by windows",
            VectorShape::RowReduction => "by rows, one result each",
            VectorShape::Transpose => "by columns",
            VectorShape::Table => "256 bytes",
        };
        let of_types =
            |register: &&ConfigRegister| !rule.float || **register == ConfigRegister::VectorConstant;
        let registers = rule.constants.iter().filter(of_types).map(|register| {
            let name = register.name();
            format!("`{}`", name.split_once('.').map_or(name, |(_, name)| name))
        });
        let _ = writeln!(
            out,
            "| `{}` | {goes} | {} | {writes} | {} | {} |",
            operation.name(),
            reads.join(", "),
            if rule.in_place { "yes" } else { "" },
            registers.collect::<Vec<_>>().join(", "),
        );
    }
    out
}

/// Where an operand lies, in words.
fn place(rule: &VectorRule, operand: &str, memory: Memory) -> String {
    match operand {
        "a" if rule.float && rule.shape != VectorShape::Window => "NRAM or ARAM".to_owned(),
        "p" if rule.of(&VectorOperands::default()).p.is_none() => {
            format!("{}, with `records`", memory.title())
        }
        _ => memory.title().to_owned(),
    }
}

/// Powers of two less one are easier to read as such.
fn bound(value: i64) -> String {
    match value {
        0..=0xffff => value.to_string(),
        _ if (value + 1).count_ones() == 1 => format!("2^{}-1", (value + 1).trailing_zeros()),
        _ => value.to_string(),
    }
}

fn operand(field: &FieldSpec) -> String {
    let kind = match field.kind {
        Kind::Address(memory) => format!(" {} address", memory.title()),
        Kind::Selected => " address".to_owned(),
        Kind::Register => " register".to_owned(),
        Kind::Signed => " signed".to_owned(),
        _ => String::new(),
    };
    let most = field.lsb + field.width - 1;
    match most == field.lsb {
        true => format!("`{}`{kind} ({most})", field.name),
        false => format!("`{}`{kind} ({most}:{})", field.name, field.lsb),
    }
}
