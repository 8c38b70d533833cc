// Package events exports a WebSocket handler in event style: a call for each thing that happens to a websocket.
//
//	func init() {
//		events.Handle(events.Handlers{OnMessage: said})
//	}
//
//	func said(ws *sessile.WebSocket, message sessile.Message) error {
//		return ws.Send(message)
//	}
//
// One call at a time for one websocket. Between calls the host may drop the instance, or put new code in its place (see
// package upgrade), so a variable is a cache that may vanish: what must last goes into the session, or is attached to the
// websocket.
//
// An error, or a panic, is a failure: the host logs it under an id, closes with 1011, and tells the peer that id alone.
// That the peer has left ([sessile.CloseError], [sessile.ErrGone]) is none, but of OnClose, where nothing can be sent.
package events

import (
	"unsafe"

	"sessile"
	"sessile/internal/abi"
	"sessile/internal/handler"
)

// Handlers are what the host calls. Each may be left out.
type Handlers struct {
	// OnOpen: the handshake has come. Accept, reject, or return and so accept.
	OnOpen func(ws *sessile.WebSocket) error
	// OnMessage: a message came.
	OnMessage func(ws *sessile.WebSocket, message sessile.Message) error
	// OnMessages in place of OnMessage: all that have queued up, in order.
	OnMessages func(ws *sessile.WebSocket, messages []sessile.Message) error
	// OnClose: it has ended, exactly once, after all messages. Nothing can be sent any more.
	OnClose func(ws *sessile.WebSocket, closed sessile.CloseError) error
}

var handlers Handlers

// Handle says what to call. It is called in an init, since a handler's main is not run.
func Handle(of Handlers) { handlers = of }

//go:wasmexport sessile:handler/websocket-events@0.1.0#on-open
func opened(ws uint64) unsafe.Pointer {
	return handler.Run(handler.Lenient, func() error {
		if handlers.OnOpen == nil {
			return nil
		}
		return handlers.OnOpen(sessile.NewWebSocket(ws))
	})
}

//go:wasmexport sessile:handler/websocket-events@0.1.0#on-messages
func told(id uint64, items unsafe.Pointer, count uint32) unsafe.Pointer {
	messages := make([]sessile.Message, 0, count)
	abi.Messages(items, count, func(kind uint32, data []byte) {
		messages = append(messages, sessile.Message{Kind: sessile.Kind(kind), Data: data})
	})
	return handler.Run(handler.Lenient, func() error { return tell(sessile.NewWebSocket(id), messages) })
}

func tell(ws *sessile.WebSocket, messages []sessile.Message) error {
	if handlers.OnMessages != nil {
		return handlers.OnMessages(ws, messages)
	}
	if handlers.OnMessage == nil {
		return nil
	}
	for _, message := range messages {
		if err := handlers.OnMessage(ws, message); err != nil {
			return err
		}
	}
	return nil
}

//go:wasmexport sessile:handler/websocket-events@0.1.0#on-close
func closed(ws uint64, code uint32, reason unsafe.Pointer, length uint32) unsafe.Pointer {
	closed := sessile.CloseError{Code: uint16(code), Reason: abi.Argument(reason, length)}
	return handler.Run(handler.Strict, func() error {
		if handlers.OnClose == nil {
			return nil
		}
		return handlers.OnClose(sessile.NewWebSocket(ws), closed)
	})
}
