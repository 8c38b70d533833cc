package sessile

import (
	"fmt"
	"strings"

	"sessile/internal/abi"
)

// Level is how much a line of the log matters; the host's --log filters by it.
type Level uint32

const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// Logf writes to the host's log, under the id of the websocket or exchange: a line for each line, each cut after 4 KiB.
// What is printed on stdout or stderr is logged at LevelInfo.
func Logf(level Level, format string, values ...any) { logLines(level, fmt.Sprintf(format, values...)) }

func logLines(level Level, text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		abi.Log(uint32(level), abi.Valid(strings.ReplaceAll(line, "\t", "    ")))
	}
}
