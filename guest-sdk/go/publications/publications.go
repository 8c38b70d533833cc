// Package publications exports, beside package events, what is called with each publication to a group that a websocket is
// in: it comes to the handler in place of the peer, to whom the handler sends on what it likes.
//
//	func init() {
//		publications.Handle(func(ws *sessile.WebSocket, told sessile.Told) error {
//			if told.Presence != nil {
//				return nil
//			}
//			return ws.Send(told.Message)
//		})
//	}
//
// It is an event as those of package events are, one call at a time for one websocket. What waits is bounded as the outbox
// is. An error, or a panic, ends the websocket with 1011; that the peer has left is none.
package publications

import (
	"unsafe"

	"sessile"
	"sessile/internal/abi"
	"sessile/internal/handler"
)

var hear = func(*sessile.WebSocket, sessile.Told) error { return nil }

// Handle says what to call. It is called in an init, since a handler's main is not run.
func Handle(with func(ws *sessile.WebSocket, told sessile.Told) error) { hear = with }

//go:wasmexport sessile:handler/publication-handler@0.1.0#on-publications
func published(id uint64, items unsafe.Pointer, count uint32) unsafe.Pointer {
	all := make([]sessile.Told, 0, count)
	abi.Items(items, count, sessile.SizeofTold, func(m *abi.Memory) { all = append(all, sessile.ReadTold(m)) })
	return handler.Run(handler.Lenient, func() error {
		ws := sessile.NewWebSocket(id)
		for _, told := range all {
			if err := hear(ws, told); err != nil {
				return err
			}
		}
		return nil
	})
}
