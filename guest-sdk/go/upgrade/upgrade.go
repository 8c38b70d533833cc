// Package upgrade exports, beside package events, what is called where this version of the app takes a websocket over
// from another: once, before its next event, to rewrite what the other has left, which is its attachment and its session.
//
//	func init() {
//		upgrade.Handle(func(ws *sessile.WebSocket, from uint64) error {
//			…
//		})
//	}
//
// An error, or a panic, ends the websocket with 1011. A trap gives it back to the version before.
package upgrade

import (
	"unsafe"

	"sessile"
	"sessile/internal/handler"
)

var upgrade = func(*sessile.WebSocket, uint64) error { return nil }

// Handle says what to call, with the number of the other version. It is called in an init, since a handler's main is not
// run.
func Handle(with func(ws *sessile.WebSocket, from uint64) error) { upgrade = with }

//go:wasmexport sessile:handler/websocket-upgrade@0.1.0#on-upgrade
func upgraded(ws, from uint64) unsafe.Pointer {
	return handler.Run(handler.Lenient, func() error { return upgrade(sessile.NewWebSocket(ws), from) })
}
