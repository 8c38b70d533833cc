//! The questions of `who`, awaited.

use serde_json::Value;
use sessile_sdk::concurrent::{Request, connections};
use sessile_sdk::prelude::{Response, Result};

use crate::who::{delivered, id, queued, selection, shown};

pub(crate) async fn who(request: &Request) -> Result<Response> {
    let query = request.query();
    let mut words = query.get("q").unwrap_or_default().split(' ');
    let mut next = || words.next().unwrap_or_default();
    Ok(Response::text(match next() {
        "count" => connections::count(selection(request, words)).await?.to_string(),
        "list" => {
            let (mut all, mut list) = (Vec::new(), connections::list(selection(request, words)));
            while let Some(connection) = list.next().await? {
                all.push(shown(&connection));
            }
            Value::from(all).to_string()
        }
        "lookup" => connections::lookup(id(next())?).await?.map_or(Value::Null, |found| shown(&found)).to_string(),
        "send" => queued(&connections::send_to(id(next())?, next()).await?),
        "all" => {
            let text = next().to_owned();
            delivered(&connections::send_to_all(selection(request, words), text).await?)
        }
        "ping" => (connections::ping(id(next())?).await?.as_nanos() > 0).to_string(),
        "close" => {
            let (id, code) = (id(next())?, next().parse().unwrap_or(0));
            connections::close(id, code, next()).await?;
            "closing".to_owned()
        }
        verb => format!("{verb} is not known"),
    }))
}
