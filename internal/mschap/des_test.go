package mschap

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestRFC2759Section93 is the example of DES keys of RFC 2759.
func TestRFC2759Section93(t *testing.T) {
	hash := unhex(t, "FC 15 6A F7 ED CD 6C 0E DD E3 33 7D 42 7F 4E AC")
	got := NTPasswordHash("MyPw")
	assert.Equal(t, hash, got[:])
	first, second := expandKey([7]byte(hash[:7])), expandKey([7]byte(hash[7:14]))
	assert.Equal(t, unhex(t, "FD 0B 5B 5E 7F 6E 34 D9"), first[:])
	assert.Equal(t, unhex(t, "0E 6E 79 67 37 EA 08 FE"), second[:])
}

func TestAvailable(t *testing.T) { assert.NoError(t, Available()) }
