package cmdline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1": time.Second, "5": 5 * time.Second, "86400": 24 * time.Hour, "5s": 5 * time.Second, "2m": 2 * time.Minute, "1.5s": 1500 * time.Millisecond, "24h": 24 * time.Hour,
	} {
		var got time.Duration
		s := NewSpan(&got, time.Second, 24*time.Hour)
		assert.Empty(t, s.String(), text)
		assert.NoError(t, s.Set(text), text)
		assert.Equal(t, want, got, text)
		assert.Equal(t, want.String(), s.String())
	}
	for _, text := range []string{"", "0", "0s", "-1", "-5s", "999ms", "86401", "25h", "five", "5 s", "99999999999999999999", "+5"} {
		got := 7 * time.Second
		assert.EqualError(t, NewSpan(&got, time.Second, 24*time.Hour).Set(text), "must be 1 to 86400 seconds, or a duration such as 5s or 2m", text)
		assert.Equal(t, 7*time.Second, got, "it stays as it was")
	}
}
