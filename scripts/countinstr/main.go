// Command countinstr counts the instructions that the RC4 backends execute on
// an architecture that this machine only emulates, under qemu-user.
//
//	go run ./scripts/countinstr -arch mipsle
//	go run ./scripts/countinstr -arch arm64 -backend arm64,u32
//
// It builds itself for the architecture, runs each backend under qemu with
// every instruction translated and logged by itself, and prints one row a
// backend: instructions a byte, the difference of two lengths over the
// difference of the lengths, so that what a call costs cancels out; those of a
// key set-up; and those of whole packets. Only the code of the backends and the
// runtime's copying and clearing is counted, and the count is exact: two runs
// print the same.
//
// For MIPS it also prints the cycles a byte that a 24K core would need with all
// data in its cache, after its pipeline's rules; see 24k.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	arch := flag.String("arch", "", "GOARCH to count for: "+strings.Join(architectures(), ", "))
	backends := flag.String("backend", "", "backends to count, separated by commas (default: all that the processor runs)")
	processor := flag.String("cpu", "", "the processor that qemu emulates (default: one that has all that a backend uses)")
	markdown := flag.Bool("markdown", false, "print the table as Markdown")
	work := flag.String("work", "", "for the emulated program itself: the backend to run")
	flag.Parse()
	var err error
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q; it takes flags only", flag.Arg(0))
	case *work != "":
		err = runWork(*work)
	default:
		err = count(*arch, *processor, *backends, *markdown)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "countinstr:", err)
		os.Exit(1)
	}
}

// count builds the program for arch, runs it for each backend and prints the
// table.
func count(arch, processor, backends string, markdown bool) error {
	target, err := targetFor(arch)
	if err != nil {
		return err
	}
	if processor != "" {
		target.processor = processor
	}
	dir, err := os.MkdirTemp("", "countinstr")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	built, err := build(target, dir)
	if err != nil {
		return err
	}
	names := strings.FieldsFunc(backends, func(r rune) bool { return r == ',' })
	if len(names) == 0 {
		if names, err = built.backends(); err != nil {
			return err
		}
	}
	var rows []row
	for _, name := range names {
		segments, err := built.trace(name)
		if err != nil {
			return fmt.Errorf("backend %s: %w", name, err)
		}
		r, err := summarise(name, segments)
		if err != nil {
			return fmt.Errorf("backend %s: %w", name, err)
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b row) int { return int(1000 * (a.aligned - b.aligned)) })
	printTable(os.Stdout, target, rows, markdown)
	return nil
}
