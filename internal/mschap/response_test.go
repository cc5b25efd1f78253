package mschap

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseResponseLengths(t *testing.T) {
	for n := range 60 {
		_, err := ParseResponse(make([]byte, n))
		assert.Equal(t, n == ResponseLen, err == nil, n)
	}
}
