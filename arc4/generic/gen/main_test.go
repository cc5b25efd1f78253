package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCurrent(t *testing.T) {
	want, err := render()
	require.NoError(t, err)
	got, err := os.ReadFile("../kernels.go")
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "kernels.go is not what gen writes: go generate ./arc4/generic")
}
