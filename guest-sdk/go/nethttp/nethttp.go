// Package nethttp exports, in place of package exchange, a handler of the standard library's: a [net/http.ServeMux], or
// what else is an [net/http.Handler].
//
//	func init() {
//		mux := http.NewServeMux()
//		mux.HandleFunc("GET /rooms/{room}", show)
//		nethttp.Handle(mux)
//	}
//
// The client, the server and the connections of net/http are not to be had here; [RequestOf] has what is Sessile's. A
// response is kept until 64 KiB, or a Flush. A panic is a failure: 500, and its stack is in the log.
package nethttp

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"sessile"
	"sessile/exchange"
)

// Handle says what to call. It is called in an init, since a handler's main is not run.
func Handle(handler http.Handler) {
	exchange.Handle(func(w *sessile.Response, r *sessile.Request) error {
		return serve(handler, w, request(r))
	})
}

type key struct{}

// RequestOf is the request as Sessile has it, with the session and the route's parameters.
func RequestOf(r *http.Request) *sessile.Request {
	of, _ := r.Context().Value(key{}).(*sessile.Request)
	return of
}

func request(of *sessile.Request) *http.Request {
	r := &http.Request{
		Method:        of.Method(),
		URL:           of.URL(),
		Proto:         "HTTP/" + of.HTTPVersion(),
		Header:        header(of.Headers()),
		Body:          body{of},
		ContentLength: -1,
		Host:          of.Authority(),
		RemoteAddr:    of.PeerAddress(),
	}
	// A server's has neither.
	r.URL.Scheme, r.URL.Host, r.URL.User = "", "", nil
	r.RequestURI = r.URL.RequestURI()
	r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(r.Proto)
	if length, err := strconv.ParseInt(r.Header.Get("content-length"), 10, 64); err == nil {
		r.ContentLength = length
	}
	r.Header.Del("host")
	return r.WithContext(context.WithValue(context.Background(), key{}, of))
}

func header(headers sessile.Headers) http.Header {
	all := http.Header{}
	for _, field := range headers {
		all.Add(field[0], field[1])
	}
	return all
}

type body struct{ *sessile.Request }

func (body) Close() error { return nil }

func serve(handler http.Handler, to *sessile.Response, r *http.Request) error {
	w := &writer{to: to, header: http.Header{}}
	handler.ServeHTTP(w, r)
	w.begin(nil)
	return w.failed
}

// writer is what a handler writes to. What the host refuses ends the handler's call as a failure.
type writer struct {
	to     *sessile.Response
	header http.Header
	begun  bool
	failed error
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if w.begun || status < 200 {
		return
	}
	w.begun = true
	for name, values := range w.header {
		// The host counts the body itself.
		if strings.EqualFold(name, "content-length") {
			continue
		}
		for _, value := range values {
			w.to.Headers.Add(strings.ToLower(name), value)
		}
	}
	w.failed = w.to.WriteHeader(status)
}

// begin sends 200 where the handler has said nothing else, and what kind of body it is, as net/http does.
func (w *writer) begin(body []byte) {
	if w.begun {
		return
	}
	if _, said := w.header["Content-Type"]; !said && len(body) > 0 {
		w.header.Set("content-type", http.DetectContentType(body))
	}
	w.WriteHeader(http.StatusOK)
}

func (w *writer) Write(part []byte) (int, error) {
	w.begin(part)
	length, err := w.to.Write(part)
	return length, w.keep(err)
}

func (w *writer) Flush() { _ = w.FlushError() }

func (w *writer) FlushError() error {
	w.begin(nil)
	return w.keep(w.to.Flush())
}

// keep remembers the first failure.
func (w *writer) keep(err error) error {
	if w.failed == nil {
		w.failed = err
	}
	return err
}
