package sessile

import (
	"slices"

	"sessile/internal/abi"
)

// What a response keeps before it streams, in bytes.
const bufferBytesMax = 64 << 10

// Response is written as that of net/http: headers, then a status if it is not 200, then the body. It leaves whole when
// the handler returns, with a content-length; past 64 KiB, or after [Response.Flush], it streams. A handler that fails
// after that leaves the peer an aborted body, and before it a 500; so does one that writes neither a status nor a body.
type Response struct {
	// Headers are what is sent before the body. Content-length is the host's.
	Headers Headers

	ex     uint64
	status int // 0 until something is written
	body   []byte
	stage  stage
}

type stage uint8

const (
	buffered stage = iota
	streaming
	finished
)

func (s stage) String() string { return [...]string{"unanswered", "streaming", "finished"}[s] }

// NewResponse is for the package that exports the handler.
func NewResponse(id uint64) *Response { return &Response{ex: id} }

// WriteHeader sets the status, 200 to 599. [StateError] says that the head has left.
func (w *Response) WriteHeader(status int) error {
	if w.stage != buffered {
		return StateError{State: w.stage.String()}
	}
	w.status = status
	return nil
}

// Write adds to the body.
func (w *Response) Write(part []byte) (int, error) {
	if w.stage == finished {
		return 0, StateError{State: w.stage.String()}
	}
	w.begin()
	w.body = append(w.body, part...)
	if len(w.body) > bufferBytesMax {
		if err := w.Flush(); err != nil {
			return 0, err
		}
	}
	return len(part), nil
}

func (w *Response) begin() {
	if w.status == 0 {
		w.status = 200
	}
}

// WriteString adds to the body.
func (w *Response) WriteString(part string) (int, error) { return w.Write([]byte(part)) }

// Flush sends what was written so far, and waits while the peer is slow. A changed session is saved before the first of it.
func (w *Response) Flush() error {
	if err := w.start(); err != nil {
		return err
	}
	// What one call hands over has a bound of its own.
	for part := range slices.Chunk(w.body, bufferBytesMax) {
		if err := w.chunk(part); err != nil {
			return err
		}
	}
	w.body = w.body[:0]
	return nil
}

func (w *Response) chunk(part []byte) error {
	a := abi.Begin()
	defer a.End()
	abi.HTTPSendChunk(w.ex, abi.Binary(part), a)
	return done(a, httpError)
}

func (w *Response) start() error {
	if w.stage != buffered {
		return nil
	}
	w.begin()
	a := abi.Begin()
	defer a.End()
	fields, count := abi.Lower(w.Headers)
	abi.HTTPSendStart(w.ex, uint32(w.status), fields, count, a)
	if a.Failed() {
		return httpError(a)
	}
	w.stage = streaming
	return nil
}

// Finish sends what is left, and ends the response: it is called when the handler returns, unless the handler has.
func (w *Response) Finish() error {
	switch w.stage {
	case buffered:
		if w.status == 0 {
			return nil
		}
		w.stage = finished
		return w.whole()
	case streaming:
		if err := w.Flush(); err != nil {
			return err
		}
		w.stage = finished
		a := abi.Begin()
		defer a.End()
		abi.HTTPSendFinished(w.ex, a)
		return done(a, httpError)
	}
	return nil
}

func (w *Response) whole() error {
	a := abi.Begin()
	defer a.End()
	fields, count := abi.Lower(w.Headers)
	abi.HTTPSend(w.ex, uint32(w.status), fields, count, abi.Binary(w.body), a)
	return done(a, httpError)
}

func (w *Response) typed(kind string, body []byte) error {
	w.Headers.Set("content-type", kind)
	_, err := w.Write(body)
	return err
}

// Text writes plain text.
func (w *Response) Text(text string) error {
	return w.typed("text/plain; charset=utf-8", []byte(text))
}

// HTML writes a page.
func (w *Response) HTML(page string) error { return w.typed("text/html; charset=utf-8", []byte(page)) }

// JSON writes a value.
func (w *Response) JSON(value any) error {
	data, err := encode(value)
	if err != nil {
		return err
	}
	return w.typed("application/json", data)
}

// Error writes a status and a text that says why, as [net/http.Error] does.
func (w *Response) Error(status int, why string) error {
	if err := w.WriteHeader(status); err != nil {
		return err
	}
	return w.Text(why)
}

// Redirect sends a browser elsewhere: 303 to see the result of a form, 307, 308.
func (w *Response) Redirect(status int, location string) error {
	w.Headers.Set("location", location)
	return w.WriteHeader(status)
}

// Raw answers, in place of all that was written, with a response as HTTP/1.1 writes it: status line, headers, an empty line, the body. The host parses and
// frames it anew. With close, the connection ends after it.
func (w *Response) Raw(response []byte, close bool) error {
	if w.stage != buffered {
		return StateError{State: w.stage.String()}
	}
	a := abi.Begin()
	defer a.End()
	abi.HTTPSendRaw(w.ex, abi.Binary(response), abi.Some(close), a)
	if a.Failed() {
		return httpError(a)
	}
	w.stage = finished
	return nil
}

// Cancel cancels the response: one that streams is seen as aborted; in place of one that has not begun, the connection
// ends.
func (w *Response) Cancel() error {
	a := abi.Begin()
	defer a.End()
	abi.HTTPSendCancel(w.ex, a)
	if a.Failed() {
		return httpError(a)
	}
	w.stage = finished
	return nil
}

// Dispose ends the connection, after a response that was finished; any other is cancelled.
func (w *Response) Dispose() {
	abi.HTTPDispose(w.ex)
	w.stage = finished
}
