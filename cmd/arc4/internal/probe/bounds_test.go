package probe

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestNumbersAreBounded, whatever a server sends; the first are counted.
func TestNumbersAreBounded(t *testing.T) {
	e := &echoes{counting: true, came: map[uint32]bool{}}
	at := time.Unix(1, 0)
	for seq := range uint32(2 * mostNumbers) {
		e.arrived(seq+5, at)
	}
	assert.Len(t, e.came, mostNumbers)
	assert.EqualValues(t, 5, e.first)
	assert.EqualValues(t, 5+mostNumbers-1, e.last)
	assert.Zero(t, e.late)
}

// TestMethodsAreBounded: of a server that asks for one method after the other some are named.
func TestMethodsAreBounded(t *testing.T) {
	c := &call{walk: new(walk)}
	for i := range 1000 {
		frame := []byte{0xFF, 0x03, 0xC0, 0x21, 1, 1, 0, 8, 3, 4, byte(i >> 8), byte(i)}
		o, ok := ppp.ReadOffer(frame)
		assert.True(t, ok)
		c.noteReceived(&o)
		c.noteReceived(&o)
	}
	assert.Len(t, c.facts.Link.Methods, mostMethods)
}
