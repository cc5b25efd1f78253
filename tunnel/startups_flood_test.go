package tunnel

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/internal/raceflag"
)

// siege is a crowd of strangers who use a server up as well as a line of so many bits a second lets
// them: each address keeps some control connections, each with some calls that say nothing, and
// replaces what ends.
type siege struct {
	addresses, connections, calls int
	bits                          int  // a second, of all of them
	oneNetwork                    bool // the addresses are neighbours, else each has a network of its own
	prepared                      bool // the first round is free
}

// address is that of a stranger: 127.64.0.0 and up.
func (z siege) address(i int) netip.Addr {
	if z.oneNetwork {
		return netip.AddrFrom4([4]byte{127, 64, byte(i / 250), byte(1 + i%250)})
	}
	return netip.AddrFrom4([4]byte{127, byte(64 + i/250), byte(1 + i%250), 1})
}

// bytes is what a connection with its calls costs on the line: opening and closing TCP, and its
// messages, with headers.
func (z siege) bytes() int {
	const head = 52
	cost := 60 + 4*head
	if z.calls > 0 {
		cost += head + len(z.says())
	}
	return cost
}

func (z siege) says() []byte {
	if z.calls == 0 {
		return nil
	}
	says := control.StartRequest{Version: control.Version}.AppendTo(nil)
	for i := range z.calls {
		says = control.OutgoingCallRequest{CallID: uint16(i), Window: 64}.AppendTo(says)
	}
	return says
}

// line lets bytes through at its rate.
type line struct {
	mu   sync.Mutex
	free time.Time
	per  time.Duration // a byte
}

func (l *line) wait(ctx context.Context, bytes int) bool {
	l.mu.Lock()
	now := time.Now()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(bytes) * l.per)
	at := l.free
	l.mu.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(at)):
		return true
	}
}

// lay begins the siege, and gives what lifts it.
func (z siege) lay(t *testing.T, server string) (lift func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	l := &line{per: time.Second * 8 / time.Duration(z.bits)}
	says := z.says()
	prepared := make(chan struct{}, z.addresses*z.connections)
	for i := range z.addresses {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: z.address(i).AsSlice()}}
		for range z.connections {
			all.Go(func() {
				for free := z.prepared; free || l.wait(ctx, z.bytes()); free = false {
					conn, err := d.DialContext(ctx, "tcp4", server)
					if err != nil {
						continue
					}
					_, _ = conn.Write(says)
					if free {
						prepared <- struct{}{}
					}
					unhook := context.AfterFunc(ctx, func() { conn.Close() })
					_, _ = io.Copy(io.Discard, conn)
					unhook()
					conn.Close()
				}
			})
		}
	}
	if z.prepared {
		for range cap(prepared) {
			<-prepared
		}
	}
	return func() { cancel(); all.Wait() }
}

// login is how a user got in.
type login struct {
	took     time.Duration
	attempts int // more than one only where this machine is too slow for the timers of either end
}

// login has a user log in from an address, and out again.
func (s *site) login(from string) (l login, ok bool) {
	began := time.Now()
	g := s.guest(from, func(c *ClientConfig) { c.Log, c.Reconnect = slog.New(slog.DiscardHandler), true })
	select {
	case <-g.up:
		l, ok = login{time.Since(began), len(g.tcp)}, true
	case err := <-g.err:
		assert.NoError(s.t, err, "the login from %s", from)
		return l, false
	case <-time.After(60 * time.Second):
		assert.Fail(s.t, "no login", "from %s", from)
	}
	g.leave()
	<-g.err
	return l, ok
}

// logins has users log in, two every second: one who always comes from the same address, and one
// who is new each time. It gives how long each took.
func (s *site) logins(seconds int) []login {
	s.t.Helper()
	var mu sync.Mutex
	var all []login
	one := func(from string) {
		if l, ok := s.login(from); ok {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, l)
		}
	}
	var users sync.WaitGroup
	users.Go(func() {
		for range seconds {
			next := time.After(time.Second)
			one("127.0.10.3")
			<-next
		}
	})
	for i := range seconds {
		users.Go(func() {
			time.Sleep(time.Duration(i) * time.Second)
			one(fmt.Sprintf("127.8.%d.3", 1+i))
		})
	}
	users.Wait()
	slices.SortFunc(all, func(a, b login) int { return cmp.Compare(a.took, b.took) })
	return all
}

// TestLoginsUnderSiege: whatever strangers do, who has a password gets in. It takes ARC4_SIEGE
// seconds for each instead of two. Strangers and users share the machine's processors here, and the
// race detector makes everything cost ten times as much: with it the fast lines are a tenth as
// fast.
func TestLoginsUnderSiege(t *testing.T) {
	seconds := 2
	if v := os.Getenv("ARC4_SIEGE"); v != "" {
		_, err := fmt.Sscan(v, &seconds)
		require.NoError(t, err, "ARC4_SIEGE=%s: give seconds", v)
	}
	for _, c := range []struct {
		name string
		siege
	}{
		{"16 addresses, 4 connections each with 7 silent calls, 25 kbit/s", siege{addresses: 16, connections: 4, calls: 7, bits: 25_000, oneNetwork: true, prepared: true}},
		{"16 addresses of 16 networks, 10 Mbit/s", siege{addresses: 16, connections: 8, calls: 7, bits: 10_000_000}},
		{"16 addresses that only knock, 10 Mbit/s", siege{addresses: 16, connections: 64, bits: 10_000_000, oneNetwork: true}},
		{"1,000 addresses, 25 kbit/s", siege{addresses: 1000, connections: 1, calls: 1, bits: 25_000, prepared: true}},
		{"1,000 addresses, 10 Mbit/s", siege{addresses: 1000, connections: 4, calls: 7, bits: 10_000_000}},
		{"1,000 addresses of four networks that only knock, 10 Mbit/s", siege{addresses: 1000, connections: 4, bits: 10_000_000, oneNetwork: true}},
	} {
		t.Run(strings.ReplaceAll(c.name, "/", " per "), func(t *testing.T) {
			book := new(logbook)
			s := newSite(t, func(c *ServerConfig) { c.Log = slog.New(slog.NewTextHandler(book, nil)) })
			if raceflag.Enabled && c.bits > 1_000_000 {
				c.bits /= 10
			}
			before := s.logins(1)
			lift := c.lay(t, s.address)
			all := s.logins(seconds)
			lift()
			evicted := s.server.Snapshot().Refused["evicted"]
			s.empty()
			s.close()
			require.Len(t, all, 2*seconds, "every login succeeds")
			first := 0
			for _, l := range all {
				if l.attempts == 1 {
					first++
				}
			}
			took := func(i int) time.Duration { return all[i].took.Round(time.Millisecond) }
			t.Logf("%d logins of %d, %d at once; %v to %v, median %v; without strangers %v; %d connections, %d evicted; %d bytes of log",
				len(all), 2*seconds, first, took(0), took(len(all)-1), took(len(all)/2), before[0].took.Round(time.Millisecond),
				s.server.counted.connections.Load(), evicted, len(book.String()))
			assert.Less(t, len(book.String()), 2*strangerLines*400, "the log is bounded")
		})
	}
}
