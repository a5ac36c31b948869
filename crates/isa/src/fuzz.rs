//! Entry points for fuzzing: whatever the bytes, nothing panics, and what is accepted survives the round
//! trips.

use crate::{Executable, Plan, asm::assemble_limited, disassemble, dlpx::repair_checksums};

/// Bytes of data that a fuzzed program may reserve, so that `.zero` does not fill memory.
const DATA_LIMIT_BYTES: u64 = 1 << 16;

/// Assembles the bytes as text.
///
/// An accepted program must survive being written as bytes and as text.
///
/// # Panics
/// If it does not: that is the finding.
pub fn fuzz_assemble(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match assemble_limited(&text, "fuzz.dlpasm", None, DATA_LIMIT_BYTES) {
        Ok(executable) => round_trips(&executable),
        // Showing the errors computes columns and markers, which must not panic either.
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
}

/// Reads the bytes as a plan, as they are and with checksums repaired.
///
/// An accepted plan must be written back to the same bytes, if it is of the version that is written.
///
/// # Panics
/// If it is not: that is the finding.
pub fn fuzz_executable(data: &[u8]) {
    let mut repaired = data.to_vec();
    repair_checksums(&mut repaired);
    for bytes in [data, &repaired] {
        match Plan::from_bytes(bytes) {
            Ok(plan) => {
                let again = plan.to_bytes();
                if bytes.get(4..8) == again.get(4..8) {
                    assert_eq!(again, bytes, "a plan has one form");
                }
                match Plan::from_bytes(&again) {
                    Ok(read) => assert_eq!(read, plan, "bytes to plan"),
                    Err(error) => assert_eq!(error.to_string(), "", "the bytes must load"),
                }
                plan.programs().for_each(|(_, executable)| round_trips(executable));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn round_trips(executable: &Executable) {
    let text = disassemble(executable);
    match assemble_limited(&text, "disassembly", None, u64::MAX) {
        Ok(again) => {
            assert_eq!(&again, executable, "text to executable\n{text}");
            assert_eq!(again.to_bytes(), executable.to_bytes(), "text to bytes\n{text}");
        }
        Err(errors) => assert_eq!(errors.to_string(), "", "the disassembly must assemble"),
    }
    match Executable::from_bytes(&executable.to_bytes()) {
        Ok(again) => assert_eq!(&again, executable, "bytes to executable"),
        Err(error) => assert_eq!(error.to_string(), "", "the bytes must load"),
    }
}
