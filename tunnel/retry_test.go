package tunnel

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// TestWhatIsFinal has every class before a tunnel has been up and after.
func TestWhatIsFinal(t *testing.T) {
	for _, c := range []struct {
		name          string
		end           outcome
		before, after bool // final until a tunnel has been up, and from then on
	}{
		{"the user stops it", outcome{class: ClassAdmin, stopped: true}, true, true},
		{"the user stops it while the network is broken", outcome{class: ClassNetwork, stopped: true}, true, true},
		{"logged in elsewhere", outcome{class: ClassReplaced}, true, true},
		{"nothing has passed for as long as the user said", outcome{class: ClassIdle}, true, true},
		{"the account is refused at login", outcome{class: ClassAuth, refused: true}, true, true},
		{"the same, and the user wants another try", outcome{class: ClassAuth, refused: true, retryAuth: true}, false, false},
		{"the server proves nothing, and the user wants another try after a refusal", outcome{class: ClassAuth, retryAuth: true}, true, false},
		{"authentication fails in a running session, or the server proves nothing", outcome{class: ClassAuth}, true, false},
		{"no agreement on encryption", outcome{class: ClassPolicy}, true, false},
		{"a permission is missing", outcome{class: ClassPermission}, true, false},
		{"the network is broken", outcome{class: ClassNetwork}, false, false},
		{"the server ends the call", outcome{class: ClassPeer}, false, false},
		{"this end closed the link without the user", outcome{class: ClassAdmin}, false, false},
		{"anything else", outcome{class: ClassOther}, false, false},
		{"a flag of an end that is no authentication", outcome{class: ClassPeer, refused: true}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.before, c.end.final(), "before a tunnel has been up")
			c.end.everUp = true
			assert.Equal(t, c.after, c.end.final(), "after")
		})
	}
}

// TestEveryClassIsDecided: a class that is added needs its row above.
func TestEveryClassIsDecided(t *testing.T) {
	require.Equal(t, ClassIdle+1, Class(len(classNames)))
}

// noChance makes every pause as long as it can be.
type noChance struct{}

func (noChance) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// allChance makes it as short as it can be.
type allChance struct{}

func (allChance) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 0xFF
	}
	return len(b), nil
}

func TestPauses(t *testing.T) {
	for _, c := range []struct {
		name string
		b    backoff
		want string
	}{
		{"growing", backoff{rand: noChance{}}, "1s 2s 4s 8s 16s 32s 1m0s 1m0s"},
		{"growing, and shortened", backoff{rand: allChance{}}, "750ms 1.5s 3s 6s 12s 24s 45s 45s"},
		{"fixed", backoff{fixed: 5 * time.Second, rand: allChance{}}, "5s 5s 5s"},
		{"no random numbers", backoff{rand: strings.NewReader("")}, "1s 2s 4s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for range strings.Fields(c.want) {
				got = append(got, c.b.pause().String())
			}
			assert.Equal(t, c.want, strings.Join(got, " "))
			c.b.reset()
			assert.Equal(t, strings.Fields(c.want)[0], c.b.pause().String())
		})
	}
}

// TestPauseAfterARefusal: a minute at least, unless the user has said how long.
func TestPauseAfterARefusal(t *testing.T) {
	growing, fixed := backoff{rand: noChance{}}, backoff{fixed: 5 * time.Second}
	assert.Equal(t, time.Minute, growing.afterRefusal(growing.pause()))
	assert.Equal(t, 5*time.Second, fixed.afterRefusal(fixed.pause()))
}

func TestTimesAreChecked(t *testing.T) {
	for _, c := range []struct {
		name      string
		set       func(*ClientConfig, time.Duration)
		low, high time.Duration
	}{
		{"HoldOff", func(c *ClientConfig, d time.Duration) { c.HoldOff = d }, MinHoldOff, MaxHoldOff},
		{"ConnectTimeout", func(c *ClientConfig, d time.Duration) { c.ConnectTimeout = d }, MinConnectTimeout, MaxConnectTimeout},
		{"IdleTimeout", func(c *ClientConfig, d time.Duration) { c.IdleTimeout = d }, MinIdleTimeout, MaxIdleTimeout},
		{"MaxFail", func(c *ClientConfig, d time.Duration) { c.MaxFail = int(d) }, 0, 1 << 30},
	} {
		for d, ok := range map[time.Duration]bool{0: true, c.low: true, c.high: true, c.low - 1: false, c.high + 1: c.name == "MaxFail", -time.Second: false} {
			cfg := ClientConfig{
				Server: "192.0.2.1", User: "alice", Password: "secret",
				Bring: func(context.Context, Network) (netdev.Device, error) { return nil, nil },
			}
			c.set(&cfg, d)
			_, err := NewClient(cfg)
			if ok {
				assert.NoError(t, err, "%s %v", c.name, d)
			} else {
				assert.ErrorContains(t, err, c.name+" ", "%v", d)
				assert.ErrorContains(t, err, ": must be ", "%v", d)
			}
		}
	}
}

