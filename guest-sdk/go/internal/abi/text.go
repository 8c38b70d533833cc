package abi

import (
	"strings"
	"unsafe"
)

// Valid is a text that the host can read: what is no UTF-8 in it would trap, and is U+FFFD instead.
func Valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// Binary are bytes as the host reads them, not copied.
func Binary(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// Some is an option's number.
func Some(some bool) uint32 {
	if some {
		return 1
	}
	return 0
}
