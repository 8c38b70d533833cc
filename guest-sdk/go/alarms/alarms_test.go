package alarms

import (
	"testing"
	"time"
	"unsafe"

	"sessile"
)

func TestAlarmRingsAgainUnlessItsHandlerSucceeds(t *testing.T) {
	name, payload := []byte("remind"), []byte("of it")
	var heard sessile.Alarm
	failed := func(err error) bool {
		Handle(func(_ *sessile.Ringing, alarm sessile.Alarm) error {
			heard = alarm
			return err
		})
		at := unsafe.Pointer(unsafe.SliceData(payload))
		answer := rang(7, unsafe.Pointer(unsafe.SliceData(name)), uint32(len(name)), 5_000_000_000, at, uint32(len(payload)), 2)
		return *(*uint32)(answer) == 1
	}
	if failed(nil) || heard.Name != "remind" || string(heard.Payload) != "of it" || heard.Attempt != 2 {
		t.Error(heard)
	}
	if !heard.Due.Equal(time.Unix(5, 0)) {
		t.Error(heard.Due)
	}
	// An alarm has no peer that could have left.
	if !failed(sessile.ErrGone) || !failed(sessile.ErrTimedOut) {
		t.Error("not told as a failure")
	}
}
