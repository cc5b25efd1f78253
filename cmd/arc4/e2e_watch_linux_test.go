package main

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2EWatch watches a client on a terminal, which is made narrower meanwhile, and in a pipe,
// until control-C.
func TestE2EWatch(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t)
	client := l.connect(t).up(t)
	l.client.ping(t, tunnelLocal, 1400)

	cmd := command(t, "status", "--watch", "--interval", "100ms")
	screen := onTerminal(t, cmd)
	resize := func(columns uint16) {
		require.NoError(t, unix.IoctlSetWinsize(int(screen.tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}))
	}
	resize(200)
	watch := l.client.run(t, cmd)
	screen.waitScreen(t, "DISORDER", 3)
	screen.waitScreen(t, "bit/s", 2)
	assert.Contains(t, screen.screen.String(), "PACKETS IN/S")
	resize(40)
	waitFor(t, "a narrow table", func() error {
		looks := strings.Split(screen.screen.String(), "\x1b[H")
		last := looks[len(looks)-2] // the very last may not be there as a whole
		for line := range strings.Lines(last) {
			if n := len(strings.TrimRight(strings.ReplaceAll(strings.ReplaceAll(line, "\x1b[K", ""), "\x1b[J", ""), "\r\n")); n > 40 {
				return fmt.Errorf("a line has %d columns", n)
			}
		}
		return nil
	})
	screen.typed(t, "\x03")
	require.Equal(t, exit.OK, watch.wait(t))
	assert.Regexp(t, `\x1b\[J(\^C)?$`, screen.screen.String(), "nothing is written after the last look")

	piped := l.client.start(t, "status", "--watch", "--interval", "100ms")
	waitFor(t, "lines", func() error {
		if n := strings.Count(piped.stdout.String(), "\n"); n < 3 {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	piped.stop(t, syscall.SIGINT)
	line := regexp.MustCompile(`^\S+ connect alice 192\.0\.2\.1 10\.99\.0\.100 up \d+s( in \S+ bit/s out \S+ bit/s packets in/s \d+ packets out/s \d+( lost \S+% disorder \S+%)?)?$`)
	for _, text := range strings.Split(strings.TrimSpace(piped.stdout.String()), "\n") {
		assert.Regexp(t, line, text)
	}
	client.stop(t, syscall.SIGTERM)
}
