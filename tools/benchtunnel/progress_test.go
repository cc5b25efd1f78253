package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, 2)
	p.step("one")
	p.step("two")
	p.end()
	assert.Equal(t, "one\ntwo\n", out.String())
}
