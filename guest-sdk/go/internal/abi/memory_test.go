package abi

import (
	"testing"
	"unsafe"
)

func TestArenaGivesAlignedMemoryThatDoesNotOverlap(t *testing.T) {
	var a arena
	one := a.take(3, 1)
	two := a.take(8, 8)
	if uintptr(two)%8 != 0 || uintptr(two)-uintptr(one) != 8 {
		t.Errorf("%p %p", one, two)
	}
	large := a.take(unsafe.Sizeof(first), 1)
	if a.bytes != 2*unsafe.Sizeof(first) || uintptr(large) == uintptr(one) {
		t.Errorf("%d bytes at %p", a.bytes, large)
	}
	clear(unsafe.Slice((*byte)(large), unsafe.Sizeof(first)))
}

func TestArenaKeepsWhatACallInFlightWasGiven(t *testing.T) {
	var a arena
	one := a.take(8, 8)
	a.calls++
	a.release()
	if two := a.take(8, 8); two == one {
		t.Error("given out twice")
	}
	a.calls--
	a.release()
	if three := a.take(8, 8); three != one {
		t.Error("not taken back")
	}
}

func TestArenaThatGrewIsTwiceAsLargeOrFits(t *testing.T) {
	var a arena
	a.take(5<<20, 8)
	if a.bytes != 8<<20 {
		t.Error(a.bytes)
	}
	a.take(6<<20, 8)
	if a.bytes != 16<<20 {
		t.Error(a.bytes)
	}
}

func TestArenaKeepsTheResultThatIsAwaitedOnceItIsThere(t *testing.T) {
	var a arena
	result := Area{words: [13]uint64{untouched}}
	a.awaited = &result
	one := a.take(8, 8)
	a.release()
	if two := a.take(8, 8); two != one {
		t.Error("what others were given is not taken back")
	}
	result.words[0] = 0
	a.release()
	if three := a.take(8, 8); three == one {
		t.Error("the result was given out again")
	}
}
