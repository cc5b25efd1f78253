package rtnetlink

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func openConn(t *testing.T) *Conn {
	t.Helper()
	c, err := Open()
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestClosedConn(t *testing.T) {
	c := openConn(t)
	c.Close()
	_, err := c.Links()
	require.ErrorIs(t, err, os.ErrClosed)
	require.ErrorIs(t, c.SetUp(1), os.ErrClosed)
	c.Close()
}

// TestAnswerThatDoesNotFit: it is read to its end, so that the next question has its own answer,
// and asked for again with room for it.
func TestAnswerThatDoesNotFit(t *testing.T) {
	c := openConn(t)
	all, err := c.Links()
	require.NoError(t, err)
	ask := func(buf []byte, r request) (n int, err error) {
		c.socket.mu.Lock()
		defer c.socket.mu.Unlock()
		return n, c.socket.ask(r, buf, func(kind uint16, _ []byte) error {
			if kind == unix.RTM_NEWLINK {
				n++
			}
			return nil
		})
	}
	for _, r := range []request{
		newRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP, infomsg(0, 0, 0)),
		newRequest(unix.RTM_GETLINK, 0, infomsg(1, 0, 0)),
	} {
		n, err := ask(make([]byte, 64), r)
		var long tooLong
		require.ErrorAs(t, err, &long)
		require.Greater(t, int(long), 64)
		require.Zero(t, n)
		n, err = ask(make([]byte, long), r)
		require.NoError(t, err)
		require.NotZero(t, n)
		again, err := c.Links()
		require.NoError(t, err)
		require.Len(t, again, len(all))
	}
}

// TestEndOfAnAnswer is read as the kernel may write it.
func TestEndOfAnAnswer(t *testing.T) {
	le32 := func(n int32) []byte { return order.AppendUint32(nil, uint32(n)) }
	words := func(b []byte) []byte {
		r := request(b)
		r.bytes(errorMessage+1, le32(20)) // NLMSGERR_ATTR_OFFS
		r.name(errorMessage, "Nexthop has invalid gateway")
		return r
	}
	header := make([]byte, headerLength)
	order.PutUint32(header, headerLength+7)
	repeated := append(append(le32(-int32(unix.ENETUNREACH)), header...), 1, 2, 3, 4, 5, 6, 7, 0)
	for _, tc := range []struct {
		name string
		in   message
		want string
	}{
		{"acknowledged", message{kind: unix.NLMSG_ERROR, body: append(le32(0), header...)}, ""},
		{"the end of a list", message{kind: unix.NLMSG_DONE, body: le32(0)}, ""},
		{"the end of a list of long ago", message{kind: unix.NLMSG_DONE}, ""},
		{"a list that failed", message{kind: unix.NLMSG_DONE, body: le32(-int32(unix.EOPNOTSUPP))}, "operation not supported"},
		{"refused, the request repeated", message{kind: unix.NLMSG_ERROR, body: repeated}, "network is unreachable"},
		{"in words", message{kind: unix.NLMSG_ERROR, flags: withWords, body: words(repeated)}, "network is unreachable: Nexthop has invalid gateway"},
		{"in words, the request not repeated", message{kind: unix.NLMSG_ERROR, flags: withWords | capped, body: words(repeated[:4+headerLength])}, "network is unreachable: Nexthop has invalid gateway"},
		{"a list that failed in words", message{kind: unix.NLMSG_DONE, flags: withWords, body: words(le32(-int32(unix.EINVAL)))}, "invalid argument: Nexthop has invalid gateway"},
		{"words that are none", message{kind: unix.NLMSG_ERROR, flags: withWords | capped, body: append(repeated[:4+headerLength], 200, 200, 200, 200)}, "network is unreachable"},
		{"too short", message{kind: unix.NLMSG_ERROR, body: []byte{1}}, "malformed netlink message: acknowledgment of 1 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := parseError(tc.in)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			assert.EqualError(t, err, tc.want)
		})
	}
}

// TestAnswersInPieces: what belongs to another question is passed over, a list that has changed
// says so, and behind what cannot be read nothing is waited for.
func TestAnswersInPieces(t *testing.T) {
	one := func(kind, flags uint16, sequence uint32, body ...byte) []byte {
		r := newRequest(kind, 0, body)
		order.PutUint16(r[6:], flags)
		r.finish(sequence)
		return r
	}
	list := func(parts ...[]byte) (b []byte) {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	item, done := one(unix.RTM_NEWLINK, unix.NLM_F_MULTI, 7, 1, 2, 3, 4), one(unix.NLMSG_DONE, unix.NLM_F_MULTI, 7, 0, 0, 0, 0)
	for _, tc := range []struct {
		name         string
		in           []byte
		items        int
		ended, blind bool
		err          error
	}{
		{"not at its end", list(item, item), 2, false, false, nil},
		{"at its end", list(item, done), 1, true, false, nil},
		{"another's", list(one(unix.RTM_NEWLINK, 0, 6), one(unix.NLMSG_DONE, 0, 6), item), 1, false, false, nil},
		{"nothing", list(one(unix.NLMSG_NOOP, 0, 7), done), 0, true, false, nil},
		{"changed", list(one(unix.RTM_NEWLINK, unix.NLM_F_MULTI|unix.NLM_F_DUMP_INTR, 7), done), 1, true, false, ErrInterrupted},
		{"cut off", item[:18], 0, false, true, errMalformed},
		{"of an impossible length", list([]byte{3, 0, 0, 0}, item[4:]), 0, false, true, errMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if order.Uint16([]byte{1, 0}) != 1 && tc.name == "of an impossible length" {
				tc.in[0], tc.in[3] = 0, 3
			}
			items, e := 0, ending{sequence: 7}
			e.take(tc.in, func(kind uint16, _ []byte) error {
				assert.EqualValues(t, unix.RTM_NEWLINK, kind)
				items++
				return nil
			})
			assert.Equal(t, tc.items, items)
			assert.Equal(t, tc.ended, e.ended)
			assert.Equal(t, tc.blind, e.blind)
			require.ErrorIs(t, e.err, tc.err)
		})
	}
}
