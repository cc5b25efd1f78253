package ppp

import "crypto/md5"

// CHAP codes (RFC 1994 section 4).
const (
	chapChallenge = 1
	chapResponse  = 2
	chapSuccess   = 3
	chapFailure   = 4
)

// chapValue reads the counted value and the name of a Challenge or Response.
func chapValue(data []byte) (value, name []byte, ok bool) {
	if len(data) == 0 || data[0] == 0 || int(data[0]) > len(data)-1 {
		return nil, nil, false
	}
	n := int(data[0])
	return data[1 : 1+n], data[1+n:], true
}

// appendChapValue appends the data of a Challenge or Response.
func appendChapValue(dst, value []byte, name string) []byte {
	dst = append(dst, byte(len(value)))
	dst = append(dst, value...)
	return append(dst, name...)
}

// chapMD5 is the answer to a challenge of plain CHAP (RFC 1994 section 4.1).
func chapMD5(id byte, password string, challenge []byte) [md5.Size]byte {
	in := append([]byte{id}, password...)
	return md5.Sum(append(in, challenge...))
}
