package sessile

import (
	"errors"
	"iter"
	"time"

	"sessile/internal/abi"
)

// State is where a websocket is in its life.
type State uint8

const (
	// Connecting: the handshake has come, nothing has been answered.
	Connecting State = iota
	// Open: accepted.
	Open
	// Closing: a close frame was sent or received, not both.
	Closing
	// Closed: ended.
	Closed
)

func (s State) String() string {
	return [...]string{"connecting", "open", "closing", "closed"}[s&3]
}

// WebSocket is a websocket that the host holds for this handler. What was asked is in its [Head].
type WebSocket struct {
	Head
	closed *CloseError
}

// NewWebSocket is for the packages that export handlers. An id that this instance does not serve traps at its first use.
func NewWebSocket(id uint64) *WebSocket { return &WebSocket{Head: Head{id}} }

// State is where it is in its life.
func (ws *WebSocket) State() State { return State(abi.GetState(ws.id)) }

// OfferedSubprotocols are those that the peer offered, the preferred first.
func (ws *WebSocket) OfferedSubprotocols() []string {
	a := abi.Begin()
	defer a.End()
	abi.OfferedSubprotocols(ws.id, a)
	return a.Texts(0)
}

// Subprotocol is the one that was accepted. Empty where there is none.
func (ws *WebSocket) Subprotocol() string {
	a := abi.Begin()
	defer a.End()
	abi.Subprotocol(ws.id, a)
	if a.Byte(0) == 0 {
		return ""
	}
	return a.Text(4)
}

// Accept answers the handshake. The first Accept of a websocket that was handed over changes nothing.
func (ws *WebSocket) Accept() error { return ws.AcceptWith("", nil) }

// AcceptWith accepts with one of the offered subprotocols, unless it is empty, and more headers. [InvalidError] is one
// that was not offered, or a header that cannot be sent.
func (ws *WebSocket) AcceptWith(subprotocol string, headers Headers) error {
	a := abi.Begin()
	defer a.End()
	fields, count := abi.Lower(headers)
	abi.Accept(ws.id, abi.Some(subprotocol != ""), abi.Valid(subprotocol), fields, count, a)
	return done(a, websocketError)
}

// Reject denies the handshake with a status of 400 to 599, and a text that says why. A page in a browser sees none of
// it: for such, Accept, then Close with a code.
func (ws *WebSocket) Reject(status int, why string) error {
	return ws.RejectWith(status, Headers{{"content-type", "text/plain; charset=utf-8"}}, []byte(why))
}

// RejectWith denies the handshake with headers and a body of your own.
func (ws *WebSocket) RejectWith(status int, headers Headers, body []byte) error {
	a := abi.Begin()
	defer a.End()
	fields, count := abi.Lower(headers)
	abi.Reject(ws.id, uint32(status), fields, count, abi.Binary(body), a)
	return done(a, websocketError)
}

// Send queues a message: it is in order, and queued when this returns, not read by the peer. It waits while the outbox is
// full, as the manifest's overflow says; [WebSocket.TrySend] never does. Text that is no UTF-8 has U+FFFD in its place.
func (ws *WebSocket) Send(message Message) error {
	return ws.send(message.Kind, message.wire())
}

// SendText queues a text.
func (ws *WebSocket) SendText(text string) error { return ws.send(Text, abi.Valid(text)) }

// SendBytes queues bytes.
func (ws *WebSocket) SendBytes(data []byte) error { return ws.send(Binary, abi.Binary(data)) }

// SendJSON queues a value as compact JSON, in a text message. [JSONError] is what JSON cannot express.
func (ws *WebSocket) SendJSON(value any) error { return ws.SendJSONAs(Text, value) }

// SendJSONAs queues a value as compact JSON, in a message of this kind.
func (ws *WebSocket) SendJSONAs(kind Kind, value any) error {
	data, err := encode(value)
	if err != nil {
		return err
	}
	return ws.send(kind, abi.Binary(data))
}

func (ws *WebSocket) send(kind Kind, data string) error {
	a := abi.Begin()
	defer a.End()
	abi.Send(ws.id, uint32(kind), data, a)
	return done(a, websocketError)
}

// TrySend queues a message if there is room, and says whether there was. [CloseError] where the websocket has ended.
func (ws *WebSocket) TrySend(message Message) (queued bool, err error) {
	a := abi.Begin()
	defer a.End()
	abi.TrySend(ws.id, uint32(message.Kind), message.wire(), a)
	if a.Failed() {
		return false, websocketError(a)
	}
	return queuedOf(a)
}

func queuedOf(a *abi.Area) (queued bool, err error) {
	switch a.Byte(abi.OK) {
	case 0:
		return true, nil
	case 1:
		return false, nil
	}
	return false, CloseError{Code: a.Uint16(abi.OK + 8), Reason: a.Text(abi.OK + 12)}
}

// Buffered are the bytes that wait for the peer.
func (ws *WebSocket) Buffered() uint64 { return abi.Buffered(ws.id) }

// Dropped are the messages that overflow = "drop-oldest" of the manifest has dropped so far.
func (ws *WebSocket) Dropped() uint64 { return abi.Dropped(ws.id) }

// Receive waits for the next message. Loop style. It fails with [CloseError] once the websocket has ended, and with
// [ErrRetire], once, when another version of the app can take over.
func (ws *WebSocket) Receive() (Message, error) { return ws.receive(false, 0) }

