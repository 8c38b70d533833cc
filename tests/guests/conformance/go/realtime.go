package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"sessile"
)

// Each argument but the last ends at a blank.
func arguments(line string, count int) []string {
	words := strings.SplitN(line, " ", count)
	return append(words, make([]string, count-len(words))...)
}

func joinAs(ws *sessile.WebSocket, line string) (string, error) {
	words := arguments(line, 4)
	since, err := position(words[1])
	if err != nil {
		return "", err
	}
	how := sessile.Membership{Since: since}
	if words[2] != "-" {
		how.Tags = strings.Split(words[2], ",")
	}
	if words[3] != "-" {
		how.Metadata = json.RawMessage(words[3])
	}
	joined, err := ws.JoinAs(words[0], how)
	return fmt.Sprintf("at %s recovered %t publications %d", at(joined.Position), joined.Recovered, joined.Publications), err
}

func position(text string) (*sessile.Position, error) {
	if text == "-" {
		return nil, nil
	}
	position := new(sessile.Position)
	return position, position.UnmarshalText([]byte(text))
}

func at(position *sessile.Position) string {
	if position == nil {
		return "(none)"
	}
	return position.String()
}

// Groups, as websockets and HTTP have them.
func ofGroups(head sessile.Head, verb, line string) (string, error) {
	switch verb {
	case "publish-to":
		words := arguments(line, 3)
		var to sessile.Scope
		if words[1] == "not-me" {
			to.Except = head.ID()
		}
		to.Tag, _ = strings.CutPrefix(words[1], "tag:")
		if to.Tag == words[1] {
			to.Tag = ""
		}
		told, err := sessile.PublishTo(words[0], sessile.TextMessage(words[2]), to)
		return fmt.Sprintf("queued %d full %d gone %d at %s", told.Queued, told.Full, told.Gone, at(told.Position)), err
	case "members-count":
		count, err := sessile.CountMembers(line)
		return fmt.Sprint(count), err
	case "members":
		return listed(sessile.Members(line), func(member sessile.Member) string {
			metadata := "(none)"
			if member.Metadata != nil {
				metadata = string(member.Metadata)
			}
			return metadata + ";" + strings.Join(member.Tags, ",")
		})
	case "history":
		words := arguments(line, 3)
		since, err := position(words[1])
		if err != nil {
			return "", err
		}
		limit, _ := strconv.Atoi(words[2])
		page, err := sessile.History(words[0], since, uint32(limit))
		said := fmt.Sprintf("at %s recovered %t", page.Position, page.Recovered)
		for _, kept := range page.Publications {
			said += "|" + kept.Message.Text()
		}
		return said, err
	}
	return "unsupported", nil
}

func listed[T any](items iter.Seq2[T, error], show func(T) string) (string, error) {
	var all []string
	for item, err := range items {
		if err != nil {
			return "", err
		}
		all = append(all, show(item))
	}
	return strings.Join(all, "|"), nil
}

func ofConnections(line string) (string, error) {
	verb, rest, _ := strings.Cut(line, " ")
	first, text, _ := strings.Cut(rest, " ")
	id, _ := strconv.ParseUint(first, 10, 64)
	switch verb {
	case "count":
		count, err := sessile.CountConnections(sessile.Selection{Route: rest})
		return fmt.Sprint(count), err
	case "list":
		return listed(sessile.Connections(sessile.Selection{Group: rest}), func(found sessile.Connection) string {
			return fmt.Sprintf("%s %s", found.Handler, found.State)
		})
	case "lookup":
		found, there, err := sessile.LookupConnection(id)
		if err != nil {
			return "", err
		}
		return optional(fmt.Sprintf("%s %s %s", found.Handler, found.Route, found.State), there)
	case "send":
		queued, err := sessile.SendTo(id, sessile.TextMessage(text))
		switch {
		case errors.As(err, new(sessile.CloseError)):
			return "gone", nil
		case queued:
			return "queued", err
		}
		return "full", err
	case "send-all":
		sent, err := sessile.SendToAll(sessile.Selection{Route: first}, sessile.TextMessage(text))
		return fmt.Sprintf("queued %d full %d gone %d", sent.Queued, sent.Full, sent.Gone), err
	case "ping":
		_, err := sessile.PingConnection(id)
		return done(err)
	case "close":
		code, reason, _ := strings.Cut(text, " ")
		number, _ := strconv.Atoi(code)
		return done(sessile.CloseConnection(id, uint16(number), reason))
	}
	return "unsupported", nil
}
