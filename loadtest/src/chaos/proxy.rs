//! The network between one process and the stock store, as a TCP proxy that can misbehave.
//!
//! Each process has a link of its own, so that one can be cut off while the others go on.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How a link treats what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    /// As it should.
    #[default]
    Pass,
    /// Each packet comes later.
    Delay(Duration),
    /// Nothing moves, and all of it arrives when the link is mended, as after a lost route.
    Stall,
    /// Requests arrive and are acted upon; answers are swallowed, and connections break at the end.
    Deaf,
    /// Connections are reset and new ones refused.
    Cut,
}

/// A link.
pub(super) struct Link {
    /// Where the process connects to.
    pub(super) address: SocketAddr,
    mode: watch::Sender<Mode>,
}

impl Link {
    /// Listens on a free port of `ip` for connections to `store`, until `stop`.
    pub(super) async fn open(
        ip: IpAddr,
        store: SocketAddr,
        jobs: &TaskTracker,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((ip, 0)).await?;
        let address = listener.local_addr()?;
        let (mode, watched) = watch::channel(Mode::Pass);
        let connections = jobs.clone();
        jobs.spawn(async move {
            let accepting = async {
                loop {
                    let Ok((stream, _)) = listener.accept().await else {
                        continue;
                    };
                    if *watched.borrow() != Mode::Cut {
                        let (carried, stop) = (carry(stream, store, watched.clone()), stop.clone());
                        connections.spawn(async move {
                            stop.run_until_cancelled(carried).await;
                        });
                    }
                }
            };
            stop.run_until_cancelled(accepting).await;
        });
        Ok(Self { address, mode })
    }

    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

/// One connection, until either end closes it or the link breaks it.
async fn carry(near: TcpStream, store: SocketAddr, mode: watch::Receiver<Mode>) {
    let Ok(far) = TcpStream::connect(store).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::select! {
        _ = pump(near_in, far_out, mode.clone(), false) => {}
        _ = pump(far_in, near_out, mode.clone(), true) => {}
        () = broken(mode) => {}
    }
}

/// Returns when connections that are open now must break.
async fn broken(mut mode: watch::Receiver<Mode>) {
    let mut before = *mode.borrow_and_update();
    while mode.changed().await.is_ok() {
        let now = *mode.borrow_and_update();
        // What was swallowed would be missing in the middle of the stream of answers.
        if now == Mode::Cut || (before == Mode::Deaf && now != Mode::Deaf) {
            return;
        }
        before = now;
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    answers: bool,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        loop {
            let now = *mode.borrow_and_update();
            match now {
                Mode::Stall => {
                    let _ = mode.changed().await;
                    continue;
                }
                Mode::Deaf if answers => break,
                Mode::Delay(by) => tokio::time::sleep(by).await,
                Mode::Pass | Mode::Deaf | Mode::Cut => {}
            }
            to.write_all(&buffer[..length]).await?;
            break;
        }
    }
}
