package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sessile"
)

// In place of an answer: it was answered, or is not to be.
var silent = errors.New("no answer")

// The answer that an error is, where it is not the handler's end.
func failed(err error) (string, error) {
	var state sessile.StateError
	var bad sessile.JSONError
	switch {
	case errors.As(err, &state) && state.Call == "":
		return "error wrong-order", nil
	case errors.As(err, &state):
		return fmt.Sprintf("error wrong-state %s %s", state.Call, state.State), nil
	case errors.As(err, &bad):
		return fmt.Sprintf("error bad-json %d:%d", bad.Line, bad.Column), nil
	case errors.As(err, new(sessile.SizeError)):
		return "error too-large", nil
	case errors.As(err, new(sessile.InvalidError)):
		return "error invalid", nil
	case errors.As(err, new(sessile.ConflictError)):
		return "error conflict", nil
	}
	for known, name := range map[error]string{
		sessile.ErrWrongKind: "wrong-kind", sessile.ErrTimedOut: "timed-out", sessile.ErrWrongStyle: "wrong-style",
		sessile.ErrCookieUnreachable: "cookie-unreachable", sessile.ErrSessionDeleted: "deleted",
		sessile.ErrSessionUnavailable: "unavailable", sessile.ErrSessionNotOpen: "not-open",
		sessile.ErrUnknown: "unknown", sessile.ErrUnavailable: "unavailable", sessile.ErrUnsupported: "unsupported",
		sessile.ErrNoAlarmHandler: "no-handler",
	} {
		if errors.Is(err, known) {
			return "error " + name, nil
		}
	}
	return "", err
}

// Does what a message says.
func obey(ws *sessile.WebSocket, message sessile.Message) error {
	if !message.IsText() {
		return ws.Send(message)
	}
	said, err := ofWebSocket(ws, message.Text())
	if err == silent {
		return nil
	}
	if err != nil {
		if said, err = failed(err); err != nil {
			return err
		}
	}
	return ws.SendText(said)
}

func ofWebSocket(ws *sessile.WebSocket, line string) (string, error) {
	verb, rest, _ := strings.Cut(line, " ")
	number, _ := strconv.Atoi(rest)
	switch verb {
	case "state":
		return ws.State().String(), nil
	case "id":
		return fmt.Sprint(ws.ID()), nil
	case "subprotocol":
		return optional(ws.Subprotocol(), ws.Subprotocol() != "")
	case "offered":
		return strings.Join(ws.OfferedSubprotocols(), "|"), nil
	case "text":
		return quietly(ws.SendText(rest))
	case "bytes":
		return quietly(ws.SendBytes([]byte(rest)))
	case "json":
		return sendJSON(ws, sessile.Text, rest)
	case "json-binary":
		return sendJSON(ws, sessile.Binary, rest)
	case "accept":
		return done(ws.Accept())
	case "close":
		code, reason, _ := strings.Cut(rest, " ")
		number, _ := strconv.Atoi(code)
		return quietly(ws.Close(uint16(number), reason))
	case "ping":
		_, err := ws.Ping()
		return done(err)
	case "round-trip":
		took, there := ws.RoundTrip()
		return optional(fmt.Sprint(took.Nanoseconds()), there)
	case "flood":
		for i := range number {
			if err := ws.SendText(strconv.Itoa(i)); err != nil {
				return "", err
			}
		}
		return "", silent
	case "try-send":
		return trySend(ws, number)
	case "dropped":
		return fmt.Sprint(ws.Dropped()), nil
	case "buffered":
		return fmt.Sprint(ws.Buffered()), nil
	case "join":
		return done(ws.Join(rest))
	case "leave":
		return done(ws.Leave(rest))
	case "join-as":
		return joinAs(ws, rest)
	case "attach":
		return done(ws.SetAttachment([]byte(rest)))
	case "attachment":
		return string(ws.Attachment()), nil
	case "receive":
		message, err := ws.ReceiveTimeout(time.Duration(number) * time.Millisecond)
		return message.Text(), err
	case "receive-text":
		return ws.ReceiveText()
	case "receive-bytes":
		data, err := ws.ReceiveBytes()
		return strconv.Itoa(len(data)), err
	case "receive-json":
		var value any
		return sendBack(ws, ws.ReceiveJSONAs(sessile.Text, &value), &value)
	case "receive-json-binary":
		var value any
		return sendBack(ws, ws.ReceiveJSONAs(sessile.Binary, &value), &value)
	}
	return ofAny(ws.Head, ws.Session, line)
}

func sendJSON(ws *sessile.WebSocket, kind sessile.Kind, text string) (string, error) {
	var value any
	if err := sessile.TextMessage(text).JSON(&value); err != nil {
		return "", err
	}
	return quietly(ws.SendJSONAs(kind, value))
}

func sendBack(ws *sessile.WebSocket, err error, value *any) (string, error) {
	if err != nil {
		return "", err
	}
	return quietly(ws.SendJSON(*value))
}

