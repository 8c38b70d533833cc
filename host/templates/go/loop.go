// An echo that counts, in loop style: one call for one websocket, as long as it lives.
//
// It may keep what it likes in variables: its instance serves nobody else, and blocks nobody while it waits. The price is
// memory for each open websocket; where thousands are idle, event style costs less.
package main

import (
	"fmt"

	"sessile"
	"sessile/loop"
)

func init() {
	loop.Handle(echo)
}

// A handler is called by the host; its main is not run.
func main() {}

func echo(ws *sessile.WebSocket) error {
	// Until now it could look at the request and say ws.Reject(403, "why").
	if err := ws.Accept(); err != nil {
		return err
	}
	count := 0
	// It waits for each, and ends once the peer has left. An error says that new code wants to take over: returned, it does.
	for message, err := range ws.Messages() {
		if err != nil {
			return err
		}
		count++
		if message.IsText() {
			message = sessile.TextMessage(line(count, message.Text()))
		}
		// Any other error that is returned would end this websocket alone, with 1011, and tell the log why.
		if err := ws.Send(message); err != nil {
			return err
		}
	}
	closed, _ := ws.CloseInfo()
	sessile.Logf(sessile.LevelInfo, "%d messages, then %d", count, closed.Code)
	return nil
}

// What comes back. A function that calls nothing of the host's is tested as ever: `go test`.
func line(count int, text string) string {
	return fmt.Sprintf("%d: %s", count, text)
}
