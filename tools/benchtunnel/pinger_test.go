//go:build linux

package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPingerHearsTheAnswersOfAnotherMachine(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	pair, err := newPair()
	require.NoError(t, err)
	defer pair.close()
	var trips []time.Duration
	for limit := time.Now().Add(time.Minute); len(trips) == 0 && time.Now().Before(limit); { // a busy machine may hear none in time
		p, err := newPinger(pair.near, farOuter)
		require.NoError(t, err)
		trips, err = p.run(t.Context(), 30*pingEvery)
		require.NoError(t, err)
	}
	require.NotEmpty(t, trips)
	assert.LessOrEqual(t, len(trips), 31, "every answer counts once")
	for _, trip := range trips {
		assert.Positive(t, trip)
	}

	nobody, err := newPinger(pair.near, "192.0.2.77")
	require.NoError(t, err)
	trips, err = nobody.run(t.Context(), 2*pingEvery)
	require.NoError(t, err)
	assert.Empty(t, trips, "nobody has that address")
}
