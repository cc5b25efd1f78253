// Package report writes what the commands print: tables of status, the results of a demo, progress.
package report

import (
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// WriteTables writes what people read.
func WriteTables(out io.Writer, results []status.Result) {
	for i, r := range results {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if r.Err != nil {
			fmt.Fprintf(out, "%s: no answer: %s\n", r.Path, exit.OneLine(r.Err.Error()))
			continue
		}
		writeProcess(out, r.Snapshot)
		writeClient(out, r.Snapshot)
		writeWay(out, r.Snapshot.Way)
		writeNames(out, r.Snapshot.Names)
		writeProxy(out, r.Snapshot.Proxy)
		if len(r.Snapshot.Sessions) == 0 {
			fmt.Fprintln(out, "no session")
		} else {
			writeSessions(out, r.Snapshot)
			writeTraffic(out, r.Snapshot)
			writeWindow(out, r.Snapshot)
			writeIO(out, r.Snapshot)
			writeCounters(out, r.Snapshot)
		}
		writeBans(out, r.Snapshot)
		writeTotals(out, r.Snapshot)
	}
}

func writeProcess(out io.Writer, s status.Snapshot) {
	p := s.Process
	fmt.Fprintf(out, "%s %s, pid %d, up %s", printable(p.Role), printable(p.Version), p.PID, age(s.Time, p.Started))
	if p.Profile != "" {
		fmt.Fprintf(out, ", profile %s", printable(p.Profile))
	}
	if p.Listen != "" {
		fmt.Fprintf(out, ", listens on %s", printable(p.Listen))
	}
	if p.Device != "" {
		fmt.Fprintf(out, ", device %s", printable(p.Device))
	}
	fmt.Fprintf(out, "\nbackend %s", printable(p.Backend))
	if p.BackendWhy != "" {
		fmt.Fprintf(out, " (%s)", printable(p.BackendWhy))
	}
	fmt.Fprintln(out)
	writeMemory(out, p.Memory)
}

// writeMemory says how much a process holds; m is nil if it does not tell.
func writeMemory(out io.Writer, m *status.Memory) {
	if m == nil {
		return
	}
	fmt.Fprintf(out, "memory %s (%s)", printable(m.Mode), printable(m.Why))
	if m.Resident > 0 {
		fmt.Fprintf(out, ", %s resident, %s at most", memory.Text(m.Resident), memory.Text(m.Peak))
	}
	if m.CollectorLimit > 0 {
		fmt.Fprintf(out, ", GOMEMLIMIT %s", memory.Text(m.CollectorLimit))
	}
	fmt.Fprintln(out)
}

// writeWay says how a client reaches its server; w is nil if nobody follows that.
func writeWay(out io.Writer, w *status.Way) {
	switch {
	case w == nil:
	case w.Missing != "":
		fmt.Fprintf(out, "no way to the server: %s\n", printable(w.Missing))
	case w.Server == "" && w.Device != "":
		fmt.Fprintf(out, "the way out is by %s", printable(w.Device))
		if w.Gateway != "" {
			fmt.Fprintf(out, " via %s", printable(w.Gateway))
		}
		fmt.Fprintln(out)
	case w.Device != "":
		fmt.Fprintf(out, "server %s by %s", printable(w.Server), printable(w.Device))
		if w.Gateway != "" {
			fmt.Fprintf(out, " via %s", printable(w.Gateway))
		}
		fmt.Fprintf(out, ", from %s\n", printable(w.Source))
	}
}

// writeNames says whom this machine asks for names; n is nil if the tunnel changes nothing about
// that.
func writeNames(out io.Writer, n *status.Names) {
	if n == nil {
		return
	}
	fmt.Fprintf(out, "names are looked up at %s, by %s", printable(strings.Join(n.Servers, ", ")), printable(n.By))
	if len(n.Domains) > 0 {
		fmt.Fprintf(out, ", those in %s", printable(strings.Join(n.Domains, ", ")))
	}
	fmt.Fprintln(out)
}

// writeClient says what a client does while its tunnel is not up: why that is so, and when it tries
// again.
func writeClient(out io.Writer, s status.Snapshot) {
	c := s.Client
	if c == nil {
		return
	}
	if c.State == status.Up {
		if c.WokenBy != "" {
			fmt.Fprintf(out, "asked for by %s\n", printable(c.WokenBy))
		}
		return
	}
	fmt.Fprintf(out, "%s for %s", printable(c.State), age(s.Time, c.Since))
	switch {
	case c.State == status.Reconnecting:
		fmt.Fprintf(out, ", attempt %d %s", c.Attempts+1, until(s.Time, c.NextAttempt))
	case c.Attempts > 0 && c.State == status.Connecting:
		fmt.Fprintf(out, ", attempt %d", c.Attempts)
	}
	if what := waitFor[c.WaitsFor]; what != "" {
		fmt.Fprintf(out, "\nwaits for %s", what)
		if c.Until.After(s.Time) && c.State != status.Reconnecting {
			fmt.Fprintf(out, ", %s at most", atMost(s.Time, c.Until))
		}
	}
	if c.WokenBy != "" {
		fmt.Fprintf(out, "\nasked for by %s", printable(c.WokenBy))
	}
	if c.Reason != "" {
		fmt.Fprintf(out, "\nthe last one ended: %s", PrintableUpTo(c.Reason, longestReason))
	}
	fmt.Fprintln(out)
}

// waitFor says what a client waits for.
var waitFor = map[string]string{
	status.ForServer:  "the server's answer on TCP",
	status.ForCall:    "the server to accept the call",
	status.ForLink:    "the login and the agreement on encryption and addresses",
	status.ForPause:   "the pause to end, or the network to change",
	status.ForNetwork: "a network with a way to the server",
	status.ForPacket:  "a packet to the networks behind the tunnel",
}

// atMost is how long something will last, in whole seconds.
func atMost(now, then time.Time) time.Duration {
	return (then.Sub(now) + time.Second - 1).Truncate(time.Second)
}

// until says when something will be, in whole seconds.
func until(now, then time.Time) string {
	if then.IsZero() || !then.After(now) {
		return "now"
	}
	return "in " + atMost(now, then).String()
}

func writeSessions(out io.Writer, s status.Snapshot) {
	t := newTable("#", "user", "peer", "local", "remote", "state", "for", "auth", "mppe", "mtu")
	for i, v := range s.Sessions {
		t.add(i+1, printable(v.User), printable(v.Peer), tunnelAddr(v.Local), tunnelAddr(v.Remote),
			printable(v.State), age(s.Time, v.Since), dash(printable(v.Auth)), encryption(v.MPPE), v.MTU)
	}
	t.write(out)
}

func writeTraffic(out io.Writer, s status.Snapshot) {
	t := newTable("#", "bytes in", "bytes out", "packets in", "packets out")
	t.alignRight(2, 5)
	for i, v := range s.Sessions {
		t.add(i+1, byteSize(v.BytesIn), byteSize(v.BytesOut), v.PacketsIn, v.PacketsOut)
	}
	t.write(out)
}

func writeWindow(out io.Writer, s status.Snapshot) {
	t := newTable("#", "policy", "accepted", "under window", "buffered", "duplicated", "lost")
	t.alignRight(3, 7)
	for i, v := range s.Sessions {
		w := v.Window
		t.add(i+1, dash(printable(v.Policy)), w.Accepted, w.UnderWindow, w.Buffered, w.Duplicated, w.Lost)
	}
	t.write(out)
}

func writeIO(out io.Writer, s status.Snapshot) {
	t := newTable("#", "sent by", "because")
	t.wrap(3, widestCell)
	for i, v := range s.Sessions {
		t.add(i+1, dash(printable(v.IO.Way)), dash(printable(v.IO.Why)))
	}
	t.write(out)
}

// writeCounters writes the numbers that are not zero; the names are the sessions' own. What only
// grows is told apart from what says how things stand.
func writeCounters(out io.Writer, s status.Snapshot) {
	t := newTable("#", "kind", "numbers that are not zero")
	t.wrap(3, widestCell)
	for i, v := range s.Sessions {
		counters, state := splitCounters(v.Counters)
		t.add(i+1, "mppe counters", dash(counterList(v.MPPE.Counters)))
		t.add(i+1, "other counters", dash(counterList(counters)))
		t.add(i+1, "state", dash(counterList(state)))
	}
	t.write(out)
}

func writeBans(out io.Writer, s status.Snapshot) {
	if len(s.Bans) == 0 {
		return
	}
	t := newTable("banned", "user", "for", "because")
	for _, b := range s.Bans {
		user := "all"
		if b.User != "" {
			user = printable(b.User)
		}
		t.add(printable(b.Address), user, age(b.Until, s.Time), printable(b.Why))
	}
	t.write(out)
	if s.BansMore > 0 {
		fmt.Fprintf(out, "and %d more\n", s.BansMore)
	}
}

func writeTotals(out io.Writer, s status.Snapshot) {
	t := s.Totals
	fmt.Fprintf(out, "since the start: %d %s, %s in %d packets in, %s in %d packets out, %d lost\n",
		t.Sessions, plural(t.Sessions, "session"), byteSize(t.BytesIn), t.PacketsIn, byteSize(t.BytesOut), t.PacketsOut, t.Window.Lost)
	if refused := counterList(s.Refused); refused != "" {
		fmt.Fprintf(out, "refused: %s\n", refused)
	}
}

// plural is a word for so many.
func plural(n uint64, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// sessionsBefore is the last look at the sessions of the same process, by ID.
func sessionsBefore(last []status.Result, now status.Result) map[string]status.Session {
	byID := make(map[string]status.Session)
	for _, r := range last {
		if r.Err == nil && r.Path == now.Path && r.Snapshot.Process.PID == now.Snapshot.Process.PID {
			for _, v := range r.Snapshot.Sessions {
				byID[v.ID] = v
			}
		}
	}
	return byID
}

// perSecond is the growth of a counter; negative when there is none to tell, as at the first look,
// or when the session is another one under an ID used again.
func perSecond(now, before uint64, known bool, elapsed time.Duration) float64 {
	if !known || now < before || elapsed <= 0 {
		return -1
	}
	return float64(now-before) / elapsed.Seconds()
}

// widestCell is where the columns of lists are wrapped, in characters.
const widestCell = 100

// longestReason has room for the longest sentence of ours with the longest text of a peer's in it,
// in characters.
const longestReason = 600

// printable is for a peer's name and what is like it.
func printable(s string) string { return PrintableUpTo(s, 200) }

// PrintableUpTo takes control characters, which a peer's text or a file may hold, off a terminal's
// way, and bounds the length, in characters.
func PrintableUpTo(s string, longest int) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
	if runes := []rune(clean); len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return clean
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func tunnelAddr(a netip.Addr) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}

func encryption(m status.MPPE) string {
	switch {
	case m.Strength == 0:
		return "none"
	case m.Stateless:
		return fmt.Sprintf("%d stateless", m.Strength)
	}
	return fmt.Sprintf("%d stateful", m.Strength)
}

func counterList(c map[string]uint64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if c[name] != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", printable(name), c[name]))
		}
	}
	return strings.Join(parts, ", ")
}

// age is how long ago something was, in whole seconds.
func age(now, then time.Time) string {
	if now.IsZero() || then.IsZero() || now.Before(then) {
		return "-"
	}
	d := now.Sub(then).Truncate(time.Second)
	if days := int(d.Hours()) / 24; days > 0 {
		return fmt.Sprintf("%dd%s", days, d-time.Duration(days)*24*time.Hour)
	}
	return d.String()
}

// byteSize is in binary units, as memory and files are.
func byteSize(n uint64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), 0
	for value >= 1023.95 && unit < 6 { // what would print as 1024.0 is 1.0 of the next
		value /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", value, " KMGTPE"[unit])
}

// bitRate turns bytes a second into bits a second, in decimal units, as links are.
func bitRate(bytes float64) string {
	if bytes < 0 {
		return "-"
	}
	value, unit := bytes*8, 0
	for value >= 999.95 && unit < 4 {
		value /= 1000
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%.0f bit/s", value)
	}
	return fmt.Sprintf("%.1f %cbit/s", value, " kMGT"[unit])
}

func packetRate(packets float64) string {
	if packets < 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", packets)
}
