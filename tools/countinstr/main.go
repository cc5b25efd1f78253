// Command countinstr counts the instructions that the RC4 backends execute on
// an architecture that this machine only emulates, under qemu-user.
//
//	go run ./tools/countinstr -arch mipsle,mips
//	go run ./tools/countinstr -arch arm64 -backend arm64,u32
//
// It builds itself for the architecture, runs each backend under qemu with
// every instruction translated and logged by itself, and prints one row a
// backend: instructions a byte, the difference of two lengths over the
// difference of the lengths, so that what a call costs cancels out; those of a
// key set-up; those of whole packets; and those of one of many calls for 16
// bytes. Only the code of package arc4, of the backends and the runtime's
// copying and clearing is counted, and the count is exact: two runs print the
// same.
//
//	go run ./tools/countinstr -arch mipsle -backend mipsle-r2 -packets
//
// counts, function by function, what the packets of a tunnel take in MPPE.
//
// For MIPS it also prints the cycles a byte that a 24K core would need with all
// data in its cache, after its pipeline's rules; see mips24k.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/tools/internal/emulated"
)

func main() {
	archs := flag.String("arch", "", "architectures to count for, separated by commas, such as mips or arm64")
	backends := flag.String("backend", "", "backends to count, separated by commas (default: all that the processor runs)")
	processor := flag.String("cpu", "", "processor to emulate, as qemu calls it (default: one that has all that a backend uses)")
	markdown := flag.Bool("markdown", false, "print tables as Markdown")
	packets := flag.Bool("packets", false, "count, by function, whole MPPE packets instead")
	work := flag.String("work", "", "for the emulated program itself: the backend to run")
	flag.Parse()
	var err error
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q; it takes flags only", flag.Arg(0))
	case strings.HasPrefix(*work, packetsPrefix):
		err = runPackets(strings.TrimPrefix(*work, packetsPrefix))
	case *work != "":
		err = runWork(*work)
	case *archs == "":
		err = fmt.Errorf("-arch is missing, such as -arch mipsle,mips")
	default:
		for _, arch := range list(*archs) {
			if err = count(arch, *processor, list(*backends), *packets, *markdown); err != nil {
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "countinstr:", err)
		os.Exit(1)
	}
}

func list(words string) []string {
	return strings.FieldsFunc(words, func(r rune) bool { return r == ',' })
}

// count builds the program for arch, runs it for each backend and prints the
// table.
func count(arch, processor string, backends []string, packets, markdown bool) error {
	machine, err := emulated.Find(arch)
	if err != nil {
		return err
	}
	if processor != "" {
		machine = machine.With(processor)
	}
	dir, err := os.MkdirTemp("", "countinstr")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := build(machine, dir)
	if err != nil {
		return err
	}
	if len(backends) == 0 {
		if backends, err = p.backends(); err != nil {
			return err
		}
	}
	if packets {
		for _, name := range backends {
			shares, err := p.countPackets(name)
			if err != nil {
				return fmt.Errorf("backend %s: %w", name, err)
			}
			title := fmt.Sprintf("instructions a packet of %d bytes with %s on %s, counted under qemu-user, -cpu %s", packet, name, arch, machine.Processor)
			printPackets(os.Stdout, title, shares, p.core != nil, markdown)
		}
		return nil
	}
	var rows []row
	for _, name := range backends {
		segments, err := p.trace(name)
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
	title := fmt.Sprintf("instructions on %s, counted under qemu-user, -cpu %s", arch, machine.Processor)
	printTable(os.Stdout, title, rows, p.core != nil, markdown)
	return nil
}
