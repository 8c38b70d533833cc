// The conformance guest in Go. Its contract is ../README.md.
package main

import (
	"errors"
	"fmt"

	"sessile"
	"sessile/alarms"
	"sessile/events"
	"sessile/exchange"
	"sessile/loop"
	"sessile/upgrade"
)

var guest = sessile.Headers{{"x-guest", "1"}}

func init() {
	events.Handle(events.Handlers{OnOpen: came, OnMessage: obey, OnClose: left})
	upgrade.Handle(func(ws *sessile.WebSocket, _ uint64) error { return ws.SetAttachment([]byte("upgraded")) })
	loop.Handle(looped)
	exchange.Handle(answer)
	alarms.Handle(rang)
}

func main() {}

func came(ws *sessile.WebSocket) error {
	if ws.RawQuery() == "undecided" {
		return nil
	}
	return open(ws)
}

func left(ws *sessile.WebSocket, closed sessile.CloseError) error {
	return tell(ws, fmt.Sprintf("closed %d %s", closed.Code, closed.Reason))
}

func looped(ws *sessile.WebSocket) error {
	switch ws.RawQuery() {
	case "raw":
		return rawEcho(ws)
	case "raw-deny":
		return rawDeny(ws)
	}
	if err := open(ws); err != nil {
		return err
	}
	count := 0
	for message, err := range ws.Messages() {
		if err != nil {
			return err
		}
		count++
		if message.IsText() && message.Text() == "count" {
			err = ws.SendText(fmt.Sprint(count))
		} else {
			err = obey(ws, message)
		}
		if err != nil {
			return err
		}
	}
	if closed, ended := ws.CloseInfo(); ended {
		if err := left(ws, closed); err != nil {
			return err
		}
	}
	_, err := ws.Receive()
	var closed sessile.CloseError
	if errors.As(err, &closed) {
		return tell(ws, fmt.Sprintf("again %d", closed.Code))
	}
	return err
}

// To the group that the path names.
func tell(ws *sessile.WebSocket, text string) error {
	_, err := sessile.PublishText(ws.Param("room"), text)
	return err
}

func open(ws *sessile.WebSocket) error {
	switch ws.RawQuery() {
	case "reject":
		return ws.RejectWith(418, guest, []byte("no coffee"))
	case "close":
		return ws.Close(1000, "")
	case "fail":
		return errors.New("told to fail")
	case "subprotocol":
		return ws.AcceptWith("b", guest)
	case "not-offered":
		return refuse(ws, ws.AcceptWith("zzz", guest))
	case "invalid-head":
		return refuse(ws, ws.AcceptWith("", sessile.Headers{{"bad name", "1"}}))
	case "early":
		early := ws.SendText("early")
		if err := ws.AcceptWith("", guest); err != nil {
			return err
		}
		said, err := failed(early)
		return errors.Join(err, ws.SendText(said))
	case "session":
		if _, err := ws.Session(); err != nil {
			return err
		}
	}
	return ws.AcceptWith("", guest)
}

func refuse(ws *sessile.WebSocket, accepted error) error {
	said, err := failed(accepted)
	if err != nil {
		return err
	}
	return ws.Reject(400, said)
}
