//! Sends requests over a fixed number of connections and counts what comes back.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use hdrhistogram::Histogram;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::Flags;

/// Longest a run may take.
const LONGEST: Duration = Duration::from_mins(1);

/// Between connecting and the first request.
const SETTLE: Duration = Duration::from_millis(500);

/// What one run sends, and what came of it.
struct Run {
    passes: Vec<String>,
    /// Names this run in its idempotency keys: the same name again is the same keys again.
    name: String,
    body: String,
    /// Requests a second in all; without, each connection sends as soon as it is answered.
    rate: Option<f64>,
    began: Instant,
    next: Cell<usize>,
    statuses: RefCell<BTreeMap<u16, u64>>,
    latency: RefCell<Histogram<u64>>,
    sample: RefCell<String>,
}

/// Drives and prints one JSON object.
pub(crate) fn run(flags: &Flags) -> Result<(), Box<dyn std::error::Error>> {
    let (from, count) = (flags.number("from")?, flags.number("count")?);
    let text = std::fs::read_to_string(flags.text("passes")?)?;
    let passes = text.lines().skip(from as usize).take(count as usize);
    let passes: Vec<String> = passes.map(ToOwned::to_owned).collect();
    if passes.len() as u64 != count {
        return Err("not enough passes were prepared".into());
    }
    let address: SocketAddr = flags.text("to")?.parse()?;
    let connections = flags.number("connections")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let run = LocalSet::new().block_on(&runtime, async {
        let mut streams = Vec::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        // The kernel connects before the service has accepted: what is measured is open connections.
        sleep(SETTLE).await;
        let run = Rc::new(Run {
            passes,
            name: flags.text("name")?.to_owned(),
            body: format!(r#"{{"sku":"{}","quantity":1}}"#, flags.text("sku")?),
            rate: flags.number("rate").ok().map(|rate| rate as f64),
            began: Instant::now(),
            next: Cell::new(0),
            statuses: RefCell::default(),
            latency: RefCell::new(Histogram::new_with_bounds(1, 60_000_000, 3)?),
            sample: RefCell::default(),
        });
        let tasks: Vec<_> = streams
            .into_iter()
            .map(|stream| tokio::task::spawn_local(Rc::clone(&run).connection(stream)))
            .collect();
        timeout(LONGEST, async {
            for task in tasks {
                task.await??;
            }
            Ok::<_, Box<dyn std::error::Error>>(())
        })
        .await??;
        Ok::<_, Box<dyn std::error::Error>>(run)
    })?;
    run.report();
    Ok(())
}

impl Run {
    async fn connection(self: Rc<Self>, mut stream: TcpStream) -> std::io::Result<()> {
        let (mut request, mut answer) = (Vec::with_capacity(2048), vec![0; 4096]);
        loop {
            let at = self.next.get();
            let Some(pass) = self.passes.get(at) else {
                return Ok(());
            };
            self.next.set(at + 1);
            // From when it should have been sent: a late one is the service's delay and not ours.
            let due = match self.rate {
                Some(rate) => {
                    let due = self.began + Duration::from_secs_f64(at as f64 / rate);
                    sleep_until(due).await;
                    due
                }
                None => Instant::now(),
            };
            request.clear();
            self.write(&mut request, at, pass);
            stream.write_all(&request).await?;
            let (status, length) = read(&mut stream, &mut answer).await?;
            let micros = due.elapsed().as_micros() as u64;
            self.latency.borrow_mut().saturating_record(micros);
            *self.statuses.borrow_mut().entry(status).or_default() += 1;
            if at == 0 {
                *self.sample.borrow_mut() = String::from_utf8_lossy(&answer[..length]).into_owned();
            }
        }
    }

    fn write(&self, request: &mut Vec<u8>, at: usize, pass: &str) {
        use std::io::Write;
        let Self { name, body, .. } = self;
        let written = write!(
            request,
            "POST /v1/reservations HTTP/1.1\r\nHost: bench\r\nX-Entry-Pass: {pass}\r\n\
             Idempotency-Key: 5f0e2c1a-{name}-{at:012}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        debug_assert!(written.is_ok());
    }

    fn report(&self) {
        let took = self.began.elapsed();
        let latency = self.latency.borrow();
        let ms = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1000.0;
        let report = serde_json::json!({
            "requests": latency.len(),
            "seconds": took.as_secs_f64(),
            "per_second": latency.len() as f64 / took.as_secs_f64(),
            "statuses": *self.statuses.borrow(),
            "p50_ms": ms(0.5), "p90_ms": ms(0.9), "p99_ms": ms(0.99), "max_ms": ms(1.0),
            "sample": *self.sample.borrow(),
        });
        println!("{report}");
    }
}

/// Reads one answer: its status and how many bytes of `answer` it fills.
async fn read(stream: &mut TcpStream, answer: &mut [u8]) -> std::io::Result<(u16, usize)> {
    let broken = || std::io::Error::from(std::io::ErrorKind::InvalidData);
    let mut filled = 0;
    loop {
        let read = stream.read(&mut answer[filled..]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let Some(head) = answer[..filled].windows(4).position(|at| at == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&answer[..head]).map_err(|_| broken())?;
        let status = text.get(9..12).and_then(|digits| digits.parse().ok());
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let same = name.eq_ignore_ascii_case("content-length");
            same.then(|| value.trim().parse::<usize>().ok())?
        });
        let end = head + 4 + length.ok_or_else(broken)?;
        if filled >= end {
            return Ok((status.ok_or_else(broken)?, end));
        }
    }
}
