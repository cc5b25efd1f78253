package timing

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKeysDoNotComeBack(t *testing.T) {
	seen := map[[KeySize]byte]bool{}
	for seed := range uint64(4) {
		keys := NewKeys(seed)
		for range 10000 {
			var key [KeySize]byte
			keys.Fill(key[:])
			require.False(t, seen[key])
			seen[key] = true
		}
	}
}

func TestKeysAreXorshift(t *testing.T) {
	// From Marsaglia's definition with the shifts 13, 7 and 17, one step from 1.
	k := &Keys{1}
	assert.Equal(t, uint64(0x40822041), k.Next())
	assert.Equal(t, uint64(0x100041060c011441), k.Next())
}
