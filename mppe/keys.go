package mppe

import (
	"bytes"
	"crypto/sha1"
	"fmt"
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

// masterKey is GetMasterKey of RFC 3079 section 3.4. ntResponse is the NT-Response field of the
// MS-CHAPv2 Response packet.
func masterKey(passwordHashHash [16]byte, ntResponse [24]byte) [16]byte {
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

// asymmetricStartKey is GetAsymmetricStartKey of RFC 3079 section 3.4, for keys of 40, 56 or 128
// bits: 8, 8 or 16 bytes.
func asymmetricStartKey(masterKey [16]byte, strength int, send, server bool) ([]byte, error) {
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

// KeysFromMSCHAPv2 gives the start keys of a session that MS-CHAPv2 authenticated (RFC 3079 section
// 3), for the server (the authenticator) or the client. passwordHashHash is
// HashNTPasswordHash(NTPasswordHash(password)).
func KeysFromMSCHAPv2(passwordHashHash [16]byte, ntResponse [24]byte, strength int, server bool) (Keys, error) {
	master := masterKey(passwordHashHash, ntResponse)
	send, err := asymmetricStartKey(master, strength, true, server)
	if err != nil {
		return Keys{}, err
	}
	recv, err := asymmetricStartKey(master, strength, false, server)
	if err != nil {
		return Keys{}, err
	}
	return Keys{Send: send, Recv: recv}, nil
}
