package publications

import (
	"errors"
	"testing"
	"unsafe"

	"sessile"
)

func TestPublicationsAreToldOneByOneUntilOneFails(t *testing.T) {
	items := make([]byte, 3*sessile.SizeofTold)
	items[sessile.SizeofTold+32] = 1 // A presence.
	var heard []bool
	call := func(of []byte) bool {
		heard = nil
		count := uint32(len(of) / sessile.SizeofTold)
		return *(*uint32)(published(7, unsafe.Pointer(unsafe.SliceData(of)), count)) == 1
	}
	Handle(func(_ *sessile.WebSocket, told sessile.Told) error {
		heard = append(heard, told.Presence != nil)
		if told.Presence != nil {
			return errors.New("enough")
		}
		return sessile.ErrGone
	})
	// That the peer has left ends what is told, and is no failure.
	if call(items) || len(heard) != 1 {
		t.Error(heard)
	}
	if !call(items[sessile.SizeofTold:]) || len(heard) != 1 || !heard[0] {
		t.Error(heard)
	}
	Handle(func(*sessile.WebSocket, sessile.Told) error { heard = append(heard, true); return nil })
	if call(items) || len(heard) != 3 {
		t.Error(heard)
	}
}
