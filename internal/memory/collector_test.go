package memory

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestCollector(t *testing.T) {
	small := Small.Plan(Machine{Total: 58 * MiB})
	for name, tc := range map[string]struct {
		plan        Plan
		environment map[string]string
		want        Collector
	}{
		"normal: Go's own":             {Normal.Plan(Machine{Total: 58 * MiB}), nil, Collector{}},
		"small":                        {small, nil, Collector{Percent: 50, Limit: 58 * MiB / 4}},
		"small, set empty":             {small, map[string]string{"GOGC": "", "GOMEMLIMIT": ""}, Collector{Percent: 50, Limit: 58 * MiB / 4}},
		"the user's GOGC":              {small, map[string]string{"GOGC": "200"}, Collector{Limit: 58 * MiB / 4}},
		"the user's GOGC off":          {small, map[string]string{"GOGC": "off"}, Collector{Limit: 58 * MiB / 4}},
		"the user's GOMEMLIMIT":        {small, map[string]string{"GOMEMLIMIT": "20MiB"}, Collector{Percent: 50}},
		"both":                         {small, map[string]string{"GOGC": "100", "GOMEMLIMIT": "off"}, Collector{}},
		"a control group's limit":      {Auto.Plan(Machine{Total: gib, Limit: 64 * MiB}), nil, Collector{Percent: 50, Limit: 16 * MiB}},
		"not less than is needed":      {Small.Plan(Machine{Total: 24 * MiB}), nil, Collector{Percent: 50, Limit: leastLimit}},
		"small where nothing is known": {Small.Plan(Machine{}), nil, Collector{Percent: 50}},
		"small on a large machine":     {Small.Plan(Machine{Total: gib}), nil, Collector{Percent: 50, Limit: gib / 4}},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.plan.Collector(func(name string) (string, bool) {
				v, ok := tc.environment[name]
				return v, ok
			})
			assert.Equal(t, tc.want, got)
		})
	}
}

// TestCollectorSet: zero fields leave alone what there is.
func TestCollectorSet(t *testing.T) {
	percent, limit := debug.SetGCPercent(70), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) })
	assert.Zero(t, CollectorLimit())
	Collector{}.Set()
	assert.Equal(t, 70, debug.SetGCPercent(70))
	Collector{Percent: 60, Limit: gib}.Set()
	assert.Equal(t, 60, debug.SetGCPercent(70))
	assert.EqualValues(t, gib, CollectorLimit())
}

// TestPutOff: a client that starts is left alone, unless memory is little or the user has said
// something else.
func TestPutOff(t *testing.T) {
	percent := debug.SetGCPercent(70)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	unset := func(string) (string, bool) { return "", false }
	said := func(name string) (string, bool) { return "100", name == "GOGC" }
	for name, tc := range map[string]struct {
		plan   Plan
		lookup func(string) (string, bool)
		want   int
	}{
		"normal":          {Normal.Plan(Machine{Total: gib}), unset, startPercent},
		"small":           {Small.Plan(Machine{Total: gib}), unset, 70},
		"the user's GOGC": {Normal.Plan(Machine{Total: gib}), said, 70},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.plan.PutOff(tc.lookup)
				assert.Equal(t, tc.want, debug.SetGCPercent(tc.want), "while it starts")
				time.Sleep(startTime)
				synctest.Wait()
				assert.Equal(t, 70, debug.SetGCPercent(70), "after that")
			})
		})
	}
}
