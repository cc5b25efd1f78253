package mschap

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	//lint:ignore SA1019 RFC 2759 section 8.3 is made of MD4
	"golang.org/x/crypto/md4"
)

// unhex reads hexadecimal text with spaces.
func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// TestRFC2759Section92 is the hash example of RFC 2759.
func TestRFC2759Section92(t *testing.T) {
	authenticator := [16]byte(unhex(t, "5B 5D 7C 7D 7B 3F 2F 3E 3C 2C 60 21 32 26 26 28"))
	peer := [16]byte(unhex(t, "21 40 23 24 25 5E 26 2A 28 29 5F 2B 3A 33 7C 7E"))

	challenge := challengeHash(peer, authenticator, "User")
	assert.Equal(t, unhex(t, "D0 2E 43 86 BC E9 12 26"), challenge[:])

	hash := NTPasswordHash("clientPass")
	assert.Equal(t, unhex(t, "44 EB BA 8D 53 12 B8 D6 11 47 44 11 F5 69 89 AE"), hash[:])

	response := NTResponse(authenticator, peer, "User", hash)
	assert.Equal(t, unhex(t, "82 30 9E CD 8D 70 8B 5E A0 8F AA 39 81 CD 83 54 42 33 11 4A 3D 85 D6 DF"), response[:])

	hashHash := HashNTPasswordHash(hash)
	assert.Equal(t, unhex(t, "41 C0 0C 58 4B D2 D9 1C 40 17 A2 A1 2F A5 9F 3F"), hashHash[:])

	proof := AuthenticatorResponse(hashHash, response, peer, authenticator, "User")
	assert.Equal(t, "S=407A5589115FD0D6209F510FE9C04566932CDA56", string(Success{AuthenticatorResponse: proof}.AppendTo(nil)))

	t.Run("the domain is left out of the hashes", func(t *testing.T) {
		assert.Equal(t, response, NTResponse(authenticator, peer, `BIGCO\User`, hash))
		assert.Equal(t, proof, AuthenticatorResponse(hashHash, response, peer, authenticator, `BIGCO\User`))
	})
}

// TestRecordedWithPppd is an exchange of pppd 2.4.9 with itself.
func TestRecordedWithPppd(t *testing.T) {
	authenticator := [16]byte(unhex(t, "64559dad69f05cc3c2bcf0ff4860631f"))
	r, err := ParseResponse(unhex(t, "9954d9369636c237aa12133372c7129300000000000000007f06cf889cc4a70a56dfa0fda8cac5df936524e5ad6e3ea300"))
	require.NoError(t, err)
	hash := NTPasswordHash("lab-pass-1")
	assert.Equal(t, r.NTResponse, NTResponse(authenticator, r.PeerChallenge, "lab", hash))
	s, err := ParseSuccess([]byte("S=DFEAB84248C78DE15D5D2A37442878D2C184AA24 M=Access granted"))
	require.NoError(t, err)
	assert.Equal(t, s.AuthenticatorResponse, AuthenticatorResponse(HashNTPasswordHash(hash), r.NTResponse, r.PeerChallenge, authenticator, "lab"))
	assert.Equal(t, "Access granted", s.Message)
}

func TestPasswordsBeyondASCII(t *testing.T) {
	// The same bytes hashed as MD4 of UTF-16LE made by hand.
	for name, c := range map[string]struct {
		password string
		utf16le  string
	}{
		"latin":          {"é", "e900"},
		"cyrillic":       {"пар", "3f0430044004"},
		"surrogate pair": {"😀", "3dd800de"},
		"empty":          {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			// HashNTPasswordHash is a plain MD4, but of 16 bytes only.
			assert.Equal(t, md4Of(unhex(t, c.utf16le)), NTPasswordHash(c.password))
		})
	}
}

func TestUserName(t *testing.T) {
	assert.Equal(t, "joe", UserName("joe"))
	assert.Equal(t, "joe", UserName(`CORP\joe`))
	assert.Equal(t, "", UserName(`CORP\`))
	assert.Equal(t, "joe@corp", UserName("joe@corp"))
}

// md4Of is the plain hash.
func md4Of(b []byte) [16]byte {
	h := md4.New()
	h.Write(b)
	return [16]byte(h.Sum(nil))
}
