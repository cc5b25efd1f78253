package control

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cut runs data through a framer in pieces of the given sizes, the last one repeating, and returns
// copies of the messages.
func cut(f *Framer, data []byte, sizes ...int) (messages [][]byte, err error) {
	for i := 0; len(data) > 0; i++ {
		size := min(max(sizes[min(i, len(sizes)-1)], 1), len(data))
		piece := data[:size]
		data = data[size:]
		for len(piece) > 0 {
			var m []byte
			m, piece, err = f.Next(piece)
			if err != nil {
				return messages, err
			}
			if m != nil {
				messages = append(messages, bytes.Clone(m))
			}
		}
	}
	return messages, nil
}

func TestFramerCutsAnySplit(t *testing.T) {
	var stream []byte
	for _, m := range everyMessage {
		stream = m.AppendTo(stream)
	}
	for _, size := range []int{1, 2, 3, 7, 11, 12, 13, 16, 100, 221, len(stream)} {
		var f Framer
		messages, err := cut(&f, stream, size)
		require.NoError(t, err)
		require.Len(t, messages, len(everyMessage), "pieces of %d", size)
		for i, m := range everyMessage {
			require.Equal(t, m.AppendTo(nil), messages[i])
		}
		assert.Zero(t, f.n)
	}
}

func TestFramerFindsAWrongStreamAtItsFirstWrongByte(t *testing.T) {
	good := EchoRequest{ID: 1}.AppendTo(nil)
	for _, tc := range []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"length 0", []byte{0, 0}, "message length 0"},
		{"length 11", []byte{0, 11}, "message length 11"},
		{"length 221", []byte{0, 221}, "message length 221"},
		{"HTTP", []byte("GE"), "message length 18245"},
		{"PPTP message type 9", []byte{0, 16, 0, 9}, "PPTP message type 9"},
		{"magic", []byte{0, 16, 0, 1, 0x1A, 0x2B, 0x3C, 0x4E}, "magic cookie"},
		{"length of another type", []byte{0, 20, 0, 1, 0x1A, 0x2B, 0x3C, 0x4D, 0, 5, 0, 0}, "Echo-Request of 20 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var f Framer
			messages, err := cut(&f, append(bytes.Clone(good), tc.bytes...), 1)
			require.ErrorIs(t, err, ErrProtocol)
			assert.ErrorContains(t, err, tc.want)
			assert.Len(t, messages, 1, "what came before is good")
			_, _, again := f.Next(good)
			assert.Equal(t, err, again, "it stays lost")
		})
	}
}

func TestFramerPassesUnknownTypes(t *testing.T) {
	unknown := []byte{0, 13, 0, 1, 0x1A, 0x2B, 0x3C, 0x4D, 0, 99, 0, 0, 42}
	empty := []byte{0, 12, 0, 2, 0x1A, 0x2B, 0x3C, 0x4D, 0, 1, 0, 0}
	stream := append(append(bytes.Clone(unknown), empty...), EchoRequest{ID: 1}.AppendTo(nil)...)
	for _, size := range []int{1, len(stream)} {
		var f Framer
		messages, err := cut(&f, stream, size)
		require.NoError(t, err)
		assert.Equal(t, [][]byte{unknown, empty, EchoRequest{ID: 1}.AppendTo(nil)}, messages)
	}
}

func FuzzFramer(f *testing.F) {
	var stream []byte
	for _, m := range everyMessage {
		stream = m.AppendTo(stream)
	}
	f.Add(stream, uint8(1), uint8(16))
	f.Add([]byte{0, 1, 2}, uint8(1), uint8(1))
	f.Add(append(EchoRequest{}.AppendTo(nil), 0, 12, 0, 1, 0x1A, 0x2B, 0x3C, 0x4D, 9, 9, 0, 0), uint8(3), uint8(5))
	f.Fuzz(func(t *testing.T, data []byte, a, b uint8) {
		var whole, split Framer
		want, wantErr := cut(&whole, data, len(data))
		got, gotErr := cut(&split, data, int(a), int(b))
		require.Equal(t, want, got, "the split does not matter")
		require.Equal(t, wantErr, gotErr)
		if wantErr == nil {
			require.Equal(t, whole.n, split.n)
		}
		require.Less(t, whole.n, maxMessageLen)
		require.True(t, bytes.HasPrefix(data, bytes.Join(want, nil)), "nothing is lost or invented")
	})
}
