package sessile

import (
	"iter"
	"time"

	"sessile/internal/abi"
)

// Selection is which of those who are connected: those for which all of it is true. With none of it, all.
type Selection struct {
	// Route: on the one with this pattern, as the manifest has it: /rooms/{room}.
	Route string
	// Handler: served by the one of this name.
	Handler string
	// Group: in this one.
	Group string
	// Session: that have opened this one, itself too.
	Session *Session
}

// Connection is somebody who is connected: from the accept of a websocket to the end of its connection.
type Connection struct {
	// ID is the websocket's.
	ID uint64
	// Handler is its name in the manifest, Route the pattern of its route there.
	Handler, Route string
	// Path is that of its request, percent-encoded, without the query.
	Path string
	// State is [Open] or [Closing].
	State State
	// StartedAt is when the head of its request had arrived.
	StartedAt time.Time
	// Awake is whether an instance serves it now; otherwise it hibernates.
	Awake bool
	// Why it does, for a person, as `sessile connections` says it.
	Why string
	// Buffered are the bytes that wait for its peer.
	Buffered uint64
	// Subprotocol is the one that was accepted. Empty where there is none.
	Subprotocol string
}

const sizeofConnection = 88

func connection(m *abi.Memory) Connection {
	found := Connection{
		ID: m.Uint64(0), Handler: m.Text(8), Route: m.Text(16), Path: m.Text(24), State: State(m.Byte(32)),
		StartedAt: time.Unix(0, int64(m.Uint64(40))), Awake: m.Byte(48) == 0, Why: m.Text(52), Buffered: m.Uint64(64),
	}
	if m.Byte(72) != 0 {
		found.Subprotocol = m.Text(76)
	}
	return found
}

// sessionOf is an option's number and its value.
func (which Selection) sessionOf() (some uint32, of uint64) {
	if which.Session == nil {
		return abi.Some(false), 0
	}
	return abi.Some(true), which.Session.of
}

// CountConnections is how many are connected.
func CountConnections(which Selection) (uint64, error) {
	a := abi.Begin()
	defer a.End()
	shared, of := which.sessionOf()
	abi.CountConnections(abi.Some(which.Route != ""), abi.Valid(which.Route), abi.Some(which.Handler != ""),
		abi.Valid(which.Handler), abi.Some(which.Group != ""), abi.Valid(which.Group), shared, of, a)
	if a.Failed() {
		return 0, connectionsError(a)
	}
	return a.Uint64(abi.OK), nil
}

// Connections are those who are connected by ascending ID, asked for in pages as they are taken. One that is connected all
// the while comes once. An error comes once, and is the last.
func Connections(which Selection) iter.Seq2[Connection, error] {
	return paged(func(last *Connection) ([]Connection, error) {
		a := abi.Begin()
		defer a.End()
		var after uint64
		if last != nil {
			after = last.ID
		}
		shared, of := which.sessionOf()
		abi.Connections(abi.Some(which.Route != ""), abi.Valid(which.Route), abi.Some(which.Handler != ""),
			abi.Valid(which.Handler), abi.Some(which.Group != ""), abi.Valid(which.Group), shared, of,
			abi.Some(last != nil), after, 250, a)
		if a.Failed() {
			return nil, connectionsError(a)
		}
		var page []Connection
		a.Each(abi.OK, sizeofConnection, func(m *abi.Memory) { page = append(page, connection(m)) })
		return page, nil
	})
}

// LookupConnection is the one of this ID, if it is connected.
func LookupConnection(id uint64) (found Connection, there bool, err error) {
	a := abi.Begin()
	defer a.End()
	abi.LookupConnection(id, a)
	if a.Failed() {
		return Connection{}, false, connectionsError(a)
	}
	if a.Byte(abi.OK) == 0 {
		return Connection{}, false, nil
	}
	return connection(a.At(abi.OK + 8)), true, nil
}

// SendTo queues a message for one if there is room, and says whether there was, as [WebSocket.TrySend] does: it never waits, and
// wakes no handler. [ErrUnknown] where nobody who is connected has this ID.
func SendTo(id uint64, message Message) (queued bool, err error) {
	a := abi.Begin()
	defer a.End()
	abi.SendTo(id, uint32(message.Kind), message.wire(), a)
	if a.Failed() {
		return false, connectionsError(a)
	}
	return queuedOf(a)
}

// Sent is what became of a message to many: nothing is lost silently.
type Sent struct {
	// Queued outboxes took it, Full had no room.
	Queued, Full uint32
	// Gone were closing; the handlers of TooLarge have a message_bytes_max that is less than it has.
	Gone, TooLarge uint32
}

// SendToAll queues a message for each, as [SendTo]; its bytes are held once.
func SendToAll(which Selection, message Message) (Sent, error) {
	a := abi.Begin()
	defer a.End()
	shared, of := which.sessionOf()
	abi.SendToAll(abi.Some(which.Route != ""), abi.Valid(which.Route), abi.Some(which.Handler != ""),
		abi.Valid(which.Handler), abi.Some(which.Group != ""), abi.Valid(which.Group), shared, of,
		uint32(message.Kind), message.wire(), a)
	if a.Failed() {
		return Sent{}, connectionsError(a)
	}
	return Sent{a.Uint32(abi.OK), a.Uint32(abi.OK + 4), a.Uint32(abi.OK + 8), a.Uint32(abi.OK + 12)}, nil
}

// PingConnection pings one and waits for its pong: how long it was on its way. [CloseError] where none comes in 10 seconds.
func PingConnection(id uint64) (time.Duration, error) {
	a := abi.Begin()
	defer a.End()
	abi.PingConnection(id, a)
	if a.Failed() {
		return 0, connectionsError(a)
	}
	return time.Duration(a.Uint64(abi.OK)), nil
}

// CloseConnection closes one after all that is queued for it, and does not wait. Its handler is told once, as of any close.
func CloseConnection(id uint64, code uint16, reason string) error {
	a := abi.Begin()
	defer a.End()
	abi.CloseConnection(id, uint32(code), abi.Valid(reason), a)
	return done(a, connectionsError)
}
