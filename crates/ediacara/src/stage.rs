//! The stages of a command: reported to a listener, and measured.

use std::time::Instant;

use serde_json::{Map, Value, json};

/// A listener that is told the name of each stage as it begins.
pub type Stage<'a> = &'a mut dyn FnMut(&str);

/// Names stages to a listener and measures each.
pub(crate) struct Clock<'a> {
    stage: Stage<'a>,
    running: Option<(&'static str, Instant)>,
    seconds: Map<String, Value>,
}

impl<'a> Clock<'a> {
    pub(crate) fn new(stage: Stage<'a>) -> Clock<'a> {
        Clock { stage, running: None, seconds: Map::new() }
    }

    pub(crate) fn begin(&mut self, name: &'static str) {
        self.end();
        (self.stage)(name);
        self.running = Some((name, Instant::now()));
    }

    fn end(&mut self) {
        if let Some((name, start)) = self.running.take() {
            self.seconds.insert(name.to_owned(), json!(start.elapsed().as_secs_f64()));
        }
    }

    pub(crate) fn finish(mut self) -> Map<String, Value> {
        self.end();
        self.seconds
    }
}
