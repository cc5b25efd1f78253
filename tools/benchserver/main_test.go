package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/bench/scale"
)

// TestMain also is the process that measures a row.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "-row" {
		if err := measureRow(context.Background(), os.Args[2], os.Stdout); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestJobs(t *testing.T) {
	jobs, err := options{sessions: "1, 100", time: time.Second, bytes: 500}.jobs()
	require.NoError(t, err)
	assert.Equal(t, []job{{Sessions: 1, Time: time.Second, Bytes: 500}, {Sessions: 100, Time: time.Second, Bytes: 500}}, jobs)
	jobs, err = options{sessions: "1", receive: true, packets: 7}.jobs()
	require.NoError(t, err)
	require.Greater(t, len(jobs), 1)
	assert.Equal(t, job{Sessions: receiveSessions, Readers: 1, Cores: 1, Packets: 7}, jobs[1])
	withSockets := options{packets: 7}.receiveJobs(true)
	assert.Equal(t, options{packets: 7}.receiveJobs(false), withSockets[:len(withSockets)/2])
	for _, j := range withSockets[len(withSockets)/2:] {
		assert.True(t, j.Sockets)
		assert.LessOrEqual(t, j.Cores, runtime.NumCPU())
	}
	for _, bad := range []string{"", "x", "0", "1,,2", "99999"} {
		_, err := options{sessions: bad}.jobs()
		require.ErrorContains(t, err, "-sessions", bad)
	}
}

func TestRun(t *testing.T) {
	o := options{sessions: "2", time: 50 * time.Millisecond, bytes: 1000, receive: true, packets: 200, runs: 1, json: true}
	var out bytes.Buffer
	require.NoError(t, o.run(t.Context(), &out, io.Discard))
	var report scale.Report
	require.NoError(t, json.Unmarshal(out.Bytes(), &report))
	require.Len(t, report.Rows, 1)
	assert.Equal(t, 2, report.Rows[0].Sessions)
	require.NotEmpty(t, report.Receive)
	assert.Equal(t, 1, report.Receive[0].Cores)
	require.ErrorContains(t, options{}.run(t.Context(), io.Discard, io.Discard), "-runs 0")
}
