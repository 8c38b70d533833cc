//! A `wasi:http` 0.3 component that does what it is told, over the bindings of the crate wasip3 alone.

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wasip3::wit_bindgen::{self, StreamResult};
use wasip3::{wit_future, wit_stream};

wasip3::http::service::export!(Errand);

struct Errand;

impl wasip3::exports::http::handler::Guest for Errand {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        match path.rsplit('/').next().unwrap_or_default() {
            "echo" => Ok(echo(request)),
            "pass" => Ok(pass(request)),
            "head" => Ok(answer(200, head(&request))),
            "status" => Ok(answer(header(&request, "x-status").parse().unwrap(), String::new())),
            "fetch" => Ok(fetch(&request).await),
            "count" => Ok(answer(200, count())),
            "panic" => panic!("guest says boom"),
            "spin" => spin(),
            "code" => Err(ErrorCode::LoopDetected),
            "late-panic" => Ok(begin(|| panic!("guest says boom, late"))),
            "late-spin" => Ok(begin(|| spin())),
            "empty" => Ok(empty()),
            "leak-streams" => leak(|| std::mem::forget(wit_stream::new::<u8>())),
            "leak-futures" => leak(|| std::mem::forget(wit_future::new::<Result<(), ErrorCode>>(|| Ok(())))),
            "leak-fields" => leak(|| std::mem::forget(Fields::new())),
            "sleep" => {
                wasip3::clocks::monotonic_clock::wait_for(60_000_000_000).await;
                Ok(answer(200, String::new()))
            }
            _ => Ok(answer(404, "no such errand".to_owned())),
        }
    }
}

fn spin() -> ! {
    loop {
        std::hint::black_box(0);
    }
}

/// How often this instance was asked.
fn count() -> String {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
    COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string()
}

fn header(request: &Request, name: &str) -> String {
    let value = request.get_headers().get(name).into_iter().next().unwrap_or_default();
    String::from_utf8(value).unwrap()
}

fn answer(status: u16, text: String) -> Response {
    let (mut sender, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
    response.set_status_code(status).unwrap();
    wit_bindgen::spawn_local(async move {
        sender.write_all(text.into_bytes()).await;
    });
    response
}

/// An answer whose body begins, and then something else happens.
fn begin(then: impl FnOnce() + 'static) -> Response {
    let (mut sender, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
    wit_bindgen::spawn_local(async move {
        sender.write_all(b"begun".to_vec()).await;
        then();
    });
    response
}

/// Writes nothing, without end.
fn empty() -> Response {
    let (mut sender, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
    wit_bindgen::spawn_local(async move {
        loop {
            sender.write(Vec::new()).await;
        }
    });
    response
}

/// Makes what is never dropped, without end.
fn leak(make: impl Fn()) -> ! {
    loop {
        make();
    }
}

/// The request's body, as a stream that is handed on.
fn pass(request: Request) -> Response {
    let (_, done) = wit_future::new(|| Ok(()));
    let (body, trailers) = Request::consume_body(request, done);
    Response::new(Fields::new(), Some(body), trailers).0
}

/// The request's body, part by part.
fn echo(request: Request) -> Response {
    let (_, done) = wit_future::new(|| Ok(()));
    let (mut from, _trailers) = Request::consume_body(request, done);
    let (mut sender, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
    wit_bindgen::spawn_local(async move {
        let mut bytes = 0_usize;
        loop {
            let (result, part) = from.read(Vec::with_capacity(64 * 1024)).await;
            bytes += part.len();
            let left = sender.write_all(part).await;
            if !left.is_empty() || !matches!(result, StreamResult::Complete(_)) {
                println!("echoed {bytes}, {} not taken", left.len());
                return;
            }
        }
    });
    response
}

fn head(request: &Request) -> String {
    let (method, authority) = (request.get_method(), request.get_authority().unwrap_or_default());
    let (path, x) = (request.get_path_with_query().unwrap_or_default(), header(request, "x-a"));
    let method = if matches!(method, Method::Get) { "GET" } else { "another" };
    let https = request.get_scheme().map(|scheme| matches!(scheme, Scheme::Https));
    let headers = request.get_headers();
    let hidden: Vec<_> =
        ["host", "connection", "transfer-encoding"].into_iter().filter(|name| headers.has(name)).collect();
    format!("{method} https={https:?} {authority} {path} x={x} {hidden:?}")
}

/// A request as the headers of the errand say, and what came of it.
async fn fetch(request: &Request) -> Response {
    let fields = Fields::new();
    let host = header(request, "x-host");
    if !host.is_empty() {
        println!("set host: {:?}", fields.append("host", host.as_bytes()));
    }
    let (mut sender, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (outgoing, _sent) = Request::new(fields, Some(body), trailers, None);
    let method = match &*header(request, "x-method") {
        "" | "GET" => Method::Get,
        "POST" => Method::Post,
        "CONNECT" => Method::Connect,
        other => Method::Other(other.to_owned()),
    };
    outgoing.set_method(&method).unwrap();
    let scheme = if header(request, "x-scheme") == "https" { Scheme::Https } else { Scheme::Http };
    outgoing.set_scheme(Some(&scheme)).unwrap();
    let text = header(request, "x-body");
    if outgoing.set_authority(Some(&header(request, "x-authority"))).is_err()
        || outgoing.set_path_with_query(Some(&header(request, "x-path"))).is_err()
    {
        return answer(502, format!("{:?}", ErrorCode::HttpRequestUriInvalid));
    }
    wit_bindgen::spawn_local(async move {
        sender.write_all(text.into_bytes()).await;
    });
    match client::send(outgoing).await {
        Ok(response) => {
            let location = response.get_headers().get("location").into_iter().next().unwrap_or_default();
            let status = format!("{} {}\n", response.get_status_code(), String::from_utf8(location).unwrap());
            let (_, done) = wit_future::new(|| Ok(()));
            let (body, _trailers) = Response::consume_body(response, done);
            answer(200, status + &String::from_utf8(body.collect().await).unwrap())
        }
        Err(code) => answer(502, format!("{code:?}")),
    }
}
