//! `sessile connect`: a peer for the terminal. A line of stdin is a message, a message is a line of stdout.
//!
//! Owns the command; how a websocket is opened is [`dial`]'s, what is said over it [`talk`]'s, what is seen of it
//! [`screen`]'s. The frames are tungstenite's: the host's own codec is for its own side.

mod dial;
mod screen;
mod talk;
mod target;

use std::io::ErrorKind::BrokenPipe;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::{HeaderName, HeaderValue};
use tokio::runtime::Builder;

use self::dial::Wanted;
use self::screen::Screen;
use self::target::Target;
use super::{Done, report};
use crate::limits;
use crate::tls::Connector;

const EXAMPLES: &str = "Examples:
  sessile connect ws://127.0.0.1:8000/ws
  sessile connect wss://chat.example/rooms/lobby --header 'Cookie: session=…' --subprotocol chat.v1
  echo hello | sessile connect http://127.0.0.1:8000/ws --json

Stdin's end (Ctrl-D) closes with 1000. Messages go to stdout, binary ones as 0x and hex; the close code goes to stderr.
Exit codes: 0 closed normally (1000, 1001 or no code), 1 anything else, 2 nothing was tried.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Connect {
    /// Where: ws:// or wss://; http:// and https:// mean these
    url: Target,
    /// A header of the handshake; repeatable
    #[arg(long, value_name = "NAME:VALUE", value_parser = target::header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// A subprotocol to offer, the preferred first; repeatable
    #[arg(long, value_name = "NAME", value_parser = target::subprotocol)]
    subprotocol: Vec<String>,
    /// Trust this certificate authority (PEM), and no other
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Seconds without a message after stdin's end, before it closes [default: 1; at a terminal 0]
    #[arg(long, value_name = "SECONDS")]
    linger: Option<u64>,
    /// What happens as JSON lines: open, text, binary, close
    #[arg(long)]
    json: bool,
}

pub(super) fn run(connect: Connect) -> anyhow::Result<Done> {
    let typed = std::io::stdin().is_terminal();
    let linger = if typed { Duration::ZERO } else { limits::CONNECT_LINGER };
    let linger = connect.linger.map_or(linger, Duration::from_secs);
    let screen = Screen::new(connect.json, typed);
    let wanted = Wanted {
        tls: Connector::new(connect.ca.as_deref()).map_err(dial::DialError::from)?,
        target: connect.url,
        headers: connect.header,
        subprotocols: connect.subprotocol,
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let (websocket, subprotocol) = dial::open(wanted).await?;
        screen.opened(subprotocol.as_deref())?;
        let ended = talk::run(websocket, &screen, linger).await?;
        screen.closed(&ended)?;
        anyhow::Ok(ended)
    });
    // A thread may still wait for a line of stdin that nobody will type.
    runtime.shutdown_background();
    match ended {
        Ok(ended) if ended.is_normal() => Ok(Done::Well),
        Ok(_) => Ok(Done::Badly),
        Err(error) if is_closed_pipe(&error) => Ok(Done::Badly),
        Err(error) => {
            report(&error);
            Ok(Done::Badly)
        }
    }
}

/// Whoever read stdout has read enough, as `head` does: nobody wants to hear of it.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref()).any(|cause: &io::Error| cause.kind() == BrokenPipe)
}
