package report

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// TestStatusFieldsAreAllDocumented asks two ends of a tunnel for all their numbers.
func TestStatusFieldsAreAllDocumented(t *testing.T) {
	l, err := lab.New(t.Context(), lab.Config{Mode: lab.Userspace, Why: "test"})
	require.NoError(t, err)
	defer func() { assert.NoError(t, l.Close()) }()
	require.NoError(t, l.StartTunnel(t.Context(), lab.TunnelConfig{}))
	require.NoError(t, l.SetLink(link.Config{}, link.Config{}))
	server, client, _ := l.Snapshots()
	for name, s := range map[string]status.Snapshot{"server": server, "client": client} {
		require.Len(t, s.Sessions, 1, name)
		for _, numbers := range []struct {
			documented []Field
			seen       status.Counters
		}{{mppeFields, s.Sessions[0].MPPE.Counters}, {sessionFields, s.Sessions[0].Counters}} {
			for n := range numbers.seen {
				assert.True(t, slices.ContainsFunc(numbers.documented, func(f Field) bool { return f.name == n }),
					"the %s's number %s is not documented", name, n)
			}
			for _, f := range numbers.documented {
				assert.Contains(t, numbers.seen, f.name, "documented, but the %s does not have it", name)
			}
		}
	}
	for reason := range server.Refused {
		assert.Contains(t, FieldsText, reason)
	}
}

// TestStatusFieldsHaveAllNames goes through what is written as JSON.
func TestStatusFieldsHaveAllNames(t *testing.T) {
	var text bytes.Buffer
	require.NoError(t, WriteJSON(&text, []status.Result{{Snapshot: statusExample()}}, false))
	var all []map[string]any
	require.NoError(t, json.Unmarshal(text.Bytes(), &all))
	documented := regexp.MustCompile(`[a-z][a-z0-9_]+`).FindAllString(FieldsText, -1)
	var check func(any)
	check = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				check(one)
			}
		case map[string]any:
			for name, one := range v {
				assert.Contains(t, documented, name)
				if name != "counters" { // whose names are an example's
					check(one)
				}
			}
		}
	}
	check(all[0])
}

func TestSplitCounters(t *testing.T) {
	counters, state := splitCounters(map[string]uint64{"call_id": 1, "in_late": 2, "sequence_in": 3, "unheard_of": 4})
	assert.Equal(t, map[string]uint64{"in_late": 2, "unheard_of": 4}, counters)
	assert.Equal(t, map[string]uint64{"call_id": 1, "sequence_in": 3}, state)
}

func TestFieldsTextLeavesNoneOut(t *testing.T) {
	for _, f := range append(slices.Clone(mppeFields), sessionFields...) {
		assert.Equal(t, 1, strings.Count(FieldsText, "\n"+clidoc.Indent+f.name+"  "), f.name)
	}
}
