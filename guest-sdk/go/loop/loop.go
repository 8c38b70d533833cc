// Package loop exports a WebSocket handler in loop style: one call for one websocket, as long as it lives.
//
//	func init() {
//		loop.Handle(echo)
//	}
//
//	func echo(ws *sessile.WebSocket) error {
//		if err := ws.Accept(); err != nil {
//			return err
//		}
//		for message, err := range ws.Messages() {
//			if err != nil {
//				return err
//			}
//			if err := ws.Send(message); err != nil {
//				return err
//			}
//		}
//		return nil
//	}
//
// Its instance serves nobody else, so what it holds in variables is its own. It blocks in each call, and blocks nobody.
//
// A loop that returns nil is done, and the websocket is closed with 1000 if it still is open. So it is with an error that
// says that the peer has left ([sessile.CloseError], [sessile.ErrGone]). [sessile.ErrRetire] hands the websocket to the
// app's newer code: its handler is called, its first Accept changes nothing, and it receives what waits. The session, the
// groups and the attachment stay, variables do not. Any other error, or a panic, is a failure: the host logs it under an
// id, closes with 1011, and tells the peer that id alone.
package loop

import (
	"unsafe"

	"sessile"
	"sessile/internal/handler"
)

var serve = func(*sessile.WebSocket) error { return nil }

// Handle says what to call. It is called in an init, since a handler's main is not run.
func Handle(with func(ws *sessile.WebSocket) error) { serve = with }

//go:wasmexport sessile:handler/websocket-handler@0.1.0#handle
func handle(ws uint64) unsafe.Pointer {
	return handler.Run(handler.Looped, func() error { return serve(sessile.NewWebSocket(ws)) })
}
