package soak

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/arc4tun/arc4tun/internal/bench/leakcheck"
)

// Good reports whether nothing went wrong.
func (r *Result) Good() bool { return len(r.Faults) == 0 && r.Complete }

// kindSum is a row of the table.
type kindSum struct {
	scenes, sessions, bad uint64
	took                  time.Duration
	traffic               Traffic
}

// WriteTable writes the result for a reader: a row for each kind of scene, the sums, memory, and
// what went wrong.
func (r *Result) WriteTable(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "soak: %v of bad network, %s mode (%s), seed %d\n\n", r.Took.Round(time.Second), r.Mode, r.Why, r.Seed)
	sums, total := r.sums()
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"scene", "times", "s", "sessions", "datagrams", "delivered", "TCP MB", "GRE packets", "lost", "doubled", "held", "late", "twice", "wraps", "bad"})
	row := func(name string, s kindSum) table.Row {
		t := s.traffic
		return table.Row{name, s.scenes, int(s.took.Seconds()), s.sessions, t.Datagrams, t.Delivered, t.StreamBytes / 1e6, t.GRE, t.Lost, t.Duplicated,
			t.Reordered, t.Late, t.Twice, fmt.Sprintf("%d+%d", t.SequenceWraps, t.CoherencyWraps), s.bad}
	}
	for _, k := range sceneKinds {
		if s, ok := sums[k.name]; ok {
			t.AppendRow(row(k.name, *s))
		}
	}
	t.AppendFooter(row("all", total))
	var right []table.ColumnConfig
	for i := 2; i <= 15; i++ {
		right = append(right, table.ColumnConfig{Number: i, Align: text.AlignRight, AlignFooter: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	fmt.Fprintln(&b, t.Render())
	b.WriteString(`
sessions: that began; delivered: of the datagrams; lost: GRE packets, by chance, outage or full queue; doubled: by the link;
held: packets that waited for others; late: that came behind the window; twice: that were refused because they had come;
wraps: of 32-bit sequence numbers and of 12-bit coherency counts
`)
	r.writeMemory(&b)
	r.writeVerdict(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *Result) sums() (byKind map[string]*kindSum, total kindSum) {
	byKind = map[string]*kindSum{}
	for _, s := range r.Scenes {
		if byKind[s.Kind] == nil {
			byKind[s.Kind] = &kindSum{}
		}
		for _, k := range []*kindSum{byKind[s.Kind], &total} {
			k.scenes++
			k.sessions += s.Sessions
			k.took += s.Took
			k.traffic = k.traffic.plus(s.Traffic[download]).plus(s.Traffic[upload])
			if len(s.Faults) > 0 {
				k.bad++
			}
		}
	}
	return byKind, total
}

func (r *Result) writeMemory(b *strings.Builder) {
	if len(r.Idle) == 0 {
		return
	}
	last := r.Idle[len(r.Idle)-1]
	fmt.Fprintf(b, "\nat rest, without a tunnel, %d times: %d goroutines and %d file descriptors at the last one\n", len(r.Idle), last.Goroutines, last.Files)
	for _, m := range []struct {
		name string
		of   func(leakcheck.Memory) uint64
	}{{"resident memory", func(m leakcheck.Memory) uint64 { return m.RSS }}, {"live heap", func(m leakcheck.Memory) uint64 { return m.Heap }}} {
		from, to, known := r.memoryGrowth(m.of)
		if !known {
			fmt.Fprintf(b, "%s: %.2f MB; too short a run to compare\n", m.name, float64(m.of(last))/1e6)
			continue
		}
		fmt.Fprintf(b, "%s: %.2f MB after a warm-up of %d rests, %.2f MB at the end: %+.2f%%\n",
			m.name, float64(from)/1e6, r.WarmUp, float64(to)/1e6, 100*(float64(to)/float64(max(from, 1))-1))
	}
}

func (r *Result) writeVerdict(b *strings.Builder) {
	if len(r.Faults) == 0 {
		if r.Complete {
			b.WriteString("\nNothing was wrong: no datagram altered or twice, none late where that is forbidden, every stream whole,\nall accounts balanced to the packet after every scene, every session alive, nothing left behind.\n")
		} else {
			b.WriteString("\nInterrupted. Nothing was wrong until then.\n")
		}
		return
	}
	fmt.Fprintf(b, "\n%d faults:\n", len(r.Faults))
	for _, f := range r.Faults {
		if f.Scene == 0 {
			fmt.Fprintf(b, "  %s\n", f.What)
			continue
		}
		fmt.Fprintf(b, "  scene %d: %s\n      again: %s\n", f.Scene, f.What, r.Again(f.Scene))
	}
}

// Again is the command that plays a scene once more.
func (r *Result) Again(scene int) string {
	return fmt.Sprintf("go run ./tools/soak -mode %s -seed %d -only %d", r.Mode, r.Seed, scene)
}
