// Package alarms exports what is called when an alarm is due that this handler has set ([sessile.SetAlarm],
// [sessile.Session.SetAlarm]), or the manifest: beside any other handler, or alone.
//
//	func init() {
//		alarms.Handle(func(ringing *sessile.Ringing, alarm sessile.Alarm) error {
//			session, err := ringing.Session()
//			if err != nil {
//				return err
//			}
//			return session.Set("reminded", alarm.Name)
//		})
//	}
//
// After an error, whichever, or a panic, nothing of the session is saved and the alarm rings again: after a second, then two, up to
// five minutes, 300 times. One whose host died in its call rings again too, so what must not happen twice is for the
// handler to see to.
package alarms

import (
	"time"
	"unsafe"

	"sessile"
	"sessile/internal/abi"
	"sessile/internal/handler"
)

var ring = func(*sessile.Ringing, sessile.Alarm) error { return nil }

// Handle says what to call. It is called in an init, since a handler's main is not run.
func Handle(with func(ringing *sessile.Ringing, alarm sessile.Alarm) error) { ring = with }

//go:wasmexport sessile:handler/alarm-handler@0.1.0#on-alarm
func rang(
	id uint64, name unsafe.Pointer, nameLength uint32, due uint64, payload unsafe.Pointer, length, attempt uint32,
) unsafe.Pointer {
	alarm := sessile.Alarm{
		Name: abi.Argument(name, nameLength), Due: time.Unix(0, int64(due)),
		Payload: abi.ArgumentBytes(payload, length), Attempt: attempt,
	}
	return handler.Run(handler.Strict, func() error { return ring(sessile.NewRinging(id), alarm) })
}
