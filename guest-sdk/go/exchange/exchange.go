// Package exchange exports a handler of HTTP: one call for one request and its response.
//
//	func init() {
//		exchange.Handle(hello)
//	}
//
//	func hello(w *sessile.Response, r *sessile.Request) error {
//		return w.Text("Hello!\n")
//	}
//
// An error, or a panic, is a failure: the host logs it under an id and answers 500 with that id alone. That the peer has
// left ([sessile.ErrGone]) is none.
package exchange

import (
	"unsafe"

	"sessile"
	"sessile/internal/handler"
)

var answer = func(w *sessile.Response, _ *sessile.Request) error { return w.Error(404, "") }

// Handle says what to call. It is called in an init, since a handler's main is not run.
func Handle(with func(w *sessile.Response, r *sessile.Request) error) { answer = with }

//go:wasmexport sessile:handler/http-handler@0.1.0#handle
func handle(ex uint64) unsafe.Pointer {
	return handler.Run(handler.Lenient, func() error {
		w := sessile.NewResponse(ex)
		if err := answer(w, sessile.NewRequest(ex)); err != nil {
			return err
		}
		return w.Finish()
	})
}
