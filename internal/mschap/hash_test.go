package mschap

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

// TestRFC2759Section93 is the example of DES keys of RFC 2759.
func TestRFC2759Section93(t *testing.T) {
	hash := unhex(t, "FC 15 6A F7 ED CD 6C 0E DD E3 33 7D 42 7F 4E AC")
	got := NTPasswordHash("MyPw")
	assert.Equal(t, hash, got[:])
	first, second := expandKey([7]byte(hash[:7])), expandKey([7]byte(hash[7:14]))
	assert.Equal(t, unhex(t, "FD 0B 5B 5E 7F 6E 34 D9"), first[:])
	assert.Equal(t, unhex(t, "0E 6E 79 67 37 EA 08 FE"), second[:])
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

func TestAvailable(t *testing.T) { assert.NoError(t, Available()) }

func TestUserName(t *testing.T) {
	assert.Equal(t, "joe", UserName("joe"))
	assert.Equal(t, "joe", UserName(`CORP\joe`))
	assert.Equal(t, "", UserName(`CORP\`))
	assert.Equal(t, "joe@corp", UserName("joe@corp"))
}

func TestParseSuccess(t *testing.T) {
	const digits = "407A5589115FD0D6209F510FE9C04566932CDA56"
	for name, c := range map[string]struct {
		in      string
		message string
		err     error
	}{
		"with text":           {"S=" + digits + " M=welcome", "welcome", nil},
		"without text":        {"S=" + digits, "", nil},
		"text without space":  {"S=" + digits + "M=hi", "hi", nil},
		"lower case":          {"S=" + strings.ToLower(digits), "", nil},
		"text holds M= again": {"S=" + digits + " M=a M=b", "a M=b", nil},
		"empty":               {"", "", ErrNoAuthenticatorResponse},
		"only text":           {"M=welcome", "", ErrNoAuthenticatorResponse},
		"39 digits":           {"S=" + digits[1:], "", ErrBadHex},
		"not hexadecimal":     {"S=" + strings.Repeat("G", 40), "", ErrBadHex},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSuccess([]byte(c.in))
			assert.ErrorIs(t, err, c.err)
			if c.err == nil {
				require.NoError(t, err)
				assert.Equal(t, unhex(t, digits), s.AuthenticatorResponse[:])
				assert.Equal(t, c.message, s.Message)
			}
		})
	}
}

func TestParseFailure(t *testing.T) {
	challenge := "000102030405060708090A0B0C0D0E0F"
	raw := [16]byte(unhex(t, challenge))
	for name, c := range map[string]struct {
		in   string
		want Failure
	}{
		"RFC":                 {"E=691 R=1 C=" + challenge + " V=3 M=no", Failure{691, true, raw, 3, "no"}},
		"pppd says V=0":       {"E=691 R=1 C=" + challenge + " V=0 M=Access denied", Failure{691, true, raw, 0, "Access denied"}},
		"accel sends no C":    {"E=691 R=0 V=3 M=Authentication failure", Failure{Code: 691, Version: 3, Message: "Authentication failure"}},
		"ten digits":          {"E=0000000649 R=0", Failure{Code: 649}},
		"C too short":         {"E=691 R=1 C=0011", Failure{Code: 691, Retry: true}},
		"C not hex":           {"E=691 C=" + strings.Repeat("z", 32), Failure{Code: 691}},
		"number out of range": {"E=99999999999999999999 R=0", Failure{}},
		"negative":            {"E=-1", Failure{}},
		"text only":           {"go away", Failure{Message: "go away"}},
		"unknown fields":      {"X=1 E=647", Failure{Code: 647}},
		"empty":               {"", Failure{}},
		"spaces":              {"   ", Failure{Message: "   "}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, ParseFailure([]byte(c.in)))
		})
	}
	t.Run("what is written can be read", func(t *testing.T) {
		f := Failure{Code: 691, Retry: true, Challenge: raw, Version: 3, Message: "wrong"}
		assert.Equal(t, f, ParseFailure(f.AppendTo(nil)))
	})
}

func TestDescribeKnowsEveryCode(t *testing.T) {
	for _, code := range []int{646, 647, 648, 649, 691, 709} {
		assert.NotEqual(t, Describe(0), Describe(code), code)
	}
}

func TestParseResponseLengths(t *testing.T) {
	for n := range 60 {
		_, err := ParseResponse(make([]byte, n))
		assert.Equal(t, n == ResponseLen, err == nil, n)
	}
}

func FuzzMSCHAP(f *testing.F) {
	f.Add([]byte("S=407A5589115FD0D6209F510FE9C04566932CDA56 M=ok"))
	f.Add([]byte("E=691 R=1 C=000102030405060708090A0B0C0D0E0F V=3 M=no"))
	f.Add([]byte("E=691 R=0 V=3"))
	f.Add([]byte("M="))
	f.Add(make([]byte, ResponseLen))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseSuccess(b); err == nil {
			again, err := ParseSuccess(s.AppendTo(nil))
			require.NoError(t, err)
			require.Equal(t, s, again)
		}
		failure := ParseFailure(b)
		require.GreaterOrEqual(t, failure.Code, 0)
		require.LessOrEqual(t, len(failure.Message), len(b))
		if r, err := ParseResponse(b); err == nil {
			again, err := ParseResponse(r.AppendTo(nil))
			require.NoError(t, err)
			require.Equal(t, r, again)
		}
		require.NotContains(t, UserName(string(b)), `\`)
		NTPasswordHash(string(b))
	})
}
