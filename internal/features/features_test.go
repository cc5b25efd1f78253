package features

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Whoever builds without tags has everything, and each tag leaves out what it is called after.
func TestFeatures(t *testing.T) {
	all := All()
	assert.True(t, slices.IsSortedFunc(all, func(a, b Feature) int { return strings.Compare(a.Name, b.Name) }))
	for _, f := range all {
		assert.Equal(t, "no"+strings.ReplaceAll(f.Name, " ", ""), f.Tag)
		assert.NotEmpty(t, f.What)
		assert.Equal(t, !f.Built, slices.Contains(LeftOut(), f), f.Name)
		assert.Equal(t, f.Name != "check", slices.Contains(RouterTags(), f.Tag), "a router needs nothing else that can be left out: %s", f.Name)
	}
}
