//! A datagram echo or sink on `std::net::UdpSocket`: one of the receivers Volley is measured against.

use peer_common::{Options, Totals, SLOT_BYTES};
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static STOPPING: AtomicBool = AtomicBool::new(false);

extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
}

extern "C" fn stop(_: i32) {
    STOPPING.store(true, Ordering::Relaxed);
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    // SAFETY: the handler only stores to an atomic; 2 and 15 are SIGINT and SIGTERM.
    unsafe {
        signal(2, stop);
        signal(15, stop);
    }
    let socket = UdpSocket::bind(&options.listen)?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    println!("listening on {}", socket.local_addr()?);
    if let Some(duration) = options.duration {
        std::thread::spawn(move || {
            std::thread::sleep(duration);
            STOPPING.store(true, Ordering::Relaxed);
        });
    }

    let mut totals = Totals::default();
    let mut slot = [0u8; SLOT_BYTES];
    while !STOPPING.load(Ordering::Relaxed) {
        let (count, peer) = match socket.recv_from(&mut slot) {
            Ok(datagram) => datagram,
            Err(_) => continue, // a signal, or the 100 ms are over
        };
        totals.count_received(count);
        if options.echo {
            match socket.send_to(&slot[..count], peer) {
                Ok(_) => totals.sent += 1,
                Err(_) => totals.send_errors += 1,
            }
        }
    }
    totals.report();
    Ok(())
}
