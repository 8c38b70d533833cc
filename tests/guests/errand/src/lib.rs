//! A `wasi:http` 0.2 component that does what it is told, over the bindings of the crate wasip2 alone.

use std::io::Write;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingRequest, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme,
};

wasip2::http::proxy::export!(Errand);

struct Errand;

impl wasip2::exports::http::incoming_handler::Guest for Errand {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        match path.rsplit('/').next().unwrap_or_default() {
            "echo" => echo(&request, out),
            "head" => answer(out, 200, &head(&request)),
            "status" => answer(out, header(&request, "x-status").parse().unwrap(), ""),
            "fetch" => fetch(&request, out),
            "crowd" => crowd(&request, out),
            "forbidden" => answer(out, 200, &forbidden()),
            "panic" => panic!("guest says boom"),
            "spin" => spin(),
            "nothing" => {}
            "code" => ResponseOutparam::set(out, Err(ErrorCode::LoopDetected)),
            "late-panic" => {
                let _body = begin(out, "begun");
                panic!("guest says boom, late");
            }
            "late-spin" => {
                let _body = begin(out, "begun");
                spin();
            }
            "empty" => empty(out),
            "sleep" => {
                wasip2::clocks::monotonic_clock::subscribe_duration(60_000_000_000).block();
                answer(out, 200, "");
            }
            "leak" => std::mem::forget(begin(out, "begun")),
            "drop" => drop(begin(out, "begun")),
            _ => answer(out, 404, "no such errand"),
        }
    }
}

fn spin() -> ! {
    loop {
        std::hint::black_box(0);
    }
}

fn header(request: &IncomingRequest, name: &str) -> String {
    let value = request.headers().get(name).into_iter().next().unwrap_or_default();
    String::from_utf8(value).unwrap()
}

fn begin(out: ResponseOutparam, text: &str) -> OutgoingBody {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let mut stream = body.write().unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream.flush().unwrap();
    drop(stream);
    body
}

/// Writes nothing, without end.
fn empty(out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().unwrap();
    loop {
        stream.blocking_write_and_flush(b"").unwrap();
    }
}

fn answer(out: ResponseOutparam, status: u16, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let mut stream = body.write().unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream.flush().unwrap();
    drop(stream);
    OutgoingBody::finish(body, None).unwrap();
}

fn echo(request: &IncomingRequest, out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let from = request.consume().unwrap();
    let mut stream = body.write().unwrap();
    let copied = std::io::copy(&mut from.stream().unwrap(), &mut stream);
    println!("echoed: {copied:?}");
    drop(stream);
    if copied.is_ok() {
        OutgoingBody::finish(body, None).unwrap();
    }
}

fn head(request: &IncomingRequest) -> String {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        other => format!("{other:?}"),
    };
    let scheme = request.scheme().map(|scheme| matches!(scheme, Scheme::Https));
    let hidden: Vec<_> =
        ["host", "connection", "transfer-encoding"].into_iter().filter(|name| request.headers().has(name)).collect();
    let (authority, path) = (request.authority().unwrap_or_default(), request.path_with_query().unwrap_or_default());
    format!("{method} https={scheme:?} {authority} {path} x={} {hidden:?}", header(request, "x-a"))
}

fn forbidden() -> String {
    ["host", "connection", "transfer-encoding", "upgrade", "keep-alive", "te", "trailer", "x-fine"]
        .into_iter()
        .map(|name| Fields::new().append(name, b"x").is_ok().to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A request as the headers of the errand say.
fn outgoing(request: &IncomingRequest) -> Result<FutureIncomingResponse, ErrorCode> {
    let fields = Fields::new();
    let host = header(request, "x-host");
    if !host.is_empty() {
        println!("set host: {:?}", fields.append("host", host.as_bytes()));
    }
    let outgoing = OutgoingRequest::new(fields);
    let text = header(request, "x-body");
    let method = match &*header(request, "x-method") {
        "" | "GET" => Method::Get,
        "POST" => Method::Post,
        "CONNECT" => Method::Connect,
        other => Method::Other(other.to_owned()),
    };
    outgoing.set_method(&method).unwrap();
    let scheme = if header(request, "x-scheme") == "https" { Scheme::Https } else { Scheme::Http };
    outgoing.set_scheme(Some(&scheme)).unwrap();
    if outgoing.set_authority(Some(&header(request, "x-authority"))).is_err() {
        return Err(ErrorCode::HttpRequestUriInvalid);
    }
    if outgoing.set_path_with_query(Some(&header(request, "x-path"))).is_err() {
        return Err(ErrorCode::HttpRequestUriInvalid);
    }
    let body = outgoing.body().unwrap();
    let response = outgoing_handler::handle(outgoing, None)?;
    let mut stream = body.write().unwrap();
    // The other side may be refused before it has taken any.
    let _refused = stream.write_all(text.as_bytes());
    drop(stream);
    let _refused = OutgoingBody::finish(body, None);
    Ok(response)
}

fn wait(response: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    response.subscribe().block();
    response.get().unwrap().unwrap()
}

fn fetch(request: &IncomingRequest, out: ResponseOutparam) {
    let response = match outgoing(request).and_then(|response| wait(&response)) {
        Ok(response) => response,
        Err(code) => return answer(out, 502, &format!("{code:?}")),
    };
    let location = response.headers().get("location").into_iter().next().unwrap_or_default();
    let mut text = format!("{} {}\n", response.status(), String::from_utf8(location).unwrap());
    let body: IncomingBody = response.consume().unwrap();
    let mut stream = body.stream().unwrap();
    match std::io::Read::read_to_string(&mut stream, &mut text) {
        Ok(_) => answer(out, 200, &text),
        Err(error) => answer(out, 502, &format!("body: {error}")),
    }
}

/// Sends as many requests at once as it is told, and lets go of each answer as it comes.
fn crowd(request: &IncomingRequest, out: ResponseOutparam) {
    let number: usize = header(request, "x-number").parse().unwrap();
    let sent: Vec<_> = (0..number).map(|_| outgoing(request)).collect();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for response in sent {
        let outcome = match response.and_then(|response| wait(&response)) {
            Ok(response) => response.status().to_string(),
            Err(code) => format!("{code:?}"),
        };
        *counts.entry(outcome).or_default() += 1;
    }
    answer(out, 200, &format!("{counts:?}"));
}
