//! A small HTTP server for tests: files by path, ranges, connections that break, and a count of what was served.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How the server behaves.
#[derive(Default)]
pub(crate) struct Behaviour {
    /// Contents by path, such as `/a.bin`; everything else is 404.
    pub(crate) files: HashMap<String, Vec<u8>>,
    /// Bytes of contents after which a connection breaks, one entry for each request. After the last entry
    /// none breaks.
    pub(crate) breaks: Vec<usize>,
    /// Whether `Range` is ignored.
    pub(crate) whole_only: bool,
}

/// One answered request: path, first byte asked for, status, bytes of contents sent.
pub(crate) type Served = (String, usize, u16, usize);

/// The server; it serves until the test process ends.
pub(crate) struct Server {
    /// Address of its root, without a slash at the end.
    pub(crate) address: String,
    /// How it behaves, which may change between requests.
    pub(crate) behaviour: Arc<Mutex<Behaviour>>,
    served: Arc<Mutex<Vec<Served>>>,
}

impl Server {
    /// Starts on a free port of this machine.
    pub(crate) fn start(behaviour: Behaviour) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let behaviour = Arc::new(Mutex::new(behaviour));
        let served = Arc::new(Mutex::new(Vec::new()));
        let (shared, log) = (behaviour.clone(), served.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &shared, &log);
            }
        });
        Server { address, behaviour, served }
    }

    /// What was served since the last call.
    pub(crate) fn served(&self) -> Vec<Served> {
        std::mem::take(&mut *self.served.lock().unwrap())
    }
}

fn answer(mut stream: TcpStream, behaviour: &Mutex<Behaviour>, log: &Mutex<Vec<Served>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let range = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned))
        .last();
    let start: usize = range.and_then(|range| range.split('-').next()?.parse().ok()).unwrap_or(0);
    let mut behaviour = behaviour.lock().unwrap();
    let broken = if behaviour.breaks.is_empty() { usize::MAX } else { behaviour.breaks.remove(0) };
    let close = "Connection: close\r\n\r\n";
    let Some(contents) = behaviour.files.get(&path) else {
        log.lock().unwrap().push((path, start, 404, 0));
        let _ = write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n{close}");
        return;
    };
    let (total, from) = (contents.len(), if behaviour.whole_only { 0 } else { start });
    let body = &contents[from..];
    let (status, head) = match from {
        0 => (200, "200 OK\r\n".to_owned()),
        _ => (206, format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}\r\n", total - 1)),
    };
    let body_sent = &body[..body.len().min(broken)];
    // The count must be there before the client can have read the last byte.
    log.lock().unwrap().push((path, start, status, body_sent.len()));
    let _ = write!(stream, "HTTP/1.1 {head}Content-Length: {}\r\n{close}", body.len());
    let _ = stream.write_all(body_sent);
}
