package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTicks(t *testing.T) {
	got, err := parseCPUTicks(strings.NewReader("cpu  10 20 30 1000 5 6 7 8 0 0\ncpu0 1 2 3 4\n"))
	require.NoError(t, err)
	assert.Equal(t, cpuTicks{busy: 10 + 30 + 6 + 7, nice: 20, all: 1086}, got)
	for _, bad := range []string{"", "cpu 1 2\n", "cpu0 1 2 3 4 5 6 7 8 9\n", "cpu a b c d e f g h i\n"} {
		_, err := parseCPUTicks(strings.NewReader(bad))
		assert.ErrorContains(t, err, "/proc/stat", bad)
	}
}
