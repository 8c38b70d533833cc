package sessile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"sessile/internal/abi"
)

// What a call may fail with and carries nothing more. None of these ends the websocket by itself.
var (
	// ErrTimedOut: nothing came in time; or the peer took nothing for so long that the host gave the websocket up (1013).
	ErrTimedOut = errors.New("timed out")
	// ErrRetire: another version of the app can take the websocket over. A loop that returns it hands over; one that
	// goes on is told once, and keeps the websocket until the manifest's drain_s (30 s) is over.
	ErrRetire = errors.New("the host has newer code for this websocket")
	// ErrWrongStyle: in event style messages come to OnMessage.
	ErrWrongStyle = errors.New("receive is for loop style; in event style messages come to OnMessage")
	// ErrWrongKind: text came where bytes were asked for, or the other way round; the message is lost.
	ErrWrongKind = errors.New("the message is of the other kind")
	// ErrGone: the peer of an exchange, or the websocket that was to join or leave a group, has gone.
	ErrGone = errors.New("the peer has gone")
	// ErrSessionNotOpen: the session was opened in another event; or, for an alarm of it, never saved.
	ErrSessionNotOpen = errors.New("the session is not open: open it in each event")
	// ErrSessionDeleted: the session was flushed, here or by another of its holders.
	ErrSessionDeleted = errors.New("the session was flushed")
	// ErrSessionUnavailable: the session store failed; nothing was saved, the changes are kept.
	ErrSessionUnavailable = errors.New("the session store failed")
	// ErrCookieUnreachable: the peer holds no session cookie, and it is too late to give it one: open the session before
	// Accept, or before the response starts.
	ErrCookieUnreachable = errors.New("the cookie that this needs cannot reach the peer any more: the head has left")
	// ErrUnknown: nobody who is connected has this ID.
	ErrUnknown = errors.New("nobody who is connected has this ID")
	// ErrNoAlarmHandler: the handler that sets an alarm does not import package alarms.
	ErrNoAlarmHandler = errors.New("this handler has nothing that an alarm could ring: import package alarms")
	// ErrUnavailable: what keeps the groups or the alarms, or knows who is connected, cannot do it now; the error says why.
	ErrUnavailable = errors.New("unavailable")
	// ErrUnsupported: this host does not do that.
	ErrUnsupported = errors.New("this host does not do that")
)

// CloseError says that the websocket has ended, and how.
type CloseError struct {
	// Code is 1005 where the peer gave none, 1006 where the connection ended without a close frame.
	Code uint16
	// Reason has at most 123 bytes.
	Reason string
}

func (e CloseError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the websocket has ended with %d %s", e.Code, e.Reason))
}

// StateError is a call that is not legal now: send before accept, a second response.
type StateError struct {
	// Call is its name in the WIT, such as send; of HTTP there is none.
	Call string
	// State is that of the websocket, or of the response, in which it was made.
	State string
}

func (e StateError) Error() string {
	if e.Call == "" {
		return "not now: the response is " + e.State
	}
	return fmt.Sprintf("%s is not for a websocket that is %s", e.Call, e.State)
}

// SizeError is something larger than its limit: a message, a reason, a body, a group's name, the groups of a websocket,
// a session or a part of it. In bytes, or in how many there were.
type SizeError struct{ Actual, Limit uint64 }

func (e SizeError) Error() string {
	return fmt.Sprintf("%d exceeds the limit of %d", e.Actual, e.Limit)
}

// InvalidError is a close code, subprotocol, header or status that cannot be sent.
type InvalidError struct{ What string }

func (e InvalidError) Error() string { return e.What }

// JSONError is a message or value that is not the JSON that was wanted.
type JSONError struct {
	// Line and Column count from 1; 0 where the position is not known.
	Line, Column uint32
	Reason       string
}

func (e JSONError) Error() string {
	if e.Line == 0 {
		return "bad JSON: " + e.Reason
	}
	return fmt.Sprintf("bad JSON at line %d column %d: %s", e.Line, e.Column, e.Reason)
}

// ConflictError says that another has saved the session since it was read: [Session.Discard], open it again, and retry.
type ConflictError struct{ Saved uint64 }

func (e ConflictError) Error() string {
	return fmt.Sprintf("version %d of the session is saved", e.Saved)
}

// LengthError says that the body sent differs from the content-length promised.
type LengthError struct{ Actual, Promised uint64 }

func (e LengthError) Error() string {
	return fmt.Sprintf("%d bytes sent, %d promised", e.Actual, e.Promised)
}

// The order of each is that of the WIT.

func websocketError(a *abi.Area) error {
	switch a.Byte(abi.Case) {
	case 0:
		return stateError(a)
	case 1:
		return closeError(a)
	case 2, 6:
		return sizeError(a)
	case 3:
		return ErrTimedOut
	case 4:
		return ErrWrongStyle
	case 5:
		return codeError(a)
	case 7:
		return InvalidError{fmt.Sprintf("subprotocol %q was not offered", a.Text(abi.Payload))}
	case 8:
		return InvalidError{a.Text(abi.Payload)}
	case 9:
		return ErrWrongKind
	case 10:
		return jsonError(a)
	case 11:
		return ErrRetire
	}
	return ErrUnsupported
}

