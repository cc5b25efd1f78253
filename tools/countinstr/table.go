package main

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// row is what was counted for a backend, as means over the rounds.
type row struct {
	name         string
	aligned      float64 // instructions a byte, dst and src aligned to words
	unaligned    float64 // instructions a byte, dst and src each at an odd address
	cycles       float64 // modelled cycles a byte, aligned
	setup        float64 // instructions of a key set-up, 16 bytes of key
	setupCycles  float64
	packet       float64 // instructions of a key set-up and packet bytes, aligned
	packetCycles float64
	tiny         float64 // the same for tiny bytes
	call         float64 // instructions of one of many calls for block bytes
}

// summarise makes a row of the segments of all rounds.
func summarise(name string, segments []segment) (row, error) {
	if len(segments) != rounds*len(steps) {
		return row{}, fmt.Errorf("%d pieces of work in qemu's log, want %d", len(segments), rounds*len(steps))
	}
	instructions, cycles := make([]float64, len(steps)), make([]float64, len(steps))
	for n, s := range segments {
		instructions[n%len(steps)] += float64(s.instructions) / rounds
		cycles[n%len(steps)] += float64(s.instructions+s.stalls) / rounds
	}
	perByte := func(of []float64, long, short int) float64 {
		return (of[long] - of[short]) / float64(steps[long].n-steps[short].n)
	}
	return row{
		name:         name,
		aligned:      perByte(instructions, longAligned, shortAligned),
		cycles:       perByte(cycles, longAligned, shortAligned),
		unaligned:    perByte(instructions, longUnaligned, shortUnaligned),
		setup:        instructions[onlyKey],
		setupCycles:  cycles[onlyKey],
		packet:       instructions[keyAndPacket],
		packetCycles: cycles[keyAndPacket],
		tiny:         instructions[keyAndTiny],
		call:         instructions[manyCalls] / calls,
	}, nil
}

// printTable prints the rows, with the modelled cycles where there is a model.
func printTable(w io.Writer, title string, rows []row, modelled, markdown bool) {
	tab := table.NewWriter()
	tab.SetOutputMirror(w)
	tab.SetStyle(table.StyleLight)
	tab.SetTitle("%s", title)
	head := table.Row{"backend", "a byte", "unaligned", "key set-up",
		fmt.Sprintf("key+%d B", packet), fmt.Sprintf("key+%d B", tiny), fmt.Sprintf("call of %d B", block)}
	if modelled {
		head = append(head, "24K: cycles a byte", "key set-up", fmt.Sprintf("key+%d B", packet))
	}
	tab.AppendHeader(head)
	var right []table.ColumnConfig
	for n := 2; n <= len(head); n++ {
		right = append(right, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	tab.SetColumnConfigs(right)
	for _, r := range rows {
		cells := table.Row{r.name, fmt.Sprintf("%.2f", r.aligned), fmt.Sprintf("%.2f", r.unaligned),
			fmt.Sprintf("%.0f", r.setup), fmt.Sprintf("%.0f", r.packet), fmt.Sprintf("%.0f", r.tiny), fmt.Sprintf("%.0f", r.call)}
		if modelled {
			cells = append(cells, fmt.Sprintf("%.2f", r.cycles), fmt.Sprintf("%.0f", r.setupCycles), fmt.Sprintf("%.0f", r.packetCycles))
		}
		tab.AppendRow(cells)
	}
	if markdown {
		tab.RenderMarkdown()
		return
	}
	tab.Render()
}
