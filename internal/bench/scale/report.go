package scale

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Report is a table of rows.
type Report struct {
	Backend string       `json:"backend"`
	Rows    []Row        `json:"rows"`
	Receive []ReceiveRow `json:"receive"` // receiving alone, by readers and cores
}

// WriteTable writes the report for a reader.
func (r *Report) WriteTable(out io.Writer) error {
	var w strings.Builder
	fmt.Fprintf(&w, "server and clients in one process, MS-CHAPv2, MPPE-128 stateless, RC4 by %s; GRE through memory\n", r.Backend)
	if len(r.Rows) > 0 {
		r.writeRows(&w)
	}
	if len(r.Receive) > 0 {
		r.writeReceive(&w)
	}
	_, err := io.WriteString(out, w.String())
	return err
}

func (r *Report) writeRows(w io.Writer) {
	fmt.Fprintf(w, "\n%9s %10s %10s %10s %10s %10s %10s %10s %8s %10s\n",
		"sessions", "set-up", "CPU each", "idle", "busy", "through", "packets", "CPU each", "min/max", "tear-down")
	fmt.Fprintf(w, "%9s %10s %10s %10s %10s %10s %10s %10s %8s %10s\n",
		"", "1/s", "ms", "KB each", "KB each", "Mbit/s", "1000/s", "us", "share", "s")
	for _, row := range r.Rows {
		perSecond := float64(row.Packets) / row.Duration.Seconds()
		fmt.Fprintf(w, "%9d %10.0f %10.2f %10.1f %10.1f %10.0f %10.1f %10.2f %8.2f %10.2f\n",
			row.Sessions, row.SetUpRate(), each(row.SetUpCPU, row.Sessions).Seconds()*1e3,
			float64(row.Idle)/1024, float64(row.Busy)/1024, row.BitsPerSecond()/1e6, perSecond/1e3,
			each(row.CPU, int(row.Packets)).Seconds()*1e6, row.Share(), row.TearDown.Seconds())
	}
	fmt.Fprint(w, `
set-up     sessions brought up a second, and what the processors spent on each, both ends together
idle       heap and stacks of the server, a session that has carried nothing; busy: a session after the traffic
through    packets of all sessions, there and back: what passed each way, and what the processors spent on a packet,
           which is encrypted and deciphered twice
min/max    packets of the session that had the fewest to those of the one that had the most
`)
}

func (r *Report) writeReceive(w io.Writer) {
	fmt.Fprintf(w, "\nthe way in alone, to the device: %d sessions, packets of %d bytes recorded before, which wait in lists or in raw sockets\n", r.Receive[0].Sessions, r.Receive[0].Bytes)
	fmt.Fprintf(w, "%9s %10s %11s %12s %10s %10s\n", "readers", "cores", "from", "1000/s", "to first", "CPU us")
	var first ReceiveRow
	for i, row := range r.Receive {
		from := "lists"
		if row.Sockets {
			from = "sockets"
		}
		if i == 0 || row.Sockets != first.Sockets {
			first = row
		}
		fmt.Fprintf(w, "%9d %10d %11s %12.0f %10.2f %10.2f\n", row.Readers, row.Cores, from, row.PacketsPerSecond()/1e3,
			row.PacketsPerSecond()/first.PacketsPerSecond(), each(row.CPU, row.Packets).Seconds()*1e6)
	}
}

func each(d time.Duration, n int) time.Duration { return d / time.Duration(max(n, 1)) }
