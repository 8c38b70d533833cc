//! Does with groups what each message, and each request, says: `COMMAND GROUP [JSON]`, and answers what came of it in JSON.

use serde_json::{Value, json};
use sessile_sdk::groups::{self, Delivery, Membership, Position, Scope};
use sessile_sdk::prelude::*;

struct Gathering;

impl WebsocketEvents for Gathering {
    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        let text = message.into_text()?;
        let (command, group, with) = parsed(&text)?;
        let answer = match command {
            "join" => ws.join(group).map(|()| Value::Null),
            "join-as" => join_as(ws, group, &with),
            "leave" => ws.leave(group).map(|()| Value::Null),
            "id" => Ok(json!(ws.id().to_string())),
            "trap" => panic!("as it was told"),
            command => told(command, group, &with),
        };
        ws.send_json(&answer.unwrap_or_else(|error| json!({ "error": error.to_string() })))
    }
}

fn join_as(ws: &WebSocket, group: &str, with: &Value) -> Result<Value> {
    let mut how = Membership::new();
    if let Some(metadata) = with.get("metadata") {
        how = how.metadata(metadata)?;
    }
    for tag in with["tags"].as_array().into_iter().flatten() {
        how = how.tag(tag.as_str().unwrap_or_default());
    }
    if let Some(since) = position(&with["since"]) {
        how = how.since(since);
    }
    let joined = ws.join_as(group, &how)?;
    Ok(
        json!({ "position": shown(joined.position), "recovered": joined.recovered, "publications": joined.publications }),
    )
}

fn http(request: Request) -> Result<Response> {
    let text = request.text()?;
    let (command, group, with) = parsed(&text)?;
    Response::json(&told(command, group, &with).unwrap_or_else(|error| json!({ "error": error.to_string() })))
}

fn parsed(text: &str) -> Result<(&str, &str, Value)> {
    let mut words = text.splitn(3, ' ');
    let (command, group) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok((command, group, words.next().map(serde_json::from_str).transpose()?.unwrap_or_default()))
}

fn told(command: &str, group: &str, with: &Value) -> Result<Value> {
    match command {
        "publish" => {
            let publication = groups::publish(group, text(with))?;
            Ok(json!({ "queued": publication.queued, "dropped": publication.dropped }))
        }
        "publish-to" => {
            let mut scope = Scope::all();
            if let Some(tag) = with["tag"].as_str() {
                scope = scope.tagged(tag);
            }
            if let Some(id) = with["except"].as_str() {
                scope = scope.except(id.parse().map_err(|_| "an id")?);
            }
            let Delivery { queued, full, gone, position } = groups::publish_to(group, text(&with["text"]), &scope)?;
            Ok(json!({ "queued": queued, "full": full, "gone": gone, "position": shown(position) }))
        }
        "count" => Ok(json!(groups::count(group)?)),
        "members" => groups::members(group)
            .map(|member| {
                let member = member?;
                Ok(json!({ "id": member.id.to_string(), "metadata": member.metadata::<Value>()?, "tags": member.tags }))
            })
            .collect(),
        "history" => {
            let page = groups::history(group, position(&with["since"]), with["limit"].as_u64().unwrap_or(1000) as u32)?;
            let publications: Vec<_> =
                page.publications.into_iter().map(|kept| kept.message.into_text()).collect::<Result<_>>()?;
            Ok(
                json!({ "publications": publications, "position": shown(Some(page.position)), "recovered": page.recovered }),
            )
        }
        other => Err(format!("{other} is no command").into()),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// As `[epoch, offset]`; the epoch as text, since JSON's numbers are too small for it.
fn shown(position: Option<Position>) -> Value {
    position.map_or(Value::Null, |at| json!([at.epoch.to_string(), at.offset]))
}

fn position(value: &Value) -> Option<Position> {
    Some(Position { epoch: value[0].as_str()?.parse().ok()?, offset: value[1].as_u64()? })
}

sessile_sdk::websocket_events!(Gathering);
sessile_sdk::http!(http);
