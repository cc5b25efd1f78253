package main

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseLiveReadsWhatGreWrites(t *testing.T) {
	p := gre(4711, 99, mppe(4095, []byte("body")))
	l, ok := parseLive(p)
	require.True(t, ok)
	require.Equal(t, live{callID: 4711, seq: 99, count: 4095, mppe: true, packet: p}, l)

	l, ok = parseLive(gre(1, 2, control(0xc021, 9, 1, make([]byte, 4))))
	require.True(t, ok)
	require.False(t, l.mppe)

	for n := range 12 {
		_, ok = parseLive(p[:n])
		require.False(t, ok, "%d bytes", n)
	}
}

func TestAttacksMakePackets(t *testing.T) {
	l, _ := parseLive(gre(4711, 99, mppe(7, make([]byte, 60))))
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			packets := attack(l, rand.New(rand.NewPCG(1, 0)))
			require.Greater(t, len(packets), 49)
			for _, p := range packets {
				require.LessOrEqual(t, len(p), 1480, "fits a link of 1500 bytes")
			}
		})
	}
}

func TestSweepNamesEveryCall(t *testing.T) {
	seen := map[uint16]bool{}
	for _, p := range sweep(live{}, rand.New(rand.NewPCG(1, 0))) {
		l, ok := parseLive(p)
		require.True(t, ok)
		seen[l.callID] = true
	}
	require.Len(t, seen, 1<<16)
}

func TestClearControlStaysFar(t *testing.T) {
	const at = 5000
	for _, p := range clearControl(live{seq: at}, rand.New(rand.NewPCG(1, 0))) {
		l, ok := parseLive(p)
		require.True(t, ok)
		far := int32(l.seq - at)
		require.True(t, far >= 20000 || far <= -20000, "%d", far)
	}
}
