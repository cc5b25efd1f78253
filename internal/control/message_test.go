package control

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everyMessage has one of each type, every field different from zero.
var everyMessage = []Message{
	StartRequest{Version: 0x0100, Framing: 3, Bearer: 2, MaxChannels: 7, Firmware: 2600, HostName: "client", Vendor: "Microsoft Windows NT"},
	StartReply{Version: 0x0100, Result: 2, Error: 4, Framing: 2, Bearer: 3, MaxChannels: 8, Firmware: 1, HostName: "server", Vendor: "MikroTik"},
	StopRequest{Reason: 3},
	StopReply{Result: 1, Error: 6},
	EchoRequest{ID: 0x01020304},
	EchoReply{ID: 0x01020304, Result: 1, Error: 5},
	OutgoingCallRequest{CallID: 1, Serial: 2, MinBPS: 300, MaxBPS: 100_000_000, Bearer: 3, Framing: 3, Window: 64, Delay: 4, PhoneLength: 3, Phone: "123", Subaddress: "9"},
	OutgoingCallReply{CallID: 5, PeerCallID: 1, Result: 1, Error: 2, Cause: 3, ConnectSpeed: 64000, Window: 16, Delay: 6, Channel: 7},
	IncomingCallRequest{CallID: 5, Serial: 6, Bearer: 1, Channel: 8, DialedLength: 2, DialingLength: 3, Dialed: "11", Dialing: "222", Subaddress: "3"},
	IncomingCallReply{CallID: 5, PeerCallID: 6, Result: 3, Error: 1, Window: 9, Delay: 2},
	IncomingCallConnected{PeerCallID: 5, ConnectSpeed: 56000, Window: 10, Delay: 1, Framing: 2},
	CallClearRequest{CallID: 1},
	CallDisconnectNotify{CallID: 5, Result: 4, Error: 1, Cause: 16, Statistics: "12 packets"},
	WANErrorNotify{PeerCallID: 1, CRC: 2, Framing: 3, Hardware: 4, Buffer: 5, Timeout: 6, Alignment: 7},
	SetLinkInfo{PeerCallID: 5, SendACCM: 0xFFFFFFFF, RecvACCM: 0x000A0000},
}

func TestEveryMessageHasTheLengthOfTheRFC(t *testing.T) {
	lengths := []int{156, 156, 16, 16, 16, 20, 168, 32, 220, 24, 28, 16, 148, 40, 24}
	require.Len(t, everyMessage, len(lengths))
	for i, m := range everyMessage {
		t.Run(m.Type().String(), func(t *testing.T) {
			assert.Equal(t, Type(i+1), m.Type())
			assert.Equal(t, lengths[i], m.Type().Len())
			b := m.AppendTo([]byte("before"))
			require.Len(t, b, 6+lengths[i])
			assert.Equal(t, uint16(lengths[i]), binary.BigEndian.Uint16(b[6:]))
		})
	}
}

func TestEveryMessageReadsBackTheSame(t *testing.T) {
	for _, m := range everyMessage {
		t.Run(m.Type().String(), func(t *testing.T) {
			got, err := Parse(m.AppendTo(nil))
			require.NoError(t, err)
			assert.Equal(t, m, got)
			assert.True(t, strings.HasPrefix(m.String(), m.Type().String()), m.String())
			assert.NotContains(t, m.String(), "\n")
		})
	}
}

func TestLayoutOnTheWire(t *testing.T) {
	header := "\x00\x10\x00\x01\x1a\x2b\x3c\x4d"
	for _, tc := range []struct {
		m    Message
		want string
	}{
		{StopRequest{Reason: 3}, header + "\x00\x03\x00\x00\x03\x00\x00\x00"},
		{EchoRequest{ID: 0xA1B2C3D4}, header + "\x00\x05\x00\x00\xa1\xb2\xc3\xd4"},
		{CallClearRequest{CallID: 0x1234}, header + "\x00\x0c\x00\x00\x12\x34\x00\x00"},
		{EchoReply{ID: 1, Result: 1}, "\x00\x14\x00\x01\x1a\x2b\x3c\x4d\x00\x06\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00"},
		{OutgoingCallReply{CallID: 0x1122, PeerCallID: 0x3344, Result: 1, ConnectSpeed: 0x00989680, Window: 64}, "\x00\x20\x00\x01\x1a\x2b\x3c\x4d\x00\x08\x00\x00" +
			"\x11\x22\x33\x44\x01\x00\x00\x00\x00\x98\x96\x80\x00\x40\x00\x00\x00\x00\x00\x00"},
	} {
		t.Run(tc.m.Type().String(), func(t *testing.T) {
			assert.Equal(t, tc.want, string(tc.m.AppendTo(nil)))
		})
	}
}

