package speed

import (
	"bufio"
	"fmt"
	"io"

	"github.com/arc4tun/arc4tun/internal/timing"
)

// WriteMR writes the report for a program, with the lines of `openssl speed -mr`:
//
//	+H:16:64:...                       the sizes in bytes
//	+F:NUMBER:NAME:RATE:RATE:...       bytes a second at each size, two decimals; 0.00 where
//	                                   nothing was measured
//
// NUMBER is the name's place among all that can be measured here. With several workers openssl also
// shows what each of them did, and so does this: the same lines as "Got: LINE from WORKER", before
// the +F lines of the sums. (openssl then leaves out the +H line of the sums; here it is always
// there.)
//
// What openssl has no notion of: workloads other than the stream come in a block of their own each,
// with NAME/WORKLOAD for the name; and for operations without a size there is
//
//	+K:NUMBER:NAME:BITS:RATE:TIME      key bits, operations a second, seconds each
//
// With Config.Peers a line for each peer follows them:
//
//	+X:NUMBER:NAME:PEER:RATIO:...      how many times as fast as PEER at each size; 0.000 where
//	                                   nothing was measured
func (r *Report) WriteMR(out io.Writer) error {
	w := bufio.NewWriter(out)
	for _, s := range r.sections() {
		if r.Workers > 1 {
			for worker := range r.Workers {
				s.writeMR(w, "Got: ", fmt.Sprintf(" from %d", worker), func(r *Result) float64 {
					sample := r.samples[worker]
					return float64(sample.ops) / sample.seconds
				})
			}
		}
		s.writeMR(w, "", "", func(r *Result) float64 { return r.OpsPerSecond() })
		for _, peer := range r.Peers {
			s.writeRatiosMR(w, peer)
		}
	}
	return w.Flush()
}

// writeMR writes the lines of one section, with rate saying how many operations a second a result
// stands for.
func (s section) writeMR(w io.Writer, before, after string, rate func(*Result) float64) {
	if !s.workload.sized() {
		for _, line := range s.rows {
			for _, result := range line.results {
				if result != nil {
					ops := rate(result)
					fmt.Fprintf(w, "%s+K:%d:%s:%d:%f:%.9f%s\n", before, line.number, label(line.name, s.workload), timing.KeySize*8, ops, 1/ops, after)
				}
			}
		}
		return
	}
	fmt.Fprintf(w, "%s+H", before)
	for _, size := range s.sizes {
		fmt.Fprintf(w, ":%d", size)
	}
	fmt.Fprintf(w, "%s\n", after)
	for _, line := range s.rows {
		fmt.Fprintf(w, "%s+F:%d:%s", before, line.number, label(line.name, s.workload))
		for _, result := range line.results {
			bytes := 0.0
			if result != nil {
				bytes = rate(result) * float64(result.Bytes)
			}
			fmt.Fprintf(w, ":%.2f", bytes)
		}
		fmt.Fprintf(w, "%s\n", after)
	}
}

// writeRatiosMR writes the +X lines for one peer.
func (s section) writeRatiosMR(w io.Writer, peer string) {
	for _, line := range s.rows {
		fmt.Fprintf(w, "+X:%d:%s:%s", line.number, label(line.name, s.workload), peer)
		for _, ratios := range line.ratios {
			fmt.Fprintf(w, ":%.3f", ratios[peer])
		}
		fmt.Fprintln(w)
	}
}
