//! A compiled program begins with the registers and counters of reset, and does not leave them behind: whoever runs it again has to
//! reset them (docs/isa.md).

use ediacara_arch::Machine;
use ediacara_compiler::{Compiled, compile};
use ediacara_fuzzgen::Random;
use ediacara_isa::{ConfigRegister, Executable, assemble};
use ediacara_prove::{Property, prove};
use ediacara_sim::{Options as SimOptions, Simulator};

use crate::support::{ConvShape, Net, program};

/// A network whose layers need several configurations of every engine.
fn network() -> Net {
    let mut net = Net::new(14);
    let x = net.input(&[1, 9, 9, 8]);
    let y = net.conv(x, ConvShape::square(24, 3, 2, 1));
    let z = net.conv(y, ConvShape::point(24));
    let y = net.add(y, z);
    let y = net.conv(y, ConvShape::square(8, 3, 1, 1));
    net.graph.set_outputs(vec![y]);
    net
}

/// The program, then `between` in assembly, then the program again.
fn twice(compiled: &Compiled, between: &str) -> Executable {
    let once = &program(compiled).executable;
    let inserted = assemble(&format!(".code 0\n{between}\n        halt\n"), "between").unwrap();
    let joined = |code: &mut Executable, part: &Executable, length: usize| {
        code.code.extend(&part.code[..length]);
        code.source_map.extend(&part.source_map[..length]);
    };
    let mut all = Executable { code: Vec::new(), source_map: Vec::new(), ..Executable::clone(once) };
    joined(&mut all, once, once.code.len() - 1);
    joined(&mut all, &inserted, inserted.code.len() - 1);
    joined(&mut all, once, once.code.len());
    // Twice the code does not fit before the constants; there is room behind everything.
    all.code_base = 1 << 26;
    all
}

/// What a program leaves in its output, or its fault.
fn output(machine: &Machine, executable: &Executable) -> Result<Vec<u8>, String> {
    let mut simulator = Simulator::new(machine, executable, SimOptions::default()).unwrap();
    let mut random = Random::new(14);
    for port in &executable.inputs {
        let bytes: Vec<u8> = (0..port.len()).map(|_| random.byte() as u8).collect();
        simulator.write_input(&port.name, &bytes).unwrap();
    }
    match simulator.run().fault {
        Some(fault) => Err(fault.to_string()),
        None => Ok(simulator.read_output(&executable.outputs[0].name).unwrap()),
    }
}

#[test]
fn a_second_run_needs_the_configuration_of_reset() {
    let machine = Machine::preset("dlp16").unwrap();
    let compiled = compile(&network().graph, &machine, &Default::default()).unwrap();
    let once = output(&machine, &program(&compiled).executable).unwrap();
    assert_ne!(output(&machine, &twice(&compiled, "        sync")), Ok(once.clone()));

    // A stretch of 0 cannot be written, but neither does a program rely on it.
    let registers = ConfigRegister::ALL.iter().copied();
    let registers =
        registers.filter(|&register| register != ConfigRegister::MatrixStretch && register.is_on(&machine));
    let reset =
        |register: ConfigRegister| format!("        config {}={}\n", register.name(), register.reset());
    let reset: String = registers.map(reset).collect();
    let again = twice(&compiled, &format!("        sync\n{reset}"));
    assert_eq!(output(&machine, &again), Ok(once));
    // Counters are back at zero, and nothing but the outputs is written over.
    let proof = prove(&again, &machine, &Default::default());
    assert!(
        proof.findings.iter().all(|finding| finding.property == Property::Output),
        "{:#?}",
        proof.findings
    );
}
