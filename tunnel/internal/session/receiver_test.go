package session

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// listen opens a connection with so many readers, on a network of its own.
func listen(t *testing.T, readers int) gre.Conn {
	t.Helper()
	conn, err := memnet.New(memnet.Options{}).ListenShared(clientOuter, readers)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestCallIDsAreGivenOnce: two calls of one peer never have the same ID, not even while neither has
// a session: the second would take the first one's packets, and its place with the server would
// never be free again.
func TestCallIDsAreGivenOnce(t *testing.T) {
	r := NewReceiver(listen(t, 3), time.Now, new(atomic.Uint64), memory.SizesOf(false))
	seen := map[uint16]bool{0: true}
	for range 5000 {
		id, ok := r.CallID(clientOuter)
		require.True(t, ok)
		require.False(t, seen[id], "call ID %d", id)
		seen[id] = true
	}
	id, _ := r.CallID(clientOuter)
	r.GiveUp(clientOuter, id)
	require.Equal(t, 5000, r.InUse())
	for range 1<<16 - 1 - 5000 {
		_, ok := r.CallID(clientOuter)
		require.True(t, ok)
	}
	_, ok := r.CallID(clientOuter)
	require.False(t, ok, "all are given")
}

// TestEarlyPacketsOfOtherReaders: the session takes its own packets that came early; those that
// other readers have kept are not its.
func TestEarlyPacketsOfOtherReaders(t *testing.T) {
	var strays atomic.Uint64
	r := NewReceiver(listen(t, 3), time.Now, &strays, memory.SizesOf(false))
	r.Await()
	for id := range uint16(6) {
		h := r.of(id)
		h.hand(time.Now(), []gre.Packet{{Addr: serverOuter, Data: gre.AckOnly(id, 1).AppendTo(nil)}}, newIncoming(memory.SizesOf(false)))
	}
	require.Zero(t, strays.Load())
	s := newTestSession(t, Config{}, r.conn, 4)
	r.Add(s)
	require.EqualValues(t, 5, strays.Load())
	require.EqualValues(t, 1, s.Snapshot().AcksIn)
}

// broken is a connection of which one reader fails when it is told to.
type broken struct {
	gre.Conn
	fail chan error
}

func (b broken) Readers() []gre.Reader { return append(gre.Readers(b.Conn), failing(b.fail)) }

type failing chan error

func (f failing) ReadBatch([]gre.Packet) (int, error) { return 0, <-f }

// TestBrokenReader: when one of several readers fails the others end too, so that the next client
// gets a whole receiver.
func TestBrokenReader(t *testing.T) {
	conn := broken{listen(t, 2), make(chan error)}
	r := NewReceiver(conn, time.Now, new(atomic.Uint64), memory.SizesOf(false))
	require.Len(t, r.readers, 3)
	ended := make(chan error)
	go func() { ended <- r.Run() }()
	why := errors.New("the socket is gone")
	conn.fail <- why
	assert.Equal(t, why, <-ended)
}

// beginner has something done when the peer acknowledges.
type beginner struct {
	gre.Sender
	begin func()
}

func (b beginner) Acknowledged(ack uint32) { b.begin() }

// TestCallBeginsWhileABatchIsInHand: packets whose call begins in the middle of a read are taken
// with it.
func TestCallBeginsWhileABatchIsInHand(t *testing.T) {
	var strays atomic.Uint64
	r := NewReceiver(listen(t, 1), time.Now, &strays, memory.SizesOf(false))
	a := newTestSession(t, Config{}, r.conn, 3)
	r.Add(a)
	s := newTestSession(t, Config{}, r.conn, 4)
	r.Await()
	a.in.to = beginner{a.in.to, func() { r.of(4).add(s) }}
	h := r.of(3)
	pk := func(id uint16) gre.Packet {
		return gre.Packet{Addr: serverOuter, Data: gre.AckOnly(id, 1).AppendTo(nil)}
	}
	h.hand(time.Now(), []gre.Packet{pk(4), pk(3), pk(4), pk(9)}, newIncoming(memory.SizesOf(false)))
	require.EqualValues(t, 1, a.Snapshot().AcksIn)
	require.EqualValues(t, 2, s.Snapshot().AcksIn)
	require.EqualValues(t, 1, strays.Load())
}