// ReceiveTimeout waits so long at most, then it fails with [ErrTimedOut].
func (ws *WebSocket) ReceiveTimeout(timeout time.Duration) (Message, error) {
	return ws.receive(true, timeout)
}

func (ws *WebSocket) receive(limited bool, timeout time.Duration) (Message, error) {
	a := abi.Begin()
	defer a.End()
	abi.Awaiting.Receive(ws.id, abi.Some(limited), uint64(max(timeout, 0)), a)
	if a.Failed() {
		err := websocketError(a)
		if closed, ended := err.(CloseError); ended {
			ws.closed = &closed
		}
		return Message{}, err
	}
	return Message{Kind(a.Byte(abi.OK)), a.Bytes(abi.OK + 4)}, nil
}

// ReceiveText waits for the next message, which is to be text; else it is lost, and [ErrWrongKind].
func (ws *WebSocket) ReceiveText() (string, error) {
	message, err := ws.receiveOf(Text)
	return message.Text(), err
}

// ReceiveBytes waits for the next message, which is to be binary; else it is lost, and [ErrWrongKind].
func (ws *WebSocket) ReceiveBytes() ([]byte, error) {
	message, err := ws.receiveOf(Binary)
	return message.Data, err
}

func (ws *WebSocket) receiveOf(kind Kind) (Message, error) {
	message, err := ws.Receive()
	if err == nil && message.Kind != kind {
		return Message{}, ErrWrongKind
	}
	return message, err
}

// ReceiveJSON waits for the next message, of either kind, and reads its JSON into value.
func (ws *WebSocket) ReceiveJSON(value any) error {
	message, err := ws.Receive()
	if err != nil {
		return err
	}
	return message.JSON(value)
}

// ReceiveJSONAs waits for the next message, which is to be of this kind, and reads its JSON into value.
func (ws *WebSocket) ReceiveJSONAs(kind Kind, value any) error {
	message, err := ws.receiveOf(kind)
	if err != nil {
		return err
	}
	return message.JSON(value)
}

// Messages are all that come, until the websocket has ended; then [WebSocket.CloseInfo] says how.
//
//	for message, err := range ws.Messages() {
//		if err != nil {
//			return err
//		}
//		…
//	}
//
// An error other than that end comes once, and is the last; but after [ErrRetire] one may go on.
func (ws *WebSocket) Messages() iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			message, err := ws.Receive()
			if ws.closed != nil || !yield(message, err) || err != nil && !errors.Is(err, ErrRetire) {
				return
			}
		}
	}
}

// CloseInfo says how the websocket has ended, once a receive has met that.
func (ws *WebSocket) CloseInfo() (closed CloseError, ended bool) {
	if ws.closed == nil {
		return CloseError{}, false
	}
	return *ws.closed, true
}

// Close closes, after all that is queued, with a code (1000-1003, 1007-1013, 3000-4999) and a reason of at most 123
// bytes. In loop style it waits for the peer's close, up to a deadline. Before Accept it denies the handshake with 403.
func (ws *WebSocket) Close(code uint16, reason string) error {
	a := abi.Begin()
	defer a.End()
	abi.Close(ws.id, uint32(code), abi.Valid(reason), a)
	return done(a, websocketError)
}

// Ping sends a ping and waits for its pong: how long it was on its way.
func (ws *WebSocket) Ping() (time.Duration, error) {
	a := abi.Begin()
	defer a.End()
	abi.Ping(ws.id, a)
	if a.Failed() {
		return 0, websocketError(a)
	}
	return time.Duration(a.Uint64(abi.OK)), nil
}

// RoundTrip is how long the last ping was on its way, the host's own included, if there was one.
func (ws *WebSocket) RoundTrip() (span time.Duration, there bool) {
	a := abi.Begin()
	defer a.End()
	abi.RoundTrip(ws.id, a)
	return time.Duration(a.Uint64(8)), a.Byte(0) != 0
}

// Attachment are the bytes that are attached to the websocket; none at first. They stay with it while no instance does,
// over new code too, and end with it.
func (ws *WebSocket) Attachment() []byte {
	a := abi.Begin()
	defer a.End()
	abi.Attachment(ws.id, a)
	return a.Bytes(0)
}

// SetAttachment attaches at most 16 KiB in place of what was.
func (ws *WebSocket) SetAttachment(data []byte) error {
	a := abi.Begin()
	defer a.End()
	abi.SetAttachment(ws.id, abi.Binary(data), a)
	return done(a, websocketError)
}

// Attached reads what [WebSocket.Attach] attached into value; nothing happens where nothing is.
func (ws *WebSocket) Attached(value any) (there bool, err error) {
	data := ws.Attachment()
	if len(data) == 0 {
		return false, nil
	}
	return true, decode(data, value)
}

// Attach attaches a value as JSON.
func (ws *WebSocket) Attach(value any) error {
	data, err := encode(value)
	if err != nil {
		return err
	}
	return ws.SetAttachment(data)
}

// Session opens the peer's session; in each event, before anything else of it. Before Accept, a new browser gets its
// cookie with the handshake; after, it gets none.
func (ws *WebSocket) Session() (*Session, error) { return openSession(ws.id) }
