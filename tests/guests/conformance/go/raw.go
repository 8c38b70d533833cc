package main

import "sessile"

func rawEcho(ws *sessile.WebSocket) error {
	for {
		event, err := ws.ReceiveRaw()
		if err != nil {
			return err
		}
		switch event := event.(type) {
		case sessile.RawConnect:
			err = ws.SendRaw(sessile.RawAccept{Headers: guest})
		case sessile.RawMessage:
			err = rawAnswer(ws, event)
		case sessile.RawDisconnect:
			return left(ws, sessile.CloseError(event))
		}
		if err != nil {
			return err
		}
	}
}

func rawAnswer(ws *sessile.WebSocket, message sessile.RawMessage) error {
	switch string(message.Data) {
	case "states":
		peer, application := ws.RawStates()
		message = sessile.RawMessage(sessile.TextMessage(peer + " " + application))
	case "accept":
		said, err := failed(ws.SendRaw(sessile.RawAccept{Headers: guest}))
		if err != nil {
			return err
		}
		message = sessile.RawMessage(sessile.TextMessage(said))
	}
	return ws.SendRaw(message)
}

func rawDeny(ws *sessile.WebSocket) error {
	if _, err := ws.ReceiveRaw(); err != nil {
		return err
	}
	if err := ws.SendRaw(sessile.RawResponseStart{Status: 418, Headers: guest}); err != nil {
		return err
	}
	if err := ws.SendRaw(sessile.RawResponseBody{Body: []byte("no "), More: true}); err != nil {
		return err
	}
	return ws.SendRaw(sessile.RawResponseBody{Body: []byte("coffee")})
}
