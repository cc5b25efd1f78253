package soak

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestClockJumps(t *testing.T) {
	c := newClock()
	first := c.now()
	c.jump(time.Hour)
	assert.GreaterOrEqual(t, c.now().Sub(first), time.Hour)
	c.jump(-2 * time.Hour)
	assert.Less(t, c.now().Sub(first), time.Duration(0))
}
