package localend

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel"
)

func TestLocalErrorClasses(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want tunnel.Class
	}{
		"permission": {fmt.Errorf("no TUN device: %w", syscall.EPERM), tunnel.ClassPermission},
		"any other":  {errors.New("no such route"), tunnel.ClassOther},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, tunnel.ClassOf(localError(test.err)))
			assert.EqualError(t, localError(test.err), test.err.Error())
		})
	}
}

// TestClientBringsNothingOnceItIsWithdrawn, whatever the server still says.
func TestClientBringsNothingOnceItIsWithdrawn(t *testing.T) {
	c := NewClient(ClientConfig{})
	defer c.Close()
	var cfg tunnel.ClientConfig
	c.Attach(&cfg)
	c.Withdraw()
	dev, err := cfg.Bring(t.Context(), tunnel.Network{Local: netip.MustParseAddr("10.99.0.2"), MTU: 1400})
	require.Error(t, err)
	assert.Equal(t, tunnel.ClassAdmin, tunnel.ClassOf(err))
	assert.Nil(t, dev)
	assert.Empty(t, c.Device())
}
