package sessile

import (
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"sessile/internal/abi"
)

// Join lets it hear what is published to a group, until it ends or leaves. A name has 1 to 100 bytes.
func (ws *WebSocket) Join(group string) error {
	a := abi.Begin()
	defer a.End()
	abi.Join(ws.id, abi.Valid(group), a)
	return done(a, groupsError)
}

// Membership is how a websocket is in a group. All of it may be left out.
type Membership struct {
	// Metadata is what others see of it: a value of at most 1 KiB as JSON.
	Metadata any
	// Tags are by which publications and lists can be narrowed; at most 8, of 1 to 64 bytes each.
	Tags []string
	// Since: what was published after this comes first, as far as the history has it.
	Since *Position
}

// Position is a place in a group's history: after a publication. Only comparable within one epoch.
type Position struct {
	// Epoch is the life of one count.
	Epoch uint64
	// Offset is the publication's number, from 1; 0 before the first.
	Offset uint64
}

// String is its epoch and offset, EPOCH:OFFSET: for a peer to keep, and to come back with.
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Epoch, p.Offset) }

// MarshalText is [Position.String], in JSON too.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what [Position.String] has written; else it is an [InvalidError].
func (p *Position) UnmarshalText(text []byte) error {
	epoch, offset, _ := strings.Cut(string(text), ":")
	var read Position
	var err error
	if read.Epoch, err = strconv.ParseUint(epoch, 10, 64); err == nil {
		read.Offset, err = strconv.ParseUint(offset, 10, 64)
	}
	if err != nil {
		return InvalidError{fmt.Sprintf("%q is no position", text)}
	}
	*p = read
	return nil
}

// Joined is what a join came to.
type Joined struct {
	// Position is the last publication that does not come as a new one; nil where the group keeps no history.
	Position *Position
	// Recovered is whether all that was published since comes; false where nothing was asked for.
	Recovered bool
	// Publications is how much of it there is.
	Publications uint32
}

// JoinAs joins with more said, in place of what was said before. [JSONError] is metadata that JSON cannot express,
// [SizeError] metadata or tags past their limits.
func (ws *WebSocket) JoinAs(group string, how Membership) (Joined, error) {
	var metadata []byte
	if how.Metadata != nil {
		var err error
		if metadata, err = encode(how.Metadata); err != nil {
			return Joined{}, err
		}
	}
	a := abi.Begin()
	defer a.End()
	tags, count := abi.LowerTexts(how.Tags)
	since, after := optional(how.Since)
	abi.JoinAs(ws.id, abi.Valid(group), abi.Some(how.Metadata != nil), abi.Binary(metadata), tags, count,
		since, after.Epoch, after.Offset, a)
	if a.Failed() {
		return Joined{}, groupsError(a)
	}
	return Joined{position(&a.Memory, abi.OK), a.Byte(abi.OK+24) != 0, a.Uint32(abi.OK + 28)}, nil
}

func optional(position *Position) (some uint32, value Position) {
	if position == nil {
		return abi.Some(false), Position{}
	}
	return abi.Some(true), *position
}

func position(m *abi.Memory, at uintptr) *Position {
	if m.Byte(at) == 0 {
		return nil
	}
	return &Position{m.Uint64(at + 8), m.Uint64(at + 16)}
}

// Leave takes it out of a group; nothing happens if it is not in it.
func (ws *WebSocket) Leave(group string) error {
	a := abi.Begin()
	defer a.End()
	abi.Leave(ws.id, abi.Valid(group), a)
	return done(a, groupsError)
}

// Publication is what became of a message to a group: nothing is lost silently.
type Publication struct {
	// Queued outboxes took it, Dropped had no room.
	Queued, Dropped uint32
}

// Publish queues a message to every websocket of a group, from any handler of the app.
func Publish(group string, message Message) (Publication, error) {
	a := abi.Begin()
	defer a.End()
	abi.Publish(abi.Valid(group), uint32(message.Kind), message.wire(), a)
	if a.Failed() {
		return Publication{}, groupsError(a)
	}
	return Publication{a.Uint32(abi.OK), a.Uint32(abi.OK + 4)}, nil
}

// PublishText queues a text so.
func PublishText(group, text string) (Publication, error) {
	return Publish(group, TextMessage(text))
}

// Scope is whom a publication is for: the members for which all of it is true.
type Scope struct {
	// Tag: those that have it; all where it is empty.
	Tag string
	// Except: not the websocket of this [Head.ID], the sender mostly; 0 for none.
	Except uint64
}

