package abi

import (
	"strings"
	"structs"
	"unsafe"
)

// Area is where the host leaves a result of more than one number. All results of our WIT fit: what is a result has
// whether it failed in its first byte, and what it is from the eighth byte on.
type Area struct {
	_ structs.HostLayout
	Memory
	words [13]uint64
}

// Memory is where something of the host's begins: a result, or an item of a list.
type Memory struct{ _ structs.HostLayout }

// Offsets into the area of a result.
const (
	OK      = 8  // what it came to
	Case    = 8  // which error it is
	Payload = 16 // what the error carries
)

// Areas that no call uses. They are on the heap, since the stack of a goroutine may move.
var idle []*Area

// Begin takes an area for one call to the host.
func Begin() *Area {
	came.calls++
	last := len(idle) - 1
	if last < 0 {
		return new(Area)
	}
	area := idle[last]
	idle = idle[:last]
	return area
}

// End gives the area back, and with it the memory of the texts and lists that came with the call: they are copied by then.
func (area *Area) End() {
	idle = append(idle, area)
	came.calls--
	came.release()
}

// Failed is whether a result is an error.
func (area *Area) Failed() bool { return area.Byte(0) != 0 }

func (m *Memory) Byte(at uintptr) byte {
	return *(*byte)(unsafe.Add(unsafe.Pointer(m), at))
}

func (m *Memory) Uint16(at uintptr) uint16 {
	return *(*uint16)(unsafe.Add(unsafe.Pointer(m), at))
}

func (m *Memory) Uint32(at uintptr) uint32 {
	return *(*uint32)(unsafe.Add(unsafe.Pointer(m), at))
}

func (m *Memory) Uint64(at uintptr) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(m), at))
}

// Text is a copy of a text or list of bytes.
func (m *Memory) Text(at uintptr) string {
	return text(unsafe.Add(unsafe.Pointer(m), at))
}

func (m *Memory) Bytes(at uintptr) []byte {
	return bytes(unsafe.Add(unsafe.Pointer(m), at))
}

// Copy copies a list of bytes, as far as there is room.
func (m *Memory) Copy(at uintptr, into []byte) int {
	items, count := list(unsafe.Add(unsafe.Pointer(m), at))
	return copy(into, unsafe.Slice((*byte)(items), count))
}

// Texts are those of a list of texts.
func (m *Memory) Texts(at uintptr) []string {
	items, count := list(unsafe.Add(unsafe.Pointer(m), at))
	texts := make([]string, count)
	for i := range texts {
		texts[i] = text(unsafe.Add(items, i*sizeofText))
	}
	return texts
}

// Pairs are the fields of a list of them, each a name and a value.
func (m *Memory) Pairs(at uintptr) [][2]string {
	items, count := list(unsafe.Add(unsafe.Pointer(m), at))
	pairs := make([][2]string, count)
	for i := range pairs {
		pair := unsafe.Add(items, 2*i*sizeofText)
		pairs[i] = [2]string{text(pair), text(unsafe.Add(pair, sizeofText))}
	}
	return pairs
}

// At is what lies so far within.
func (m *Memory) At(at uintptr) *Memory { return (*Memory)(unsafe.Add(unsafe.Pointer(m), at)) }

// Each takes the items of a list, each of so many bytes.
func (m *Memory) Each(at uintptr, size int, item func(*Memory)) {
	items, count := list(unsafe.Add(unsafe.Pointer(m), at))
	each(items, count, size, item)
}

func each(items unsafe.Pointer, count, size int, item func(*Memory)) {
	for i := range count {
		item((*Memory)(unsafe.Add(items, i*size)))
	}
}

// Messages reads the list with which on-messages is called.
func Messages(items unsafe.Pointer, count uint32, each func(kind uint32, data []byte)) {
	Items(items, count, sizeofMessage, func(m *Memory) { each(uint32(m.Byte(0)), m.Bytes(4)) })
}

// Items takes those of the list with which an export is called, each of so many bytes.
func Items(items unsafe.Pointer, count uint32, size int, item func(*Memory)) {
	each(items, int(count), size, item)
	came.release()
}

// Argument is a copy of a text with which an export is called.
func Argument(at unsafe.Pointer, length uint32) string {
	defer came.release()
	return strings.Clone(unsafe.String((*byte)(at), length))
}

// ArgumentBytes is the same of bytes. What is not copied yet stays until the next call to the host.
func ArgumentBytes(at unsafe.Pointer, length uint32) []byte { return []byte(Argument(at, length)) }

const (
	sizeofText    = 8
	sizeofMessage = 12
)

// list reads where a list is, and how many it holds.
func list(at unsafe.Pointer) (items unsafe.Pointer, count int) {
	return pointer(*(*uint32)(at)), int(*(*uint32)(unsafe.Add(at, 4)))
}

func text(at unsafe.Pointer) string {
	items, count := list(at)
	return strings.Clone(unsafe.String((*byte)(items), count))
}

func bytes(at unsafe.Pointer) []byte {
	items, count := list(at)
	return append(make([]byte, 0, count), unsafe.Slice((*byte)(items), count)...)
}

func pointer(address uint32) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(nil), address)
}
