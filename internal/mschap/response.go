package mschap

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"strings"
)

// ResponseLen is the length of a Response's value, in bytes (RFC 2759 section 4).
const ResponseLen = 16 + 8 + 24 + 1

// ChallengeLen is the length of a challenge, in bytes (RFC 2759 section 3).
const ChallengeLen = 16

// Response is the value of a Response packet (RFC 2759 section 4). The reserved
// and flag fields are sent as zero and not looked at, for peers have put
// MS-CHAPv1's flags there.
type Response struct {
	PeerChallenge [16]byte
	NTResponse    [24]byte
}

// ParseResponse reads the value of a Response.
func ParseResponse(value []byte) (Response, error) {
	if len(value) != ResponseLen {
		return Response{}, fmt.Errorf("mschap: response value is %d bytes long, not %d", len(value), ResponseLen)
	}
	return Response{
		PeerChallenge: [16]byte(value[:16]),
		NTResponse:    [24]byte(value[24:48]),
	}, nil
}

// AppendTo appends the value of the Response.
func (r Response) AppendTo(dst []byte) []byte {
	dst = append(dst, r.PeerChallenge[:]...)
	dst = append(dst, make([]byte, 8)...)
	dst = append(dst, r.NTResponse[:]...)
	return append(dst, 0)
}

// Errors of ParseSuccess.
var (
	ErrNoAuthenticatorResponse = errors.New("mschap: the success message has no authenticator response (S=)")
	ErrBadHex                  = errors.New("mschap: the authenticator response is not 40 hexadecimal digits")
)

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
