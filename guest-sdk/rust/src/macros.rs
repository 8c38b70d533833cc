//! The macros that turn a handler into the exports of a component.

/// Exports `async fn(WebSocket) -> Result<()>` as the component's loop-style handler.
///
/// One call serves one websocket, as long as it lives. Returning `Ok` closes it with 1000 if it is still
/// open; see [`WebSocket`](crate::WebSocket) for an example.
#[macro_export]
macro_rules! websocket_loop {
    ($handle:path) => {
        const _: () = {
            use $crate::export;

            struct Component;

            impl export::websocket_handler::Guest for Component {
                async fn handle(ws: u64) -> ::std::result::Result<export::Outcome, export::Failure> {
                    export::loop_outcome($handle($crate::WebSocket::new(ws)).await)
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
                async fn on_open(ws: u64) -> ::std::result::Result<(), export::Failure> {
                    export::on_open::<$handler>(ws).await
                }

                async fn on_messages(
                    ws: u64,
                    messages: ::std::vec::Vec<export::WitMessage>,
                ) -> ::std::result::Result<(), export::Failure> {
                    export::on_messages::<$handler>(ws, messages).await
                }

                async fn on_close(ws: u64, close: export::CloseInfo) -> ::std::result::Result<(), export::Failure> {
                    export::on_close::<$handler>(ws, close).await
                }
            }

            export::events::export! { Component with_types_in export::events }
        };
    };
}

/// Exports `async fn(Request) -> Result<Response>` as the component's HTTP handler.
///
/// See [`Response`](crate::Response) and [`Request`](crate::Request) for examples.
#[macro_export]
macro_rules! http {
    ($handle:path) => {
        const _: () = {
            use $crate::export;

            struct Component;

            impl export::http_handler::Guest for Component {
                async fn handle(ex: u64) -> ::std::result::Result<(), export::Failure> {
                    export::respond(ex, $handle($crate::Request::new(ex)).await).await
                }
            }

            export::exchange::export! { Component with_types_in export::exchange }
        };
    };
}
