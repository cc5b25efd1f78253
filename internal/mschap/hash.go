package mschap

import (
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
