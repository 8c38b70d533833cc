// A room, in event style: what one says, all hear, under the name that their browser goes by.
//
// Between two calls nothing of this need be in memory, and new code takes over at the next message. So a variable would not
// last: what must last goes into the session, and the host keeps who is in which group.
package main

import (
	"strings"

	"sessile"
	"sessile/events"
)

const room = "room"

func init() {
	events.Handle(events.Handlers{OnOpen: came, OnMessage: said})
}

// A handler is called by the host; its main is not run.
func main() {}

// Somebody comes. The session is opened before Accept, so that a new browser gets its cookie with the handshake.
func came(ws *sessile.WebSocket) error {
	if _, err := ws.Session(); err != nil {
		return err
	}
	if err := ws.Accept(); err != nil {
		return err
	}
	if err := ws.Join(room); err != nil {
		return err
	}
	return ws.SendText("welcome; `/name Ada` gives you a name")
}

// A message came. An error would end this websocket alone, and tell the log why.
func said(ws *sessile.WebSocket, message sessile.Message) error {
	if !message.IsText() {
		return ws.Close(1003, "text only")
	}
	session, err := ws.Session()
	if err != nil {
		return err
	}
	if name, found := strings.CutPrefix(message.Text(), "/name "); found {
		return rename(ws, session, strings.TrimSpace(name))
	}
	name := "somebody"
	if _, err := session.Get("name", &name); err != nil {
		return err
	}
	_, err = sessile.PublishText(room, line(name, message.Text()))
	return err
}

func rename(ws *sessile.WebSocket, session *sessile.Session, name string) error {
	if err := session.Set("name", name); err != nil {
		return err
	}
	// From here on the name survives even a crash of the host.
	if _, err := session.Save(); err != nil {
		return err
	}
	return ws.SendText("you are " + name)
}

// What all hear. A function that calls nothing of the host's is tested as ever: `go test`.
func line(name, text string) string {
	return name + ": " + strings.TrimSpace(text)
}
