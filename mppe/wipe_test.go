package mppe

import (
	"bytes"
	"crypto/rc4"
	"fmt"
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
)

// memory collects the bytes of everything that v, a pointer, leads to, but for the backends, which
// all sessions share.
func memory(v any) (all [][]byte) {
	seen := map[unsafe.Pointer]uintptr{}
	var walk func(v reflect.Value)
	take := func(p unsafe.Pointer, size uintptr) bool {
		if size == 0 || seen[p] >= size {
			return false
		}
		seen[p] = size
		all = append(all, unsafe.Slice((*byte)(p), size))
		return true
	}
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() && v.Type() != reflect.TypeFor[*arc4.Backend]() && take(v.UnsafePointer(), v.Type().Elem().Size()) {
				walk(v.Elem())
			}
		case reflect.Interface:
			walk(v.Elem())
		case reflect.Slice:
			if !take(v.UnsafePointer(), uintptr(v.Cap())*v.Type().Elem().Size()) || v.Type().Elem().Kind() == reflect.Uint8 {
				return
			}
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		}
	}
	walk(reflect.ValueOf(v))
	return all
}

// found names the secrets that are in memory.
func found(all [][]byte, secrets map[string][]byte) (names []string) {
	for name, secret := range secrets {
		for _, m := range all {
			if bytes.Contains(m, secret) {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// secretsOf gives what must not stay of a session with a start key: that, its first n session keys,
// the keystream of those, and the tables that the last of them makes.
func secretsOf(t *testing.T, cfg Config, n int) map[string][]byte {
	keys, session, err := newKeyChanger(cfg)
	require.NoError(t, err)
	all := map[string][]byte{"the start key": cfg.Key, "the first session key": bytes.Clone(session.b[:keys.length])}
	for i := range n {
		keys.change(&session)
		all[fmt.Sprintf("session key %d", i)] = bytes.Clone(session.b[:keys.length])
		c, err := rc4.NewCipher(session.b[:keys.length])
		require.NoError(t, err)
		stream := make([]byte, 64)
		c.XORKeyStream(stream, stream)
		all[fmt.Sprintf("keystream %d", i)] = stream
	}
	return all
}

// TestWipe: nothing of a session's keys is left in its memory, wherever they were.
func TestWipe(t *testing.T) {
	const packets = 100
	for _, strength := range []int{40, 56, 128} {
		for name, cfg := range map[string]Config{
			"stateless":                {Stateless: true},
			"stateful":                 {},
			"stateless with a reserve": {Stateless: true, Reserve: 64},
		} {
			t.Run(fmt.Sprintf("%d bits, %s", strength, name), func(t *testing.T) {
				cfg.Strength, cfg.Key = strength, []byte("0123456789abcdef")
				if strength < 128 {
					cfg.Key = cfg.Key[:8]
				}
				secrets := secretsOf(t, cfg, packets+200)
				enc, err := NewEncrypter(cfg)
				require.NoError(t, err)
				cfg.Plausible = PlausiblePPP(true, false)
				dec, err := NewDecrypter(cfg)
				require.NoError(t, err)
				exchange(t, enc, dec, packets)
				both := append(memory(enc), memory(dec)...)
				require.Subset(t, found(both, secrets), []string{"the start key"}, "the search finds what is there")
				require.NotEmpty(t, found(both, secrets)[1:])

				enc.Wipe()
				dec.Wipe()
				assert.Empty(t, found(append(memory(enc), memory(dec)...), secrets))
				assert.Empty(t, found(both, secrets), "nor where they were")
				assert.EqualValues(t, packets, enc.Stats().Packets)
				assert.EqualValues(t, packets, dec.Stats().Packets)
				for c := range map[*arc4.Cipher]bool{enc.stream: true, dec.stream: true, enc.keys.rc4: true, dec.keys.rc4: true} {
					want, err := rc4.NewCipher(make([]byte, len(cfg.Key)))
					require.NoError(t, err)
					a, b := make([]byte, 300), make([]byte, 300)
					c.XORKeyStream(a, a)
					want.XORKeyStream(b, b)
					require.True(t, bytes.Equal(b, a), "the tables are those of the key that everybody knows")
				}
				for _, r := range []*Reserve{enc.Reserve(), dec.Reserve()} {
					if r != nil {
						assert.Zero(t, r.Fill(), "nothing is made any more")
					}
				}
				assert.Empty(t, found(append(memory(enc), memory(dec)...), secrets))
			})
		}
	}
}

// exchange passes packets, of which every seventh is lost until the last one has come, singly and
// in batches.
func exchange(t *testing.T, enc *Encrypter, dec *Decrypter, packets int) {
	var late []Packet
	for i := range packets {
		for _, r := range []*Reserve{enc.Reserve(), dec.Reserve()} {
			if r != nil && i < packets/2 {
				r.Fill()
			}
		}
		plain := ipv4(uint32(i), 100)
		var sealed []byte
		if out := [][]byte{nil}; i%3 == 0 {
			encryptBatch(enc, out, [][]byte{plain})
			sealed = out[0]
		} else {
			sealed = enc.Encrypt(nil, plain)
		}
		if dec.stateless != nil && i%7 == 3 {
			late = append(late, Packet{Data: sealed, Seq: uint32(i)})
			continue
		}
		got, err := dec.Decrypt(nil, sealed, uint32(i))
		require.NoError(t, err)
		require.Equal(t, plain, got)
	}
	decryptBatch(dec, late)
	for _, p := range late {
		require.NoError(t, p.Err)
	}
}

// TestWipeOfABatch: a batch outlives the sessions that it works for, and keeps none of their keys.
func TestWipeOfABatch(t *testing.T) {
	cfg := Config{Strength: 128, Stateless: true, Key: []byte("0123456789abcdef"), Plausible: PlausiblePPP(true, true)}
	secrets := secretsOf(t, cfg, 200)
	enc, err := NewEncrypter(cfg)
	require.NoError(t, err)
	dec, err := NewDecrypter(cfg)
	require.NoError(t, err)
	var out SendBatch
	var in ReceiveBatch
	dst, plain := make([][]byte, batchSize), make([][]byte, batchSize)
	for i := range plain {
		plain[i] = ipv4(uint32(i), 100)
	}
	out.Add(enc, dst, plain)
	out.Encrypt()
	packets := make([]Packet, batchSize)
	for i := range packets {
		packets[i] = Packet{Data: dst[i], Seq: uint32(i)}
		in.Add(dec, &packets[i])
	}
	in.Decrypt()
	require.NoError(t, packets[batchSize-1].Err)
	enc.Wipe()
	dec.Wipe()
	assert.Empty(t, found(append(memory(&out), memory(&in)...), secrets))
}
