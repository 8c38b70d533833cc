package abi

import "unsafe"

// Fields are names and values, or texts, as the host reads them.
type Fields = unsafe.Pointer

// Lower writes names and values where the host reads them, until the call's area is given back.
func Lower(pairs [][2]string) (Fields, uint32) {
	words := make([]string, 0, 2*len(pairs))
	for _, pair := range pairs {
		words = append(words, pair[:]...)
	}
	items, _ := LowerTexts(words)
	return items, uint32(len(pairs))
}

// LowerTexts writes texts so.
func LowerTexts(texts []string) (Fields, uint32) {
	items := came.take(uintptr(sizeofText*len(texts)), 4)
	for i, text := range texts {
		item := unsafe.Add(items, i*sizeofText)
		*(*uint32)(item), *(*uint32)(unsafe.Add(item, 4)) = Put(Valid(text))
	}
	return items, uint32(len(texts))
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
