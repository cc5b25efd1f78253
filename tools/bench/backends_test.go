package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/speed"
)

// TestReadBackends looks that what this machine has is told apart.
func TestReadBackends(t *testing.T) {
	b, err := readBackends()
	require.NoError(t, err)
	assert.Contains(t, b.portable, "unrolled")
	assert.NotContains(t, b.portable, "amd64")
	for _, w := range arc4.Workloads() {
		assert.Contains(t, b.all, b.chosen[w])
	}
	for _, name := range b.withoutAVX512() {
		assert.NotContains(t, name, "avx512")
	}
	assert.Contains(t, fmt.Sprint(speed.Names()), selected)
}

func TestChosenFor(t *testing.T) {
	b := fakeBackends()
	for w, want := range map[speed.Workload]string{
		speed.Stream: "amd64", speed.KeySetup: "amd64", speed.Packet: "amd64", speed.Packets: "amd64-avx512",
		speed.Mix: "amd64-avx512", speed.MPPE: "amd64", speed.MPPEBatch: "amd64, amd64-avx512", speed.MPPESessions: "amd64, amd64-avx512",
	} {
		assert.Equal(t, want, b.chosenFor(w), w)
	}
}
