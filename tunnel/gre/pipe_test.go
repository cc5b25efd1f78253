package gre

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func pipePacket(to Conn, data string) Packet {
	return Packet{Addr: to.LocalAddr(), Data: []byte(data)}
}

func TestPipeCarriesBothWays(t *testing.T) {
	a, b := Pipe(PipeOptions{})
	in := []Packet{{Buf: make([]byte, 100)}, {Buf: make([]byte, 100)}, {Buf: make([]byte, 100)}}
	n, err := a.WriteBatch([]Packet{pipePacket(b, "one"), pipePacket(b, "two")})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = b.ReadBatch(in)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	assert.Equal(t, "one", string(in[0].Data))
	assert.Equal(t, "two", string(in[1].Data))
	assert.Equal(t, a.LocalAddr(), in[0].Addr)
	_, err = b.WriteBatch([]Packet{pipePacket(a, "back")})
	require.NoError(t, err)
	n, err = a.ReadBatch(in[:1])
	require.NoError(t, err)
	require.Equal(t, 1, n)
	assert.Equal(t, "back", string(in[0].Data))
	assert.Equal(t, Stats{Sent: 2, SentBytes: 6, Received: 1, ReceivedBytes: 4}, a.Stats())
}

func TestPipeLosesWhatItsQueueCannotHold(t *testing.T) {
	a, b := Pipe(PipeOptions{Queue: 2})
	for range 2 { // the ring goes round
		_, err := a.WriteBatch([]Packet{pipePacket(b, "1"), pipePacket(b, "2"), pipePacket(b, "3")})
		require.NoError(t, err)
		in := []Packet{{Buf: make([]byte, 10)}, {Buf: make([]byte, 10)}, {Buf: make([]byte, 10)}}
		n, err := b.ReadBatch(in)
		require.NoError(t, err)
		assert.Equal(t, 2, n)
	}
	assert.EqualValues(t, 2, b.Stats().Overflowed)
}

func TestPipeCountsWhatItCannotDeliver(t *testing.T) {
	a, b := Pipe(PipeOptions{})
	n, err := a.WriteBatch([]Packet{{Addr: netip.MustParseAddr("203.0.113.9"), Data: []byte("x")}, pipePacket(b, "too long"), pipePacket(b, "fits")})
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.EqualValues(t, 1, a.Stats().Unreachable)
	in := []Packet{{Buf: make([]byte, 4)}, {Buf: make([]byte, 4)}}
	n, err = b.ReadBatch(in)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	assert.Equal(t, "fits", string(in[0].Data))
	assert.EqualValues(t, 1, b.Stats().Truncated)
}

func TestPipeImpairs(t *testing.T) {
	var held []byte
	calls := 0
	a, b := Pipe(PipeOptions{Impair: func(from netip.Addr, p []byte, deliver func([]byte)) {
		assert.Equal(t, netip.MustParseAddr("192.0.2.1"), from)
		switch calls++; calls {
		case 1: // late
			held = append([]byte(nil), p...)
		case 2: // duplicated
			deliver(p)
			deliver(p)
		case 3: // lost
		default:
			deliver(p)
			deliver(held)
		}
	}})
	_, err := a.WriteBatch([]Packet{pipePacket(b, "1"), pipePacket(b, "2"), pipePacket(b, "3"), pipePacket(b, "4")})
	require.NoError(t, err)
	in := buffersOf(8, 10)
	n, err := b.ReadBatch(in)
	require.NoError(t, err)
	var got string
	for _, p := range in[:n] {
		got += string(p.Data)
	}
	assert.Equal(t, "2241", got)
}

func buffersOf(n, size int) []Packet {
	pkts := make([]Packet, n)
	for i := range pkts {
		pkts[i].Buf = make([]byte, size)
	}
	return pkts
}

func TestPipeCloseEndsABlockedRead(t *testing.T) {
	a, b := Pipe(PipeOptions{A: netip.MustParseAddr("10.0.0.1"), B: netip.MustParseAddr("10.0.0.2")})
	done := make(chan error)
	go func() {
		_, err := b.ReadBatch(buffersOf(1, 10))
		done <- err
	}()
	require.NoError(t, b.Close())
	assert.Equal(t, net.ErrClosed, <-done)
	_, err := b.WriteBatch([]Packet{pipePacket(a, "x")})
	assert.Equal(t, net.ErrClosed, err)
	_, err = a.WriteBatch([]Packet{pipePacket(b, "into the void")})
	assert.NoError(t, err)
	assert.NoError(t, b.Close())
}

func TestPipeDoesNotAllocate(t *testing.T) {
	a, b := Pipe(PipeOptions{Queue: 4, Impair: func(_ netip.Addr, p []byte, deliver func([]byte)) { deliver(p) }})
	out := []Packet{pipePacket(b, "one"), pipePacket(b, "two")}
	in := buffersOf(2, 10)
	assert.Zero(t, testing.AllocsPerRun(50, func() {
		_, _ = a.WriteBatch(out)
		_, _ = b.ReadBatch(in)
	}))
}
