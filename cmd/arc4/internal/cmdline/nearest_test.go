package cmdline

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNearest(t *testing.T) {
	words := []string{"reorder-window", "reorder-timeout", "reorder-policy", "route", "user", "mtu", "mppe", "default-route"}
	for typed, want := range map[string]string{
		"reorder-windw":    "reorder-window",
		"reorder_window":   "reorder-window",
		"REORDER-WINDOW":   "reorder-window",
		"--reorder-window": "reorder-window",
		"roder-window":     "reorder-window",
		"reroder-policy":   "reorder-policy",
		"routes":           "route",
		"ruote":            "route",
		"usr":              "user",
		"default":          "default-route",
		"reorder":          "", // three begin so
		"mut":              "mtu",
		"":                 "",
		"x":                "",
		"password":         "",
		"something-longer": "",
	} {
		assert.Equal(t, want, Nearest(typed, words), typed)
	}
}