func TestTextFields(t *testing.T) {
	long := strings.Repeat("x", 100)
	got, err := Parse(StartRequest{HostName: long, Vendor: "a\nb\x1b[2J\xff"}.AppendTo(nil))
	require.NoError(t, err)
	assert.Equal(t, long[:64], got.(StartRequest).HostName, "cut to the field")
	assert.Equal(t, "a?b?[2J?", got.(StartRequest).Vendor, "nothing that a terminal or a shell would act on")
}

func TestParseRefuses(t *testing.T) {
	edit := func(m Message, f func(b []byte)) []byte {
		b := m.AppendTo(nil)
		f(b)
		return b
	}
	echo := EchoRequest{ID: 1}
	for _, tc := range []struct {
		name    string
		message []byte
		want    string
	}{
		{"nothing", nil, "ends within its header"},
		{"one byte", []byte{0}, "ends within its header"},
		{"eleven bytes", echo.AppendTo(nil)[:11], "ends within its header"},
		{"length 0", edit(echo, func(b []byte) { b[1] = 0 }), "message length 0, want 12 to 220"},
		{"length 1", edit(echo, func(b []byte) { b[1] = 1 }), "message length 1,"},
		{"length 65535", edit(echo, func(b []byte) { b[0], b[1] = 255, 255 }), "message length 65535,"},
		{"length of another type", edit(echo, func(b []byte) { b[1] = 20 }), "Echo-Request of 20 bytes, want 16"},
		{"cut short", echo.AppendTo(nil)[:15], "length field says 16 in a message of 15 bytes"},
		{"too long", append(echo.AppendTo(nil), 0), "length field says 16 in a message of 17 bytes"},
		{"PPTP message type 0", edit(echo, func(b []byte) { b[3] = 0 }), "PPTP message type 0, want 1"},
		{"PPTP message type 3", edit(echo, func(b []byte) { b[3] = 3 }), "PPTP message type 3, want 1"},
		{"another magic", edit(echo, func(b []byte) { b[7]++ }), "magic cookie 0x1a2b3c4e, want 0x1a2b3c4d"},
		{"control message type 0", edit(echo, func(b []byte) { b[9] = 0 }), "unknown message type"},
		{"control message type 16", edit(echo, func(b []byte) { b[9] = 16 }), "unknown message type"},
		{"management message", edit(echo, func(b []byte) { b[3] = 2 }), "unknown message type"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := Parse(tc.message)
			assert.ErrorContains(t, err, tc.want)
			assert.Nil(t, m)
		})
	}
}

func TestCodesInWords(t *testing.T) {
	for _, tc := range []struct {
		t               Type
		result, general uint8
		want            string
	}{
		{TypeStartReply, 5, 0, "protocol version not supported"},
		{TypeStartReply, 4, 0, "not authorized to open a control connection: this address may be banned for a while after failed logins"},
		{TypeOutgoingCallReply, 4, 0, "busy"},
		{TypeOutgoingCallReply, 2, 4, "general error: insufficient resources at the moment"},
		{TypeOutgoingCallReply, 2, 99, "general error: unknown error code 99"},
		{TypeOutgoingCallReply, 77, 0, "unknown result code 77"},
		{TypeStopRequest, 2, 0, "protocol version not supported"},
		{TypeCallDisconnectNotify, 3, 0, "shut down by its administrator"},
		{TypeEchoRequest, 0, 0, "unknown result code 0"},
	} {
		assert.Equal(t, tc.want, resultText(tc.t, tc.result, tc.general))
	}
	assert.Equal(t, "control message 99", Type(99).String())
	assert.Zero(t, Type(99).Len())
}

func FuzzParse(f *testing.F) {
	for _, m := range everyMessage {
		f.Add(m.AppendTo(nil))
	}
	f.Add([]byte{0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			require.Nil(t, m)
			return
		}
		_ = m.String()
		again := m.AppendTo(nil)
		require.Len(t, again, len(b))
		same, err := Parse(again)
		require.NoError(t, err)
		require.Equal(t, m, same)
	})
}
