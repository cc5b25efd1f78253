package speed

import (
	"fmt"
	"io"
	"strconv"
)

// Progress writes openssl's lines while measuring goes on: "Doing u32 for 3s on 1024 size blocks: 123 u32's in 3.00s".
// It is an [Observer].
type Progress struct{ Out io.Writer }

// Begin writes the first half of the line.
func (p *Progress) Begin(c Case) {
	seconds := strconv.FormatFloat(c.Time.Seconds(), 'g', 6, 64)
	if c.Workload.sized() {
		fmt.Fprintf(p.Out, "Doing %s for %ss on %d size blocks: ", label(c.Name, c.Workload), seconds, c.Bytes)
	} else {
		fmt.Fprintf(p.Out, "Doing %s for %ss: ", label(c.Name, c.Workload), seconds)
	}
}

// End writes the second half.
func (p *Progress) End(r Result) {
	fmt.Fprintf(p.Out, "%d %s's in %.2fs\n", r.Ops, label(r.Name, r.Workload), r.Seconds)
}

// MRProgress writes the lines that `openssl speed -mr` has for the same, one for every worker:
// "+DT:NAME:SECONDS:BYTES" and "+R:OPERATIONS:NAME:SECONDS". It is an [Observer].
type MRProgress struct{ Out io.Writer }

// Begin writes the +DT lines.
func (p *MRProgress) Begin(c Case) {
	for range c.Workers {
		fmt.Fprintf(p.Out, "+DT:%s:%s:%d\n", label(c.Name, c.Workload), strconv.FormatFloat(c.Time.Seconds(), 'g', 6, 64), c.Bytes)
	}
}

// End writes the +R lines.
func (p *MRProgress) End(r Result) {
	for _, s := range r.Samples {
		fmt.Fprintf(p.Out, "+R:%d:%s:%f\n", s.Ops, label(r.Name, r.Workload), s.Seconds)
	}
}