// lonely is a client that reaches nobody, in a bubble of time.
func lonely(t *testing.T, book *logbook, change func(*ClientConfig)) *Client {
	t.Helper()
	cfg := ClientConfig{
		Options: Options{Log: slog.New(slog.NewTextHandler(book, nil)), Rand: noChance{}},
		Server:  "192.0.2.1", User: "alice", Password: "secret", Reconnect: true,
		Bring: func(context.Context, Network) (netdev.Device, error) { return nil, errors.New("never asked") },
	}
	change(&cfg)
	c, err := NewClient(cfg)
	require.NoError(t, err)
	return c
}

// TestStatusWhileReconnecting: who asks reads why the tunnel is down and when the next attempt
// comes.
func TestStatusWhileReconnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := lonely(t, new(logbook), func(c *ClientConfig) {
			c.HoldOff = 10 * time.Second
			c.Dial = func(context.Context, string) (net.Conn, error) {
				time.Sleep(time.Second)
				return nil, errors.New("no way")
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		start := time.Now()
		go func() { ended <- client.Run(ctx) }()
		at := func(d time.Duration) status.Client {
			time.Sleep(time.Until(start.Add(d)))
			synctest.Wait()
			return *client.Snapshot().Client
		}
		same := func(want, got status.Client) {
			t.Helper()
			assert.True(t, want.Since.Equal(got.Since), "since %v", got.Since)
			assert.True(t, want.NextAttempt.Equal(got.NextAttempt), "next %v", got.NextAttempt)
			assert.True(t, want.Until.Equal(got.Until), "until %v", got.Until)
			got.Since, got.NextAttempt, got.Until = time.Time{}, time.Time{}, time.Time{}
			want.Since, want.NextAttempt, want.Until = time.Time{}, time.Time{}, time.Time{}
			assert.Equal(t, want, got)
		}
		same(status.Client{State: status.Connecting, Since: start, Attempts: 1, WaitsFor: status.ForServer, Until: start.Add(15 * time.Second)}, at(500*time.Millisecond))
		reason := "server 192.0.2.1:1723 cannot be reached: no way"
		same(status.Client{State: status.Reconnecting, Since: start.Add(time.Second), Attempts: 1, Reason: reason, NextAttempt: start.Add(11 * time.Second), WaitsFor: status.ForPause, Until: start.Add(11 * time.Second)}, at(5*time.Second))
		same(status.Client{State: status.Connecting, Since: start.Add(11 * time.Second), Attempts: 2, Reason: reason, WaitsFor: status.ForServer, Until: start.Add(26 * time.Second)}, at(11500*time.Millisecond))
		same(status.Client{State: status.Reconnecting, Since: start.Add(12 * time.Second), Attempts: 2, Reason: reason, NextAttempt: start.Add(22 * time.Second), WaitsFor: status.ForPause, Until: start.Add(22 * time.Second)}, at(20*time.Second))
		cancel()
		assert.Equal(t, ClassAdmin, ClassOf(<-ended))
	})
}

