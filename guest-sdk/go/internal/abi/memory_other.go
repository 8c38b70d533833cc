//go:build !wasip1

package abi

import "unsafe"

// For the tests, which run where there is no host.
func sbrk(bytes uintptr) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(make([]byte, bytes)))
}
