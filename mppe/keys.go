package mppe

import (
	"bytes"
	"crypto/des"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"unicode/utf16"

	//lint:ignore SA1019 MS-CHAP hashes passwords with MD4 (RFC 2759 section 8.3); nothing else speaks it.
	"golang.org/x/crypto/md4"
)

// Keys are the start keys of a session, 8 or 16 bytes each, as Config.Key wants them.
type Keys struct{ Send, Recv []byte }

// The constants of RFC 3079 section 3.4.
const (
	magic1 = "This is the MPPE Master Key"
	magic2 = "On the client side, this is the send key; on the server side, it is the receive key."
	magic3 = "On the client side, this is the receive key; on the server side, it is the send key."
)

// keyLength gives the length in bytes of keys of that strength in bits.
func keyLength(strength int) (int, error) {
	switch strength {
	case 40, 56:
		return 8, nil
	case 128:
		return 16, nil
	}
	return 0, fmt.Errorf("mppe: strength of %d bits: want 40, 56 or 128", strength)
}

// NTPasswordHash is NtPasswordHash of RFC 2759 section 8.3: MD4 of the password in UTF-16, little-endian.
func NTPasswordHash(password string) [16]byte {
	units := utf16.Encode([]rune(password))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return sumMD4(b)
}

// HashNTPasswordHash is HashNtPasswordHash of RFC 2759 section 8.4, the PasswordHashHash of RFC 3079: MD4 once more.
func HashNTPasswordHash(passwordHash [16]byte) [16]byte {
	return sumMD4(passwordHash[:])
}

func sumMD4(b []byte) (sum [16]byte) {
	h := md4.New()
	h.Write(b)
	h.Sum(sum[:0])
	return sum
}

// LMPasswordHash is LmPasswordHash of RFC 2433 appendix A.2: two DES encryptions of a constant under the upper-case
// password. A password longer than 14 characters, or outside ASCII (its bytes would depend on a code page), has none.
func LMPasswordHash(password string) ([16]byte, error) {
	var hash [16]byte
	if len(password) > 14 {
		return hash, fmt.Errorf("mppe: password of %d bytes has no LAN Manager hash: the most is 14", len(password))
	}
	var upper [14]byte
	for i := range len(password) {
		c := password[i]
		switch {
		case c >= 0x80:
			return hash, fmt.Errorf("mppe: password has no LAN Manager hash: byte %d is 0x%02x, which is not ASCII", i, c)
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		upper[i] = c
	}
	for half := range 2 {
		block, err := des.NewCipher(desKey(upper[7*half : 7*half+7]))
		if err != nil {
			return hash, fmt.Errorf("mppe: LAN Manager hash: %w", err)
		}
		block.Encrypt(hash[8*half:], []byte("KGS!@#$%"))
	}
	return hash, nil
}

// desKey spreads 56 bits over 8 bytes; DES ignores the lowest bit of each, its parity.
func desKey(b []byte) []byte {
	var bits uint64
	for _, c := range b {
		bits = bits<<8 | uint64(c)
	}
	out := make([]byte, 8)
	for i := range out {
		out[i] = byte(bits>>(49-7*i)) << 1
	}
	return out
}

// MasterKey is GetMasterKey of RFC 3079 section 3.4. ntResponse is the NT-Response field of the MS-CHAPv2 Response packet.
func MasterKey(passwordHashHash [16]byte, ntResponse [24]byte) [16]byte {
	var b []byte
	b = append(b, passwordHashHash[:]...)
	b = append(b, ntResponse[:]...)
	b = append(b, magic1...)
	digest := sha1.Sum(b)
	clear(b)
	return [16]byte(digest[:16])
}

// The pads of RFC 3079 section 3.4, SHSpad1 and SHSpad2.
var (
	pad1 = make([]byte, 40)
	pad2 = bytes.Repeat([]byte{0xF2}, 40)
)

// AsymmetricStartKey is GetAsymmetricStartKey of RFC 3079 section 3.4, for keys of 40, 56 or 128 bits: 8, 8 or 16 bytes.
func AsymmetricStartKey(masterKey [16]byte, strength int, send, server bool) ([]byte, error) {
	n, err := keyLength(strength)
	if err != nil {
		return nil, err
	}
	magic := magic2
	if send == server {
		magic = magic3
	}
	b := append([]byte(nil), masterKey[:]...)
	b = append(b, pad1...)
	b = append(b, magic...)
	b = append(b, pad2...)
	digest := sha1.Sum(b)
	clear(b)
	return digest[:n:n], nil
}

// KeysFromMSCHAPv2 gives the start keys of a session that MS-CHAPv2 authenticated (RFC 3079 section 3), for the server
// (the authenticator) or the client. passwordHashHash is HashNTPasswordHash(NTPasswordHash(password)).
func KeysFromMSCHAPv2(passwordHashHash [16]byte, ntResponse [24]byte, strength int, server bool) (Keys, error) {
	master := MasterKey(passwordHashHash, ntResponse)
	send, err := AsymmetricStartKey(master, strength, true, server)
	if err != nil {
		return Keys{}, err
	}
	recv, err := AsymmetricStartKey(master, strength, false, server)
	if err != nil {
		return Keys{}, err
	}
	return Keys{Send: send, Recv: recv}, nil
}

// KeysFromMSCHAPv1 gives the start keys of a session that MS-CHAPv1 authenticated (RFC 3079 section 2): both directions
// have the same. 128 bits come from the NT hash and the challenge; 40 and 56 bits from the LAN Manager hash alone, so
// that they are the same in every session of a user.
func KeysFromMSCHAPv1(lmPasswordHash, passwordHashHash [16]byte, challenge [8]byte, strength int) (Keys, error) {
	n, err := keyLength(strength)
	if err != nil {
		return Keys{}, err
	}
	start := lmPasswordHash[:n]
	if strength == 128 {
		var b []byte
		b = append(b, passwordHashHash[:]...)
		b = append(b, passwordHashHash[:]...)
		b = append(b, challenge[:]...)
		digest := sha1.Sum(b)
		start = digest[:n]
	}
	return Keys{Send: append([]byte(nil), start...), Recv: append([]byte(nil), start...)}, nil
}
