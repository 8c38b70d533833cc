package sessile

import (
	"time"

	"sessile/internal/abi"
)

// RawIncoming is what comes by [WebSocket.ReceiveRaw]: [RawConnect], [RawMessage], [RawDisconnect]. Raw events are a
// websocket as events in both directions, as ASGI has it, for frameworks that bring an API of their own. In loop style
// only. It is the same websocket with the same rules, and the two ways may be mixed.
type RawIncoming interface{ incoming() }

// RawOutgoing is what goes by [WebSocket.SendRaw]: [RawAccept], [RawMessage], [RawClose], [RawResponseStart],
// [RawResponseBody].
type RawOutgoing interface{ outgoing() abi.Outgoing }

// RawConnect: the handshake has come; first, and once. To a handler that takes over too, whose accept changes nothing.
type RawConnect struct{}

// RawMessage came, or is queued.
type RawMessage Message

// RawDisconnect: the end; last, and once.
type RawDisconnect CloseError

// RawAccept answers the handshake, with a subprotocol if it is not empty.
type RawAccept struct {
	Subprotocol string
	Headers     Headers
}

// RawClose closes.
type RawClose struct {
	Code   uint16
	Reason string
}

// RawResponseStart begins to deny the handshake, with a status of 400 to 599.
type RawResponseStart struct {
	Status  int
	Headers Headers
}

// RawResponseBody is a part of that denial's body, of at most 64 KiB together.
type RawResponseBody struct {
	Body []byte
	// More: another part follows.
	More bool
}

func (RawConnect) incoming()    {}
func (RawMessage) incoming()    {}
func (RawDisconnect) incoming() {}

func (e RawAccept) outgoing() abi.Outgoing {
	name, length := abi.Put(abi.Valid(e.Subprotocol))
	fields, count := abi.Lower(e.Headers)
	return abi.Outgoing{0, abi.Some(e.Subprotocol != ""), name, length, abi.Address(fields), count}
}

func (e RawMessage) outgoing() abi.Outgoing {
	data, length := abi.Put(Message(e).wire())
	return abi.Outgoing{1, uint32(e.Kind), data, length}
}

func (e RawClose) outgoing() abi.Outgoing {
	reason, length := abi.Put(abi.Valid(e.Reason))
	return abi.Outgoing{2, uint32(e.Code), reason, length}
}

func (e RawResponseStart) outgoing() abi.Outgoing {
	fields, count := abi.Lower(e.Headers)
	return abi.Outgoing{3, uint32(e.Status), abi.Address(fields), count}
}

func (e RawResponseBody) outgoing() abi.Outgoing {
	body, length := abi.Put(abi.Binary(e.Body))
	return abi.Outgoing{4, body, length, abi.Some(e.More)}
}

// RawStates are how far the peer and the application have come: connecting, connected, disconnected; the application may
// be denying the handshake (response).
func (ws *WebSocket) RawStates() (peer, application string) {
	a := abi.Begin()
	defer a.End()
	abi.RawStates(ws.id, a)
	return [...]string{"connecting", "connected", "disconnected"}[a.Byte(0)],
		[...]string{"connecting", "connected", "response", "disconnected"}[a.Byte(1)]
}

// SendRaw makes it happen. An event that is illegal in these states is a [StateError], and changes nothing.
func (ws *WebSocket) SendRaw(event RawOutgoing) error {
	a := abi.Begin()
	defer a.End()
	e := event.outgoing()
	abi.RawSend(ws.id, e[0], e[1], e[2], e[3], e[4], e[5], a)
	return done(a, websocketError)
}

// ReceiveRaw waits for the next event.
func (ws *WebSocket) ReceiveRaw() (RawIncoming, error) { return ws.receiveRaw(false, 0) }

// ReceiveRawTimeout waits so long at most, then it fails with [ErrTimedOut].
func (ws *WebSocket) ReceiveRawTimeout(timeout time.Duration) (RawIncoming, error) {
	return ws.receiveRaw(true, timeout)
}

func (ws *WebSocket) receiveRaw(limited bool, timeout time.Duration) (RawIncoming, error) {
	a := abi.Begin()
	defer a.End()
	abi.Awaiting.RawReceive(ws.id, abi.Some(limited), uint64(max(timeout, 0)), a)
	if a.Failed() {
		return nil, websocketError(a)
	}
	switch a.Byte(abi.OK) {
	case 0:
		return RawConnect{}, nil
	case 1:
		return RawMessage{Kind(a.Byte(abi.OK + 4)), a.Bytes(abi.OK + 8)}, nil
	}
	return RawDisconnect{Code: a.Uint16(abi.OK + 4), Reason: a.Text(abi.OK + 8)}, nil
}
