package gre

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shown is a Recorder that keeps what it is shown.
type shown struct{ packets []showing }

type showing struct {
	from, to string
	ip, data string
}

func (s *shown) RecordGRE(local, peer netip.Addr, sent bool, ip, packet []byte) {
	from, to := local.String(), peer.String()
	if !sent {
		from, to = to, from
	}
	s.packets = append(s.packets, showing{from, to, string(ip), string(packet)})
}

// TestRecord: every way in and out of a connection is shown.
func TestRecord(t *testing.T) {
	a, b := Pipe(PipeOptions{})
	var s shown
	conn := Record(a, &s)
	_, err := conn.WriteBatch([]Packet{{Addr: b.LocalAddr(), Data: []byte("one")}, {Addr: b.LocalAddr(), Data: []byte("two")}})
	require.NoError(t, err)
	_, err = NewSender(conn, b.LocalAddr()).Send([][]byte{[]byte("three")})
	require.NoError(t, err)
	for _, r := range []Reader{conn, Readers(conn)[0]} {
		_, err = b.WriteBatch([]Packet{{Addr: a.LocalAddr(), Data: []byte("answer")}})
		require.NoError(t, err)
		n, err := r.ReadBatch([]Packet{{Buf: make([]byte, 100)}})
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	require.NoError(t, AcceptCalls(conn, 7))
	us, them := a.LocalAddr().String(), b.LocalAddr().String()
	assert.Equal(t, []showing{
		{us, them, "", "one"}, {us, them, "", "two"}, {us, them, "", "three"}, {them, us, "", "answer"}, {them, us, "", "answer"},
	}, s.packets)
}

// TestReceivedHeader: the header is what stands before a packet in its own buffer, nothing else.
func TestReceivedHeader(t *testing.T) {
	whole := append([]byte{0x45, 19: 9}, "packet"...)
	assert.Equal(t, whole[:20], receivedHeader(&Packet{Buf: whole, Data: whole[20:]}))
	with := append([]byte{0x46, 23: 9}, "packet"...)
	assert.Equal(t, with[:24], receivedHeader(&Packet{Buf: with, Data: with[24:]}))
	for name, p := range map[string]Packet{
		"no buffer":              {Data: []byte("packet")},
		"another buffer":         {Buf: append([]byte(nil), whole...), Data: whole[20:]},
		"the beginning":          {Buf: whole, Data: whole},
		"no packet":              {Buf: whole, Data: whole[len(whole):]},
		"a header of other size": {Buf: whole, Data: whole[21:]},
	} {
		assert.Nil(t, receivedHeader(&p), name)
	}
}
