package mppe

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzDecrypt feeds a script of arbitrary packets, with sequence numbers and timer ticks, to
// decrypters of every kind. Each packet's price is bounded and nothing panics; with a judge that
// refuses everything, nothing moves.
func FuzzDecrypt(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{9, 0, 0, 0, 1, 0x90, 0, 1, 2, 3})
	f.Add([]byte{9, 0, 0, 0, 1, 0x9F, 0xFF, 1, 2, 3, 9, 0x7F, 0, 0, 0, 0x90, 1, 1, 2, 3, 9, 0x7F, 0, 0, 1, 0x90, 2, 1, 2, 3, 255})
	f.Add([]byte{9, 0, 0, 0, 1, 0x10, 0, 1, 2, 3, 9, 0, 0, 0, 9, 0x10, 8, 1, 2, 3, 9, 0, 2, 0, 0, 0x90, 9, 1, 2, 3})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 2000 {
			return
		}
		refuse := func([]byte) bool { return false }
		for _, stateless := range []bool{true, false} {
			for _, judge := range []func([]byte) bool{anything, PlausiblePPP(true, true)} {
				cfg := testConfig(128, stateless)
				cfg.Plausible, cfg.LinuxReset = judge, len(script)%2 == 0
				runScript(t, newDecrypter(t, cfg), script)
			}
		}
		cfg := testConfig(40, true)
		cfg.Plausible = refuse
		d := newDecrypter(t, cfg)
		runScript(t, d, script)
		require.EqualValues(t, -1, d.high)
		require.Zero(t, d.Stats().Packets)
	})
}

// runScript reads a length, then that many bytes: a sequence number and a packet. A length of 255
// is a timer tick.
func runScript(t *testing.T, d *Decrypter, script []byte) {
	var buf [300]byte
	for len(script) > 0 {
		n := int(script[0])
		script = script[1:]
		before := d.Stats().Rekeys
		if n == 255 {
			d.CatchUp(100)
			require.LessOrEqual(t, d.Stats().Rekeys-before, uint64(100))
			continue
		}
		n = min(n, len(script))
		var seq uint32
		packet := script[:n]
		if n >= 4 {
			seq, packet = binary.BigEndian.Uint32(packet), packet[4:]
		}
		out, err := d.Decrypt(buf[:0], packet, seq)
		if err == nil {
			require.Len(t, out, len(packet)-HeaderSize)
		} else {
			require.Empty(t, out)
		}
		// A packet that completes a recovery may look ahead from there once more.
		require.LessOrEqual(t, d.Stats().Rekeys-before, uint64(mostPerPacket+lookAhead))
		if r := d.stateless; r != nil && r.recovery != nil {
			require.LessOrEqual(t, len(r.recovery.targets), maxTargets)
		}
		script = script[n:]
	}
}

// FuzzRoundTrip: what is encrypted decrypts, in any mode, one by one or as a batch, in place or
// not, with packets lost.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("\x00\x21 a packet"), uint8(0), uint8(0), uint8(5))
	f.Add([]byte("\x21"), uint8(1), uint8(3), uint8(70))
	f.Add([]byte{}, uint8(2), uint8(2), uint8(255))
	f.Fuzz(func(t *testing.T, plain []byte, mode, lose, count uint8) {
		cfg := testConfig([]int{40, 56, 128}[mode%3], mode&4 != 0)
		cfg.LinuxReset, cfg.Plausible = mode&8 != 0, anything
		e, err := NewEncrypter(cfg)
		require.NoError(t, err)
		d := newDecrypter(t, cfg)
		dst, packets := make([][]byte, count), make([][]byte, count)
		for i := range packets {
			buf := append(make([]byte, HeaderSize), plain...)
			dst[i], packets[i] = buf[:0], buf[HeaderSize:]
		}
		encryptBatch(e, dst, packets)
		for i, p := range dst {
			if lose > 0 && i%(int(lose)+1) == 1 {
				continue
			}
			got, err := d.Decrypt(p[HeaderSize:HeaderSize], p, uint32(i))
			switch {
			case len(plain) == 0:
				require.ErrorIs(t, err, ErrTruncated)
			case err == nil:
				require.Equal(t, plain, got)
			default:
				require.False(t, cfg.Stateless)
				require.ErrorIs(t, err, ErrNeedReset)
			}
		}
		if len(plain) == 0 {
			return
		}
		e.Reset()
		got, err := d.Decrypt(nil, e.Encrypt(nil, plain), uint32(count))
		require.NoError(t, err)
		require.Equal(t, plain, got)
	})
}
