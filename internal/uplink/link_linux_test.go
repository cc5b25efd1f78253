package uplink

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"
)

// fake is a transmitter that takes everything, or fails.
type fake struct {
	way    Mode
	err    error
	limit  int // packets it takes before err
	sent   [][]byte
	closed bool
	tended int
}

func (f *fake) note() string { return "" }
func (f *fake) tend()        { f.tended++ }
func (f *fake) close()       { f.closed = true }
func (f *fake) send(_ *route, packets [][]byte) (int, error) {
	n := len(packets)
	if f.err != nil {
		n = min(n, f.limit)
	}
	f.sent = append(f.sent, packets[:n]...)
	return n, f.err
}

func TestLinkChooses(t *testing.T) {
	now := time.Unix(1000, 0)
	var refused [Raw]error
	open := func(way Mode, _ int) (transmitter, error) {
		if refused[way] != nil {
			return nil, refused[way]
		}
		return &fake{way: way}, nil
	}
	l := &link{index: 2, name: "eth0"}
	ways := Auto.ways()

	refused[XSK], refused[Packet] = unix.EBUSY, unix.EPERM
	assert.Nil(t, l.choose(now, ways, open))
	assert.Nil(t, l.tx)
	assert.Equal(t, "xsk on eth0: device or resource busy; packet on eth0: operation not permitted", l.reasons(ways))
	assert.Equal(t, "xsk: device or resource busy; packet: operation not permitted", l.unsaid(ways))
	assert.Empty(t, l.unsaid(ways), "said once")

	refused[Packet] = nil
	assert.Nil(t, l.choose(now, ways, open))
	assert.Nil(t, l.tx, "not tried again at once")
	assert.False(t, l.due(now, ways))
	now = now.Add(firstRetry)
	assert.True(t, l.due(now, ways))
	assert.Nil(t, l.choose(now, ways, open))
	assert.Equal(t, Packet, l.way)
	assert.Equal(t, "eth0, next hop 192.0.2.1", l.describe("192.0.2.1"))
	packet := l.tx

	refused[XSK] = nil
	assert.Nil(t, l.choose(now, ways, open), "the better one has failed twice, and waits")
	assert.False(t, l.due(now, ways))
	now = now.Add(2 * firstRetry)
	assert.True(t, l.due(now, ways))
	assert.Equal(t, packet, l.choose(now, ways, open), "the better one replaces it")
	assert.Equal(t, XSK, l.way)
	assert.Nil(t, l.choose(now, ways, open), "there is no better one")
	assert.False(t, l.due(now.Add(time.Hour), ways))

	xsk := l.tx.(*fake)
	l.drop(now, errors.New("gone"))
	assert.True(t, xsk.closed)
	assert.Nil(t, l.choose(now, ways, open))
	assert.Equal(t, Packet, l.way, "the next best, until the better one may be tried again")
	assert.Equal(t, "xsk: gone", l.unsaid(ways))
	assert.Empty(t, l.unsaid(Packet.ways()))
}
