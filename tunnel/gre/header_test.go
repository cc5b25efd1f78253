package gre

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, packet, payload string
		want                  Header
		err                   error
	}{
		{"data with sequence and ack", "3081880b00031234000000010000000aff03c0", "ff03c0", Header{CallID: 0x1234, PayloadLen: 3, HasSeq: true, HasAck: true, Seq: 1, Ack: 10}, nil},
		{"data with sequence only", "3001880b000212340000000721aa", "21aa", Header{CallID: 0x1234, PayloadLen: 2, HasSeq: true, Seq: 7}, nil},
		{"ack only", "2081880b0000ffffffffffff", "", Header{CallID: 0xFFFF, HasAck: true, Ack: 0xFFFFFFFF}, nil},
		{"call ID 0 is a call ID", "3001880b000100000000000721", "21", Header{PayloadLen: 1, HasSeq: true, Seq: 7}, nil},
		{"padding is cut", "3001880b000112340000000721000000000000", "21", Header{CallID: 0x1234, PayloadLen: 1, HasSeq: true, Seq: 7}, nil},
		{"ack only with padding", "2081880b00000001000000050000000000", "", Header{CallID: 1, HasAck: true, Ack: 5}, nil},
		{"nothing", "", "", Header{}, ErrShort},
		{"seven bytes", "3001880b000112", "", Header{}, ErrShort},
		{"ends before the sequence", "3001880b00011234000000", "", Header{}, ErrShort},
		{"ends before the ack", "3081880b0001123400000001000000", "", Header{}, ErrShort},
		{"checksum bit", "b001880b000112340000000721", "", Header{}, ErrNotPPTP},
		{"routing bit", "7001880b000112340000000721", "", Header{}, ErrNotPPTP},
		{"no key bit", "1001880b000112340000000721", "", Header{}, ErrNotPPTP},
		{"strict source route bit", "3801880b000112340000000721", "", Header{}, ErrNotPPTP},
		{"recursion", "3101880b000112340000000721", "", Header{}, ErrNotPPTP},
		{"a flag", "3009880b000112340000000721", "", Header{}, ErrNotPPTP},
		{"version 0", "3000880b000112340000000721", "", Header{}, ErrNotPPTP},
		{"version 2", "3002880b000112340000000721", "", Header{}, ErrNotPPTP},
		{"another protocol type", "30010800000112340000000721", "", Header{}, ErrNotPPTP},
		{"length past the end", "3001880b000212340000000721", "", Header{}, ErrPayloadLength},
		{"length 65535", "3001880bffff12340000000721", "", Header{}, ErrPayloadLength},
		{"payload without a sequence", "2081880b0001123400000007ff", "", Header{}, ErrUnsequenced},
		{"sequence without a payload keeps its ack", "3081880b000012340000000100000009", "", Header{CallID: 0x1234, HasSeq: true, HasAck: true, Seq: 1, Ack: 9}, ErrEmpty},
		{"neither sequence nor ack", "2001880b00001234", "", Header{CallID: 0x1234}, ErrEmpty},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, payload, err := Parse(unhex(t, tc.packet))
			require.Equal(t, tc.err, err)
			assert.Equal(t, tc.want, h)
			assert.Equal(t, tc.payload, hex.EncodeToString(payload))
		})
	}
}

func TestPutAndParseAreInverse(t *testing.T) {
	for _, h := range []Header{
		{CallID: 1, PayloadLen: 2, HasSeq: true, Seq: 0xFFFFFFFF},
		{CallID: 0, PayloadLen: 2, HasSeq: true, HasAck: true, Seq: 0, Ack: 0x80000000},
		AckOnly(0xABCD, 77),
	} {
		t.Run(h.String(), func(t *testing.T) {
			b := h.AppendTo([]byte("before"))
			require.Len(t, b, 6+h.Len())
			if !h.HasSeq {
				assert.Equal(t, AckOnlyLen, h.Len())
			}
			b = append(b, make([]byte, h.PayloadLen)...)
			got, payload, err := Parse(b[6:])
			require.NoError(t, err)
			assert.Equal(t, h, got)
			assert.Len(t, payload, int(h.PayloadLen))
		})
	}
}

func TestHeaderDoesNotAllocate(t *testing.T) {
	data := unhex(t, "3081880b00031234000000010000000aff03c0")
	bad := unhex(t, "3081880bffff1234000000010000000aff03c0")
	buf := make([]byte, 0, 64)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		h, _, _ := Parse(data)
		_, _, _ = Parse(bad)
		_, _, _ = Parse(nil)
		buf = h.AppendTo(buf[:0])
	}))
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "3081880b00031234000000010000000aff03c0", "2081880b0000ffffffffffff", "3001880bffff12340000000721", "3081880b000012340000000100000009"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, payload, err := Parse(b)
		if err != nil {
			require.Empty(t, payload)
			return
		}
		require.Len(t, payload, int(h.PayloadLen))
		again := append(h.AppendTo(nil), payload...)
		require.LessOrEqual(t, len(again), len(b))
		require.True(t, bytes.Equal(again, b[:len(again)]), "what parses is written back the same, padding apart")
	})
}
