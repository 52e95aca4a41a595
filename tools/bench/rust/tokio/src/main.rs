//! A datagram echo or sink on tokio's `UdpSocket`, current-thread runtime: a receiver Volley is measured against.

use peer_common::{Options, Totals, SLOT_BYTES};
use std::future::pending;
use tokio::net::UdpSocket;
use tokio::signal::unix::{signal, SignalKind};

async fn receive(socket: &UdpSocket, echo: bool, totals: &mut Totals) {
    let mut slot = [0u8; SLOT_BYTES];
    loop {
        let (count, peer) = match socket.recv_from(&mut slot).await {
            Ok(datagram) => datagram,
            Err(_) => continue,
        };
        totals.count_received(count);
        if echo {
            match socket.send_to(&slot[..count], peer).await {
                Ok(_) => totals.sent += 1,
                Err(_) => totals.send_errors += 1,
            }
        }
    }
}

async fn run() -> std::io::Result<()> {
    let options = Options::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let socket = UdpSocket::bind(&options.listen).await?;
    println!("listening on {}", socket.local_addr()?);
    let time_is_up = async {
        match options.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => pending().await,
        }
    };
    let mut totals = Totals::default();
    tokio::select! {
        _ = receive(&socket, options.echo, &mut totals) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = time_is_up => {}
    }
    totals.report();
    Ok(())
}

fn main() -> std::io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}
