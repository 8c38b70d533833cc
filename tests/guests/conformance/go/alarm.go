package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"sessile"
)

func rang(ringing *sessile.Ringing, alarm sessile.Alarm) error {
	said := fmt.Sprintf("alarm %s %d %s", alarm.Name, alarm.Attempt, alarm.Payload)
	if _, err := sessile.PublishText("alarms", said); err != nil {
		return err
	}
	switch {
	case string(alarm.Payload) == "fail" && alarm.Attempt == 1:
		return errors.New("told to fail")
	case string(alarm.Payload) == "session":
		session, err := ringing.Session()
		if err != nil {
			return err
		}
		return session.Set("news", alarm.Name)
	}
	return nil
}

func ofAlarms(session func() (*sessile.Session, error), line string) (string, error) {
	words := arguments(line, 4)
	milliseconds, _ := strconv.Atoi(words[2])
	due := time.Now().Add(time.Duration(milliseconds) * time.Millisecond)
	switch words[0] {
	case "set":
		return done(sessile.SetAlarm(words[1], due, []byte(words[3])))
	case "set-session":
		session, err := session()
		if err != nil {
			return "", err
		}
		return done(session.SetAlarm(words[1], due, []byte(words[3])))
	case "list":
		return listed(sessile.Alarms(), func(alarm sessile.Alarm) string { return alarm.Name })
	case "cancel":
		there, err := sessile.CancelAlarm(words[1])
		return fmt.Sprint(there), err
	}
	return "unsupported", nil
}