// Delivery is what became of a message to some of a group.
type Delivery struct {
	// Queued members have it. Full had no room; where the group keeps a history, they find it there. Gone were about to end.
	Queued, Full, Gone uint32
	// Position is where it is in the history; nil where the group keeps none.
	Position *Position
}

// PublishTo queues a message to some of the members.
func PublishTo(group string, message Message, to Scope) (Delivery, error) {
	a := abi.Begin()
	defer a.End()
	abi.PublishTo(abi.Valid(group), uint32(message.Kind), message.wire(), abi.Some(to.Tag != ""), abi.Valid(to.Tag),
		abi.Some(to.Except != 0), to.Except, a)
	if a.Failed() {
		return Delivery{}, groupsError(a)
	}
	return Delivery{a.Uint32(abi.OK), a.Uint32(abi.OK + 4), a.Uint32(abi.OK + 8), position(&a.Memory, abi.OK+16)}, nil
}

// Member is a websocket in a group.
type Member struct {
	// ID is the websocket's.
	ID uint64
	// Metadata is what it said of itself; nil where it said nothing.
	Metadata json.RawMessage
	// Tags are those that it has in the group.
	Tags []string
}

// JSON reads its metadata into value, and says whether there is any.
func (m Member) JSON(value any) (there bool, err error) {
	if m.Metadata == nil {
		return false, nil
	}
	return true, decode(m.Metadata, value)
}

const sizeofMember = 32

func member(m *abi.Memory) Member {
	member := Member{ID: m.Uint64(0), Tags: m.Texts(20)}
	if m.Byte(8) != 0 {
		member.Metadata = m.Bytes(12)
	}
	return member
}

// CountMembers is how many members a group has.
func CountMembers(group string) (uint64, error) {
	a := abi.Begin()
	defer a.End()
	abi.CountMembers(abi.Valid(group), a)
	if a.Failed() {
		return 0, groupsError(a)
	}
	return a.Uint64(abi.OK), nil
}

// Members are those of a group by ascending ID, asked for in pages as they are taken. One that is a member all the while
// comes once. An error comes once, and is the last.
//
//	for member, err := range sessile.Members("room") {
//		if err != nil {
//			return err
//		}
//		…
//	}
func Members(group string) iter.Seq2[Member, error] { return members(group, "") }

// MembersTagged are those with this tag.
func MembersTagged(group, tag string) iter.Seq2[Member, error] { return members(group, tag) }

func members(group, tag string) iter.Seq2[Member, error] {
	return paged(func(last *Member) ([]Member, error) {
		a := abi.Begin()
		defer a.End()
		var after uint64
		if last != nil {
			after = last.ID
		}
		abi.Members(abi.Valid(group), abi.Some(tag != ""), abi.Valid(tag), abi.Some(last != nil), after, 250, a)
		if a.Failed() {
			return nil, groupsError(a)
		}
		var page []Member
		a.Each(abi.OK, sizeofMember, func(m *abi.Memory) { page = append(page, member(m)) })
		return page, nil
	})
}

// paged takes page after page, each after the last of the page before, until there is none.
func paged[T any](turn func(last *T) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var last *T
		for {
			page, err := turn(last)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			if len(page) == 0 {
				return
			}
			last = &page[len(page)-1]
		}
	}
}

// Kept is a publication that a history has.
type Kept struct {
	// Offset is its number.
	Offset uint64
	// At is when it was published.
	At time.Time
	// Message is what was published.
	Message Message
}

// HistoryPage has publications of a history.
type HistoryPage struct {
	// Publications are in order.
	Publications []Kept
	// Position is the newest there is, of which the page may be short.
	Position Position
	// Recovered is whether nothing is missing between what was asked for and the first of these.
	Recovered bool
}

// History is what was published after a position, or, where that is nil, all that is kept: at most so many publications,
// and 1 MiB. [ErrUnsupported] where the manifest gives the group no history.
func History(group string, since *Position, limit uint32) (HistoryPage, error) {
	a := abi.Begin()
	defer a.End()
	some, after := optional(since)
	abi.History(abi.Valid(group), some, after.Epoch, after.Offset, limit, a)
	if a.Failed() {
		return HistoryPage{}, groupsError(a)
	}
	page := HistoryPage{Position: Position{a.Uint64(abi.OK + 8), a.Uint64(abi.OK + 16)}, Recovered: a.Byte(abi.OK+24) != 0}
	a.Each(abi.OK, sizeofKept, func(m *abi.Memory) {
		kept := Kept{m.Uint64(0), time.Unix(0, int64(m.Uint64(8))), Message{Kind(m.Byte(16)), m.Bytes(20)}}
		page.Publications = append(page.Publications, kept)
	})
	return page, nil
}

const sizeofKept = 32
