package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/arc4tun/arc4tun/tools/internal/emulated"
)

// segment is what was executed between two marks.
type segment struct {
	instructions int
	stalls       int // cycles that the core waits for operands, if there is a model of it
}

// readTrace reads a log of executed instructions, one a line, and counts them
// from each execution of the first instruction of marker to the next, on that
// thread. The marker's own instructions do not count, nor does what is executed
// before the first and after the last. each is told every instruction that
// counts, in order, with the number of its segment, and gives the cycles it waited.
// Other lines are returned as text, so that what went wrong can be shown.
func readTrace(log io.Reader, marker span, each func(segment int, pc uint64) int) ([]segment, string, error) {
	var segments []segment
	var other strings.Builder
	var now segment
	marked, markThread := false, 0
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		thread, pc, ok := emulated.Executed(lines.Bytes())
		switch {
		case !ok:
			fmt.Fprintln(&other, lines.Text())
		case pc == marker.start:
			if marked {
				segments = append(segments, now)
			}
			marked, markThread, now = true, thread, segment{}
		case marked && thread == markThread && !marker.has(pc):
			now.instructions++
			now.stalls += each(len(segments), pc)
		}
	}
	return segments, other.String(), lines.Err()
}
