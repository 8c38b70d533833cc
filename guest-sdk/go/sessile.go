// Package sessile is the SDK for WebSocket and HTTP handlers in Go.
//
// A handler is a WebAssembly component, made by `sessile build`; the host owns the socket, and the handler can be replaced
// under it. It says what to call in an init, by one package for each kind of handler, so that a component has those that it
// imports: [sessile/events], [sessile/upgrade], [sessile/publications], [sessile/loop], [sessile/exchange] (HTTP),
// [sessile/nethttp] (the same, of what is written for net/http), [sessile/alarms].
//
//	package main
//
//	import (
//		"sessile"
//		"sessile/events"
//	)
//
//	func init() {
//		events.Handle(events.Handlers{OnMessage: said})
//	}
//
//	func said(ws *sessile.WebSocket, message sessile.Message) error {
//		return ws.Send(message)
//	}
//
//	func main() {}
//
// # Errors
//
// Calls fail with the errors of this package, for [errors.Is] and [errors.As]. A handler that returns one has failed, but
// for those that say that the peer has left, [CloseError] and [ErrGone], and in loop style [ErrRetire]. A panic is a failure
// too, whose stack is in the log.
//
// # Goroutines
//
// One goroutine runs at a time, and while a call to the host waits, such as [WebSocket.Receive], none does. They run where
// the handler waits in Go (a channel, a [sync.WaitGroup], [time.Sleep]), before a receive waits, and when the handler
// returns, each until it waits itself. What then still waits goes on at the next event, if the instance is there; that may
// be another websocket's, and a call for one that is not served then traps. To receive and do something else from time to
// time, receive with a timeout; or import [sessile/concurrent], and goroutines run while a loop receives. A panic in a
// goroutine of your own traps: what recovers is around the handler alone.
//
// # Strings
//
// What goes to the host as text is UTF-8: what is not has U+FFFD in its place, as [encoding/json] does.
package sessile
