package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

func statusExample() status.Snapshot {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return status.Snapshot{
		Time: start.Add(26 * time.Hour),
		Process: status.Process{
			Version: "v1.0.0", Role: status.RoleServer, PID: 42, Started: start,
			Device: "arc40", Listen: "0.0.0.0:1723", Backend: "amd64", BackendWhy: "fastest of 4",
			Memory: &status.Memory{Mode: "small", Why: "the machine has 60 MB", Resident: 9 << 20, Peak: 11 << 20, Usable: 60 << 20, CollectorLimit: 15 << 20},
		},
		Sessions: []status.Session{
			{
				ID: "1", User: "alice", Peer: "198.51.100.7", Local: netip.MustParseAddr("10.99.0.1"), Remote: netip.MustParseAddr("10.99.0.100"),
				State: "up", Since: start.Add(25 * time.Hour), Auth: "MS-CHAPv2", MTU: 1396, Policy: "order",
				MPPE:     status.MPPE{Strength: 128, Stateless: true, Counters: status.Counters{"rekeys_in": 7, "late": 0}},
				Window:   status.Window{Accepted: 101, UnderWindow: 102, Buffered: 103, Duplicated: 104, Lost: 105},
				Traffic:  status.Traffic{BytesIn: 1 << 20, BytesOut: 1000, PacketsIn: 900, PacketsOut: 50},
				Counters: status.Counters{"in_malformed": 3, "call_id": 17, "peer_call_id": 18, "from_tomorrow": 1},
			},
			{ID: "2", User: "mallory\x1b[2J\n", Peer: "203.0.113.9", State: "authenticating", Since: start},
		},
		Way:     &status.Way{Server: "192.0.2.1", Device: "eth0", Gateway: "192.0.2.254", Source: "192.0.2.2", Missing: "x"},
		Client:  &status.Client{State: status.Reconnecting, Since: start, Attempts: 3, Reason: "x", NextAttempt: start},
		Totals:  status.Totals{Sessions: 3, Traffic: status.Traffic{BytesIn: 3 << 30, PacketsIn: 4000}, Window: status.Window{Lost: 106}},
		Refused: map[string]uint64{"authentication": 2, "connections": 0},
		Bans: []status.Ban{
			{Address: "203.0.113.9", User: "mallory\x1b", Since: start.Add(time.Hour), Until: start.Add(time.Hour + time.Minute), Failures: 6, Why: "6 failed logins of this user from this address"},
			{Address: "203.0.113.10", Since: start.Add(time.Hour), Until: start.Add(2 * time.Hour), Failures: 24, Why: "24 failed logins from this address"},
		},
		BansMore: 7,
	}
}

