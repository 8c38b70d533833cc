//! Presence: who is on a board, by name, and where everybody points to.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessile_sdk::groups::{self, Membership, Scope};
use sessile_sdk::prelude::*;

const NAME_CHARS_MAX: usize = 32;
/// A group's name has at most 100 bytes, and `board:` is six.
const BOARD_BYTES_MAX: usize = 94;

/// What a page sends.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    /// Its name.
    Name(String),
    /// Where it points to, in thousandths of the board.
    Point(u16, u16),
}

/// What others see of a member.
#[derive(Serialize)]
struct About<'a> {
    name: &'a str,
}

struct Board;

impl WebsocketEvents for Board {
    /// Tells the page who it is and who is there; from then on the host tells who comes and goes.
    fn on_open(ws: &WebSocket) -> Result<()> {
        let Some(board) = board(ws) else { return ws.reject(404, &[], "no such board") };
        ws.accept()?;
        enter(ws, &board, "somebody")?;
        let members = groups::members(&board).map(|member| {
            let member = member?;
            Ok(json!({ "id": id(member.id), "metadata": member.metadata::<Value>()? }))
        });
        ws.send_json(&json!({ "you": id(ws.id()), "members": members.collect::<Result<Vec<_>>>()? }))
    }

    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        let Some(board) = board(ws) else { return Ok(()) };
        match message.json() {
            Ok(Said::Name(name)) if (1..=NAME_CHARS_MAX).contains(&name.trim().chars().count()) => {
                enter(ws, &board, name.trim())
            }
            Ok(Said::Point(x, y)) => {
                let point = json!({ "point": [x, y], "of": id(ws.id()) });
                // A point that finds no room is followed by the next.
                groups::publish_to(&board, point.to_string(), &Scope::all().except(ws.id())).map(drop)
            }
            _ => ws.close(1008, "a page says {\"name\": …} or {\"point\": [x, y]}"),
        }
    }
}

/// Who is there already is known by its new name.
fn enter(ws: &WebSocket, board: &str, name: &str) -> Result<()> {
    ws.join_as(board, &Membership::new().metadata(&About { name })?).map(drop)
}

fn board(ws: &WebSocket) -> Option<String> {
    ws.param("board").filter(|board| board.len() <= BOARD_BYTES_MAX).map(|board| format!("board:{board}"))
}

/// As the host tells it to pages.
fn id(id: u64) -> String {
    format!("{id:016x}")
}

sessile_sdk::websocket_events!(Board);
