package gre

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var epoch = time.Unix(1000, 0)

func TestAckWaitsForDataToRideOn(t *testing.T) {
	var a Acker
	_, ok := a.Piggyback()
	require.False(t, ok, "nothing has been received")
	a.Received(epoch, 5)
	_, ok = a.Due(epoch.Add(499 * time.Millisecond))
	require.False(t, ok)
	ack, ok := a.Piggyback()
	require.True(t, ok)
	assert.EqualValues(t, 5, ack)
	_, ok = a.Due(epoch.Add(time.Hour))
	assert.False(t, ok, "it was sent with data")
	_, ok = a.Deadline()
	assert.False(t, ok)
}

func TestAckGoesAloneAfterTheDelay(t *testing.T) {
	var a Acker
	a.Received(epoch, 5)
	a.Received(epoch.Add(400*time.Millisecond), 6)
	at, ok := a.Deadline()
	require.True(t, ok)
	assert.Equal(t, epoch.Add(500*time.Millisecond), at, "the first pending packet counts")
	ack, ok := a.Due(at)
	require.True(t, ok)
	assert.EqualValues(t, 6, ack)
	_, ok = a.Due(at)
	assert.False(t, ok)
}

func TestAckIsTheHighestReceived(t *testing.T) {
	for _, tc := range []struct {
		name string
		seqs []uint32
		want uint32
	}{
		{"first packet whatever it is", []uint32{0x80000001}, 0x80000001},
		{"first packet numbered 0", []uint32{0}, 0},
		{"late packet", []uint32{4, 3}, 4},
		{"across the wrap", []uint32{0xFFFFFFFE, 0xFFFFFFFF, 0}, 0},
		{"late across the wrap", []uint32{1, 0xFFFFFFFF}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var a Acker
			for _, s := range tc.seqs {
				a.Received(epoch, s)
			}
			ack, ok := a.Piggyback()
			require.True(t, ok)
			assert.Equal(t, tc.want, ack)
		})
	}
}

func TestDuplicatesAskForNoAck(t *testing.T) {
	var a Acker
	a.Received(epoch, 9)
	a.Piggyback()
	for range 2 * ackEvery {
		a.Received(epoch, 9)
		a.Received(epoch, 3)
	}
	_, ok := a.Due(epoch.Add(time.Hour))
	assert.False(t, ok)
}

func TestAckOnlyPacketsStayUnderOnePercent(t *testing.T) {
	var a Acker
	acks, now := 0, epoch
	const packets = 100_000
	for seq := range uint32(packets) {
		now = now.Add(time.Millisecond)
		a.Received(now, seq)
		if _, ok := a.Due(now); ok {
			acks++
		}
	}
	assert.Less(t, acks, packets/100)
	assert.Greater(t, acks, packets/200)
}

func TestAckDoesNotAllocate(t *testing.T) {
	var a Acker
	seq := uint32(0)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		seq++
		a.Received(epoch, seq)
		a.Due(epoch)
		a.Deadline()
		a.Piggyback()
	}))
}

func TestSequencer(t *testing.T) {
	s := NewSequencer(0xFFFFFFFE)
	assert.Equal(t, uint32(0xFFFFFFFE), s.Next())
	assert.Equal(t, uint32(0xFFFFFFFF), s.Next())
	assert.EqualValues(t, 0, s.Next(), "numbers wrap")
	assert.EqualValues(t, 1, NewSequencer(DefaultFirstSeq).Next())
}
