package mppe

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forEachMode runs f for every strength, both modes, and stateful mode as Linux does it.
func forEachMode(t *testing.T, f func(t *testing.T, cfg Config)) {
	for _, strength := range []int{40, 56, 128} {
		t.Run(fmt.Sprintf("stateless/%d", strength), func(t *testing.T) { f(t, testConfig(strength, true)) })
		t.Run(fmt.Sprintf("stateful/%d", strength), func(t *testing.T) { f(t, testConfig(strength, false)) })
		t.Run(fmt.Sprintf("stateful-linux/%d", strength), func(t *testing.T) {
			cfg := testConfig(strength, false)
			cfg.LinuxReset = true
			f(t, cfg)
		})
	}
}

func TestRoundTrip(t *testing.T) {
	forEachMode(t, func(t *testing.T, cfg Config) {
		w := newWire(t, cfg, 1)
		d := newDecrypter(t, cfg)
		for i := range 5000 {
			if i%700 == 699 {
				w.enc.Reset()
			}
			w.deliver(d, w.next())
		}
		assert.False(t, d.NeedReset())
		s := d.Stats()
		assert.EqualValues(t, 5000, s.Packets)
		assert.EqualValues(t, 5000*42, s.Bytes)
		assert.Equal(t, w.enc.Stats().Rekeys, s.Rekeys)
	})
}

// TestWireFormat decrypts what Encrypt makes by the RFC's words alone.
func TestWireFormat(t *testing.T) {
	t.Run("stateless", func(t *testing.T) {
		cfg := testConfig(128, true)
		e, err := NewEncrypter(cfg)
		require.NoError(t, err)
		k := plainInitialKey(cfg)
		for i := range 5000 {
			k = plainNextKey(cfg, k)
			p := e.Encrypt(nil, []byte("plain"))
			require.Equal(t, 0x9000|i&0xFFF, int(binary.BigEndian.Uint16(p)))
			require.Equal(t, "plain", string(plainRC4(k, p[2:])))
		}
	})
	for _, linux := range []bool{false, true} {
		t.Run(fmt.Sprintf("stateful/linux=%v", linux), func(t *testing.T) {
			cfg := testConfig(40, false)
			cfg.LinuxReset = linux
			e, err := NewEncrypter(cfg)
			require.NoError(t, err)
			k := plainInitialKey(cfg)
			var stream []byte // what has gone through the present tables
			for i := range 5000 {
				reset := i%1000 == 300
				if reset {
					e.Reset()
				}
				flag := i&0xFF == 0xFF
				if flag || reset && linux {
					k = plainNextKey(cfg, k)
				}
				if flag || reset {
					stream = nil
				}
				p := e.Encrypt(nil, []byte("plain"))
				want := 0x1000 | i&0xFFF
				if flag || reset {
					want |= 0x8000
				}
				require.Equal(t, want, int(binary.BigEndian.Uint16(p)), "packet %d", i)
				stream = append(stream, p[2:]...)
				plain := plainRC4(k, stream)
				require.Equal(t, "plain", string(plain[len(plain)-5:]))
			}
			assert.EqualValues(t, 5, e.Stats().Resets)
		})
	}
}

func TestInPlace(t *testing.T) {
	forEachMode(t, func(t *testing.T, cfg Config) {
		e, err := NewEncrypter(cfg)
		require.NoError(t, err)
		d := newDecrypter(t, cfg)
		for i := range uint32(600) {
			plain := ipv4(i, 24+int(i))
			buf := append(make([]byte, HeaderSize), plain...)
			packet := e.Encrypt(buf[:0], buf[HeaderSize:])
			require.Same(t, &buf[0], &packet[0])
			got, err := d.Decrypt(packet[HeaderSize:HeaderSize], packet, 0)
			require.NoError(t, err)
			require.Same(t, &buf[HeaderSize], &got[0])
			require.Equal(t, plain, got)
		}
	})
}

// TestRefusedInPlace: a packet that does not decrypt stays as it was.
func TestRefusedInPlace(t *testing.T) {
	forEachMode(t, func(t *testing.T, cfg Config) {
		d := newDecrypter(t, cfg)
		packet := forge(rand.New(rand.NewPCG(3, 4)), 0, 100)
		before := string(packet)
		got, err := d.Decrypt(packet[HeaderSize:HeaderSize], packet, 0)
		require.ErrorIs(t, err, ErrImplausible)
		assert.Empty(t, got)
		assert.Equal(t, before, string(packet))
	})
}

func TestRefusedHeaders(t *testing.T) {
	d := newDecrypter(t, testConfig(128, true))
	for _, v := range []struct {
		name   string
		packet []byte
		want   error
	}{
		{"nothing", nil, ErrTruncated},
		{"one byte", []byte{0x90}, ErrTruncated},
		{"header only", []byte{0x90, 0}, ErrTruncated},
		{"bit D is 0", []byte{0x80, 0, 1}, ErrNotEncrypted},
		{"bit A is 0", []byte{0x10, 0, 1}, ErrNotFlushed},
	} {
		t.Run(v.name, func(t *testing.T) {
			out, err := d.Decrypt([]byte("kept"), v.packet, 0)
			assert.Equal(t, v.want, err)
			assert.Equal(t, "kept", string(out))
		})
	}
	s := d.Stats()
	assert.Equal(t, DecryptStats{Truncated: 3, NotEncrypted: 1, NotFlushed: 1}, s)
	// Bits B and C mean nothing (RFC 3078 section 3.1).
	e, err := NewEncrypter(testConfig(128, true))
	require.NoError(t, err)
	p := e.Encrypt(nil, ipv4(1, 40))
	p[0] |= 0x60
	out, err := d.Decrypt(nil, p, 0)
	require.NoError(t, err)
	assert.Equal(t, ipv4(1, 40), out)
}

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
	t.Run("batch", func(t *testing.T) {
		if raceEnabled {
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
	})
	t.Run("forged", func(t *testing.T) {
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
	})
}
