package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
	"github.com/arc4tun/arc4tun/speed"
)

func TestEveryRowIsMeasured(t *testing.T) {
	m, asked := fakeMeasurer(options{runs: 2, time: time.Second}, steady)
	got, err := m.all(t.Context())
	require.NoError(t, err)
	require.Len(t, *asked, 2*len(jobs))
	for i, cfg := range *asked {
		assert.True(t, cfg.Peers)
		assert.Equal(t, time.Second, cfg.Time)
		assert.Contains(t, cfg.Names, "auto")
		assert.Equal(t, []speed.Workload{jobs[i%len(jobs)].workload}, cfg.Workloads, "the runs of a job lie apart")
	}
	for _, r := range rows(fakeBackends()) {
		_, f := got.best(r)
		assert.Len(t, f.ratios, 2, r.what)
		assert.Len(t, got.figures[r.job][libcrypto.Name].each, 2, r.what)
	}
}

func TestRowsOfOtherMachines(t *testing.T) {
	list := rows(backends{all: []string{"reference", "mipsle"}, portable: []string{"reference"}})
	require.Len(t, list, 11)
	for _, r := range list {
		assert.NotContains(t, r.what, "amd64")
	}
}
