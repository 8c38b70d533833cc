package sessile

import "sessile/internal/abi"

// Told is what a handler of package publications is called with.
type Told struct {
	Group string
	// Position is where it is in the history; nil where the group keeps none.
	Position *Position
	// Message is what somebody published, where there is no Presence.
	Message Message
	// Presence is who came and who went; nil where a message was published.
	Presence *Presence
}

// Presence is who came and who went in a group, gathered over a quarter of a second.
type Presence struct {
	// Joined are members that are new, or of which something new is known.
	Joined []Member
	// Left are the IDs of those that are members no more.
	Left []uint64
	// Total is how many members there are now.
	Total uint64
	// Complete is false where there were too many to tell of each: [Members] has all.
	Complete bool
}

// SizeofTold is of the packages that export handlers, as is [ReadTold].
const SizeofTold = 72

// ReadTold reads what an export is called with.
func ReadTold(m *abi.Memory) Told {
	told := Told{Group: m.Text(0), Position: position(m, 8)}
	if m.Byte(32) == 0 {
		told.Message = Message{Kind(m.Byte(40)), m.Bytes(44)}
		return told
	}
	told.Presence = &Presence{Total: m.Uint64(56), Complete: m.Byte(64) != 0}
	m.Each(40, sizeofMember, func(m *abi.Memory) { told.Presence.Joined = append(told.Presence.Joined, member(m)) })
	m.Each(48, 8, func(m *abi.Memory) { told.Presence.Left = append(told.Presence.Left, m.Uint64(0)) })
	return told
}
