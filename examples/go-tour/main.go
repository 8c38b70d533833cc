// A visitors' room: all three styles in one component, which share the session of a browser. sessile.toml says which of
// them a route calls.
package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sessile"
	"sessile/events"
	"sessile/exchange"
	"sessile/loop"
)

const (
	nameCharsMax = 32
	textCharsMax = 2000
	ticks        = 60
	secondsMax   = 30
	room         = "room"
)

func init() {
	exchange.Handle(api)
	events.Handle(events.Handlers{OnOpen: came, OnMessage: said, OnClose: left})
	loop.Handle(guess)
}

// A handler is called by the host; its main is not run.
func main() {}

// ---- HTTP style: one call for one request ----------------------------------------------------

func api(w *sessile.Response, r *sessile.Request) error {
	switch r.Method() + " " + r.Path() {
	case "GET /api/me":
		visits, err := visit(r)
		// Two requests of one browser may run at once: where another was faster, the visit is counted again.
		for errors.As(err, new(sessile.ConflictError)) {
			visits, err = visit(r)
		}
		if err != nil {
			return err
		}
		return w.JSON(visits)
	case "POST /api/name":
		return rename(w, r)
	case "GET /api/clock":
		return clock(w)
	}
	return refuse(w, 404, "there are GET /api/me, POST /api/name and GET /api/clock")
}

type visitor struct {
	Name   string `json:"name"`
	Visits int    `json:"visits,omitempty"`
}

// Counts the visit in the session, which is saved only over the version that was read.
func visit(r *sessile.Request) (visitor, error) {
	var me visitor
	session, err := r.Session()
	if err != nil {
		return me, err
	}
	if _, err := session.Get("visits", &me.Visits); err != nil {
		return me, err
	}
	me.Visits++
	if err := session.Set("visits", me.Visits); err != nil {
		return me, err
	}
	version, err := session.Version()
	if err != nil {
		return me, err
	}
	if _, err := session.SaveOver(version); err != nil {
		// What was changed is dropped, to be read anew.
		return me, errors.Join(err, session.Discard())
	}
	me.Name, err = nameIn(session)
	return me, err
}

// Takes a form with a name, or a string as JSON. The session is saved with the answer.
func rename(w *sessile.Response, r *sessile.Request) error {
	name, err := sentName(r)
	if errors.As(err, new(sessile.JSONError)) || errors.As(err, new(sessile.SizeError)) {
		return refuse(w, 400, err.Error())
	}
	if err != nil {
		return err
	}
	name = strings.TrimSpace(name)
	if length := utf8.RuneCountInString(name); length < 1 || length > nameCharsMax {
		return refuse(w, 422, fmt.Sprintf("a name has 1 to %d characters", nameCharsMax))
	}
	session, err := r.Session()
	if err != nil {
		return err
	}
	if err := session.Set("name", name); err != nil {
		return err
	}
	return w.JSON(visitor{Name: name})
}

func sentName(r *sessile.Request) (name string, err error) {
	if strings.HasPrefix(r.Header("content-type"), "application/json") {
		err = r.JSON(&name)
		return name, err
	}
	form, err := r.Form()
	return form.Get("name"), err
}

// The time of each second, as seconds since 1970; after the last the browser comes again by itself.
func clock(w *sessile.Response) error {
	for tick := range ticks {
		if tick > 0 {
			time.Sleep(time.Second)
		}
		if err := w.SendEvent(sessile.Event{Data: strconv.FormatInt(time.Now().Unix(), 10)}); err != nil {
			return err
		}
	}
	return nil
}

func refuse(w *sessile.Response, status int, why string) error {
	return w.Error(status, why+"\n")
}

func nameIn(session *sessile.Session) (string, error) {
	name := "somebody"
	_, err := session.Get("name", &name)
	return name, err
}

// ---- Event style: called when something happens; in between no instance need be there --------

func came(ws *sessile.WebSocket) error {
	// Before Accept, so that a new browser gets its cookie with the handshake.
	if _, err := ws.Session(); err != nil {
		return err
	}
	if err := ws.Accept(); err != nil {
		return err
	}
	if err := ws.Join(room); err != nil {
		return err
	}
	return tell(ws, "came", "")
}

func said(ws *sessile.WebSocket, message sessile.Message) error {
	if !message.IsText() {
		return ws.Close(1003, "text only")
	}
	if utf8.RuneCount(message.Data) > textCharsMax {
		return ws.Close(1009, fmt.Sprintf("a text has at most %d characters", textCharsMax))
	}
	return tell(ws, "said", message.Text())
}

func left(ws *sessile.WebSocket, _ sessile.CloseError) error {
	return tell(ws, "left", "")
}

// To all in the room, this one too.
func tell(ws *sessile.WebSocket, event, text string) error {
	session, err := ws.Session()
	if err != nil {
		return err
	}
	name, err := nameIn(session)
	if err != nil {
		return err
	}
	told, err := json.Marshal(map[string]string{"event": event, "name": name, "text": text})
	if err != nil {
		return err
	}
	_, err = sessile.PublishText(room, string(told))
	return err
}

// ---- Loop style: one call for one websocket, as long as it lives; what it knows is in variables --

func guess(ws *sessile.WebSocket) error {
	session, err := ws.Session()
	if err != nil {
		return err
	}
	if err := ws.Accept(); err != nil {
		return err
	}
	name, err := nameIn(session)
	if err != nil {
		return err
	}
	random, err := rand.Int(rand.Reader, big.NewInt(100))
	if err != nil {
		return err
	}
	secret, guesses := 1+int(random.Int64()), 0
	// How long a guess may take: what the URL asks for, but no longer than half a minute.
	seconds, ok := numberIn(ws.Query().Get("seconds"), secondsMax)
	if !ok {
		seconds = secondsMax
	}
	hint := name + ", I think of a number from 1 to 100"
	for {
		message, err := ask(ws, hint, time.Duration(seconds)*time.Second)
		if errors.Is(err, sessile.ErrTimedOut) {
			return errors.Join(ws.SendText(fmt.Sprintf("time is up: it was %d", secret)), ws.Close(4000, "time is up"))
		}
		// Returned, that the peer has left is a normal end, and newer code begins a new game.
		if err != nil {
			return err
		}
		number, ok := numberIn(message.Text(), 100)
		if !ok || !message.IsText() {
			hint = "a number from 1 to 100, please"
			continue
		}
		guesses++
		switch {
		case number == secret:
			return ws.SendText(fmt.Sprintf("yes, in %d guesses", guesses))
		case number < secret:
			hint = "higher"
		default:
			hint = "lower"
		}
	}
}

func ask(ws *sessile.WebSocket, hint string, patience time.Duration) (sessile.Message, error) {
	if err := ws.SendText(hint); err != nil {
		return sessile.Message{}, err
	}
	return ws.ReceiveTimeout(patience)
}

// A whole number from 1 on, if it is one.
func numberIn(text string, highest int) (number int, ok bool) {
	number, err := strconv.Atoi(strings.TrimSpace(text))
	return number, err == nil && number >= 1 && number <= highest
}
