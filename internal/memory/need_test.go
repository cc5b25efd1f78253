package memory

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNeed(t *testing.T) {
	need := Need{Small: 24 * MiB, Normal: 60 * MiB}
	for name, tc := range map[string]struct {
		plan Plan
		want string
	}{
		"enough":           {Normal.Plan(Machine{Total: gib, Available: 60 * MiB}), ""},
		"a byte less":      {Normal.Plan(Machine{Total: gib, Available: 60*MiB - 1}), "this takes 60 MB of memory, and 59 MB are available: give --memory small, which takes 24 MB"},
		"enough for small": {Small.Plan(Machine{Total: 58 * MiB, Available: 24 * MiB}), ""},
		"not for small":    {Small.Plan(Machine{Total: 33 * MiB, Available: 11 * MiB}), "this takes 24 MB of memory, and 11 MB are available: stop other programs, or run it on a larger machine"},
		"nothing left":     {Small.Plan(Machine{Total: 33 * MiB}), "this takes 24 MB of memory, and 0 KB are available: stop other programs, or run it on a larger machine"},
		"nothing is known": {Normal.Plan(Machine{}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := need.Check(tc.plan)
			if tc.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.EqualError(t, err, tc.want)
		})
	}
}
