package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/speed"
)

func TestProgressInAFile(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.start(2)
	p.next(oneStream)
	p.Rounds(nil, 1, 11)
	p.Begin(speed.Case{})
	p.End(speed.Result{})
	p.next(keySetup)
	p.more(1)
	p.next(oneStream)
	p.end()
	assert.Equal(t, "measuring 1 of 2: stream 1400 B\nmeasuring 2 of 2: keysetup\nmeasuring 3 of 3: stream 1400 B\n", out.String())
}