// fields are a line's words, so that tests do not depend on the columns' widths.
func fields(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

// TestStatusNames: whom this machine asks is one line, and none where the tunnel changes nothing.
func TestStatusNames(t *testing.T) {
	for want, names := range map[string]*status.Names{
		"": nil,
		"names are looked up at 10.0.0.53, 10.0.0.54, by resolvconf\n":                                  {By: "resolvconf", Servers: []string{"10.0.0.53", "10.0.0.54"}},
		"names are looked up at 10.0.0.53, by systemd-resolved, those in office.example, lab.example\n": {By: "systemd-resolved", Servers: []string{"10.0.0.53"}, Domains: []string{"office.example", "lab.example"}},
	} {
		var out strings.Builder
		writeNames(&out, names)
		assert.Equal(t, want, out.String())
	}
}

// TestStatusWay: how a client reaches its server is one line, and none at a server.
func TestStatusWay(t *testing.T) {
	for want, way := range map[string]*status.Way{
		"": nil,
		"server 192.0.2.1 by eth0 via 192.0.2.254, from 192.0.2.2\n": {Server: "192.0.2.1", Device: "eth0", Gateway: "192.0.2.254", Source: "192.0.2.2"},
		"the way out is by eth0 via 192.0.2.254\n":                   {Device: "eth0", Gateway: "192.0.2.254"},
		"server 192.0.2.1 by ppp0, from 192.0.2.2\n":                 {Server: "192.0.2.1", Device: "ppp0", Source: "192.0.2.2"},
		"no way to the server: no route?[2J\n":                       {Server: "192.0.2.1", Missing: "no route\x1b[2J"},
	} {
		var out bytes.Buffer
		writeWay(&out, way)
		assert.Equal(t, want, out.String())
	}
}

func TestStatusTable(t *testing.T) {
	var out bytes.Buffer
	screen := StatusScreen{Out: &out}
	require.NoError(t, screen.Show([]status.Result{{Path: "/run/arc4/serve.sock", Snapshot: statusExample()}}, time.Unix(0, 0)))
	lines := fields(out.String())
	for _, want := range []string{
		"server v1.0.0, pid 42, up 1d2h0m0s, listens on 0.0.0.0:1723, device arc40",
		"backend amd64 (fastest of 4)",
		"memory small (the machine has 60 MB), 9 MB resident, 11 MB at most, GOMEMLIMIT 15 MB",
		"# USER PEER LOCAL REMOTE STATE FOR AUTH MPPE MTU",
		"1 alice 198.51.100.7 10.99.0.1 10.99.0.100 up 1h0m0s MS-CHAPv2 128 stateless 1396",
		"2 mallory?[2J? 203.0.113.9 - - authenticating 1d2h0m0s - none 0",
		"# BYTES IN BYTES OUT PACKETS IN PACKETS OUT",
		"1 1.0 MiB 1000 B 900 50",
		"# POLICY ACCEPTED UNDER WINDOW BUFFERED DUPLICATED LOST",
		"1 order 101 102 103 104 105",
		"1 mppe counters rekeys_in 7",
		"1 other counters from_tomorrow 1, in_malformed 3",
		"1 state call_id 17, peer_call_id 18",
		"2 mppe counters -",
		"2 state -",
		"since the start: 3 sessions, 3.0 GiB in 4000 packets in, 0 B in 0 packets out, 106 lost",
		"refused: authentication 2",
	} {
		assert.Contains(t, lines, want)
	}
	assert.NotContains(t, out.String(), "\x1b", "a peer's name cannot steer the terminal")
	for line := range strings.Lines(out.String()) {
		assert.Equal(t, strings.TrimRight(line, " \n")+"\n", line, "no white space at the ends")
	}
}

// TestStatusOfAClientWithoutATunnel says why there is none, and when the next attempt comes.
func TestStatusOfAClientWithoutATunnel(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name   string
		client *status.Client
		want   []string
	}{
		{"a server", nil, nil},
		{"up", &status.Client{State: status.Up, Since: start}, nil},
		{"the first attempt", &status.Client{State: status.Connecting, Since: start.Add(57 * time.Second), Attempts: 1}, []string{"connecting for 3s, attempt 1"}},
		{"waiting", &status.Client{State: status.Reconnecting, Since: start.Add(50 * time.Second), Attempts: 4, Reason: "the server\x1b fell", NextAttempt: start.Add(64500 * time.Millisecond)},
			[]string{"reconnecting for 10s, attempt 5 in 5s", "the last one ended: the server? fell"}},
		{"late", &status.Client{State: status.Reconnecting, Since: start, Attempts: 1, Reason: "x", NextAttempt: start.Add(time.Minute)},
			[]string{"reconnecting for 1m0s, attempt 2 now", "the last one ended: x"}},
		{"another attempt", &status.Client{State: status.Connecting, Since: start.Add(time.Minute), Attempts: 2, Reason: "x"},
			[]string{"connecting for 0s, attempt 2", "the last one ended: x"}},
		{"what an attempt waits for", &status.Client{State: status.Connecting, Since: start.Add(57 * time.Second), Attempts: 1, WaitsFor: status.ForServer, Until: start.Add(71500 * time.Millisecond)},
			[]string{"connecting for 3s, attempt 1", "waits for the server's answer on TCP, 12s at most"}},
		{"without a limit", &status.Client{State: status.Connecting, Since: start.Add(57 * time.Second), Attempts: 1, WaitsFor: status.ForLink},
			[]string{"connecting for 3s, attempt 1", "waits for the login and the agreement on encryption and addresses"}},
		{"what a pause waits for", &status.Client{State: status.Reconnecting, Since: start.Add(50 * time.Second), Attempts: 4, Reason: "x", NextAttempt: start.Add(64500 * time.Millisecond), WaitsFor: status.ForNetwork, Until: start.Add(64500 * time.Millisecond)},
			[]string{"reconnecting for 10s, attempt 5 in 5s", "waits for a network with a way to the server", "the last one ended: x"}},
		{"on demand", &status.Client{State: status.Waiting, Since: start.Add(50 * time.Second), Attempts: 1, Reason: "no packet passed for 5m0s", WaitsFor: status.ForPacket},
			[]string{"waiting for 10s", "waits for a packet to the networks behind the tunnel", "the last one ended: no packet passed for 5m0s"}},
		{"asked for", &status.Client{State: status.Connecting, Since: start.Add(57 * time.Second), Attempts: 1, WaitsFor: status.ForCall, WokenBy: "TCP from 192.0.0.8 to 10.1.2.3"},
			[]string{"connecting for 3s, attempt 1", "waits for the server to accept the call", "asked for by TCP from 192.0.0.8 to 10.1.2.3"}},
		{"up on demand", &status.Client{State: status.Up, Since: start, WokenBy: "TCP from 192.0.0.8 to 10.1.2.3"}, []string{"asked for by TCP from 192.0.0.8 to 10.1.2.3"}},
		{"a word of tomorrow", &status.Client{State: status.Connecting, Since: start.Add(time.Minute), WaitsFor: "rain"}, []string{"connecting for 0s"}},
		{"renegotiating", &status.Client{State: status.Connecting, Since: start.Add(time.Minute)}, []string{"connecting for 0s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			WriteTables(&out, []status.Result{{Snapshot: status.Snapshot{Time: start.Add(time.Minute), Client: c.client}}})
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			assert.Equal(t, "no session", lines[len(lines)-2])
			assert.Equal(t, c.want, append([]string(nil), lines[2:len(lines)-2]...))
		})
	}
}

