package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// segment is what was executed between two marks.
type segment struct {
	instructions int
	stalls       int // cycles that the core waits for operands, if there is a model of it
}

// executed takes a line of qemu's log (-d exec) apart:
//
//	Trace 0: 0x7f023ce000c0 [00000000/000c3bd4/000000a2/00000201] name
//
// It gives the number of the emulated processor, which is one a thread, and the
// address of the instruction.
func executed(line string) (thread int, pc uint64, ok bool) {
	rest, ok := strings.CutPrefix(line, "Trace ")
	if !ok {
		return 0, 0, false
	}
	number, rest, ok := strings.Cut(rest, ":")
	if !ok {
		return 0, 0, false
	}
	thread, err := strconv.Atoi(number)
	if err != nil {
		return 0, 0, false
	}
	_, rest, ok = strings.Cut(rest, "/")
	if !ok {
		return 0, 0, false
	}
	address, _, ok := strings.Cut(rest, "/")
	if !ok {
		return 0, 0, false
	}
	pc, err = strconv.ParseUint(address, 16, 64)
	return thread, pc, err == nil
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
		thread, pc, ok := executed(lines.Text())
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
