package sessile

import (
	"strconv"
	"strings"
	"time"
)

// Event is a server-sent event (WHATWG HTML §9.2), which a browser's EventSource reads.
type Event struct {
	// Name is for addEventListener; without one it is a message. Line breaks are left out.
	Name string
	// ID is what a browser that comes again sends, see [Request.LastEventID]. Line breaks are left out.
	ID string
	// Retry is how long a browser waits before it comes again, if not 0.
	Retry time.Duration
	// Data has any number of lines.
	Data string
}

// String is the event as it is sent.
func (e Event) String() string {
	var text strings.Builder
	line := func(name, value string) { text.WriteString(name + ": " + value + "\n") }
	if e.Name != "" {
		line("event", oneLine(e.Name))
	}
	if e.ID != "" {
		line("id", oneLine(e.ID))
	}
	if e.Retry > 0 {
		line("retry", strconv.FormatInt(e.Retry.Milliseconds(), 10))
	}
	// Each kind of line break ends a line there, so each does here.
	for data := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(e.Data), "\n") {
		line("data", data)
	}
	return text.String() + "\n"
}

func oneLine(text string) string {
	return strings.NewReplacer("\n", "", "\r", "", "\x00", "").Replace(text)
}

// SendEvent sends an event at once. The first makes the response a stream of them. [ErrGone] is that nobody listens any more.
func (w *Response) SendEvent(event Event) error { return w.stream(event.String()) }

// KeepAlive sends a comment, which no listener sees: it keeps proxies from giving up on a quiet stream of events.
func (w *Response) KeepAlive() error { return w.stream(":\n\n") }

func (w *Response) stream(text string) error {
	if w.stage == buffered {
		w.Headers.Set("content-type", "text/event-stream")
		w.Headers.Set("cache-control", "no-store")
	}
	if _, err := w.WriteString(text); err != nil {
		return err
	}
	return w.Flush()
}
