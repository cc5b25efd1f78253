package session

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestForgedFrameHidesNoGenuineOne: two frames under one number are two.
func TestForgedFrameHidesNoGenuineOne(t *testing.T) {
	var l frameLog
	forgery, genuine := controlFrame(0x8281, 1, 1, nil), controlFrame(ppp.ProtoLCP, 10, 1, make([]byte, 4))
	assert.False(t, l.repeated(7, forgery))
	assert.False(t, l.repeated(7, genuine))
	assert.True(t, l.repeated(7, genuine))
	assert.False(t, l.repeated(8, genuine))
}
