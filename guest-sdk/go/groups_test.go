package sessile

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"

	"sessile/internal/abi"
)

// A record as the host leaves it, of these numbers by their offsets.
func record(numbers map[int]uint64) *abi.Memory {
	bytes := make([]byte, SizeofTold)
	for at, number := range numbers {
		binary.LittleEndian.PutUint64(bytes[at:], number)
	}
	return (*abi.Memory)(unsafe.Pointer(&bytes[0]))
}

func TestPagesAreTakenUntilOneIsEmpty(t *testing.T) {
	all, turns := []int{1, 2, 3}, 0
	numbers := paged(func(last *int) ([]int, error) {
		turns++
		if last == nil {
			return all[:2], nil
		}
		return all[*last:], nil
	})
	var found []int
	for number, err := range numbers {
		same(t, err, nil)
		found = append(found, number)
	}
	same(t, slices.Equal(found, all) && turns == 3, true)
	for range numbers {
		break
	}
	same(t, turns, 4)
}

func TestPageThatFailsIsTheLast(t *testing.T) {
	count := 0
	for number, err := range paged(func(last *int) ([]int, error) { return nil, ErrUnavailable }) {
		count++
		same(t, number == 0 && err == ErrUnavailable, true)
	}
	same(t, count, 1)
}

func TestMetadataIsJSONOrRefusedBeforeTheHostIsAsked(t *testing.T) {
	_, err := NewWebSocket(1).JoinAs("g", Membership{Metadata: func() {}})
	same(t, errors.As(err, new(JSONError)), true)
	var value struct{ Name string }
	there, err := Member{Metadata: []byte(`{"name":"Ada"}`)}.JSON(&value)
	same(t, there && err == nil && value.Name == "Ada", true)
	there, err = Member{}.JSON(&value)
	same(t, !there && err == nil, true)
}

func TestPositionThatAPeerKeptIsReadAgain(t *testing.T) {
	position := Position{Epoch: 1<<64 - 1, Offset: 7}
	data, err := encode(map[string]*Position{"since": &position})
	same(t, string(data) == `{"since":"18446744073709551615:7"}` && err == nil, true)
	var read struct{ Since *Position }
	same(t, decode(data, &read), nil)
	same(t, *read.Since, position)
	for _, wrong := range []string{"", "1", "1:", ":1", "1:-2", "a:1", "1:2:3", "18446744073709551616:0"} {
		same(t, errors.As(position.UnmarshalText([]byte(wrong)), new(InvalidError)), true)
	}
	same(t, position.Offset, 7)
}

func TestToldIsAMessageOrAPresence(t *testing.T) {
	told := ReadTold(record(map[int]uint64{8: 1, 16: 5, 24: 6, 40: uint64(Binary)}))
	same(t, *told.Position, Position{5, 6})
	same(t, told.Presence == nil && !told.Message.IsText(), true)
	told = ReadTold(record(map[int]uint64{32: 1, 56: 3, 64: 1}))
	same(t, told.Position == nil && told.Presence.Total == 3 && told.Presence.Complete, true)
	same(t, len(told.Presence.Joined)+len(told.Presence.Left), 0)
}

// An error's case, with the numbers 2 and 0.
func failed(which uint64) *abi.Area {
	a := new(abi.Area)
	*(*uint64)(unsafe.Add(unsafe.Pointer(a), abi.Case)) = which
	*(*uint64)(unsafe.Add(unsafe.Pointer(a), abi.Payload)) = 2
	return a
}

func TestGroupsErrorsAreThoseOfTheWIT(t *testing.T) {
	for _, which := range []uint64{0, 1, 2, 6} {
		same(t, groupsError(failed(which)), error(SizeError{Actual: 2}))
	}
	same(t, groupsError(failed(3)), ErrGone)
	same(t, groupsError(failed(4)), ErrUnsupported)
	same(t, groupsError(failed(5)), error(JSONError{Line: 2}))
}

func TestConnectionsErrorsAreThoseOfTheWIT(t *testing.T) {
	for which, err := range []error{
		ErrUnknown, SizeError{Actual: 2}, InvalidError{"close code 2 may not be sent"}, SizeError{Actual: 2},
		SizeError{Actual: 2}, ErrSessionNotOpen,
	} {
		same(t, connectionsError(failed(uint64(which))), err)
	}
	same(t, connectionsError(failed(9)), ErrUnsupported)
}

func TestSelectionNamesASessionOnlyWhereItHasOne(t *testing.T) {
	some, _ := Selection{}.sessionOf()
	same(t, some, 0)
	some, of := Selection{Session: &Session{7}}.sessionOf()
	same(t, some == 1 && of == 7, true)
}

func TestAlarmsErrorsAreThoseOfTheWIT(t *testing.T) {
	for which, err := range []error{
		SizeError{Actual: 2}, SizeError{Actual: 2}, SizeError{Actual: 2}, ErrNoAlarmHandler,
	} {
		same(t, alarmsError(failed(uint64(which))), err)
	}
	same(t, errors.Is(alarmsError(failed(4)), ErrSessionNotOpen), true)
	same(t, alarmsError(failed(6)), ErrUnsupported)
}

func TestAlarmThatIsFarAwayIsNotDue(t *testing.T) {
	same(t, nanoseconds(time.Unix(5, 7)), 5_000_000_007)
	same(t, nanoseconds(time.Time{}), 0)
	same(t, nanoseconds(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)), math.MaxInt64)
}
