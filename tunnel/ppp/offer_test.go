package ppp

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// offerFrame is a control packet behind the address and control fields.
func offerFrame(proto uint16, code, id byte, data ...byte) []byte {
	return appendPacket(AppendHeader(nil, proto, false, false), code, id, data)
}

func TestReadOffer(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		want  Offer
	}{
		{"LCP", offerFrame(ProtoLCP, 1, 7, 1, 4, 5, 0x7C, 3, 5, 0xC2, 0x23, 0x81, 5, 6, 1, 2, 3, 4), Offer{Proto: ProtoLCP, Code: 1, ID: 7, Auth: "MS-CHAPv2", AuthMethod: MSCHAPv2, MRU: 1404, Magic: 0x01020304}},
		{"PAP", offerFrame(ProtoLCP, 3, 7, 3, 4, 0xC0, 0x23), Offer{Proto: ProtoLCP, Code: 3, ID: 7, Auth: "PAP", AuthMethod: PAP}},
		{"MPPE", offerFrame(ProtoCCP, 1, 2, 18, 6, 1, 0, 0, 0x60), Offer{Proto: ProtoCCP, Code: 1, ID: 2, Strengths: []int{128, 40}, Stateless: true}},
		{"no MPPE", offerFrame(ProtoCCP, 1, 2, 21, 3, 15), Offer{Proto: ProtoCCP, Code: 1, ID: 2}},
		{"no CCP", offerFrame(ProtoLCP, 8, 9, 0x80, 0xFD, 1, 2, 0, 4), Offer{Proto: ProtoLCP, Code: 8, ID: 9, Rejected: ProtoCCP}},
		{"an echo", offerFrame(ProtoLCP, 10, 3, 0, 0, 0, 1, 'a', 'b'), Offer{Proto: ProtoLCP, Code: 10, ID: 3, Echo: []byte("ab")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := ReadOffer(c.frame)
			assert.True(t, ok)
			assert.Equal(t, c.want, got)
		})
	}
	for name, frame := range map[string][]byte{
		"nothing":           nil,
		"another protocol":  offerFrame(ProtoIPCP, 1, 1),
		"a length too long": {0xFF, 0x03, 0xC0, 0x21, 1, 1, 0, 40},
		"an option cut":     offerFrame(ProtoLCP, 1, 1, 3, 9, 0xC2),
	} {
		_, ok := ReadOffer(frame)
		assert.False(t, ok, name)
	}
}

// FuzzReadOffer: what a peer sends is read without harm, and what is read is in bounds.
func FuzzReadOffer(f *testing.F) {
	f.Add(offerFrame(ProtoLCP, 1, 7, 1, 4, 5, 0x7C, 3, 5, 0xC2, 0x23, 0x81))
	f.Add(offerFrame(ProtoCCP, 3, 2, 18, 6, 1, 0, 0, 0x60))
	f.Add(offerFrame(ProtoLCP, 10, 3, 0, 0, 0, 1, 'a', 'b'))
	f.Fuzz(func(t *testing.T, frame []byte) {
		o, ok := ReadOffer(frame)
		if !ok {
			assert.Zero(t, o)
			return
		}
		assert.Contains(t, []uint16{ProtoLCP, ProtoCCP}, o.Proto)
		assert.LessOrEqual(t, len(o.Echo), len(frame))
		assert.LessOrEqual(t, o.MRU, 0xFFFF)
		for _, s := range o.Strengths {
			assert.Contains(t, []int{128, 56, 40}, s)
		}
	})
}

// TestAppendEcho: an echo of ours is an Echo-Request that a Link answers with the same data.
func TestAppendEcho(t *testing.T) {
	frame := AppendEcho(nil, 9, 0x01020304, []byte("data"))
	assert.Equal(t, offerFrame(ProtoLCP, codeEchoRequest, 9, 1, 2, 3, 4, 'd', 'a', 't', 'a'), frame)
	farewell := AppendFarewell(nil, 200)
	assert.Len(t, farewell, 17)
	assert.Equal(t, offerFrame(ProtoLCP, codeTerminateRequest, 200), farewell[0])
	for n, frame := range farewell[1:] {
		o, ok := ReadOffer(frame)
		assert.True(t, ok)
		assert.Equal(t, Offer{Proto: ProtoLCP, Code: codeConfigureNak, ID: byte(n + 1), Magic: 0x6C6F6F70}, o)
	}
}
