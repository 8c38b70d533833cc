package abi

import "unsafe"

// What comes from the host lies here until it is copied.
var came arena

// first is what an instance begins with, aligned: enough for most calls.
var first [8 << 10]uint64

// arena is memory that is given out from its start to its end, and taken back all at once.
type arena struct {
	base  unsafe.Pointer
	bytes uintptr
	used  uintptr
	calls int // that are in flight: what they were given is not to be taken back
	// The result of one that waits while others are made, if there is one.
	awaited *Area
}

// take gives out memory. It allocates nothing of Go's.
//
//go:nosplit
func (a *arena) take(bytes, align uintptr) unsafe.Pointer {
	start := (a.used + align - 1) &^ (align - 1)
	if a.base == nil || start+bytes > a.bytes {
		a.grow(bytes)
		start = 0
	}
	a.used = start + bytes
	return unsafe.Add(a.base, start)
}

// grow begins anew elsewhere. What was given out stays where it is; since each is twice as large as the last, all of
// those before have no more than the last one.
//
//go:nosplit
func (a *arena) grow(bytes uintptr) {
	if a.base == nil && bytes <= unsafe.Sizeof(first) {
		a.base, a.bytes = unsafe.Pointer(&first), unsafe.Sizeof(first)
		return
	}
	size := max(2*a.bytes, unsafe.Sizeof(first))
	for size < bytes {
		size *= 2
	}
	a.base, a.bytes = sbrk(size), size
	if a.base == nil {
		panic("no memory is left for what the host passes in")
	}
}

// release takes all back, where no call is in flight, and none that is awaited has its result.
func (a *arena) release() {
	if a.calls == 0 && (a.awaited == nil || a.awaited.words[0] == untouched) {
		a.used = 0
	}
}
