//! Other hosts, as a guest of ours asks for them: by the standard `wasi:http`, and by sockets, which it has not.

use std::net::{TcpStream, ToSocketAddrs, UdpSocket};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, OutgoingRequest, Scheme};

/// The status of a GET, or its error code.
pub(crate) fn fetch(authority: &str) -> String {
    match status(authority) {
        Ok(status) => status.to_string(),
        Err(code) => format!("{code:?}"),
    }
}

fn status(authority: &str) -> Result<u16, ErrorCode> {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request.set_authority(Some(authority)).expect("an authority");
    request.set_path_with_query(Some("/")).expect("a path");
    let response = outgoing_handler::handle(request, None)?;
    response.subscribe().block();
    let response = response.get().expect("it is ready").expect("it is asked for once")?;
    Ok(response.status())
}

/// What sockets say of an address.
pub(crate) fn reach(address: &str) -> String {
    let connected = TcpStream::connect(address).map(drop);
    let sent = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"x", address)).map(drop);
    let found = "localhost:80".to_socket_addrs().map_or("Err", |_| "Ok");
    format!("{} {} {found}", kind(connected), kind(sent))
}

fn kind(result: std::io::Result<()>) -> String {
    result.map_or_else(|error| format!("{:?}", error.kind()), |()| "Ok".to_owned())
}
