package malta

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFollow(t *testing.T) {
	const boots = "[    0.000000] Linux version 6.1.0\r\n--router begins--\r\n"
	for _, c := range []struct {
		name, output string
		lines        []string
		status       int
		fails        string
	}{
		{name: "done", output: boots + "~\r\nPASS call arc40\r\n~\r\n--router ends 0--\r\nnever read\r\n", lines: []string{"PASS call arc40"}},
		{name: "failed", output: boots + "FAIL call\r\n--router ends 1--\r\n", lines: []string{"FAIL call"}, status: 1},
		{name: "heartbeat of a boot that never came", output: "~\r\n--router ends 125--\r\n", lines: []string{"~"}, status: 125},
		{name: "ended in the middle", output: boots + "PASS call\r\n", lines: []string{"PASS call"}, fails: "the emulator ended before the job after: PASS call"},
		{name: "no output", fails: "the emulator ended before the job"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := follow(strings.NewReader(c.output), time.Hour, func(string) {})
			if c.fails != "" {
				assert.EqualError(t, err, c.fails)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, c.lines, b.Lines)
			assert.Equal(t, c.status, b.Status)
		})
	}
}

// A guest that prints nothing more has hung.
func TestFollowSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		output, guest := io.Pipe()
		go io.WriteString(guest, "--router begins--\nPASS call\n")
		_, err := follow(output, time.Hour, func(string) {})
		assert.ErrorIs(t, err, errHung)
		assert.EqualError(t, err, "no sign of life for 1h0m0s after: PASS call")
		guest.Close() // and the goroutine that reads ends
	})
}

func TestArguments(t *testing.T) {
	r := &Router{dir: "/d"}
	args := strings.Join(r.arguments(Job{Memory: 48, Counted: true}, "/j.sq"), " ")
	assert.Contains(t, args, "-m 48 ")
	assert.Contains(t, args, "-icount shift=1,sleep=on")
	assert.Contains(t, args, "file=/j.sq,format=raw,index=1,snapshot=on")
	assert.NotContains(t, strings.Join(r.arguments(Job{Memory: 64}, "/j.sq"), " "), "icount")
}

func TestUnknownJob(t *testing.T) {
	r := &Router{interop: "../../interop"}
	_, err := r.pack(t.Context(), Job{Script: "nosuchjob"}, t.TempDir())
	require.EqualError(t, err, `there is no job "nosuchjob": give one of alone, ciphers, memory, start, tunnel, tunnels`)
	require.NoError(t, r.known("start"))
}
