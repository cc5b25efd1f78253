//go:build !nodemo

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Demo is what demo prints; its JSON is the command's.
type Demo struct {
	Version     string    `json:"version"`
	GOOS        string    `json:"goos"`
	GOARCH      string    `json:"goarch"`
	Mode        string    `json:"mode"` // kernel or userspace
	ModeWhy     string    `json:"mode_why"`
	Backend     string    `json:"backend"`
	BackendWhy  string    `json:"backend_why"`
	Seconds     float64   `json:"seconds"`      // of each measurement
	WindowBytes int       `json:"window_bytes"` // of TCP
	RateBits    int64     `json:"rate_bits_per_second"`
	Rows        []demoRow `json:"measurements"`
}

// demoRow is one measurement. The counters are those of the whole life of its tunnel: the client's,
// which received, and of MPPE also the server's encrypted_* and rekeys_out.
type demoRow struct {
	Link          string          `json:"link"`
	DelayMS       float64         `json:"delay_ms"`
	JitterMS      float64         `json:"jitter_ms"`
	Policy        string          `json:"policy"`
	BitsPerSecond float64         `json:"bits_per_second"`
	Kept          float64         `json:"kept"` // share of the first row's rate
	Window        status.Window   `json:"window"`
	MPPE          status.Counters `json:"mppe"`
}

// serverCounters are those of MPPE that only the sending end has.
var serverCounters = []string{"encrypted_packets", "encrypted_bytes", "rekeys_out"}

func (r *Demo) Add(l link.Config, policy reorder.Policy, got lab.Result, server, client status.Snapshot) error {
	if len(server.Sessions) != 1 || len(client.Sessions) != 1 {
		return errors.New("the tunnel went down while it was measured")
	}
	row := demoRow{
		Link: l.String(), DelayMS: milliseconds(l.Delay), JitterMS: milliseconds(l.Jitter), Policy: policy.String(),
		BitsPerSecond: got.BitsPerSecond, Kept: 1,
		Window: client.Sessions[0].Window, MPPE: client.Sessions[0].MPPE.Counters,
	}
	for _, name := range serverCounters {
		row.MPPE[name] = server.Sessions[0].MPPE.Counters[name]
	}
	if len(r.Rows) > 0 {
		row.Kept = got.BitsPerSecond / max(1, r.Rows[0].BitsPerSecond)
	}
	r.Rows = append(r.Rows, row)
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (r *Demo) WriteJSON(out io.Writer) error {
	r.GOOS, r.GOARCH = runtime.GOOS, runtime.GOARCH
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// WriteHead says what is going to be measured.
func (r *Demo) WriteHead(out io.Writer) {
	fmt.Fprintf(out, "backend  %s (%s)\n", r.Backend, r.BackendWhy)
	fmt.Fprintf(out, "network  %s mode (%s)\n", r.Mode, r.ModeWhy)
	line := "no limit to its rate"
	if r.RateBits > 0 {
		line = bitRate(float64(r.RateBits) / 8)
	}
	fmt.Fprintf(out, "tunnel   MS-CHAPv2, MPPE-128 stateless, over an emulated link, %s\n", line)
	fmt.Fprintf(out, "traffic  TCP from server to client, window %s, %gs each\n", byteSize(uint64(r.WindowBytes)), r.Seconds)
}

// WriteTables writes the results, what they show, and what the tunnel does not do.
func (r *Demo) WriteTables(out io.Writer) error {
	speeds := newTable("link", "reorder window", "Mbit/s", "kept", "Accepted", "Under Window", "Buffered", "Duplicated", "Lost")
	speeds.alignRight(3, 9)
	crypto := newTable("MPPE", "reorder window", "encrypted", "decrypted", "late", "duplicated", "implausible", "out of range", "rekeys")
	crypto.alignRight(3, 9)
	for _, row := range r.Rows {
		delay, policy := row.delayText(), row.policyText()
		w, m := row.Window, row.MPPE
		speeds.add(delay, policy, fmt.Sprintf("%.1f", row.BitsPerSecond/1e6), fmt.Sprintf("%.0f%%", 100*row.Kept),
			w.Accepted, w.UnderWindow, w.Buffered, w.Duplicated, w.Lost)
		crypto.add(delay, policy, m["encrypted_packets"], m["decrypted_packets"],
			m["late"], m["duplicated"], m["implausible"], m["out_of_range"], m["rekeys_in"])
	}
	var text strings.Builder
	speeds.write(&text)
	crypto.write(&text)
	fmt.Fprintf(&text, "\n%s\n%s\n", r.finding(), demoSecurity)
	_, err := io.WriteString(out, text.String())
	return err
}

const demoSecurity = "PPTP is not secure: a recorded login gives its keys away, and packets can be altered on the way; send nothing through it that is not encrypted already."

// finding says in a sentence what the rows show.
func (r *Demo) finding() string {
	window, none := r.Rows[1], r.Rows[2]
	return fmt.Sprintf("When %s becomes %s, packets overtake each other: with the window the tunnel keeps %.0f%% of its speed, without it, as in the Linux kernel's driver, %.0f%%.",
		r.Rows[0].delayText(), window.delayText(), 100*window.Kept, 100*none.Kept)
}

func (w demoRow) delayText() string { return delayText(w.DelayMS, w.JitterMS) }

func (w demoRow) policyText() string {
	policy, err := reorder.ParsePolicy(w.Policy)
	if err != nil {
		return w.Policy
	}
	return PolicyText(policy)
}

func LinkText(l link.Config) string { return delayText(milliseconds(l.Delay), milliseconds(l.Jitter)) }

func delayText(delay, jitter float64) string {
	if jitter == 0 {
		return fmt.Sprintf("%g ms", delay)
	}
	return fmt.Sprintf("%g±%g ms", delay, jitter)
}

func PolicyText(p reorder.Policy) string {
	if p == reorder.Drop {
		return "no (drop)"
	}
	return fmt.Sprintf("yes (%v)", p)
}
