package ppp

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rasData is the data of a Terminate-Request of Windows.
func rasData(code uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{0x12, 0x34, 0x56, 0x78, 0x00, 0x3C, 0xCD, 0x74}, code)
}

// TestTerminateRequestOfWindows: the number that Windows ends a link with is said in words, and has
// its class.
func TestTerminateRequestOfWindows(t *testing.T) {
	for _, c := range []struct {
		data    []byte
		class   Class
		code    int
		message string
	}{
		{rasData(0), ClassPeer, 0, "the peer closed the link"},
		{rasData(691), ClassAuth, 691, "the peer closed the link: 691: wrong user name or password"},
		{rasData(648), ClassAuth, 648, "the peer closed the link: 648: the password has expired"},
		{rasData(742), ClassPolicy, 742, "the peer closed the link: 742: the remote computer does not support the encryption that is required"},
		{rasData(930), ClassPeer, 930, "the peer closed the link: 930: the authentication server does not answer"},
		{rasData(628), ClassPeer, 628, "the peer closed the link: 628: the connection was ended by the remote computer before it was complete"},
		{rasData(4711), ClassPeer, 0, "the peer closed the link: error 4711 of Windows"},
		{rasData(0xFFFFFFFF), ClassPeer, 0, "the peer closed the link: error 4294967295 of Windows"},
		{[]byte("MPPE disabled"), ClassPeer, 0, `the peer closed the link: "MPPE disabled"`},
		{rasData(691)[:11], ClassPeer, 0, `the peer closed the link: "?4Vx?<?t???"`},
	} {
		for _, up := range []bool{false, true} {
			p := newPair(t, clientConfig(), serverConfig())
			if !up {
				p.network = without(ProtoCHAP)
			}
			p.open()
			p.run(time.Second)
			require.Equal(t, up, len(eventsOf[NetworkUp](p.client)) > 0)
			p.network = func(bool, []byte) []time.Duration { return nil } // the peer answers no echo any more
			p.client.link.Input(p.now, frameOf(ProtoLCP, codeTerminateRequest, 3, c.data))
			p.run(maxDoubt + time.Second)
			assert.Equal(t, &DownError{Class: c.class, Code: c.code, Message: c.message, WasUp: up, Forgeable: c.class == ClassAuth}, p.client.reason())
			refused := eventsOf[AuthFailed](p.client)
			assert.Equal(t, c.class == ClassAuth && !up, len(refused) == 1, "a login that was refused is told, %+v", refused)
		}
	}
}

// FuzzRASReason: whatever a Terminate-Request holds, the link ends with one line of printable text.
func FuzzRASReason(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("No free port"))
	for _, code := range []uint32{0, 619, 691, 742, 930, 4711, 0xFFFFFFFF} {
		f.Add(rasData(code))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newScript(t, clientConfig())
		s.in(ProtoLCP, codeTerminateRequest, 1, data[:min(len(data), 60000)])
		reason := only[Closing](s.end).Reason
		require.NotZero(t, reason.Class)
		for _, c := range reason.Message {
			require.True(t, c >= 0x20 && c < 0x7F, "%q", reason.Message)
		}
	})
}
