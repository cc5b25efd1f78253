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
