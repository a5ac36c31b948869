//! Frameworks in Rust to compare with, each in its own process, as `peers.py` has those in Python.
//!
//! Each line on standard input is answered by a line.
//!
//! ```text
//! rust-peers burn|candle mlp|lenet5 THREADS    `measure`: samples a second of training
//! rust-peers tract MODEL.onnx THREADS          `measure`: milliseconds of an inference that follows another
//!                                              `outputs`: all elements of all outputs
//! ```
//!
//! Each framework is given what its documentation names for speed, and what was found to be faster here.
//! `.cargo/config.toml` and `Cargo.toml` say how they are built; the comments of [`main`] and [`ALLOCATOR`]
//! say how they run.

mod burn_training;
mod candle_training;
mod tract_inference;
mod training;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The allocator of all three frameworks.
///
/// They allocate their results anew in every operation. The system's allocator gives such memory back to the
/// kernel and takes it again, page by page. With it, burn and candle train the `mlp` at between a third and
/// all of this one's speed, depending on the run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A framework that is ready to be asked.
trait Peer {
    /// One measurement, in the unit of its framework.
    fn measure(&mut self) -> Result<f64, Failure>;

    /// All elements of all outputs, separated by spaces.
    fn outputs(&mut self) -> Result<String, Failure> {
        Err("training gives no outputs".into())
    }
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [framework, what, threads] = words.as_slice() else {
        return Err("usage: rust-peers burn|candle|tract mlp|lenet5|MODEL.onnx THREADS".into());
    };
    let threads = threads.parse()?;
    // All three frameworks share their work out with rayon. From a thread that is none of rayon's, each
    // operation would wake another thread and wait for it. Here, the thread that asks is one of those that
    // compute. candle's `Device::with_context` serves the same purpose.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    pool.install(|| answer(framework, what, threads))
}

/// Starts a framework and answers until there are no more questions.
fn answer(framework: &str, what: &str, threads: usize) -> Result<(), Failure> {
    let mut peer: Box<dyn Peer> = match framework {
        "burn" => Box::new(burn_training::Training::new(what)?),
        "candle" => Box::new(candle_training::Training::new(what, threads)?),
        "tract" => Box::new(tract_inference::Inference::new(what)?),
        other => return Err(format!("there is no framework {other:?}").into()),
    };
    peer.measure()?;
    println!("ready");
    for question in std::io::stdin().lines() {
        match question?.trim() {
            "measure" => println!("{}", peer.measure()?),
            "outputs" => println!("{}", peer.outputs()?),
            other => return Err(format!("there is no question {other:?}").into()),
        }
    }
    Ok(())
}
