package ppp

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseFrame(t *testing.T) {
	for name, c := range map[string]struct {
		in      []byte
		proto   uint16
		payload []byte
		err     error
	}{
		"full":                        {[]byte{0xFF, 0x03, 0xC0, 0x21, 1, 2}, ProtoLCP, []byte{1, 2}, nil},
		"no address and control":      {[]byte{0x80, 0xFD, 9}, ProtoCCP, []byte{9}, nil},
		"one byte protocol":           {[]byte{0xFD, 0x90, 0}, ProtoCompressed, []byte{0x90, 0}, nil},
		"one byte after FF 03":        {[]byte{0xFF, 0x03, 0x21, 0x45}, ProtoIPv4, []byte{0x45}, nil},
		"two bytes with leading zero": {[]byte{0x00, 0x57, 0x60}, ProtoIPv6, []byte{0x60}, nil},
		"no payload":                  {[]byte{0xC0, 0x21}, ProtoLCP, []byte{}, nil},
		"FF alone is a protocol":      {[]byte{0xFF}, 0xFF, []byte{}, nil},
		"empty":                       {nil, 0, nil, errFrameTooShort},
		"only FF 03":                  {[]byte{0xFF, 0x03}, 0, nil, errFrameTooShort},
		"half a protocol":             {[]byte{0xC0}, 0, nil, errFrameTooShort},
		"even second byte":            {[]byte{0xC0, 0x20, 1}, 0, nil, errBadProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			proto, payload, err := ParseFrame(c.in)
			require.ErrorIs(t, err, c.err)
			assert.Equal(t, c.proto, proto)
			assert.Equal(t, c.payload, payload)
		})
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { ParseFrame([]byte{0xC0, 0x20}) }), "a bad frame costs no allocation")
}

func TestAppendHeader(t *testing.T) {
	assert.Equal(t, []byte{0xFF, 3, 0xC0, 0x21}, AppendHeader(nil, ProtoLCP, true, true))
	assert.Equal(t, []byte{0xFD}, AppendHeader(nil, ProtoCompressed, true, true))
	assert.Equal(t, []byte{0x00, 0xFD}, AppendHeader(nil, ProtoCompressed, false, true))
	assert.Equal(t, []byte{0xFF, 3, 0xFD}, AppendHeader(nil, ProtoCompressed, true, false))
	assert.Equal(t, []byte{0x80, 0x21}, AppendHeader(nil, ProtoIPCP, true, true))
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte{0xFF, 0x03, 0xC0, 0x21, 1, 1, 0, 4})
	f.Add([]byte{0xFD, 0x90, 0x00})
	f.Add([]byte{0xFF, 0x03})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		proto, payload, err := ParseFrame(b)
		if err != nil {
			require.Zero(t, proto)
			return
		}
		require.LessOrEqual(t, len(payload), len(b))
		for _, pfc := range []bool{false, true} {
			for _, acfc := range []bool{false, true} {
				again := append(AppendHeader(nil, proto, pfc, acfc), payload...)
				p2, rest, err := ParseFrame(again)
				// A protocol of one byte that reads FF, in front of 03, is the
				// one frame that cannot be compressed; nothing has that number.
				if proto == 0xFF || err != nil && proto&0x100 != 0 {
					continue
				}
				require.NoError(t, err)
				require.Equal(t, proto, p2)
				require.Equal(t, payload, rest)
			}
		}
	})
}
