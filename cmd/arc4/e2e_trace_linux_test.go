package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2ETrace: --trace writes a set-up of each end beside its log, or into it where that is JSON,
// and arc4 trace joins a tunnel that runs and sees its end. No password is in any of it.
func TestE2ETrace(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.server.start(t, serveArgs(secretsFile(t, "alice * wonderland *\n"), "--trace", "--log-format", "json", "--echo-interval", "200ms")...)
	server.waitLog(t, `"msg":"answering"`, 1)
	client := l.connect(t, "--trace").up(t)
	client.waitLog(t, `(?m)^20\d\d-\d\d-\d\dT\S+ `+serverOuter+` sent \[Start-Control-Connection-Request version 0x0100 `, 1)
	client.waitLog(t, `(?m)^20\S+ `+serverOuter+`/\d+ sent \[LCP ConfReq id=0x1 <mru 1404> <magic 0x[0-9a-f]+>\]$`, 1)
	client.waitLog(t, `(?m)^20\S+ `+serverOuter+`/\d+ rcvd \[CHAP Success id=0x[0-9a-f]+ "S=<hidden> M=welcome"\]$`, 1)
	client.waitLog(t, `rcvd \[CCP ConfReq id=0x1 <mppe \+H -M \+S -L -D -C>\]`, 1)

	all := l.server.start(t, "trace")
	one := l.server.start(t, "trace", "--peer", clientOuter, "--json")
	none := l.server.start(t, "trace", "--peer", serverFar)
	says := func(p *program, words string, times int) {
		waitFor(t, fmt.Sprintf("%q from %s", words, p.name), func() error {
			if n := strings.Count(p.stdout.String(), words); n < times {
				return fmt.Errorf("seen %d times", n)
			}
			return nil
		})
	}
	for _, p := range []*program{all, one} {
		says(p, "sent [LCP EchoReq", 3)
		says(p, "rcvd [LCP EchoRep", 3)
	}
	says(none, "(the trace begins)", 1)
	none.signal(t, syscall.SIGINT)
	require.Equal(t, exit.OK, none.wait(t))
	assert.Equal(t, 1, strings.Count(none.stdout.String(), "\n"), "nobody is there")

	client.stop(t, syscall.SIGTERM)
	client.waitLog(t, `(?m)/\d+ the link is down; data packets: rcvd \d+, sent \d+$`, 1)
	says(all, "rcvd [LCP TermReq", 1)
	says(all, "sent [Call-Disconnect-Notify", 1)
	server.stop(t, syscall.SIGTERM)
	require.Equal(t, exit.Failure, all.wait(t))
	assert.Regexp(t, `^arc4: status socket \S+: the tunnel has ended\n$`, all.stderr.String())
	require.Equal(t, exit.Failure, one.wait(t))

	var line struct{ Socket, Time, Peer, Session, Text string }
	require.NoError(t, json.Unmarshal([]byte(strings.SplitN(one.stdout.String(), "\n", 3)[1]), &line))
	assert.Equal(t, clientOuter, line.Peer)
	assert.NotEmpty(t, line.Socket)
	records := 0
	for text := range strings.Lines(server.stderr.String()) {
		var record map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &record), text)
		if record["msg"] == "trace" {
			records++
			assert.NotEmpty(t, record["time"])
			assert.Equal(t, clientOuter, record["peer"])
			assert.NotEmpty(t, record["text"])
		}
	}
	assert.Greater(t, records, 30)
	for _, p := range []*program{server, client, all, one} {
		assert.NotContains(t, p.stdout.String()+p.stderr.String(), "wonderland")
	}
}
