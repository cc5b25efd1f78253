package rtnetlink

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEachAttribute(t *testing.T) {
	attribute := func(length, kind uint16, value ...byte) []byte {
		b := order.AppendUint16(nil, length)
		return append(order.AppendUint16(b, kind), value...)
	}
	whole := attribute(8, 3, 1, 2, 3, 4)
	for _, c := range []struct {
		name  string
		bytes []byte
		kinds []uint16
		fails bool
	}{
		{"one", whole, []uint16{3}, false},
		{"a last one without a value", append(whole, attribute(4, 65)...), []uint16{3, 65}, false},
		{"that one in the other byte order", append(whole, attribute(0x0400, 0x4100)...), []uint16{3}, false},
		{"longer than the message", append(whole, attribute(12, 5, 1, 2, 3, 4)...), []uint16{3}, true},
		{"shorter than its header", attribute(3, 5, 1, 2, 3, 4), nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var kinds []uint16
			err := eachAttribute(c.bytes, func(kind uint16, _ []byte) { kinds = append(kinds, kind) })
			assert.Equal(t, c.fails, err != nil, "%v", err)
			assert.Equal(t, c.kinds, kinds)
		})
	}
}
