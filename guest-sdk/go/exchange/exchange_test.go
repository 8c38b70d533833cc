package exchange

import (
	"errors"
	"fmt"
	"testing"

	"sessile"
)

// failed is whether the host is told so: the first word of its result.
func failed(err error) bool {
	Handle(func(*sessile.Response, *sessile.Request) error { return err })
	return *(*uint32)(handle(7)) == 1
}

func TestPeerThatLeftIsANormalEnd(t *testing.T) {
	if failed(fmt.Errorf("a tick: %w", sessile.ErrGone)) || failed(nil) {
		t.Error("told as a failure")
	}
	if !failed(errors.New("no seat")) || !failed(sessile.ErrTimedOut) {
		t.Error("not told as a failure")
	}
}
