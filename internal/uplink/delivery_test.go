package uplink

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDelivery(t *testing.T) {
	type second struct {
		last uint32 // sent by then
		ack  int64  // from the peer by then; -1: none
		want verdict
	}
	none := int64(-1)
	for _, tc := range []struct {
		name    string
		first   uint32
		seconds []second
	}{
		{"acknowledged at once", 100, []second{{150, 120, goOn}, {200, 190, goOn}, {250, 250, goOn}}},
		{"never acknowledged", 100, []second{{150, none, goOn}, {200, none, goOn}, {250, none, failed}}},
		{"only what went before is acknowledged", 100, []second{{150, 99, goOn}, {200, 99, goOn}, {250, 99, failed}}},
		{"what was never sent is acknowledged", 100, []second{{150, 151, goOn}, {200, 5000, goOn}, {250, 5000, failed}}},
		{"silence while nothing is sent proves nothing", 100, []second{{100, none, goOn}, {100, none, goOn}, {100, none, goOn}, {100, none, goOn}, {100, none, goOn}}},
		{"a late answer", 100, []second{{150, none, goOn}, {200, none, goOn}, {250, 210, goOn}, {300, 260, goOn}}},
		{"silence after a while", 100, []second{{150, 140, goOn}, {200, 140, goOn}, {250, 140, goOn}, {300, 140, goOn}, {350, 140, lost}}},
		{"a short silence", 100, []second{{150, 140, goOn}, {200, 140, goOn}, {250, 140, goOn}, {300, 300, goOn}, {350, 300, goOn}, {400, 350, goOn}}},
		{"idle with the last packet lost", 100, []second{{150, 140, goOn}, {151, 140, goOn}, {151, 140, goOn}, {151, 140, goOn}, {151, 140, goOn}, {151, 140, goOn}}},
		{"idle with everything acknowledged", 100, []second{{150, 150, goOn}, {150, 150, goOn}, {150, 150, goOn}, {150, 150, goOn}, {150, 150, goOn}}},
		{"an old number again", 100, []second{{150, 140, goOn}, {200, 120, goOn}, {250, 120, goOn}, {300, 120, goOn}, {350, 120, lost}}},
		{"across the wrap", 0xFFFFFFF0, []second{{0x10, 0xFFFFFFFF, goOn}, {0x40, 0x30, goOn}, {0x80, 0x80, goOn}}},
		{"further than half of all numbers", 0, []second{{0x70000000, 0x60000000, goOn}, {0xD0000000, 0xC0000000, goOn}, {0x20000000, 0x10000000, goOn}, {0x30000000, 0x28000000, goOn}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var p delivery
			for i, s := range tc.seconds {
				got := p.look(sentBy{any: true, first: tc.first, last: s.last}, heard{any: s.ack >= 0, ack: uint32(s.ack)})
				assert.Equal(t, s.want, got, "second %d", i)
			}
		})
	}
}

func TestDeliveryBeforeAnythingWasSent(t *testing.T) {
	var p delivery
	for range 100 {
		assert.Equal(t, goOn, p.look(sentBy{}, heard{any: true, ack: 7}))
	}
	assert.False(t, p.proven)
}

// TestDeliveryOfAnotherWay: a way that follows one that was proven is given the longer silence, and
// is not failed for good.
func TestDeliveryOfAnotherWay(t *testing.T) {
	var p delivery
	assert.Equal(t, goOn, p.look(sentBy{any: true, first: 1, last: 10}, heard{any: true, ack: 10}))
	p.again()
	assert.False(t, p.seen)
	for i := range uint32(3) {
		assert.Equal(t, goOn, p.look(sentBy{any: true, first: 11, last: 12 + i}, heard{any: true, ack: 10}))
	}
	assert.Equal(t, lost, p.look(sentBy{any: true, first: 11, last: 20}, heard{any: true, ack: 10}))
}
