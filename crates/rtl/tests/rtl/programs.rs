//! The examples and the programs of faults, in lockstep.

use ediacara_arch::Machine;

use crate::odd_machine;
use crate::support::compare;

#[test]
fn examples_on_dlp4() {
    assert!(compare(&Machine::preset("dlp4").unwrap(), "examples") >= 3);
}

#[test]
fn examples_on_dlp16() {
    assert!(compare(&Machine::preset("dlp16").unwrap(), "examples") >= 5);
}

#[test]
fn examples_on_an_odd_machine() {
    assert!(compare(&odd_machine(), "examples") >= 1);
}

#[test]
fn faults_on_dlp4() {
    assert!(compare(&Machine::preset("dlp4").unwrap(), "crates/sim/tests/faults") >= 50);
}

#[test]
fn faults_on_an_odd_machine() {
    assert!(compare(&odd_machine(), "crates/sim/tests/faults") >= 50);
}
