package abi

import "unsafe"

// Fields are names and values as the host reads them.
type Fields = unsafe.Pointer

// Lower writes names and values where the host reads them, until the call's area is given back.
func Lower(pairs [][2]string) (Fields, uint32) {
	items := came.take(uintptr(2*sizeofText*len(pairs)), 4)
	for i, pair := range pairs {
		for j, word := range pair {
			item := unsafe.Add(items, (2*i+j)*sizeofText)
			*(*uint32)(item), *(*uint32)(unsafe.Add(item, 4)) = Put(Valid(word))
		}
	}
	return items, uint32(len(pairs))
}

// Outgoing is a raw event, flat: which it is, and up to five numbers.
type Outgoing [6]uint32

// Put copies a text or bytes to where the host reads them, until the call's area is given back: for a call that has
// no place for a string.
func Put(data string) (address, length uint32) {
	at := came.take(uintptr(len(data)), 1)
	copy(unsafe.Slice((*byte)(at), len(data)), data)
	return Address(at), uint32(len(data))
}

// Address is where something lies that does not move.
func Address(at unsafe.Pointer) uint32 { return uint32(uintptr(at)) }
