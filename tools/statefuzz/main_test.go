package main

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/bench/scale"
)

// A run names its seed before anything happens, and writes JSON that can be read.
func TestRunWritesJSON(t *testing.T) {
	var out, progress bytes.Buffer
	good, err := run(context.Background(), scale.FuzzConfig{Duration: 500 * time.Millisecond, Rounds: 1, Peers: 2}, true, &out, &progress)
	require.NoError(t, err)
	require.True(t, good, progress.String())
	assert.Regexp(t, `^statefuzz: seed [1-9]\d*, 500ms\n +\d+s round 1: \d+ hostile clients`, progress.String())
	var r scale.FuzzResult
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	assert.NotZero(t, r.Seed)
	assert.Empty(t, r.Faults)
}

// Who interrupts a run gets what there is, and an error.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer stop()
	var out, progress bytes.Buffer
	good, err := run(ctx, scale.FuzzConfig{Duration: time.Hour, Seed: 5}, false, &out, &progress)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, good)
	assert.Contains(t, out.String(), "seed 5, ")
}
