package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/bench/soak"
)

func TestFlagsThatCannotWork(t *testing.T) {
	good := options{duration: time.Hour, mode: "auto"}
	for name, c := range map[string]struct {
		change func(o *options)
		text   string
	}{
		"a mode that there is not":  {func(o *options) { o.mode = "qemu" }, `-mode "qemu": use auto, kernel or userspace`},
		"no time":                   {func(o *options) { o.duration = 0 }, "-duration 0s: must be more than 0"},
		"a scene before the first":  {func(o *options) { o.only = -1 }, "-only -1"},
		"a scene of nobody's plan":  {func(o *options) { o.only = 5 }, "needs the -seed"},
		"nothing wrong with a seed": {func(o *options) { o.only, o.seed = 5, 7 }, ""},
	} {
		o := good
		c.change(&o)
		_, err := o.config()
		if c.text == "" {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorContains(t, err, c.text, name)
		}
	}
	cfg, err := good.config()
	require.NoError(t, err)
	assert.NotZero(t, cfg.Seed, "one by chance")
	require.Zero(t, flag.NArg())
}

// A whole run writes lines where there is no terminal, and JSON that can be read.
func TestRunWritesJSON(t *testing.T) {
	o := options{duration: time.Hour, mode: "userspace", seed: 3, only: 1, json: true}
	var out, progress bytes.Buffer
	good, err := o.run(context.Background(), &out, &progress)
	require.NoError(t, err)
	require.True(t, good, out.String())
	assert.Regexp(t, `(?m)^ +\d+s scene 1 good: `, progress.String())
	assert.Regexp(t, `(?m)^ +\d+s at rest: \d+ goroutines`, progress.String())
	assert.NotContains(t, progress.String(), "\r", "no bar in a pipe")
	var r soak.Result
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	assert.EqualValues(t, 3, r.Seed)
	assert.Equal(t, "userspace", r.Mode)
	assert.True(t, r.Good())
}

// Who interrupts a run gets what there is, and an error.
func TestInterrupted(t *testing.T) {
	o := options{duration: time.Hour, mode: "userspace", seed: 3}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	var out, progress bytes.Buffer
	good, err := o.run(ctx, &out, &progress)
	require.ErrorContains(t, err, "interrupted")
	require.False(t, good)
	assert.Contains(t, out.String(), "Interrupted")
}
