//! `wasi:http` 0.2 `outgoing-handler` and 0.3 `client`: a guest's request, as outbound has it.

use std::sync::Arc;

use http::header::HeaderName;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks,
};

use super::Identity;
use crate::limits;
use crate::outbound::{OutboundError, Patience, Places};
use crate::port::answer;

/// What an instance may do beyond its own exchange.
pub(super) struct Outgoing {
    identity: Arc<Identity>,
    /// Made for the first request: most instances send none.
    places: Option<Places>,
}

impl Outgoing {
    pub(super) fn new(identity: Arc<Identity>) -> Self {
        Self { identity, places: None }
    }
}

type Transmitted = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Box<dyn Future<Output = Result<(Response<WasiBody>, Transmitted), Error>> + Send>;

impl WasiHttpHooks for Outgoing {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    fn set_host_header(&mut self) -> bool {
        // Outbound does, from what it has checked.
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _answer_read: Transmitted,
    ) -> Sent {
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        let patience = options.map(patience).unwrap_or_default();
        let sent = self.identity.outbound.send(request, patience, self.places.get_or_insert_default());
        Box::new(async move {
            let answer = sent.await.map_err(error)?;
            let transmitted: Transmitted = Box::new(std::future::ready(Ok(())));
            Ok((answer.map(|body| body.map_err(error).boxed_unsync()), transmitted))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        limits::BODY_PART_BYTES_MAX
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        limits::BODY_PART_BYTES_MAX
    }
}

/// Fields that neither reach a guest nor come from one: those of the connection, and `Host`, which is the
/// request's authority.
fn is_forbidden(name: &HeaderName) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name) || answer::is_reserved(name)
}

fn patience(options: RequestOptions) -> Patience {
    Patience {
        connect: options.connect_timeout,
        first_byte: options.first_byte_timeout,
        between_bytes: options.between_bytes_timeout,
    }
}

/// `error-code`, without what would tell a guest of the operator's network.
fn error(error: OutboundError) -> Error {
    match error {
        OutboundError::Denied(_) => Error::HttpRequestDenied,
        OutboundError::Uri => Error::HttpRequestUriInvalid,
        OutboundError::Method => Error::HttpRequestMethodInvalid,
        OutboundError::Busy => Error::ConnectionLimitReached,
        OutboundError::Name(_) => Error::DnsError { rcode: None, info_code: None },
        OutboundError::Prohibited(_) => Error::DestinationIpProhibited,
        OutboundError::Connect(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Error::ConnectionRefused
        }
        OutboundError::Connect(_) => Error::DestinationUnavailable,
        OutboundError::ConnectTimeout => Error::ConnectionTimeout,
        OutboundError::Certificate(_) => Error::TlsCertificateError,
        OutboundError::Tls(_) => Error::TlsProtocolError,
        OutboundError::Http(error) if error.is_incomplete_message() => Error::HttpResponseIncomplete,
        OutboundError::Http(_) => Error::HttpProtocolError,
        OutboundError::Switched => Error::HttpUpgradeFailed,
        OutboundError::Idle => Error::ConnectionReadTimeout,
        OutboundError::Body(_) => Error::HttpRequestBodySize(None),
        OutboundError::Lost => Error::InternalError(None),
    }
}
