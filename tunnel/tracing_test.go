package tunnel

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// traced lets both ends of a world be watched, with chances that are the same each time.
type traced struct{ client, server *trace.Tap }

func (tr *traced) use(c *ClientConfig, s *ServerConfig, _ *wireOptions) {
	c.Trace, s.Trace = trace.New(nil), trace.New(nil)
	c.Rand, s.Rand = rand.NewChaCha8([32]byte{1}), rand.NewChaCha8([32]byte{2})
	c.IPv6, s.IPv6 = true, true
	s.LocalIP6 = netip.MustParseAddr("fe80::1")
	c.EchoInterval, s.EchoInterval = -1, -1
	c.restartTimer, s.restartTimer = timeout, timeout // nothing is sent again
	tr.client, tr.server = c.Trace.Open(netip.Addr{}), s.Trace.Open(netip.Addr{})
}

var callIDs = regexp.MustCompile(`call \d+`)

// texts closes a tap and gives its lines.
func texts(t *testing.T, tap *trace.Tap) (lines []trace.Line) {
	t.Helper()
	tap.Close()
	lines = tap.Next(context.Background())
	require.True(t, slices.IsSortedFunc(lines, func(a, b trace.Line) int { return a.Time.Compare(b.Time) }))
	return lines
}

// awaitLine gives lines up to one that begins so.
func awaitLine(t *testing.T, tap *trace.Tap, begin string) (lines []trace.Line) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), timeout)
	defer stop()
	for !slices.ContainsFunc(lines, func(l trace.Line) bool { return strings.HasPrefix(l.Text, begin) }) {
		more := tap.Next(ctx)
		require.NotEmpty(t, more, "%s is awaited", begin)
		lines = append(lines, more...)
	}
	return lines
}

// beginning gives the texts that begin with a word, without it, each once: a frame is sent again
// where a machine is slow. Those of the control connection come first, since TCP and GRE are not in
// step.
func beginning(lines []trace.Line, word string) (of []string) {
	for _, session := range []bool{false, true} {
		for _, l := range lines {
			if text, ok := strings.CutPrefix(l.Text, word+" "); ok && (l.Session != "") == session && !slices.Contains(of, text) {
				of = append(of, text)
			}
		}
	}
	return of
}

// TestTraceOfASetUp compares what both ends write of a call, from the first message to the last,
// with each other and with testdata/trace.golden, and with what was on the wire: no secret of the
// login is in it.
func TestTraceOfASetUp(t *testing.T) {
	t.Run("CHAP", func(t *testing.T) { traceOfASetUp(t, "testdata/trace.golden", nil) })
	t.Run("EAP", func(t *testing.T) {
		traceOfASetUp(t, "testdata/trace_eap.golden", []ppp.AuthMethod{ppp.EAPMSCHAPv2})
	})
}

func traceOfASetUp(t *testing.T, file string, auth []ppp.AuthMethod) {
	noLeaks(t)
	var tr traced
	a := newAttacker(t)
	w := newWorld(t, tr.use, a.use, func(c *ClientConfig, s *ServerConfig, _ *wireOptions) { c.Auth, s.Auth = auth, auth })
	w.waitUp()
	w.burst(50)
	server := w.serverSession()
	begun := awaitLine(t, tr.server, "rcvd [Set-Link-Info") // which waits for nothing else
	w.stop()
	client, serving := texts(t, tr.client), append(begun, texts(t, tr.server)...)
	for _, end := range [][]trace.Line{client, serving} {
		for _, l := range end {
			require.True(t, l.Session == "" || strings.HasPrefix(l.Session, l.Peer.String()+"/"))
			require.NotContains(t, l.Text, "malformed")
			require.NotContains(t, l.Text, "left out")
		}
	}
	require.Equal(t, beginning(client, "sent"), beginning(serving, "rcvd"), "what one end sends is what the other receives")
	require.Equal(t, beginning(serving, "sent"), beginning(client, "rcvd"))
	require.Contains(t, beginning(client, "the link"), "is down; data packets: rcvd 50, sent 50")
	require.Contains(t, beginning(serving, "the link"), "is down; data packets: rcvd 50, sent 50")

	golden, err := os.ReadFile(file)
	require.NoError(t, err)
	// What both ends say at the same time comes in either order, and our call ID is a chance.
	var whole []string
	for _, way := range []string{"sent", "rcvd"} {
		for _, text := range beginning(client, way) {
			whole = append(whole, way+" "+callIDs.ReplaceAllString(text, "call N"))
		}
	}
	// A request that the peer's crossed goes again (ppp.Stats.RequestsAgain), as chance will have
	// it.
	slices.Sort(whole)
	whole = slices.Compact(whole)
	// Nor is it certain how often the server asks whether the client means its Terminate-Request.
	whole = slices.DeleteFunc(whole, func(text string) bool { return strings.Contains(text, "EchoReq") })
	require.Equal(t, slices.Compact(strings.Split(strings.TrimSpace(string(golden)), "\n")), whole, strings.Join(whole, "\n"))

	hidden := 0
	for _, v := range []victim{{server, clientOuter, nil}, {nil, serverOuter, nil}} {
		control, _ := a.genuine(v)
		for _, packet := range control {
			_, payload, err := gre.Parse(packet)
			require.NoError(t, err)
			proto, body, err := ppp.ParseFrame(payload)
			require.NoError(t, err)
			if inEAP, ok := ppp.MSCHAPv2InEAP(body); ok && proto == ppp.ProtoEAP {
				body = inEAP
			} else if proto != ppp.ProtoCHAP {
				continue
			}
			for _, end := range [][]trace.Line{client, serving} {
				for _, l := range end {
					// Any eight bytes of a value: the challenge, the peer's challenge, the
					// NT-Response, the proof in hex.
					for at := 5; at+8 <= min(len(body), 53); at++ {
						piece := body[at : at+8]
						require.NotContains(t, l.Text, string(piece))
						require.NotContains(t, strings.ReplaceAll(l.Text, " ", ""), hex.EncodeToString(piece))
					}
				}
			}
			hidden++
		}
	}
	require.GreaterOrEqual(t, hidden, 3, "Challenge, Response, Success")
}

// TestTraceAtRunTime begins to watch when the tunnel is up, and stops: what comes in between is
// seen, and why a forged frame was not believed.
func TestTraceAtRunTime(t *testing.T) {
	noLeaks(t)
	tr := trace.New(nil)
	a := newAttacker(t)
	w := newWorld(t, a.use, func(c *ClientConfig, _ *ServerConfig, _ *wireOptions) {
		c.Trace, c.EchoInterval = tr, MinEchoInterval
	})
	w.waitUp()
	w.burst(10)
	require.False(t, tr.On())
	tap := tr.Open(serverOuter)
	v := w.victims()[0]
	a.send(v, grePacket(v.session.CallID(), v.live()+1<<20, controlFrame(ppp.ProtoLCP, 5, 1, nil)))
	want := map[string]bool{"sent [LCP EchoReq": true, "rcvd [LCP EchoRep": true, "rcvd [LCP TermReq id=0x1] dropped: its sequence number": true}
	ctx, stop := context.WithTimeout(t.Context(), timeout)
	defer stop()
	for len(want) > 0 {
		lines := tap.Next(ctx)
		require.NotEmpty(t, lines, "%v is awaited", want)
		for _, l := range lines {
			require.WithinDuration(t, time.Now(), l.Time, time.Hour)
			for begin := range want {
				if strings.HasPrefix(l.Text, begin) {
					delete(want, begin)
				}
			}
		}
	}
	tap.Close()
	require.False(t, tr.On())
	w.stop()
}
