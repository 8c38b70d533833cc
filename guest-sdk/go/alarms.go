package sessile

import (
	"iter"
	"math"
	"time"

	"sessile/internal/abi"
)

// Alarm is a call of a handler of package alarms at a time to come.
type Alarm struct {
	// Name has 1 to 100 bytes.
	Name string
	// Due is when it was to ring first; it never rings before.
	Due time.Time
	// Payload is what came with it.
	Payload []byte
	// Attempt is which call this is, or would be next: from 1.
	Attempt uint32
}

const sizeofAlarm = 32

// Ringing is an alarm that rings.
type Ringing struct{ id uint64 }

// NewRinging is for the package that exports the handler.
func NewRinging(id uint64) *Ringing { return &Ringing{id} }

// Session opens the one that the alarm is of; it is saved when the handler returns nil. An alarm of the app has none, and traps.
func (r *Ringing) Session() (*Session, error) { return openSession(r.id) }

// SetAlarm sets one of the app, durably, in place of one of the same name, with at most 16 KiB. The handler that sets it is the one
// that it rings: [ErrNoAlarmHandler] where that does not import package alarms.
func SetAlarm(name string, due time.Time, payload []byte) error { return app.set(name, due, payload) }

// CancelAlarm takes one of the app back, and says whether it was there.
func CancelAlarm(name string) (there bool, err error) { return app.cancel(name) }

// Alarms are those of the app by name, asked for in pages as they are taken. An error comes once, and is the last.
func Alarms() iter.Seq2[Alarm, error] { return app.alarms() }

// SetAlarm sets one of the session, as [SetAlarm] does. It ends with the session. [ErrSessionNotOpen] where that was never saved, or
// is empty: it could not be found again.
func (s *Session) SetAlarm(name string, due time.Time, payload []byte) error {
	return s.owner().set(name, due, payload)
}

// CancelAlarm takes one of the session back, and says whether it was there.
func (s *Session) CancelAlarm(name string) (there bool, err error) { return s.owner().cancel(name) }

// Alarms are those of the session, as [Alarms].
func (s *Session) Alarms() iter.Seq2[Alarm, error] { return s.owner().alarms() }

// owner is whose alarms are meant: which case of the WIT, and the session.
type owner struct {
	which   uint32
	session uint64
}

var app owner

func (s *Session) owner() owner { return owner{1, s.of} }

func (o owner) set(name string, due time.Time, payload []byte) error {
	a := abi.Begin()
	defer a.End()
	abi.SetAlarm(o.which, o.session, abi.Valid(name), nanoseconds(due), abi.Binary(payload), a)
	return done(a, alarmsError)
}

// nanoseconds since 1970: what is before is due, and what is after 2262 not much later.
func nanoseconds(due time.Time) uint64 {
	if due.Unix() >= math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	if due.Unix() < 0 {
		return 0
	}
	return uint64(due.UnixNano())
}

func (o owner) cancel(name string) (bool, error) {
	a := abi.Begin()
	defer a.End()
	abi.CancelAlarm(o.which, o.session, abi.Valid(name), a)
	if a.Failed() {
		return false, alarmsError(a)
	}
	return a.Byte(abi.OK) != 0, nil
}

func (o owner) alarms() iter.Seq2[Alarm, error] {
	return paged(func(last *Alarm) ([]Alarm, error) {
		a := abi.Begin()
		defer a.End()
		after := ""
		if last != nil {
			after = last.Name
		}
		abi.Alarms(o.which, o.session, abi.Some(last != nil), after, 100, a)
		if a.Failed() {
			return nil, alarmsError(a)
		}
		var page []Alarm
		a.Each(abi.OK, sizeofAlarm, func(m *abi.Memory) {
			page = append(page, Alarm{m.Text(0), time.Unix(0, int64(m.Uint64(8))), m.Bytes(16), m.Uint32(24)})
		})
		return page, nil
	})
}
