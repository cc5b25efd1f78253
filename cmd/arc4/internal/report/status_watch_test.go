package report

import (
	"bytes"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

// watched are three tunnels, two seconds later than they were: a server, a client that is up, and
// one that is down.
func watched(now time.Time) (before, after []status.Result) {
	server := statusExample()
	server.Client, server.Time = nil, now
	up := statusExample()
	up.Time, up.Sessions = now, up.Sessions[:1]
	up.Client = &status.Client{State: status.Up, Since: now.Add(-time.Hour)}
	down := status.Snapshot{Time: now, Client: &status.Client{State: status.Reconnecting, Since: now.Add(-5 * time.Second), NextAttempt: now.Add(12 * time.Second), WaitsFor: status.ForPause}}
	look := func() []status.Result {
		s, u := server, up
		s.Sessions, u.Sessions = append([]status.Session(nil), server.Sessions...), append([]status.Session(nil), up.Sessions...)
		return []status.Result{{Path: "/run/arc4/serve.sock", Snapshot: s}, {Path: "/run/arc4/connect.sock", Snapshot: u}, {Path: "/run/arc4/office.sock", Snapshot: down},
			{Path: "/run/arc4/hung.sock", Err: errors.New("hung\nup")}}
	}
	before, after = look(), look()
	v := &after[0].Snapshot.Sessions[0]
	v.BytesIn += 25_000_000
	v.BytesOut += 250
	v.PacketsIn += 2000
	v.Window.Accepted += 1950
	v.Window.Buffered += 150
	v.Window.UnderWindow += 50
	v.Window.Lost += 8
	after[0].Snapshot.Sessions[1].ID = "3" // another than before
	return before, after
}

// TestWatchOfOneThatCloses: a session that closes waits for no login, whatever comes next.
func TestWatchOfOneThatCloses(t *testing.T) {
	now := time.Date(2026, 1, 3, 5, 4, 5, 0, time.UTC)
	for state, want := range map[string]string{
		"closing":        "\n",
		"authenticating": " (waits for the login and the agreement on encryption and addresses)\n",
	} {
		s := statusExample()
		s.Time, s.Sessions = now, s.Sessions[:1]
		s.Client = &status.Client{State: status.Connecting, WaitsFor: status.ForLink}
		s.Sessions[0].State = state
		var out bytes.Buffer
		screen := StatusScreen{Out: &out, Watch: true}
		require.NoError(t, screen.Show([]status.Result{{Path: "/run/arc4/connect.sock", Snapshot: s}}, now))
		assert.Regexp(t, regexp.QuoteMeta(want)+"$", out.String())
		assert.Equal(t, want == "\n", !strings.Contains(out.String(), "waits"))
	}
}

func TestWatchInAPipe(t *testing.T) {
	now := time.Date(2026, 1, 3, 5, 4, 5, 0, time.UTC)
	before, after := watched(now)
	var out bytes.Buffer
	screen := StatusScreen{Out: &out, Watch: true}
	require.NoError(t, screen.Show(before, now.Add(-2*time.Second)))
	assert.Contains(t, out.String(), "2026-01-03T05:04:03Z serve alice 198.51.100.7 10.99.0.100 up 1h0m0s\n", "no rate at the first look")
	out.Reset()
	require.NoError(t, screen.Show(after, now))
	assert.Equal(t, `2026-01-03T05:04:05Z serve alice 198.51.100.7 10.99.0.100 up 1h0m0s in 100.0 Mbit/s out 1.0 kbit/s packets in/s 1000 packets out/s 0 lost 0.4% disorder 10.0%
2026-01-03T05:04:05Z serve mallory?[2J? 203.0.113.9 authenticating 1d2h0m0s
2026-01-03T05:04:05Z connect alice 198.51.100.7 10.99.0.1 up 1h0m0s in 0 bit/s out 0 bit/s packets in/s 0 packets out/s 0
2026-01-03T05:04:05Z office reconnecting 5s (waits for the pause to end, or the network to change, next attempt in 12s)
2026-01-03T05:04:05Z hung no answer (hung up)
`, out.String())

	// Another process on the same socket, and counters that went back, have no rate.
	out.Reset()
	other := after[0]
	other.Snapshot.Process.PID++
	require.NoError(t, screen.Show([]status.Result{other}, now.Add(2*time.Second)))
	assert.NotContains(t, out.String(), "/s")
	out.Reset()
	before[0].Snapshot.Process.PID++
	require.NoError(t, screen.Show(before[:1], now.Add(4*time.Second)))
	assert.Contains(t, out.String(), "up 1h0m0s packets out/s 0\n")
	require.NoError(t, screen.Show([]status.Result{{Path: "x.sock"}}, now))
	assert.Contains(t, out.String(), " x no session\n")
}

// TestWatchOnATerminal: the table fits whatever the size is, and is drawn in the place of the last.
func TestWatchOnATerminal(t *testing.T) {
	now := time.Date(2026, 1, 3, 5, 4, 5, 0, time.UTC)
	before, after := watched(now)
	for i := range 3 {
		many := after[0]
		many.Path = strings.Repeat("x", i) + ".sock"
		after = append(after, many)
	}
	for _, size := range [][2]int{{200, 50}, {120, 24}, {80, 24}, {80, 8}, {40, 10}, {20, 5}, {5, 2}, {1, 1}} {
		var out bytes.Buffer
		screen := StatusScreen{Out: &out, Watch: true, Size: func() (int, int) { return size[0], size[1] }}
		require.NoError(t, screen.Show(before, now.Add(-2*time.Second)))
		assert.True(t, strings.HasPrefix(out.String(), "\x1b[2J\x1b[H"), "the first look clears the screen")
		out.Reset()
		require.NoError(t, screen.Show(after, now))
		text, begins := strings.CutPrefix(out.String(), "\x1b[H")
		require.True(t, begins)
		text, ends := strings.CutSuffix(text, "\x1b[J")
		require.True(t, ends)
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		assert.LessOrEqual(t, len(lines), max(size[1], 5), "%v:\n%s", size, text)
		for _, line := range lines {
			line, erased := strings.CutSuffix(line, "\x1b[K")
			assert.True(t, erased)
			assert.NotContains(t, line, "\x1b", "a peer's name cannot steer the terminal")
			assert.LessOrEqual(t, textWidth(line), size[0], "%v: %q", size, line)
		}
		plain := strings.Join(fields(strings.ReplaceAll(text, "\x1b[K", "")), "\n")
		switch size[0] {
		case 200:
			assert.Contains(t, plain, "TUNNEL USER PEER ADDRESS STATE FOR IN OUT PACKETS IN/S PACKETS OUT/S LOST DISORDER")
			assert.Contains(t, plain, "serve alice 198.51.100.7 10.99.0.100 up 1h0m0s 100.0 Mbit/s 1.0 kbit/s 1000 0 0.4% 10.0%")
			assert.Contains(t, plain, "office - - - reconnecting 5s - - - - - -")
			assert.Contains(t, plain, "office: waits for the pause to end, or the network to change, next attempt in 12s")
		case 80:
			assert.Contains(t, plain, "TUNNEL USER STATE IN OUT LOST DISORDER")
		}
		if size[1] == 8 {
			assert.Contains(t, plain, "and 8 more")
		}
	}
}

// TestWatchWideCharacters: those of East Asia take two columns.
func TestWatchWideCharacters(t *testing.T) {
	assert.Equal(t, "日本", cut("日本語", 5))
	assert.Equal(t, "abc", cut("abc", 3))
	assert.Empty(t, cut("日", 1))
	assert.NotPanics(t, func() {
		writeScreen(new(bytes.Buffer), watchRows([]status.Result{{Snapshot: status.Snapshot{Sessions: []status.Session{{User: "日本語", Local: netip.Addr{}}}}}}, nil, 0), time.Time{}, 0, 0)
	})
}
