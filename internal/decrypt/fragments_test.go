package decrypt

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/decrypt/recording"
	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// fragment cuts an IP packet into fragments with so many bytes in each.
func fragment(p recording.Packet, size int) (list []recording.Packet) {
	body := p.IP[ippkt.IPv4Len:]
	for at := 0; at < len(body); at += size {
		part := append(slices.Clone(p.IP[:ippkt.IPv4Len]), body[at:min(at+size, len(body))]...)
		word := uint16(at / 8)
		if at+size < len(body) {
			word |= ippkt.MoreFragments
		}
		binary.BigEndian.PutUint16(part[2:], uint16(len(part)))
		binary.BigEndian.PutUint16(part[6:], word)
		ippkt.IPv4(part).PutChecksum()
		list = append(list, recording.Packet{At: p.At, IP: part})
	}
	return list
}

// TestFragments: GRE in fragments, which come in any order, some of them twice.
func TestFragments(t *testing.T) {
	rec := recording.New(1)
	c := dial(t, rec, recording.Options{})
	talk(c, 50)
	random := rand.New(rand.NewPCG(7, 8))
	var packets []recording.Packet
	for _, p := range rec.Packets {
		parts := fragment(p, 200)
		if p.Data {
			random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			parts = append(parts[:len(parts):len(parts)], parts...)[:len(parts)+len(parts)/2]
		}
		packets = append(packets, parts...)
	}
	got := follow(t, hashOf(user, password), packets)
	assert.Equal(t, c.Sent[0], got.plain[client])
	assert.Equal(t, c.Sent[1], got.plain[server])
}

// TestCut: packets of which the capture has the beginnings only.
func TestCut(t *testing.T) {
	rec := recording.New(1)
	talk(dial(t, rec, recording.Options{}), 20)
	f := New(Options{Hashes: hashOf(user, password)})
	for _, p := range rec.Packets {
		n := len(p.IP)
		if p.Data {
			n = min(n, 50)
		}
		require.NoError(t, f.Packet(p.At, p.IP[:n], n < len(p.IP)))
	}
	require.NoError(t, f.Finish())
	d := f.Report().Calls[0].Directions[0]
	assert.Greater(t, d.Missed[Cut], uint64(15))
	assert.Equal(t, uint64(20), d.Missed[Cut]+d.Deciphered)
}
