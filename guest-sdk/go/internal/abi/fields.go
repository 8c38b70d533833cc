package abi

import "unsafe"

// Fields are names and values as the host reads them.
type Fields = unsafe.Pointer

// Lower writes names and values where the host reads them, until the call's area is given back.
func Lower(pairs [][2]string) (Fields, uint32) {
	items := came.take(uintptr(2*sizeofText*len(pairs)), 4)
	for i, pair := range pairs {
		for j, word := range pair {
			word = Valid(word)
			at := came.take(uintptr(len(word)), 1)
			copy(unsafe.Slice((*byte)(at), len(word)), word)
			item := unsafe.Add(items, (2*i+j)*sizeofText)
			*(*uint32)(item) = uint32(uintptr(at))
			*(*uint32)(unsafe.Add(item, 4)) = uint32(len(word))
		}
	}
	return items, uint32(len(pairs))
}
