//go:build nokillswitch

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestKillSwitchThatIsNotBuilt: who asks for what this build has not hears that before anything
// else.
func TestKillSwitchThatIsNotBuilt(t *testing.T) {
	k := killSwitch{wanted: true}
	assert.EqualError(t, k.check(), `--kill-switch: this build has none (build tag nokillswitch); "arc4 version" lists what it has not`)
}
