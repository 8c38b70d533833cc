//! Spans as OTLP has them in JSON (opentelemetry-proto, "OTLP/HTTP": ids in hexadecimal, 64-bit numbers as text). Pure.

use serde_json::{Value as Json, json};

use super::{Outcome, Span, Value, nanos};

/// `SPAN_KIND_SERVER`.
const SERVER: u8 = 2;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// The body of a request to `/v1/traces`: these spans, of a service of this name.
pub fn encode(spans: &[Span], service: &str) -> Vec<u8> {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let resource = [("service.name", service), ("telemetry.sdk.name", name), ("telemetry.sdk.version", version)];
    let resource: Vec<_> = resource.iter().map(|(key, value)| text(key, value)).collect();
    let spans: Vec<_> = spans.iter().map(span).collect();
    let scope = json!({ "scope": { "name": name, "version": version }, "spans": spans });
    json!({ "resourceSpans": [{ "resource": { "attributes": resource }, "scopeSpans": [scope] }] })
        .to_string()
        .into_bytes()
}

fn span(span: &Span) -> Json {
    let begun = nanos(span.begun);
    let mut attributes: Vec<_> = span.attributes.iter().map(|(key, value)| attribute(key, value)).collect();
    let status = match span.outcome {
        Outcome::Well(name) => {
            attributes.push(text("sessile.outcome", name));
            json!({})
        }
        Outcome::Badly(name) => {
            attributes.extend([text("sessile.outcome", name), text("error.type", name)]);
            json!({ "code": ERROR })
        }
    };
    let mut json = json!({
        "traceId": span.trace.to_string(),
        "spanId": format!("{:016x}", span.id),
        "name": span.name,
        "kind": SERVER,
        "startTimeUnixNano": begun.to_string(),
        "endTimeUnixNano": (begun + span.took.as_nanos()).to_string(),
        "attributes": attributes,
        "status": status,
    });
    if let (Some(parent), Some(fields)) = (span.parent, json.as_object_mut()) {
        fields.insert("parentSpanId".into(), format!("{parent:016x}").into());
    }
    json
}

fn attribute(key: &str, value: &Value) -> Json {
    match value {
        Value::Text(value) => text(key, value),
        Value::Number(value) => json!({ "key": key, "value": { "intValue": value.to_string() } }),
    }
}

fn text(key: &str, value: &str) -> Json {
    json!({ "key": key, "value": { "stringValue": value } })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::TraceId;
    use super::*;

    #[test]
    fn span_is_encoded_as_the_protocol_has_it() {
        let span = Span {
            trace: TraceId(0xab),
            id: 1,
            parent: Some(2),
            name: "GET site".into(),
            begun: UNIX_EPOCH + Duration::from_secs(1),
            took: Duration::from_nanos(5),
            attributes: vec![("sessile.messages", 3.into()), ("sessile.app", "chat".into())],
            outcome: Outcome::Badly("trapped"),
        };
        let json: Json = serde_json::from_slice(&encode(&[span], "shop")).unwrap();
        let resource = &json["resourceSpans"][0];
        assert_eq!(
            resource["resource"]["attributes"][0],
            json!({"key": "service.name", "value": {"stringValue": "shop"}})
        );
        let span = &resource["scopeSpans"][0]["spans"][0];
        let expected = json!({
            "traceId": "000000000000000000000000000000ab",
            "spanId": "0000000000000001",
            "parentSpanId": "0000000000000002",
            "name": "GET site",
            "kind": 2,
            "startTimeUnixNano": "1000000000",
            "endTimeUnixNano": "1000000005",
            "attributes": [
                {"key": "sessile.messages", "value": {"intValue": "3"}},
                {"key": "sessile.app", "value": {"stringValue": "chat"}},
                {"key": "sessile.outcome", "value": {"stringValue": "trapped"}},
                {"key": "error.type", "value": {"stringValue": "trapped"}},
            ],
            "status": {"code": 2},
        });
        assert_eq!(*span, expected);
    }
}
