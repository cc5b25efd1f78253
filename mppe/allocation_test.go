package mppe

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/raceflag"
)

func TestNoAllocation(t *testing.T) {
	forEachMode(t, func(t *testing.T, cfg Config) {
		e, err := NewEncrypter(cfg)
		require.NoError(t, err)
		d := newDecrypter(t, cfg)
		buf, out := make([]byte, 0, 2048), make([]byte, 0, 2048)
		plain := ipv4(7, 1400)
		seq := uint32(1)
		assert.Zero(t, testing.AllocsPerRun(500, func() {
			packet := e.Encrypt(buf, plain)
			if _, err := d.Decrypt(out, packet, seq); err != nil {
				t.Error(err)
			}
			seq++
			packet[0] &^= bitEncrypted >> 8
			if _, err := d.Decrypt(out, packet, seq); err != ErrNotEncrypted {
				t.Error(err)
			}
		}))
	})
}

func TestNoAllocationInBatches(t *testing.T) {
	if raceflag.Enabled {
		t.Skip("the race detector makes sync.Pool, which XORKeyStreams uses, allocate at random")
	}
	const n, sessions = 40, 3
	var out SendBatch
	var in ReceiveBatch
	var enc [sessions]*Encrypter
	var dec [sessions]*Decrypter
	for i := range sessions {
		var err error
		enc[i], err = NewEncrypter(testConfig(128, true))
		require.NoError(t, err)
		dec[i] = newDecrypter(t, testConfig(128, true))
	}
	dst, plain, room, packets := make([][]byte, n), make([][]byte, n), make([]byte, sessions*n*1500), make([]Packet, sessions*n)
	for i := range plain {
		plain[i] = ipv4(uint32(i), 1400)
	}
	seq := uint32(0)
	batch := func() {
		for s := range sessions {
			for i := range dst {
				at := 1500 * (s*n + i)
				dst[i] = room[at : at : at+1500]
			}
			out.Add(enc[s], dst, plain)
			out.Encrypt()
			for i := range dst {
				p := &packets[s*n+i]
				*p = Packet{Data: dst[i], Seq: seq + uint32(i), Dst: dst[i][HeaderSize:HeaderSize]}
				if i%10 == 9 {
					p.Data[5]++ // damaged
				}
				in.Add(dec[s], p)
			}
		}
		in.Decrypt()
		seq += n
		for i := range packets {
			if (packets[i].Err == nil) == (i%10 == 9) {
				t.Error(i, packets[i].Err)
			}
		}
	}
	// Until the keys of all the gaps that a window can have are there.
	for range leastHistory/n + 1 {
		batch()
	}
	assert.Zero(t, testing.AllocsPerRun(20, batch))
}

func TestNoAllocationForForgedPackets(t *testing.T) {
	d := newDecrypter(t, testConfig(128, true))
	r := rand.New(rand.NewPCG(5, 6))
	packet, out := forge(r, 0, 200), make([]byte, 0, 2048)
	try := func() {
		binary.BigEndian.PutUint16(packet, bitFlushed|bitEncrypted|uint16(r.Uint32())&countMask)
		if _, err := d.Decrypt(out, packet, r.Uint32()>>1); err == nil {
			t.Error("forged packet decrypted")
		}
	}
	for range 3000 {
		try()
	}
	assert.Zero(t, testing.AllocsPerRun(500, try))
}
