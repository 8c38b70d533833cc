package main

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"sessile"
)

func answer(w *sessile.Response, r *sessile.Request) error {
	switch r.Param("what") {
	case "command":
		return command(w, r)
	case "echo":
		for part := make([]byte, 64<<10); ; {
			length, err := r.Read(part)
			if err == io.EOF {
				return w.Flush()
			}
			if _, write := w.Write(part[:length]); write != nil || err != nil {
				return errors.Join(err, write)
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
	case "stream":
		w.Headers = guest
		return errors.Join(w.WriteHeader(201), chunks(w, "one ", "two ", "three"))
	case "order":
		if err := w.Flush(); err != nil {
			return err
		}
		said, err := failed(w.WriteHeader(200))
		return errors.Join(err, w.Text(said))
	case "unfinished":
		return errors.Join(chunks(w, "part"), errors.New("this is how a handler leaves a response unfinished"))
	case "cancel":
		return errors.Join(chunks(w, "part"), w.Cancel())
	case "flood":
		chunk := strings.Repeat("x", 60_000)
		for range 200 {
			if err := chunks(w, chunk); err != nil {
				return err
			}
		}
		return nil
	case "no-body":
		return w.WriteHeader(204)
	case "raw":
		return w.Raw([]byte("HTTP/1.1 202 Accepted\r\nx-guest: 1\r\n\r\nraw"), true)
	case "raw-split":
		split := "HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
		return refused(w, 422, w.Raw([]byte(split), false))
	case "json":
		var value any
		if err := r.JSON(&value); err != nil {
			return refused(w, 400, err)
		}
		return w.JSON(value)
	case "form":
		form, err := r.Form()
		return errors.Join(err, w.Text(strings.Join(form.All("a"), "|")))
	case "limit":
		body, err := r.Bytes(1000)
		if err != nil {
			return refused(w, 413, err)
		}
		return w.Text(strconv.Itoa(len(body)))
	case "events":
		return errors.Join(w.SendEvent(sessile.Event{Data: "one"}),
			w.SendEvent(sessile.Event{Name: "tick", ID: "2", Data: "two\nlines"}))
	case "poll":
		return poll(w, r)
	case "fail":
		return errors.New("told to fail")
	case "nothing":
		return nil
	}
	return w.Error(501, "unsupported")
}

func chunks(w *sessile.Response, parts ...string) error {
	for _, part := range parts {
		if _, err := w.WriteString(part); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func command(w *sessile.Response, r *sessile.Request) error {
	body, err := r.Text()
	if err != nil {
		return err
	}
	var answers []string
	for line := range strings.Lines(body) {
		said, err := ofAny(r.Head, r.Session, strings.TrimRight(line, "\n"))
		if err != nil {
			if said, err = failed(err); err != nil {
				return err
			}
		}
		answers = append(answers, said)
	}
	if status, err := strconv.Atoi(r.RawQuery()); err == nil {
		return w.Error(status, strings.Join(answers, "\n"))
	}
	return w.Text(strings.Join(answers, "\n"))
}

func poll(w *sessile.Response, r *sessile.Request) error {
	var news any
	there, err := sessile.Poll(20*time.Millisecond, 20*time.Second, func() (bool, error) {
		session, err := r.Session()
		if err != nil {
			return false, err
		}
		return session.Get("news", &news)
	})
	if err != nil {
		return err
	}
	if !there {
		return w.WriteHeader(204)
	}
	return w.JSON(news)
}

// With this status where it failed.
func refused(w *sessile.Response, status int, err error) error {
	said, err := failed(err)
	if err != nil || said == "" {
		return err
	}
	return w.Error(status, said)
}
