package sessile

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func same[T comparable](t *testing.T, found, wanted T) {
	t.Helper()
	if found != wanted {
		t.Errorf("found %v, wanted %v", found, wanted)
	}
}

func TestQueryOfDuplicatesGivesTheLastAndAll(t *testing.T) {
	values := parseQuery("a=1&b=x+y%20%C3%A9&a=2&&c&%zz=%zz")
	same(t, values.Get("a"), "2")
	same(t, values.Get("b"), "x y é")
	same(t, values.Get("%zz"), "%zz")
	_, there := values.Lookup("c")
	_, absent := values.Lookup("d")
	same(t, there && !absent && values.Get("d") == "", true)
	same(t, slices.Equal(values.All("a"), []string{"1", "2"}), true)
	same(t, parseQuery("%ff").Get("\uFFFD"), "")
	same(t, parseQuery("%ff")[0][0], "\uFFFD")
}

func TestHeadersAreFoundInAnyCaseAndKeepTheirOrder(t *testing.T) {
	headers := Headers{{"accept", "a"}, {"accept", "b"}, {"x", "1"}}
	same(t, headers.Get("Accept"), "a")
	same(t, slices.Equal(headers.Values("ACCEPT"), []string{"a", "b"}), true)
	before := headers
	headers.Set("Accept", "c")
	headers.Add("x", "2")
	same(t, slices.Equal(headers, Headers{{"x", "1"}, {"Accept", "c"}, {"x", "2"}}), true)
	same(t, slices.Equal(before, Headers{{"accept", "a"}, {"accept", "b"}, {"x", "1"}}), true)
}

func TestCookiesOfSeveralHeadersAreAllRead(t *testing.T) {
	cookies := parseCookies([]string{`a=1; b="two"`, "a=3;lonely; c="})
	same(t, cookies.Get("a"), "3")
	same(t, cookies.Get("b"), "two")
	same(t, len(cookies), 4)
}

func TestURLOfMalformedHostHasTheAddressThatWasReached(t *testing.T) {
	of := func(authority string) string {
		return parseURL("ws", authority, "127.0.0.1:80", "/a%20b", "q=1", true).Redacted()
	}
	same(t, of("u:secret@h:1"), "ws://u:xxxxx@h:1/a%20b?q=1")
	same(t, of("[::1]:8443"), "ws://[::1]:8443/a%20b?q=1")
	for _, bad := range []string{"", ":80", "a b", "h:port", "[::1", "h/p", "h?q", "h#f"} {
		same(t, of(bad), "ws://127.0.0.1:80/a%20b?q=1")
	}
	same(t, parseURL("http", "h", "l", "/%zz", "", false).Path, "/%zz")
}

func TestJSONThatIsBadNamesThePosition(t *testing.T) {
	var value struct{ B int }
	for text, at := range map[string][2]uint32{
		"{\"a\":\n oops}":     {2, 2},
		"[1, ?]":              {1, 5},
		"[1,\n\"é\xff\"]":     {2, 4},
		"{\"b\":\n\n  \"x\"}": {3, 5},
	} {
		var bad JSONError
		if !errors.As(TextMessage(text).JSON(&value), &bad) || [2]uint32{bad.Line, bad.Column} != at {
			t.Errorf("%q: %+v", text, bad)
		}
	}
	_, err := encode(func() {})
	same(t, errors.As(err, new(JSONError)), true)
	same(t, TextMessage(`{"b": 7}`).JSON(&value) == nil && value.B == 7, true)
}

func TestErrorsSayTheirValues(t *testing.T) {
	for _, c := range []struct {
		err   error
		words string
	}{
		{CloseError{Code: 1005}, "the websocket has ended with 1005"},
		{CloseError{Code: 4000, Reason: "bye"}, "the websocket has ended with 4000 bye"},
		{StateError{Call: "send", State: Connecting.String()}, "send is not for a websocket that is connecting"},
		{StateError{State: finished.String()}, "not now: the response is finished"},
		{SizeError{Actual: 2, Limit: 1}, "2 exceeds the limit of 1"},
		{JSONError{Line: 1, Column: 2, Reason: "why"}, "bad JSON at line 1 column 2: why"},
		{ConflictError{Saved: 3}, "version 3 of the session is saved"},
		{LengthError{Actual: 1, Promised: 2}, "1 bytes sent, 2 promised"},
	} {
		same(t, c.err.Error(), c.words)
	}
}

func TestTextThatIsNoUTF8GoesOutAsWhatIs(t *testing.T) {
	same(t, TextMessage("a\xffb").wire(), "a\uFFFDb")
	same(t, BinaryMessage([]byte("a\xffb")).wire(), "a\xffb")
	same(t, Message{}.wire(), "")
}

func TestEventCannotSmuggleAField(t *testing.T) {
	event := Event{Name: "x\nretry: 1", ID: "1\r2", Data: "a\r\nid: 9\rb"}
	same(t, event.String(), "event: xretry: 1\nid: 12\ndata: a\ndata: id: 9\ndata: b\n\n")
	same(t, Event{Retry: 2 * time.Second}.String(), "retry: 2000\ndata: \n\n")
}

func TestResponseThatStreamsHasNoOtherStatus(t *testing.T) {
	w := NewResponse(0)
	same(t, w.Redirect(303, "/new") == nil && w.status == 303 && w.Headers.Get("Location") == "/new", true)
	w.stage = streaming
	same(t, w.WriteHeader(200), error(StateError{State: "streaming"}))
	w.stage = finished
	_, err := w.WriteString("more")
	same(t, err, error(StateError{State: "finished"}))
}

func TestCallOutsideOfAHostSaysSo(t *testing.T) {
	defer func() {
		same(t, recover(), any("only a host can do that: serve the handler, with `sessile up`"))
	}()
	_ = NewWebSocket(1).Accept()
}
