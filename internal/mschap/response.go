package mschap

import (
	"errors"
	"fmt"
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
