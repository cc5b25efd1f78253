package mppe

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// The vectors of RFC 3079 section 3.5 share the password "clientPass", whose hash is hashed here,
// and this response.
const (
	rfcNTResponse       = "82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF"
	rfcPasswordHashHash = "41C00C584BD2D91C4017A2A12FA59F3F"
	rfcMasterKey        = "FDECE3717A8C838CB388E527AE3CDD31"
)

func TestMasterKey(t *testing.T) {
	master := masterKey([16]byte(unhex(t, rfcPasswordHashHash)), [24]byte(unhex(t, rfcNTResponse)))
	assert.Equal(t, unhex(t, rfcMasterKey), master[:])
}

// TestRFC3079Section35 goes through the sample derivations of RFC 3079 section 3.5 step by step.
// The RFC's message in 3.5.2 ends in 58; RC4 with the key that the RFC gives makes that octet B8
// (the eleven before it agree, as do all backends and crypto/rc4), so B8 is what is wanted here.
func TestRFC3079Section35(t *testing.T) {
	for _, v := range []struct {
		section              string
		strength             int
		start, session, text string
	}{
		{"3.5.1", 40, "8B7CDC149B993A1B", "D1269EC49FA62E3E", "929137917E5803D668D75898"},
		{"3.5.2", 56, "8B7CDC149B993A1B", "D15C00C49FA62E3E", "3F106833FA448DA842BC57B8"},
		{"3.5.3", 128, "8B7CDC149B993A1BA118CB153F56DCCB", "405CB2247A7956E6E211007AE27B22D4", "81848317DF68846272FB5ABE"},
	} {
		t.Run(v.section, func(t *testing.T) {
			start, err := asymmetricStartKey([16]byte(unhex(t, rfcMasterKey)), v.strength, true, true)
			require.NoError(t, err)
			assert.Equal(t, unhex(t, v.start), start)

			hashHash, response := [16]byte(unhex(t, rfcPasswordHashHash)), [24]byte(unhex(t, rfcNTResponse))
			server, err := KeysFromMSCHAPv2(hashHash, response, v.strength, true)
			require.NoError(t, err)
			assert.Equal(t, start, server.Send)
			client, err := KeysFromMSCHAPv2(hashHash, response, v.strength, false)
			require.NoError(t, err)
			assert.Equal(t, server.Send, client.Recv)
			assert.Equal(t, server.Recv, client.Send)
			assert.NotEqual(t, server.Send, server.Recv)

			for _, b := range arc4.Backends() {
				keys, session, err := newKeyChanger(Config{Key: start, Strength: v.strength, Backend: b})
				require.NoError(t, err)
				assert.Equal(t, unhex(t, v.session), session.b[:len(start)])
				text := []byte("test message")
				keys.setKey(keys.rc4, &session)
				keys.rc4.XORKeyStream(text, text)
				assert.Equal(t, unhex(t, v.text), text)
				assert.Equal(t, unhex(t, v.text), plainRC4(unhex(t, v.session), []byte("test message")))
			}
		})
	}
}

// TestKeyChange follows the chain with a second, plain implementation of RFC 3078 section 7.3.
func TestKeyChange(t *testing.T) {
	for _, strength := range []int{40, 56, 128} {
		cfg := testConfig(strength, true)
		keys, session, err := newKeyChanger(cfg)
		require.NoError(t, err)
		want := plainInitialKey(cfg)
		require.Equal(t, want, session.b[:len(want)])
		for range 300 {
			want = plainNextKey(cfg, want)
			keys.change(&session)
			require.Equal(t, want, session.b[:len(want)])
		}
		assert.EqualValues(t, 300, keys.rekeys)
	}
}

func TestKeyErrors(t *testing.T) {
	_, err := KeysFromMSCHAPv2([16]byte{}, [24]byte{}, 64, true)
	assert.ErrorContains(t, err, "64 bits: want 40, 56 or 128")
	_, err = NewEncrypter(Config{Key: make([]byte, 16), Strength: 40})
	assert.ErrorContains(t, err, "start key of 16 bytes: 40 bits want 8 bytes")
	_, err = NewDecrypter(Config{Key: make([]byte, 8), Strength: 128})
	assert.ErrorContains(t, err, "start key of 8 bytes: 128 bits want 16 bytes")
	_, err = NewDecrypter(Config{Key: make([]byte, 8), Strength: 41})
	assert.ErrorContains(t, err, "41 bits")
}
