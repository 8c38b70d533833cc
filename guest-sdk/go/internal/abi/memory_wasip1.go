package abi

import "unsafe"

// The host asks for memory while it is in the midst of a call, when nothing may call out to it. Go's own memory cannot
// serve: an allocation may begin a collection, which reads the clock. So it is apart from Go's, and what came there is
// copied out once the call is done.
//
// That is why `go build` needs -ldflags=-checklinkname=0.
//
//go:linkname sbrk runtime.sbrk
func sbrk(bytes uintptr) unsafe.Pointer

//go:wasmexport cabi_realloc
//go:nosplit
func realloc(old unsafe.Pointer, oldBytes, align, bytes uint32) unsafe.Pointer {
	at := came.take(uintptr(bytes), uintptr(align))
	if old != nil {
		copy(unsafe.Slice((*byte)(at), bytes), unsafe.Slice((*byte)(old), oldBytes))
	}
	return at
}

// WASI's adapter asks before Go has begun, and keeps what it got.
//
//go:wasmexport cabi_realloc_adapter
//go:nosplit
func reallocAdapter(_ unsafe.Pointer, _, _, bytes uint32) unsafe.Pointer {
	return sbrk(uintptr(bytes))
}
