//! Words, text and files are three ways to write the same programs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

mod common;

use ediacara_isa::{
    Binding, Executable, INSTRUCTIONS, Plan, Word, assemble, decode, disassemble, encode, instruction_text,
};
use proptest::prelude::*;

fn check_word(word: &Word) -> Result<(), TestCaseError> {
    let Ok(instruction) = decode(word) else {
        return Ok(());
    };
    prop_assert_eq!(&encode(&instruction).unwrap(), word);
    let text = instruction_text(&instruction);
    let assembled = assemble(&text, "one.dlpasm").map_err(|e| TestCaseError::fail(e.to_string()))?;
    prop_assert_eq!(&assembled.code, &vec![*word], "{}", text);
    let again = decode(&assembled.code[0]).unwrap();
    prop_assert_eq!(instruction_text(&again), text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_valid_word_is_an_instruction_and_a_line(word in common::word()) {
        prop_assert!(decode(&word).is_ok(), "{:?}", decode(&word));
        check_word(&word)?;
    }

    #[test]
    fn a_changed_bit_is_an_error_or_another_instruction(word in common::word(), bit in 0usize..256) {
        let mut changed = word;
        changed[bit / 8] ^= 1 << (bit % 8);
        check_word(&changed)?;
    }

    #[test]
    fn random_words_never_panic(mut word in any::<Word>(), row in 0..INSTRUCTIONS.len(), keep in any::<bool>()) {
        if !keep {
            word[0] = INSTRUCTIONS[row].opcode;
            word[1] = 0;
        }
        check_word(&word)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn executables_survive_bytes_and_text(executable in common::executable()) {
        let bytes = executable.to_bytes();
        prop_assert_eq!(&Executable::from_bytes(&bytes).unwrap(), &executable);
        let text = disassemble(&executable);
        let again = assemble(&text, "again.dlpasm").map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(again.to_bytes(), bytes, "{}", text);
        prop_assert_eq!(disassemble(&again), text);
    }
}

/// Bindings are the plan's in a file, and the program's in a text.
#[test]
fn bindings_survive_bytes_and_text() {
    let source = ".binding position, r5, 0, 511\n.binding \"first row\", r1, 3, (1 << 40) - 1\nhalt\n";
    let executable = assemble(source, "x.dlpasm").unwrap();
    let binding = |name: &str, register, low, high| Binding { name: name.to_owned(), register, low, high };
    let expected = [binding("position", 5, 0, 511), binding("first row", 1, 3, (1 << 40) - 1)];
    assert_eq!(executable.bindings, expected);
    assert_eq!(assemble(&disassemble(&executable), "x.dlpasm").unwrap(), executable);
    let plan = Plan::from(executable);
    assert_eq!(plan.bindings, expected);
    assert_eq!(Plan::from_bytes(&plan.to_bytes()).unwrap(), plan);
}

#[test]
fn bindings_are_set_by_name_and_within_their_range() {
    let source = ".binding position, r5, 2, 511\n.binding rows, r1, 1, 16\nhalt\n";
    let plan = Plan::from(assemble(source, "x.dlpasm").unwrap());
    let set = |given: &[(&str, u64)]| {
        let given: Vec<(String, u64)> =
            given.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
        plan.registers(&given).map_err(|error| error.to_string())
    };
    let mut expected = [0; 16];
    (expected[1], expected[5]) = (16, 2);
    assert_eq!(set(&[("position", 2), ("rows", 16)]), Ok(expected));
    let check = |given: &[(&str, u64)], expect: &str| assert_eq!(set(given), Err(expect.to_owned()));
    check(&[("rows", 1)], "binding `position` is not set; give it a number of 2 to 511: position=NUMBER");
    check(&[("rows", 1), ("position", 1)], "binding `position` cannot be 1; give it a number of 2 to 511");
    check(&[("rows", 17), ("position", 2)], "binding `rows` cannot be 17; give it a number of 1 to 16");
    check(&[("rows", 1), ("rows", 2)], "binding `rows` is set twice; give it one number");
    check(
        &[("row", 1)],
        "the program has no binding called `row`; did you mean `rows`? There are position, rows",
    );
}

#[test]
fn bindings_are_declared_once_and_with_a_range() {
    let check = |source: &str, expect: &str| {
        let errors = assemble(source, "x.dlpasm").unwrap_err().to_string();
        assert!(errors.contains(expect), "{errors}");
    };
    check(".binding a, r0, 0, 1\nhalt", "a register that can be written is expected");
    check(".binding a, 5, 0, 1\nhalt", "write r1 to r15; r0 is always zero");
    check(".binding a, r1, 2, 1\nhalt", "`a` can have no number: 2 is above 1");
    check(
        ".binding a, r1, 0, 1 << 40\nhalt",
        "the largest number is 1099511627776, outside 0..=1099511627775",
    );
    check(".binding a, r1, 0\nhalt", "the largest number is missing here");
    check(".binding a, r1, 0, 1\n.binding b, r1, 0, 1\nhalt", "binding `a` has r1 already");
    check(".binding a, r1, 0, 1\n.binding a, r2, 0, 1\nhalt", "binding `a` has r1 already");
}

/// The lines of a program's instructions.
fn lines(text: &str) -> Vec<u32> {
    assemble(text, "x.dlpasm").unwrap().source_map.iter().map(|location| location.line).collect()
}

#[test]
fn an_edited_disassembly_has_its_own_lines() {
    let source = "// two instructions\nconfig matrix.x_zero=1\n\nhalt\n";
    assert_eq!(lines(source), [2, 4]);
    let text = disassemble(&assemble(source, "x.dlpasm").unwrap());
    assert_eq!(lines(&text), [2, 4], "the source's lines as long as nothing changes\n{text}");
    let edited = text.replace("x_zero=1", "x_zero=2");
    let own = |what: &str| 1 + edited.lines().position(|line| line.contains(what)).unwrap() as u32;
    assert_eq!(lines(&edited), [own("config"), own("halt")], "{edited}");
}

#[test]
fn labels_of_the_source_survive_and_made_up_ones_stay_out() {
    let source = "start: config matrix.x_zero=1\n jump target=end\nL7: jump target=L7\nend: halt\n";
    let executable = assemble(source, "x.dlpasm").unwrap();
    let names = |executable: &Executable| -> Vec<(u32, String)> {
        executable.notes.labels.iter().map(|label| (label.instruction, label.name.clone())).collect()
    };
    assert_eq!(names(&executable), [(0, "start".to_owned()), (3, "end".to_owned())]);
    let text = disassemble(&executable);
    assert!(text.contains("jump target=end // 1") && text.contains("L2:\n    jump target=L2 // 2"), "{text}");
    assert_eq!(assemble(&text, "x.dlpasm").unwrap(), executable);
}

#[test]
fn every_instruction_is_generated_and_rejects_reserved_bits() {
    for spec in INSTRUCTIONS {
        let mut word = [0; 32];
        word[0] = spec.opcode;
        word[1] = 1;
        let error = decode(&word).unwrap_err().to_string();
        assert!(
            error.contains("reserved bit") || error.contains("zero") || error.contains("memory"),
            "{error}"
        );
    }
    for opcode in 0..=255 {
        let known = INSTRUCTIONS.iter().any(|spec| spec.opcode == opcode);
        let mut word = [0; 32];
        word[0] = opcode;
        let unknown =
            matches!(decode(&word), Err(ediacara_isa::DecodeError::Opcode(found)) if found == opcode);
        assert_eq!(unknown, !known, "{opcode:#x}");
    }
}
