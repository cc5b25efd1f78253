package mschap

import (
	"crypto/sha1"
	"strings"
	"unicode/utf16"

	//lint:ignore SA1019 RFC 2759 section 8.3 is made of MD4
	"golang.org/x/crypto/md4"
)

// NTPasswordHash is the MD4 of the password in UTF-16LE (RFC 2759 section 8.3).
// The password is UTF-8; characters beyond the basic plane become surrogate
// pairs, as in Windows.
func NTPasswordHash(password string) [16]byte {
	h := md4.New()
	for _, u := range utf16.Encode([]rune(password)) {
		h.Write([]byte{byte(u), byte(u >> 8)})
	}
	return [16]byte(h.Sum(nil))
}

// HashNTPasswordHash is the MD4 of the hash (RFC 2759 section 8.4).
func HashNTPasswordHash(hash [16]byte) [16]byte {
	h := md4.New()
	h.Write(hash[:])
	return [16]byte(h.Sum(nil))
}

// UserName is the name that goes into the hashes: without a DOMAIN\ in front
// (RFC 2759 section 4).
func UserName(name string) string {
	return name[strings.LastIndexByte(name, '\\')+1:]
}

// challengeHash mixes both challenges and the user's name, as the peer sent it
// (RFC 2759 section 8.2).
func challengeHash(peer, authenticator [16]byte, name string) [8]byte {
	h := sha1.New()
	h.Write(peer[:])
	h.Write(authenticator[:])
	h.Write([]byte(UserName(name)))
	return [8]byte(h.Sum(nil)[:8])
}

// challengeResponse encrypts the challenge under the three parts of the hash
// (RFC 2759 section 8.5).
func challengeResponse(challenge [8]byte, hash [16]byte) [24]byte {
	var padded [21]byte
	copy(padded[:], hash[:])
	var out [24]byte
	for i := range 3 {
		part := desEncrypt(challenge, [7]byte(padded[7*i:7*i+7]))
		copy(out[8*i:], part[:])
	}
	return out
}

// NTResponse is what proves the password to the authenticator (RFC 2759 section
// 8.1, from the password's hash).
func NTResponse(authenticator, peer [16]byte, name string, hash [16]byte) [24]byte {
	return challengeResponse(challengeHash(peer, authenticator, name), hash)
}

// The constants of RFC 2759 section 8.7.
const (
	magic1 = "Magic server to client signing constant"
	magic2 = "Pad to make it do more than one iteration"
)

// AuthenticatorResponse is what proves the password to the peer (RFC 2759
// section 8.7, from the hash of the password's hash).
func AuthenticatorResponse(hashHash [16]byte, ntResponse [24]byte, peer, authenticator [16]byte, name string) [20]byte {
	h := sha1.New()
	h.Write(hashHash[:])
	h.Write(ntResponse[:])
	h.Write([]byte(magic1))
	digest := h.Sum(nil)

	challenge := challengeHash(peer, authenticator, name)
	h.Reset()
	h.Write(digest)
	h.Write(challenge[:])
	h.Write([]byte(magic2))
	return [20]byte(h.Sum(nil))
}
