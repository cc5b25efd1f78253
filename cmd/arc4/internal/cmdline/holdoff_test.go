package cmdline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

func TestHoldOff(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1": time.Second, "5": 5 * time.Second, "86400": 24 * time.Hour, "5s": 5 * time.Second, "2m": 2 * time.Minute, "1.5s": 1500 * time.Millisecond, "24h": 24 * time.Hour,
	} {
		got, err := ParseHoldOff(text)
		assert.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "0", "0s", "-1", "-5s", "999ms", "86401", "25h", "five", "5 s", "99999999999999999999", "+5"} {
		_, err := ParseHoldOff(text)
		assert.Equal(t, exit.Usage, exit.CodeOf(err), text)
		assert.ErrorContains(t, err, "must be 1 to 86400 seconds", text)
	}
}
