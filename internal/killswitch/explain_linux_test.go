//go:build !nokillswitch

package killswitch

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"
)

// TestExplain: who cannot have a table hears what is missing.
func TestExplain(t *testing.T) {
	assert.ErrorContains(t, explain(unix.EPERM), "it takes CAP_NET_ADMIN (operation not permitted)")
	for _, err := range []error{unix.EPROTONOSUPPORT, unix.EOPNOTSUPP, unix.EINVAL} {
		assert.ErrorContains(t, explain(err), `this kernel has no nf_tables for it: load the module with "modprobe nf_tables"`)
		assert.ErrorIs(t, explain(err), err)
	}
	other := errors.New("any other")
	assert.Equal(t, other, explain(other))
}
