package sessile

import (
	"time"

	"sessile/internal/abi"
)

// Session is what lasts, shared by the exchanges and websockets of one browser. Changes are seen here at once, and by
// others after a save: an exchange saves by itself when it answers, unless the status is 500; a websocket when
// [Session.Save] is called. Values are JSON, which handlers in every language read.
//
// Saves merge key by key. To read, change and write one key, save over the version that was read, and where another was
// faster ([ConflictError]), [Session.Discard], open the session again, and retry.
type Session struct{ of uint64 }

func openSession(of uint64) (*Session, error) {
	a := abi.Begin()
	defer a.End()
	abi.SessionOpen(of, a)
	if a.Failed() {
		return nil, sessionError(a)
	}
	return &Session{of}, nil
}

// Get reads a key's value into value, and says whether it is there; nothing happens where it is not. A [JSONError] is one
// of another type.
func (s *Session) Get(key string, value any) (there bool, err error) {
	data, there, err := s.GetJSON(key)
	if err != nil || !there {
		return false, err
	}
	return true, decode(data, value)
}

// GetJSON is a key's value as it was set.
func (s *Session) GetJSON(key string) (value []byte, there bool, err error) {
	a := abi.Begin()
	defer a.End()
	abi.SessionGet(s.of, abi.Valid(key), a)
	if a.Failed() {
		return nil, false, sessionError(a)
	}
	if a.Byte(abi.OK) == 0 {
		return nil, false, nil
	}
	return a.Bytes(abi.OK + 4), true, nil
}

// Set sets a key of 1 to 128 bytes to a value of at most 16 KiB of JSON; a session holds 128 keys and 64 KiB.
func (s *Session) Set(key string, value any) error {
	data, err := encode(value)
	if err != nil {
		return err
	}
	return s.SetJSON(key, data)
}

// SetJSON sets a key to JSON, which the host checks.
func (s *Session) SetJSON(key string, value []byte) error {
	a := abi.Begin()
	defer a.End()
	abi.SessionSet(s.of, abi.Valid(key), abi.Binary(value), a)
	return done(a, sessionError)
}

// Has is whether a key is there.
func (s *Session) Has(key string) (bool, error) {
	_, there, err := s.GetJSON(key)
	return there, err
}

// User reads who has logged in into value: the value of the key user, which a login sets, after [Session.CycleID].
func (s *Session) User(value any) (there bool, err error) { return s.Get("user", value) }

// IsEmpty is whether there is no key.
func (s *Session) IsEmpty() (bool, error) {
	keys, err := s.Keys()
	return len(keys) == 0, err
}

// Remove removes a key, and says whether it was there.
func (s *Session) Remove(key string) (there bool, err error) {
	a := abi.Begin()
	defer a.End()
	abi.SessionRemove(s.of, abi.Valid(key), a)
	if a.Failed() {
		return false, sessionError(a)
	}
	return a.Byte(abi.OK) != 0, nil
}

// Keys are all of them, sorted.
func (s *Session) Keys() ([]string, error) {
	a := abi.Begin()
	defer a.End()
	abi.SessionKeys(s.of, a)
	if a.Failed() {
		return nil, sessionError(a)
	}
	return a.Texts(abi.OK), nil
}

func (s *Session) do(call func(uint64, *abi.Area)) error {
	a := abi.Begin()
	defer a.End()
	call(s.of, a)
	return done(a, sessionError)
}

// Clear removes every key.
func (s *Session) Clear() error { return s.do(abi.SessionClear) }

// Discard drops the unsaved changes.
func (s *Session) Discard() error { return s.do(abi.SessionDiscard) }

// CycleID gives the session another id: at each login, so that one which a stranger planted or saw opens nothing. The
// peer gets it with the response, or with the handshake's answer.
func (s *Session) CycleID() error { return s.do(abi.SessionCycleID) }

// Flush ends the session for good: at logout. Its websockets are closed with 1008, this one when its handler returns.
func (s *Session) Flush() error { return s.do(abi.SessionFlush) }

// IsNew is whether nothing was ever saved.
func (s *Session) IsNew() (bool, error) {
	a := abi.Begin()
	defer a.End()
	abi.SessionIsNew(s.of, a)
	if a.Failed() {
		return false, sessionError(a)
	}
	return a.Byte(abi.OK) != 0, nil
}

// Version is the one that was loaded or saved last; 0 for none.
func (s *Session) Version() (uint64, error) {
	a := abi.Begin()
	defer a.End()
	abi.SessionVersion(s.of, a)
	if a.Failed() {
		return 0, sessionError(a)
	}
	return a.Uint64(abi.OK), nil
}

// SetExpiry lets the session end after so long without use, at most 400 days; 0 for what the manifest says.
func (s *Session) SetExpiry(idle time.Duration) error {
	a := abi.Begin()
	defer a.End()
	abi.SessionSetExpiry(s.of, abi.Some(idle > 0), uint64(max(idle, 0)), a)
	return done(a, sessionError)
}

// Save returns the new version once it is durable.
func (s *Session) Save() (version uint64, err error) { return s.save(false, 0) }

// SaveOver saves only over that version; else it fails with [ConflictError].
func (s *Session) SaveOver(version uint64) (uint64, error) { return s.save(true, version) }

func (s *Session) save(only bool, version uint64) (uint64, error) {
	a := abi.Begin()
	defer a.End()
	abi.SessionSave(s.of, abi.Some(only), version, a)
	if a.Failed() {
		return 0, sessionError(a)
	}
	return a.Uint64(abi.OK), nil
}
