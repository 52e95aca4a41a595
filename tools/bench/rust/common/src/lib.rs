//! What both Rust receivers share: the command line, process times and the closing report. No crates: the few calls
//! into libc that std does not offer are declared here.

use std::time::{Duration, Instant};

pub const SLOT_BYTES: usize = 2048;

pub struct Options {
    pub echo: bool,
    pub listen: String,
    pub duration: Option<Duration>,
}

impl Options {
    /// Parses `echo|sink --listen ADDR:PORT [--duration SECONDS] [--json]`, or exits with status 64 and one line.
    pub fn parse() -> Options {
        let mut arguments = std::env::args().skip(1);
        let echo = match arguments.next().as_deref() {
            Some("echo") => true,
            Some("sink") => false,
            _ => usage("say echo or sink first"),
        };
        let mut options = Options { echo, listen: String::new(), duration: None };
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--json" => {}
                "--listen" => options.listen = arguments.next().unwrap_or_default(),
                "--duration" => {
                    let seconds = arguments.next().and_then(|text| text.parse().ok());
                    match seconds {
                        Some(seconds) if (0.0..=86_400.0).contains(&seconds) => {
                            options.duration = Some(Duration::from_secs_f64(seconds))
                        }
                        _ => usage("--duration wants seconds"),
                    }
                }
                other => usage(&format!("{other}: unknown option")),
            }
        }
        if options.listen.is_empty() {
            usage("--listen ADDR:PORT is missing")
        }
        options
    }
}

fn usage(problem: &str) -> ! {
    eprintln!("{problem}");
    std::process::exit(64)
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Timeval {
    seconds: i64,
    microseconds: i64,
}

/// `struct rusage` of 64-bit Linux: two times and fourteen counters.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Usage {
    user: Timeval,
    system: Timeval,
    counters: [i64; 14],
}

extern "C" {
    fn getrusage(who: i32, usage: *mut Usage) -> i32;
}

fn usage_of_process() -> Usage {
    let mut usage = Usage::default();
    // SAFETY: `Usage` has the layout of struct rusage, and 0 is RUSAGE_SELF.
    unsafe { getrusage(0, &mut usage) };
    usage
}

#[derive(Default)]
pub struct Totals {
    pub received: u64,
    pub sent: u64,
    pub bytes_received: u64,
    pub send_errors: u64,
    first: Option<(Instant, Usage)>,
}

impl Totals {
    #[inline]
    pub fn count_received(&mut self, bytes: usize) {
        if self.first.is_none() {
            self.first = Some((Instant::now(), usage_of_process()));
        }
        self.received += 1;
        self.bytes_received += bytes as u64;
    }

    /// One line of JSON.
    pub fn report(&self) {
        let seconds = |time: Timeval| time.seconds as f64 + time.microseconds as f64 * 1e-6;
        let (mut elapsed, mut user, mut system) = (0.0, 0.0, 0.0);
        if let Some((start, first)) = self.first {
            let now = usage_of_process();
            elapsed = start.elapsed().as_secs_f64();
            user = seconds(now.user) - seconds(first.user);
            system = seconds(now.system) - seconds(first.system);
        }
        println!(
            "{{\"received\": {}, \"sent\": {}, \"bytesReceived\": {}, \"sendErrors\": {}, \"seconds\": {elapsed:.6}, \
             \"userSeconds\": {user:.6}, \"systemSeconds\": {system:.6}, \"cpuScope\": \"since first datagram\"}}",
            self.received, self.sent, self.bytes_received, self.send_errors
        );
    }
}