// TestNetworkChangeEndsThePause: the next attempt does not wait for the back-off, which starts
// anew, and a storm of changes makes no storm of attempts.
func TestNetworkChangeEndsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials []time.Duration
		changed := make(chan struct{}, 1)
		start := time.Now()
		client := lonely(t, new(logbook), func(c *ClientConfig) {
			c.NetworkChanged = changed
			c.Dial = func(context.Context, string) (net.Conn, error) {
				dials = append(dials, time.Since(start))
				return nil, errors.New("no way")
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- client.Run(ctx) }()
		time.Sleep(10 * time.Second) // dialled at 0, 1, 3, 7; the next would come at 15
		changed <- struct{}{}
		synctest.Wait()
		time.Sleep(2 * time.Second) // at 10, and 11
		for range 90 {
			select {
			case changed <- struct{}{}:
			default:
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
		assert.Equal(t, ClassAdmin, ClassOf(<-ended))
		s := time.Second
		assert.Equal(t, []time.Duration{0, s, 3 * s, 7 * s, 10 * s, 11 * s, 12 * s, 12250 * time.Millisecond, 12500 * time.Millisecond, 12750 * time.Millisecond}, dials)
	})
}

// TestNetworkChangeStartsADialAnew: what was sent into a network that was not there is sent again
// by TCP only after seconds.
func TestNetworkChangeStartsADialAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials []time.Duration
		changed := make(chan struct{}, 1)
		start := time.Now()
		client := lonely(t, new(logbook), func(c *ClientConfig) {
			c.NetworkChanged, c.Reconnect = changed, false
			c.Dial = func(ctx context.Context, _ string) (net.Conn, error) {
				dials = append(dials, time.Since(start))
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		ended := make(chan error)
		go func() { ended <- client.Run(t.Context()) }()
		time.Sleep(100 * time.Millisecond)
		changed <- struct{}{} // too soon: the packets of this try may be fine
		time.Sleep(4900 * time.Millisecond)
		changed <- struct{}{}
		err := <-ended
		assert.ErrorContains(t, err, "does not answer on TCP within 15s")
		assert.Equal(t, []time.Duration{0, time.Second, 5 * time.Second}, dials)
		assert.Equal(t, 15*time.Second, time.Since(start))
	})
}

// TestNetworkChangeEndsACallThatCannotLive: it is asked of the owner, and a call that can live goes
// on.
func TestNetworkChangeEndsACallThatCannotLive(t *testing.T) {
	changed := make(chan struct{})
	gone := make(chan error, 10)
	gone <- nil
	gone <- errors.New("127.0.0.3 is no address of this machine any more")
	s := newSite(t, nil)
	var asked [2]netip.Addr
	g := s.guest("127.0.0.3", func(c *ClientConfig) {
		c.Reconnect, c.NetworkChanged = true, changed
		c.CheckWay = func(local, server netip.Addr) error {
			asked = [2]netip.Addr{local, server}
			select {
			case err := <-gone:
				return err
			default:
				return nil
			}
		}
	})
	g.waitUp()
	changed <- struct{}{}
	g.exchange(20)
	changed <- struct{}{}
	select {
	case <-g.down:
	case <-time.After(timeout):
		require.FailNow(t, "the call does not end")
	}
	g.waitUp()
	assert.Equal(t, [2]netip.Addr{netip.MustParseAddr("127.0.0.3"), serverOuter}, asked)
	g.exchange(20)
	g.quit()
	s.empty()
	s.close()
}

// TestMaxFail counts attempts in a row without a tunnel; the end is that of the last one.
func TestMaxFail(t *testing.T) {
	for most, want := range map[int]string{
		1: "given up after 1 attempt without a tunnel; the last one: server 192.0.2.1:1723 cannot be reached: no way",
		3: "given up after 3 attempts without a tunnel; the last one: server 192.0.2.1:1723 cannot be reached: no way",
	} {
		synctest.Test(t, func(t *testing.T) {
			dials := 0
			client := lonely(t, new(logbook), func(c *ClientConfig) {
				c.MaxFail = most
				c.Dial = func(context.Context, string) (net.Conn, error) {
					dials++
					return nil, errors.New("no way")
				}
			})
			for range 2 { // each Run counts for itself
				dials = 0
				err := client.Run(t.Context())
				assert.EqualError(t, err, want)
				assert.Equal(t, ClassNetwork, ClassOf(err))
				assert.Equal(t, most, dials)
			}
		})
	}
}

// TestSetWay: who pauses while there is no way to the server waits for that.
func TestSetWay(t *testing.T) {
	for _, c := range []struct {
		name   string
		waits  string
		way    *status.Way
		expect string
	}{
		{"nobody follows the way", status.ForPause, nil, status.ForPause},
		{"there is one", status.ForPause, &status.Way{Device: "eth0"}, status.ForPause},
		{"there is none", status.ForPause, &status.Way{Missing: "no route"}, status.ForNetwork},
		{"an attempt goes on", status.ForServer, &status.Way{Missing: "no route"}, status.ForServer},
	} {
		s := status.Snapshot{Client: &status.Client{WaitsFor: c.waits}}
		s.SetWay(c.way)
		assert.Equal(t, c.expect, s.Client.WaitsFor, c.name)
		assert.Equal(t, c.way, s.Way, c.name)
	}
	s := status.Snapshot{}
	s.SetWay(&status.Way{Missing: "no route"}) // a server has no client
	assert.Nil(t, s.Client)
}
