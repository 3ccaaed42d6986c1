//! Takes the address to listen on.

use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections the kernel keeps for us until we accept them; it caps this at `somaxconn`.
const BACKLOG: i32 = 4096;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error("{0} is taken by another program; stop it or choose another address with --listen")]
    Taken(SocketAddr),
    /// Ports below 1024 need a right of their own.
    #[error("{0} may not be listened on by this user; choose a port from 1024 up")]
    Forbidden(SocketAddr),
    /// Anything else, such as an address that is not this machine's.
    #[error("{0} cannot be listened on: {1}")]
    Other(SocketAddr, std::io::Error),
}

/// `instances` listeners on one address, among which the kernel spreads the connections.
///
/// `SO_REUSEPORT` lets every process of the same user join in, so a second start would silently
/// take half of the visitors. The first bind is therefore without it, and fails if anybody is there.
/// Port 0 takes any free port, the same for all.
pub fn bind(address: SocketAddr, instances: usize) -> Result<Vec<TcpListener>, BindError> {
    let probe = open(address, false)?;
    let address = probe
        .local_addr()
        .map_err(|error| BindError::Other(address, error))?;
    drop(probe);
    (0..instances.max(1)).map(|_| open(address, true)).collect()
}

fn open(address: SocketAddr, shared: bool) -> Result<TcpListener, BindError> {
    let listen = || {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(shared)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from(socket))
    };
    listen().map_err(|error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AddrInUse => BindError::Taken(address),
        std::io::ErrorKind::PermissionDenied => BindError::Forbidden(address),
        _ => BindError::Other(address, error),
    })
}
