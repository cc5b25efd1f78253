package tunnel

import (
	"bytes"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// forgetful makes the server one that forgets that it wants EAP when it is asked for another
// method, as pppd does: what it would ask for after a Nak comes without a method. It counts the
// Naks.
type forgetful struct{ naks atomic.Int64 }

func (f *forgetful) use(c *ClientConfig, s *ServerConfig, _ *wireOptions) {
	s.Auth = []ppp.AuthMethod{ppp.EAPMSCHAPv2}
	var n *memnet.Network
	n = memnet.New(memnet.Options{Carry: func(from, to netip.Addr, packets [][]byte) {
		for _, p := range packets {
			n.Arrive(from, to, f.pass(from, p))
		}
	}})
	s.ListenGRE = func(local netip.Addr) (gre.Conn, error) { return n.Listen(local) }
	c.ListenGRE = func(local, _ netip.Addr) (gre.Conn, error) { return n.Listen(local) }
}

// pass makes header compression out of a method that is asked for after a Nak.
func (f *forgetful) pass(from netip.Addr, packet []byte) []byte {
	_, payload, err := gre.Parse(packet)
	if err != nil {
		return packet
	}
	proto, info, err := ppp.ParseFrame(payload)
	if err != nil || proto != ppp.ProtoLCP || len(info) < 4 {
		return packet
	}
	eap := []byte{3, 4, 0xC2, 0x27}
	switch at := bytes.Index(packet, eap); {
	case from == clientOuter && info[0] == 3:
		f.naks.Add(1)
	case from == serverOuter && info[0] == 1 && info[1] > 1 && at > 0:
		packet = bytes.Clone(packet)
		copy(packet[at:], []byte{7, 2, 8, 2})
	}
	return packet
}

func TestClientCallsAgainForEAP(t *testing.T) {
	noLeaks(t)
	var server forgetful
	book := new(logbook)
	w := newWorld(t, server.use, book.keep)
	n := w.waitUp()
	assert.Equal(t, 128, n.Encrypted)
	assert.Equal(t, "EAP-MSCHAPv2", w.server.Snapshot().Sessions[0].Auth)
	assert.NotZero(t, server.naks.Load())
	assert.Contains(t, book.String(), "calling again for that")
	w.stop()
}

func TestClientCallsOnceWithEAPInFront(t *testing.T) {
	noLeaks(t)
	var server forgetful
	book := new(logbook)
	w := newWorld(t, server.use, book.keep, func(c *ClientConfig, _ *ServerConfig, _ *wireOptions) {
		c.Auth = []ppp.AuthMethod{ppp.EAPMSCHAPv2, ppp.MSCHAPv2}
	})
	w.waitUp()
	assert.Zero(t, server.naks.Load())
	assert.NotContains(t, book.String(), "calling again")
	w.stop()
}

// TestClientCallsAgainOnce: who is refused by EAP too ends for that reason.
func TestClientCallsAgainOnce(t *testing.T) {
	noLeaks(t)
	var server forgetful
	book := new(logbook)
	w := newWorld(t, server.use, book.keep, func(c *ClientConfig, _ *ServerConfig, _ *wireOptions) { c.Password = "wrong" })
	select {
	case err := <-w.clientErr:
		assert.Equal(t, ClassAuth, ClassOf(err), "%v", err)
		assert.ErrorContains(t, err, "691: wrong user name or password")
	case <-time.After(timeout):
		require.Fail(t, "the client goes on")
	}
	w.endServer()
	assert.EqualValues(t, 2, w.server.Snapshot().Totals.Sessions)
	assert.Equal(t, 1, bytes.Count([]byte(book.String()), []byte("calling again for that")))
}
