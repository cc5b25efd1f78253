package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// least is how many instructions a packet a function has in the table; the others are summed up.
const least = 25

// function is a function of the program.
type function struct {
	at   span
	name string
}

// functions are those of a program, in the order of their addresses.
type functions []function

// of gives the name of the function that an instruction belongs to.
func (f functions) of(pc uint64) string {
	n := sort.Search(len(f), func(n int) bool { return f[n].at.start > pc }) - 1
	if n < 0 || !f[n].at.has(pc) {
		return "?"
	}
	return f[n].name
}

// share is what was executed in one function, a packet.
type share struct {
	name                 string
	instructions, cycles [ways]float64
}

// packetWork gives the ranges of addresses whose instructions count where whole packets do, as few
// as there can be, because the emulator compares every instruction's with all of them.
func (p *program) packetWork() []span {
	ranges := []span{p.marker}
	joins := false
	for _, f := range p.functions {
		if !isPacketWork(f.name) {
			joins = false
			continue
		}
		if last := &ranges[len(ranges)-1]; joins {
			last.size = f.at.start + f.at.size - last.start
		} else {
			ranges = append(ranges, f.at)
		}
		joins = true
	}
	return ranges
}

// countPackets runs the packets with a backend and gives what each function had of them, the
// largest first.
func (p *program) countPackets(backend string) ([]share, error) {
	shares := map[string]*share{}
	core := func(uint32) int { return 0 }
	if p.core != nil {
		core = p.core()
	}
	segments, err := p.run(packetsPrefix+backend, p.packetWork(), func(segment int, pc uint64) int {
		stalls := core(p.words(pc))
		if segment >= ways { // the first batch does not count
			name := p.functions.of(pc)
			s := shares[name]
			if s == nil {
				s = &share{name: name}
				shares[name] = s
			}
			const packets = batch * (batches - 1)
			s.instructions[segment%ways] += 1. / packets
			s.cycles[segment%ways] += float64(1+stalls) / packets
		}
		return stalls
	})
	if err != nil {
		return nil, err
	}
	if len(segments) != batches*ways {
		return nil, fmt.Errorf("%d pieces of work in qemu's log, want %d", len(segments), batches*ways)
	}
	var all []share
	for _, s := range slices.Collect(maps.Values(shares)) {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b share) int {
		return cmp.Or(cmp.Compare(b.instructions[sending]+b.instructions[receiving], a.instructions[sending]+a.instructions[receiving]), cmp.Compare(a.name, b.name))
	})
	return all, nil
}

// printPackets prints the shares and their sums, with the modelled cycles where there is a model.
func printPackets(w io.Writer, title string, shares []share, modelled, markdown bool) {
	tab := table.NewWriter()
	tab.SetOutputMirror(w)
	tab.SetStyle(table.StyleLight)
	tab.SetTitle("%s", title)
	head := table.Row{"function", "sent", "received"}
	if modelled {
		head = append(head, "24K: cycles, sent", "received")
	}
	tab.AppendHeader(head)
	var right []table.ColumnConfig
	for n := 2; n <= len(head); n++ {
		right = append(right, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	tab.SetColumnConfigs(right)
	line := func(s share) {
		cells := table.Row{s.name}
		for way := range ways {
			cells = append(cells, fmt.Sprintf("%.0f", s.instructions[way]))
		}
		for way := range ways {
			if modelled {
				cells = append(cells, fmt.Sprintf("%.0f", s.cycles[way]))
			}
		}
		tab.AppendRow(cells)
	}
	others, sum := share{name: "others"}, share{name: "sum"}
	for _, s := range shares {
		sum.add(s)
		if max(s.instructions[sending], s.instructions[receiving]) < least {
			others.add(s)
			continue
		}
		s.name = strings.TrimPrefix(s.name, "github.com/arc4tun/arc4tun/")
		line(s)
	}
	line(others)
	line(sum)
	if markdown {
		tab.RenderMarkdown()
		return
	}
	tab.Render()
}

func (s *share) add(of share) {
	for way := range ways {
		s.instructions[way] += of.instructions[way]
		s.cycles[way] += of.cycles[way]
	}
}
