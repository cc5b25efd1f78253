package link

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Parcels go round between sender and Run: garbage of theirs, a hundred thousand times a
// second, would stop both for the collector.
func TestInboxUsesItsParcelsAgain(t *testing.T) {
	var b inbox
	packets := [][]byte{make([]byte, 1400), make([]byte, 60)}
	var emptied *parcel
	round := func() {
		b.put(packets, func([]byte) account { return 0 })
		first, ok := b.tryExchange(emptied)
		require.True(t, ok)
		require.Equal(t, len(packets), first.count)
		first.count, emptied = 0, first
	}
	for range 10 {
		round()
	}
	assert.Zero(t, testing.AllocsPerRun(100, round))
}
