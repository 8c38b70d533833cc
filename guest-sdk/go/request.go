package sessile

import (
	"io"

	"sessile/internal/abi"
)

// What [Request.Text], [Request.JSON] and [Request.Form] take of a body, in bytes.
const bodyBytesMax = 1 << 20

// Request is what an exchange began with. What was asked is in its [Head]. It is an [io.Reader] of its body, for
// [mime/multipart] and the like.
type Request struct {
	Head
	ended bool
}

// NewRequest is for the package that exports the handler. An id that this instance does not serve traps at its first use.
func NewRequest(id uint64) *Request { return &Request{Head: Head{id}} }

// Read reads the next part of the body, of at most 64 KiB.
func (r *Request) Read(into []byte) (int, error) {
	if r.ended {
		return 0, io.EOF
	}
	if len(into) == 0 {
		return 0, nil
	}
	a := abi.Begin()
	defer a.End()
	abi.HTTPRead(r.id, uint64(len(into)), a)
	if a.Failed() {
		return 0, httpError(a)
	}
	if a.Byte(abi.OK) == 0 {
		r.ended = true
		return 0, io.EOF
	}
	return a.Copy(abi.OK+4, into), nil
}

// Bytes is the whole body, or a [SizeError] where it has more bytes than limit.
func (r *Request) Bytes(limit int) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(body) > limit {
		return nil, SizeError{Actual: uint64(len(body)), Limit: uint64(limit)}
	}
	return body, nil
}

// Text is the whole body as text, of at most 1 MiB; what is no UTF-8 is U+FFFD.
func (r *Request) Text() (string, error) {
	body, err := r.Bytes(bodyBytesMax)
	return abi.Valid(string(body)), err
}

// JSON reads the whole body, of at most 1 MiB, into value.
func (r *Request) JSON(value any) error {
	body, err := r.Bytes(bodyBytesMax)
	if err != nil {
		return err
	}
	return decode(body, value)
}

// Form are the fields of a body in application/x-www-form-urlencoded, of at most 1 MiB.
func (r *Request) Form() (Values, error) {
	text, err := r.Text()
	return parseQuery(text), err
}

// LastEventID is the last event that a browser which comes again has seen.
func (r *Request) LastEventID() string { return r.Header("last-event-id") }

// Session opens the peer's session. What is changed before the answer is saved with it.
func (r *Request) Session() (*Session, error) { return openSession(r.id) }
