//! `wasi:http` 0.2 `incoming-handler` and 0.3 `handler`: an exchange as a standard component has it.
//!
//! The request's body is read from the port, so that its bounds hold; the answer's body is handed to the port
//! as it is. There is no session: nothing in `wasi:http` names the request that one would belong to.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::oneshot;
use wasmtime::Result;
use wasmtime::component::{Access, HasSelf, Resource};
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::p2::body::{HostOutgoingBody, StreamContext};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, FieldMap, WasiBody, WasiHttpView as _, p3};

use super::GuestState;
use crate::limits;
use crate::port::exchange::{ExchangeError, ExchangePort, Read};

/// `handle` of `wasi:http/incoming-handler@0.2`: request and outparam.
pub type IncomingParams = (Resource<p2::IncomingRequest>, Resource<p2::ResponseOutparam>);

/// `handle` of `wasi:http/handler@0.3`: request.
pub type HandleParams = (Resource<p3::Request>,);

/// What it returns.
pub type HandleResult = (Result<Resource<p3::Response>, ErrorCode>,);

/// Why there is no answer though the guest ended well: its error code, or what is wrong with its head.
pub type Failure = String;

impl GuestState {
    /// The parameters of a 0.2 handler. What it sets as its response goes to the port, a failure to the
    /// receiver.
    ///
    /// # Errors
    /// Where the table is full.
    pub fn incoming(&mut self, port: &Arc<ExchangePort>) -> Result<(IncomingParams, oneshot::Receiver<Failure>)> {
        let mut request = Request::new(request_body(port.clone()));
        *request.method_mut() = port.head.method().clone();
        *request.uri_mut() = port.head.uri();
        *request.headers_mut() = port.head.fields();
        let scheme = match port.head.scheme() {
            "https" => p2::Scheme::Https,
            _ => p2::Scheme::Http,
        };
        let (failed, failure) = oneshot::channel();
        let answered = port.clone();
        let mut http = self.http();
        let request = http.new_incoming_request(scheme, request)?;
        let out = http.new_response_outparam_from_callback(move |given| {
            let given = given.map_err(|code| format!("{code:?}"));
            if let Err(failure) = given.and_then(|response| respond(&answered, response, Read::default())) {
                // Heard when the handler returns, if it does.
                let _heard = failed.send(failure);
            }
        })?;
        Ok(((request, out), failure))
    }

    /// The parameters of a 0.3 handler.
    ///
    /// # Errors
    /// Where the table is full.
    pub fn handle(&mut self, port: &Arc<ExchangePort>) -> Result<HandleParams> {
        let uri = port.head.uri().into_parts();
        let http = self.http();
        let headers = FieldMap::new_immutable(http.hooks, port.head.fields());
        let (method, body) = (port.head.method().clone(), request_body(port.clone()));
        let (request, _processed) =
            p3::Request::new(method, uri.scheme, uri.authority, uri.path_and_query, headers, None, body);
        Ok((http.table.push(request)?,))
    }

    /// Aborts the 0.2 bodies that a handler has neither finished nor dropped: they would look complete.
    pub fn abort_bodies(&mut self) {
        for entry in self.http().table.iter_mut() {
            if let Some(body) = entry.downcast_mut::<HostOutgoingBody>() {
                let (none, _) = HostOutgoingBody::new(StreamContext::Response, None, 1, 1);
                std::mem::replace(body, none).abort();
            }
        }
    }
}

/// Gives what a 0.3 handler returned to the port.
///
/// # Errors
/// Outer: the response is none. Inner: why it is no answer.
pub fn returned(
    mut access: Access<'_, GuestState, HasSelf<GuestState>>,
    response: Resource<p3::Response>,
    port: &ExchangePort,
) -> Result<Result<(), Failure>> {
    let response = access.get().http().table.delete(response)?;
    let read = Read::default();
    let reading = read.clone();
    let transmitted = async move { if reading.ended().await { Ok(()) } else { Err(Error::ConnectionTerminated) } };
    let response = response.into_http(&mut access, transmitted)?;
    Ok(respond(port, response, read))
}

fn respond(port: &ExchangePort, response: Response<WasiBody>, read: Read) -> Result<(), Failure> {
    let response = response.map(|body| body.map_err(Into::into).boxed_unsync());
    port.respond(response, read).map_err(|error| format!("{error:?}"))
}

/// The request's body, as it is read. Trailers do not come this way.
fn request_body(port: Arc<ExchangePort>) -> impl Body<Data = Bytes, Error = Error> + Send + 'static {
    StreamBody::new(stream::unfold(port, |port| async move {
        let read = port.read(limits::READ_BYTES_MAX as u64).await.transpose()?;
        Some((read.map(Frame::data).map_err(error), port))
    }))
}

fn error(error: ExchangeError) -> Error {
    match error {
        ExchangeError::TooLarge(actual, _) => Error::HttpRequestBodySize(Some(actual)),
        ExchangeError::PeerGone => Error::ConnectionTerminated,
        ExchangeError::TimedOut => Error::ConnectionReadTimeout,
        other => Error::InternalError(Some(format!("{other:?}"))),
    }
}
