package keyhash

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// byDefinition is RFC 3079 section 3.4 as it stands.
func byDefinition(start []byte, session [Size]byte) (sum [Size]byte) {
	var message []byte
	message = append(message, start...)
	message = append(message, make([]byte, padLength)...)
	message = append(message, session[:len(start)]...)
	message = append(message, bytes.Repeat([]byte{pad2}, padLength)...)
	digest := sha1.Sum(message)
	copy(sum[:], digest[:])
	return sum
}

func randomBytes(r *rand.Rand, p []byte) {
	for i := range p {
		p[i] = byte(r.Uint32())
	}
}

// implementations are the implementations that this machine has.
func implementations() map[string]func(h *Hasher, sum, session *[Size]byte) {
	all := map[string]func(h *Hasher, sum, session *[Size]byte){
		"Sum":      (*Hasher).Sum,
		"portable": (*Hasher).sumPortable,
	}
	if usable {
		all["accelerated"] = (*Hasher).sumAccelerated
	}
	maps.Copy(all, kernels())
	return all
}

func TestSum(t *testing.T) {
	for name, sum := range implementations() {
		for _, length := range []int{8, 16} {
			t.Run(fmt.Sprintf("%s/%d", name, length), func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, uint64(length)))
				for range 200 {
					start, session := make([]byte, length), [Size]byte{}
					randomBytes(r, start)
					randomBytes(r, session[:])
					h, err := New(start)
					require.NoError(t, err)
					var got [Size]byte
					sum(h, &got, &session)
					require.Equal(t, byDefinition(start, session), got)
					want := got
					got = session
					sum(h, &got, &got)
					require.Equal(t, want, got, "in place")
				}
			})
		}
	}
}

func TestStartKeyLength(t *testing.T) {
	for _, n := range []int{0, 7, 9, 15, 17, 32} {
		_, err := New(make([]byte, n))
		assert.ErrorContains(t, err, fmt.Sprintf("start key of %d bytes", n))
	}
}

func TestAllocations(t *testing.T) {
	h, err := New(make([]byte, 16))
	require.NoError(t, err)
	var key [Size]byte
	assert.Zero(t, testing.AllocsPerRun(100, func() { h.Sum(&key, &key) }))
}

func FuzzSum(f *testing.F) {
	f.Add(make([]byte, 8), make([]byte, 16))
	f.Add(make([]byte, 16), bytes.Repeat([]byte{0xFF}, 16))
	f.Fuzz(func(t *testing.T, start, key []byte) {
		h, err := New(start)
		if err != nil {
			return
		}
		var session [Size]byte
		copy(session[:], key)
		want := byDefinition(start, session)
		for name, sum := range implementations() {
			var got [Size]byte
			sum(h, &got, &session)
			assert.Equal(t, want, got, name)
		}
	})
}
