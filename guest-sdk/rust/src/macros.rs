//! The macros that turn a handler into the exports of a component.

/// Exports `fn(WebSocket) -> Result<()>` as the component's loop-style handler; with `async` before its
/// name, `async fn(concurrent::WebSocket) -> Result<()>` (see [`concurrent`](crate::concurrent)).
///
/// One call serves one websocket, as long as it lives. Returning `Ok` closes it with 1000 if it is still
/// open; see [`WebSocket`](crate::WebSocket) for an example.
///
/// [`Error::Retire`](crate::Error::Retire) that leaves the handler by `?` hands the websocket over to the app's new
/// version, which calls its handler for it: variables are gone, the attachment and the session stay. Who wants to stay
/// catches it and goes on receiving. See [`WebSocket`](crate::WebSocket#new-code-under-a-live-websocket).
#[macro_export]
macro_rules! websocket_loop {
    (async $handle:path) => {
        $crate::websocket_loop! {
            |ws| $crate::export::block_on(async { $handle($crate::concurrent::WebSocket::new(ws)).await })
        }
    };
    ($handle:path) => {
        $crate::websocket_loop! { |ws| $handle($crate::WebSocket::new(ws)) }
    };
    (|$ws:ident| $ended:expr) => {
        const _: () = {
            use $crate::export;

            struct Component;

            impl export::websocket_handler::Guest for Component {
                fn handle($ws: u64) -> ::std::result::Result<export::Outcome, export::Failure> {
                    export::loop_outcome($ended)
                }
            }

            export::looped::export! { Component with_types_in export::looped }
        };
    };
}

/// Exports a [`WebsocketEvents`](crate::WebsocketEvents) as the component's event-style handler.
///
/// See there for an example.
#[macro_export]
macro_rules! websocket_events {
    ($handler:ty) => {
        const _: () = {
            use $crate::export;

            struct Component;

            impl export::websocket_events::Guest for Component {
                fn on_open(ws: u64) -> ::std::result::Result<(), export::Failure> {
                    export::on_open::<$handler>(ws)
                }

                fn on_messages(
                    ws: u64,
                    messages: ::std::vec::Vec<export::WitMessage>,
                ) -> ::std::result::Result<(), export::Failure> {
                    export::on_messages::<$handler>(ws, messages)
                }

                fn on_close(ws: u64, close: export::CloseInfo) -> ::std::result::Result<(), export::Failure> {
                    export::on_close::<$handler>(ws, close)
                }
            }

            export::events::export! { Component with_types_in export::events }
        };
    };
}

/// Exports a [`WebsocketUpgrade`](crate::WebsocketUpgrade), beside [`websocket_events!`].
///
/// See there for an example.
#[macro_export]
macro_rules! websocket_upgrade {
    ($handler:ty) => {
        const _: () = {
            use $crate::export;

            struct Component;

            impl export::websocket_upgrade::Guest for Component {
                fn on_upgrade(ws: u64, from: u64) -> ::std::result::Result<(), export::Failure> {
                    export::on_upgrade::<$handler>(ws, from)
                }
            }

            export::takeover::export! { Component with_types_in export::takeover }
        };
    };
}

/// Exports a [`PublicationHandler`](crate::PublicationHandler), beside [`websocket_events!`].
///
/// See there for an example.
#[macro_export]
macro_rules! publication_handler {
    ($handler:ty) => {
        const _: () = {
            use $crate::export;

            struct Component;

            impl export::publication_handler::Guest for Component {
                fn on_publications(
                    ws: u64,
                    publications: ::std::vec::Vec<export::WitTold>,
                ) -> ::std::result::Result<(), export::Failure> {
                    export::on_publications::<$handler>(ws, publications)
                }
            }

            export::publications::export! { Component with_types_in export::publications }
        };
    };
}

/// Exports `fn(alarms::Ringing, alarms::Alarm) -> Result<()>` as what the component's alarms ring; with `async` before its
/// name, `async fn(concurrent::alarms::Ringing, alarms::Alarm) -> Result<()>` (see [`concurrent`](crate::concurrent)).
///
/// Beside any other handler, or alone. See [`alarms`](crate::alarms) for an example.
///
/// # Errors
/// An `Err` is logged, nothing of the session is saved, and the alarm rings again.
#[macro_export]
macro_rules! alarm {
    (async $ring:path) => {
        $crate::alarm! {
            |id, alarm| $crate::export::block_on(async {
                $ring($crate::concurrent::alarms::Ringing::new(id), alarm).await
            })
        }
    };
    ($ring:path) => {
        $crate::alarm! { |id, alarm| $ring($crate::alarms::Ringing::new(id), alarm) }
    };
    (|$id:ident, $alarm:ident| $rang:expr) => {
        const _: () = {
            use $crate::export;

            struct Component;

            impl export::alarm_handler::Guest for Component {
                fn on_alarm($id: u64, alarm: export::WitAlarm) -> ::std::result::Result<(), export::Failure> {
                    let $alarm = $crate::alarms::Alarm::from(alarm);
                    export::rang($rang)
                }
            }

            export::ringing::export! { Component with_types_in export::ringing }
        };
    };
}

/// Exports `fn(Request) -> Result<Response>` as the component's HTTP handler; with `async` before its
/// name, `async fn(concurrent::Request) -> Result<Response>` (see [`concurrent`](crate::concurrent)).
///
/// See [`Response`](crate::Response) and [`Request`](crate::Request) for examples.
#[macro_export]
macro_rules! http {
    (async $handle:path) => {
        $crate::http! {
            |ex| $crate::export::block_on(async {
                $crate::export::respond_awaited(ex, $handle($crate::concurrent::Request::new(ex)).await).await
            })
        }
    };
    ($handle:path) => {
        $crate::http! { |ex| $crate::export::respond(ex, $handle($crate::Request::new(ex))) }
    };
    (|$ex:ident| $answered:expr) => {
        const _: () = {
            use $crate::export;

            struct Component;

            impl export::http_handler::Guest for Component {
                fn handle($ex: u64) -> ::std::result::Result<(), export::Failure> {
                    $answered
                }
            }

            export::exchange::export! { Component with_types_in export::exchange }
        };
    };
}
