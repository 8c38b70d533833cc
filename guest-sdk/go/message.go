package sessile

import "sessile/internal/abi"

// Kind is that of a message.
type Kind uint8

const (
	Text Kind = iota
	Binary
)

// Message is one whole WebSocket message.
type Message struct {
	Kind Kind
	// Data is UTF-8 in a text message.
	Data []byte
}

// TextMessage makes one of a text.
func TextMessage(text string) Message { return Message{Text, []byte(text)} }

// BinaryMessage makes one of bytes, which are not copied.
func BinaryMessage(data []byte) Message { return Message{Binary, data} }

// Text is what is in it.
func (m Message) Text() string { return string(m.Data) }

// IsText is whether it is a text.
func (m Message) IsText() bool { return m.Kind == Text }

// JSON reads a message of either kind into value, as [json.Unmarshal] does; a [JSONError] has the position.
func (m Message) JSON(value any) error { return decode(m.Data, value) }

// wire is what the host reads.
func (m Message) wire() string {
	if m.Kind == Text {
		return abi.Valid(abi.Binary(m.Data))
	}
	return abi.Binary(m.Data)
}
