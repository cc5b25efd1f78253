package mschap

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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
