package handler

import (
	"errors"
	"fmt"
	"testing"

	"sessile"
)

func TestPeerThatLeftIsANormalEnd(t *testing.T) {
	for _, left := range []error{nil, sessile.CloseError{Code: 1001}, fmt.Errorf("to join: %w", sessile.ErrGone)} {
		for _, verdict := range []Verdict{Lenient, Looped} {
			if outcome, failure := verdict(left); outcome != finished || failure != nil {
				t.Errorf("%v: %v %v", left, outcome, failure)
			}
		}
	}
	if _, failure := Strict(sessile.CloseError{Code: 1001}); failure == nil {
		t.Error("what is sent after the end is the handler's mistake")
	}
}

func TestLoopThatIsToRetireHandsOver(t *testing.T) {
	if outcome, failure := Looped(fmt.Errorf("waiting: %w", sessile.ErrRetire)); outcome != handoff || failure != nil {
		t.Error(outcome, failure)
	}
	if _, failure := Lenient(sessile.ErrRetire); failure == nil {
		t.Error("events have nothing to hand over")
	}
	wrong := errors.New("no seat")
	if _, failure := Looped(wrong); failure != wrong {
		t.Error(failure)
	}
}

func TestTraceBeginsWhereThePanicWas(t *testing.T) {
	stack := "goroutine 1 [running]:\nruntime/debug.Stack()\n\tstack.go:26\nsessile/internal/handler.caught.func1()\n" +
		"\thandler.go:74\npanic({0x1, 0x2})\n\tpanic.go:859\nmain.said(0x3)\n\tchat/main.go:12 +0x2\n" +
		"sessile/events.told()\n\tevents.go:60\nsessile/internal/handler.caught(0x33)\n\thandler.go:77\n"
	wanted := "main.said(0x3)\n\tchat/main.go:12 +0x2\nsessile/events.told()\n\tevents.go:60\n"
	if found := trace(stack); found != wanted {
		t.Errorf("%q", found)
	}
}