func httpError(a *abi.Area) error {
	switch a.Byte(abi.Case) {
	case 0:
		return StateError{State: stage(a.Byte(abi.Payload)).String()}
	case 1:
		return sizeError(a)
	case 2:
		return ErrGone
	case 3:
		return InvalidError{a.Text(abi.Payload)}
	case 4:
		return LengthError{Actual: a.Uint64(abi.Payload), Promised: a.Uint64(abi.Payload + 8)}
	case 5:
		return fmt.Errorf("%w: the response did not leave", ErrSessionUnavailable)
	case 6:
		return ErrTimedOut
	}
	return ErrUnsupported
}

func sessionError(a *abi.Area) error {
	switch a.Byte(abi.Case) {
	case 0:
		return ErrSessionNotOpen
	case 1:
		return jsonError(a)
	case 2:
		return sizeError(a)
	case 3:
		return ConflictError{Saved: a.Uint64(abi.Payload)}
	case 4:
		return ErrCookieUnreachable
	case 5:
		return fmt.Errorf("%w: %s", ErrSessionUnavailable, a.Text(abi.Payload))
	case 6:
		return ErrSessionDeleted
	}
	return ErrUnsupported
}

func groupsError(a *abi.Area) error {
	switch a.Byte(abi.Case) {
	case 0, 1, 2, 6:
		return sizeError(a)
	case 3:
		return ErrGone
	case 5:
		return jsonError(a)
	case 7:
		return unavailable(a)
	}
	return ErrUnsupported
}

func connectionsError(a *abi.Area) error {
	switch a.Byte(abi.Case) {
	case 0:
		return ErrUnknown
	case 1, 3, 4:
		return sizeError(a)
	case 2:
		return codeError(a)
	case 5:
		return ErrSessionNotOpen
	case 6:
		return stateError(a)
	case 7:
		return closeError(a)
	case 8:
		return unavailable(a)
	}
	return ErrUnsupported
}

func alarmsError(a *abi.Area) error {
	switch a.Byte(abi.Case) {
	case 0, 1, 2:
		return sizeError(a)
	case 3:
		return ErrNoAlarmHandler
	case 4:
		return fmt.Errorf("%w, and save it before its alarms", ErrSessionNotOpen)
	case 5:
		return unavailable(a)
	}
	return ErrUnsupported
}

func stateError(a *abi.Area) error {
	return StateError{Call: a.Text(abi.Payload), State: State(a.Byte(abi.Payload + 8)).String()}
}

func closeError(a *abi.Area) error {
	return CloseError{Code: a.Uint16(abi.Payload), Reason: a.Text(abi.Payload + 4)}
}

func codeError(a *abi.Area) error {
	return InvalidError{fmt.Sprintf("close code %d may not be sent", a.Uint16(abi.Payload))}
}

func unavailable(a *abi.Area) error {
	return fmt.Errorf("%w: %s", ErrUnavailable, a.Text(abi.Payload))
}

func sizeError(a *abi.Area) error {
	return SizeError{Actual: a.Uint64(abi.Payload), Limit: a.Uint64(abi.Payload + 8)}
}

func jsonError(a *abi.Area) error {
	return JSONError{Line: a.Uint32(abi.Payload), Column: a.Uint32(abi.Payload + 4), Reason: a.Text(abi.Payload + 8)}
}

// decode reads a value of JSON; what it cannot be is a [JSONError] with the position.
func decode(data []byte, value any) error {
	if !utf8.Valid(data) {
		return positioned(data, firstInvalid(data), errors.New("no UTF-8"))
	}
	err := json.Unmarshal(data, value)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return positioned(data, syntax.Offset, err)
	case errors.As(err, &kind):
		return positioned(data, kind.Offset, err)
	}
	return JSONError{Reason: err.Error()}
}

// firstInvalid counts the bytes up to the first that is no UTF-8, with it.
func firstInvalid(data []byte) int64 {
	for at := 0; at < len(data); {
		char, size := utf8.DecodeRune(data[at:])
		if char == utf8.RuneError && size == 1 {
			return int64(at + 1)
		}
		at += size
	}
	return 0
}

// positioned turns the count of bytes that were read into a line and a column.
func positioned(data []byte, read int64, err error) error {
	before := string(data[:min(max(read-1, 0), int64(len(data)))])
	line := strings.Count(before, "\n")
	column := len(before) - strings.LastIndexByte(before, '\n')
	return JSONError{Line: uint32(line + 1), Column: uint32(column), Reason: err.Error()}
}

// encode writes a value as compact JSON.
func encode(value any) ([]byte, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, JSONError{Reason: err.Error()}
	}
	return data, nil
}

// done is how a call went that comes to nothing.
func done(a *abi.Area, failure func(*abi.Area) error) error {
	if a.Failed() {
		return failure(a)
	}
	return nil
}
