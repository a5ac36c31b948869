//! Building: what is cached, what is shared, what is refused.

use ediacara_arch::Machine;
use ediacara_isa::Executable;
use ediacara_rtl::{BuildOptions, Core, Initial, RtlError, RunOptions};

use crate::{odd_machine, stub};

#[test]
fn a_core_is_built_once_and_shared_by_machines_of_its_shape() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions { cache: folder.path().join("cache"), ..stub() };
    let machine = Machine::preset("dlp4").unwrap();
    let mut faster = machine.clone();
    faster.name = "faster".into();
    faster.dram.bytes_per_cycle.numerator = 64;
    let mut builds = 0;
    // Of two builds at once, the second waits for the first.
    std::thread::scope(|scope| {
        let threads = [&machine, &faster].map(|machine| {
            scope.spawn(|| {
                let mut builds = 0;
                Core::build_observed(machine, &options, &mut || builds += 1).unwrap();
                builds
            })
        });
        builds += threads.into_iter().map(|thread| thread.join().unwrap()).sum::<i32>();
    });
    let core = Core::build_observed(&machine, &options, &mut || builds += 1).unwrap();
    assert_eq!(builds, 1);

    // A build that is not whole is made again.
    std::fs::remove_file(core.harness()).unwrap();
    Core::build_observed(&machine, &options, &mut || builds += 1).unwrap();
    assert_eq!(builds, 2);
}

#[test]
fn a_core_of_another_shape_is_refused() {
    let mut core = Core::build(&Machine::preset("dlp4").unwrap(), &stub()).unwrap();
    let (program, machine) = (Executable::default(), odd_machine());
    let error = core.run(&machine, &program, &Initial::default(), &RunOptions::default()).unwrap_err();
    assert!(matches!(error, RtlError::OtherShape { .. }), "{error}");
}

#[test]
fn what_does_not_compile_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ediacara_core.sv"), "module ediacara_core; nonsense endmodule\n")
        .unwrap();
    let sources = Some(folder.path().to_owned());
    let options = BuildOptions { sources, cache: folder.path().join("cache"), ..stub() };
    let error = Core::build(&Machine::preset("dlp4").unwrap(), &options).err().unwrap();
    assert!(matches!(error, RtlError::Build { .. }));
    assert!(error.to_string().contains("ediacara_core.sv:1"), "{error}");
}
