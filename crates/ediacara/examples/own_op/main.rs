//! A user's own operator, all the way: trained with, exported, and run in int8 on the DLP, where it is a
//! table.
//!
//! The operator is one file, `isru.rs`; nothing in the project changes for it. `xor.rs` uses it.
//! `cargo run -p ediacara --example own_op -- isru.onnx` also writes the trained network, with the operator
//! as a function in it.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod isru;
mod xor;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (network, rows, losses) = xor::trained()?;
    for (step, loss) in losses {
        println!("step {step}: loss {loss:.5}");
    }
    if let Some(path) = std::env::args().nth(1) {
        ediacara::onnx::export(&network, &path, &Default::default())?;
    }
    let network = xor::read_from_text(&network)?;
    println!("{}", network.to_text());
    let run = xor::on_the_dlp(network, rows)?;
    println!("on the host: {:?}", run.report.host_ops);
    println!("equal to the host: {:?}", run.report.check.bit_exact);
    println!("xor: {:?}", run.outputs[0].1.to_vec::<f32>()?);
    Ok(())
}