func TestStatusJSON(t *testing.T) {
	results := []status.Result{{Snapshot: statusExample()}, {Path: "b", Err: errors.New("hung up")}}
	for _, watch := range []bool{false, true} {
		var out bytes.Buffer
		require.NoError(t, WriteJSON(&out, results, watch))
		var got []status.Snapshot
		require.NoError(t, json.Unmarshal(out.Bytes(), &got))
		assert.Equal(t, []status.Snapshot{statusExample()}, got)
		assert.Contains(t, out.String(), "1048576", "exact")
		assert.Equal(t, watch, strings.Count(out.String(), "\n") == 1)
	}
}

func TestStatusOfSeveral(t *testing.T) {
	var out bytes.Buffer
	idle := status.Snapshot{Totals: status.Totals{Sessions: 1}, Process: status.Process{Role: status.RoleServer, Version: "v1", PID: 7, Backend: "u32"}}
	WriteTables(&out, []status.Result{{Path: "/a.sock", Snapshot: idle}, {Path: "/b.sock", Err: errors.New("hung\nup")}})
	assert.Equal(t, "server v1, pid 7, up -\nbackend u32\nno session\n"+
		"since the start: 1 session, 0 B in 0 packets in, 0 B in 0 packets out, 0 lost\n"+
		"\n/b.sock: no answer: hung up\n", out.String())
}

func TestUnits(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 1 << 20: "1.0 MiB",
		5 << 30: "5.0 GiB", 1 << 63: "8.0 EiB", 1<<64 - 1: "16.0 EiB",
	} {
		assert.Equal(t, want, byteSize(n))
	}
	for bytes, want := range map[float64]string{
		-1: "-", 0: "0 bit/s", 124: "992 bit/s", 125: "1.0 kbit/s", 125e6: "1.0 Gbit/s", 124_999_999: "1.0 Gbit/s", 1e15: "8000.0 Tbit/s",
	} {
		assert.Equal(t, want, bitRate(bytes))
	}
	now := time.Unix(1e9, 0)
	for ago, want := range map[time.Duration]string{
		-time.Second: "-", 0: "0s", 1500 * time.Millisecond: "1s", 90 * time.Minute: "1h30m0s", 49 * time.Hour: "2d1h0m0s",
	} {
		assert.Equal(t, want, age(now, now.Add(-ago)))
	}
	assert.Equal(t, 203, len(printable(strings.Repeat("x", 1000))))
}

func TestStatusWriteFails(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no /dev/full here: %v", err)
	}
	defer full.Close()
	screen := StatusScreen{Out: full}
	require.Error(t, screen.Show([]status.Result{{Snapshot: statusExample()}}, time.Now()))
}