func trySend(ws *sessile.WebSocket, times int) (string, error) {
	var queued, full, gone int
	message := sessile.TextMessage(strings.Repeat("x", 60_000))
	for range times {
		took, err := ws.TrySend(message)
		switch {
		case errors.As(err, new(sessile.CloseError)):
			gone++
		case err != nil:
			return "", err
		case took:
			queued++
		default:
			full++
		}
	}
	return fmt.Sprintf("queued %d full %d gone %d", queued, full, gone), nil
}

// Commands of websockets and of HTTP.
func ofAny(head sessile.Head, session func() (*sessile.Session, error), line string) (string, error) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "method":
		return head.Method(), nil
	case "scheme":
		return head.Scheme(), nil
	case "host", "url-hostname":
		return head.URL().Hostname(), nil
	case "path":
		return head.Path(), nil
	case "http-version":
		return head.HTTPVersion(), nil
	case "query":
		return optional(head.RawQuery(), head.RawQuery() != "")
	case "client":
		return head.PeerAddress(), nil
	case "server":
		return head.LocalAddress(), nil
	case "started":
		return fmt.Sprint(head.StartedAt().UnixMilli()), nil
	case "url":
		return head.URL().Redacted(), nil
	case "url-port":
		return optional(head.URL().Port(), head.URL().Port() != "")
	case "is-secure":
		return fmt.Sprint(head.IsSecure()), nil
	case "is-local":
		return fmt.Sprint(head.IsLocal()), nil
	case "origin":
		return optional(head.Origin(), head.Origin() != "")
	case "param":
		return optional(head.Params().Lookup(rest))
	case "header":
		return optional(head.Header(rest), len(head.Headers().Values(rest)) > 0)
	case "headers":
		return strings.Join(head.Headers().Values(rest), "|"), nil
	case "header-names":
		var names []string
		for _, field := range head.Headers() {
			names = append(names, field[0])
		}
		return strings.Join(names, "|"), nil
	case "query-param":
		return optional(head.Query().Lookup(rest))
	case "query-params":
		return strings.Join(head.Query().All(rest), "|"), nil
	case "cookie":
		return optional(head.Cookies().Lookup(rest))
	case "cookies":
		return strings.Join(head.Cookies().All(rest), "|"), nil
	case "publish":
		group, text, _ := strings.Cut(rest, " ")
		publication, err := sessile.PublishText(group, text)
		return fmt.Sprintf("queued %d dropped %d", publication.Queued, publication.Dropped), err
	case "connections":
		return ofConnections(rest)
	case "alarm":
		return ofAlarms(session, rest)
	case "sleep":
		milliseconds, _ := strconv.Atoi(rest)
		time.Sleep(time.Duration(milliseconds) * time.Millisecond)
		return "ok", nil
	case "log":
		sessile.Logf(sessile.LevelWarn, "%s", rest)
		return "ok", nil
	case "session":
		session, err := session()
		if err != nil {
			return "", err
		}
		return ofSession(session, rest)
	case "fail":
		return "", errors.New(rest)
	case "crash":
		return []string{}[len(line)], nil
	case "spin":
		for {
		}
	}
	return ofGroups(head, verb, rest)
}

func ofSession(session *sessile.Session, line string) (string, error) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "open":
		return "ok", nil
	case "get":
		var value any
		there, err := session.Get(rest, &value)
		return compact(value, there, err)
	case "set":
		key, text, _ := strings.Cut(rest, " ")
		return done(session.SetJSON(key, []byte(text)))
	case "remove":
		there, err := session.Remove(rest)
		return fmt.Sprint(there), err
	case "contains":
		there, err := session.Has(rest)
		return fmt.Sprint(there), err
	case "keys":
		keys, err := session.Keys()
		return strings.Join(keys, "|"), err
	case "is-empty":
		empty, err := session.IsEmpty()
		return fmt.Sprint(empty), err
	case "is-new":
		fresh, err := session.IsNew()
		return fmt.Sprint(fresh), err
	case "version":
		version, err := session.Version()
		return fmt.Sprint(version), err
	case "clear":
		return done(session.Clear())
	case "discard":
		return done(session.Discard())
	case "save":
		_, err := session.Save()
		return done(err)
	case "save-if":
		version, _ := strconv.ParseUint(rest, 10, 64)
		_, err := session.SaveOver(version)
		return done(err)
	case "cycle":
		return done(session.CycleID())
	case "flush":
		return done(session.Flush())
	case "expiry":
		seconds, _ := strconv.Atoi(rest)
		return done(session.SetExpiry(time.Duration(seconds) * time.Second))
	case "user":
		var name string
		there, err := session.User(&name)
		if err != nil {
			return "", err
		}
		return optional(name, there)
	}
	return "unsupported", nil
}

func compact(value any, there bool, err error) (string, error) {
	if err != nil || !there {
		said, _ := optional("", false)
		return said, err
	}
	text, err := json.Marshal(value)
	return string(text), err
}

func optional(value string, there bool) (string, error) {
	if !there {
		return "(none)", nil
	}
	return value, nil
}

func done(err error) (string, error) { return "ok", err }

func quietly(err error) (string, error) {
	if err == nil {
		err = silent
	}
	return "", err
}
