package profile

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/settings"
)

func TestParse(t *testing.T) {
	entries, err := Parse([]byte(`# an office
server = "alice@vpn.example.net"   # where
"default-route" = true

route = [
  "10.0.0.0/8",   # here
  '192.168.0.0/16',
]
mtu = 1_300
reorder-timeout = 0.5
ipparam = """two
lines"""
dns = []
mode = 0x10`))
	require.NoError(t, err)
	text := func(items ...string) settings.Value { return settings.Value{Items: items} }
	assert.Equal(t, []Entry{
		{"server", text("alice@vpn.example.net"), 2},
		{"default-route", settings.Value{Items: []string{"true"}, Kind: settings.Bool}, 3},
		{"route", settings.Value{Items: []string{"10.0.0.0/8", "192.168.0.0/16"}, List: true}, 5},
		{"mtu", settings.Value{Items: []string{"1_300"}, Kind: settings.Number}, 9},
		{"reorder-timeout", settings.Value{Items: []string{"0.5"}, Kind: settings.Number}, 10},
		{"ipparam", text("two\nlines"), 11},
		{"dns", settings.Value{List: true}, 13},
		{"mode", settings.Value{Items: []string{"0x10"}, Kind: settings.Number}, 14},
	}, entries)
}

func TestParseMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"server = vpn.example.net":           "1: ",
		"a = 1\nb = \"x":                     "2: ",
		"a = 1\n\nb 2":                       "3: ",
		"a = 1\nb = 2\na = 3":                "3: ",
		"mtu = 1\n[office]\nuser = \"a\"":    "2: [office]: there are no sections here: leave the line out, and put its keys among the others",
		"[[office]]":                         "1: [office]: there are no sections here: leave the line out, and put its keys among the others",
		"\nmppe.mode = \"off\"":              "2: mppe.mode: there are no keys within keys here",
		"user = { name = \"a\" }":            "1: user: there are no tables here: give a text, a number, true, false, or a list",
		"route = [[\"a\"]]":                  "1: route: a list in a list",
		"route = [\"a\", true]":              "1: route: a list holds texts in quotation marks",
		"user = 2026-01-01":                  "1: user: this is a date or a time for TOML: put it into quotation marks",
		"user = 10:00:00":                    "1: user: this is a date or a time for TOML: put it into quotation marks",
		"user = \"a\\u0000b\"":               "1: user: a zero character can be in no value",
		"user = \"\xff\"":                    "1: ",
		"a = 1\nuser = yes":                  "2: unexpected character U+0079 'y' at start of value: a text stands in quotation marks, as in mppe = \"require\"",
		"user = \"OFFICE\\alice\"":           "1: invalid escape character U+0061 'a': in '...' instead of \"...\" a backslash stands for itself",
		"user = \"OFFICE\\ursula\"":          "1: invalid hexadecimal digit in unicode escape sequence: in '...' instead",
		"route = 10.0.0.0/8":                 "1: expected newline but got U+002E '.': a text stands in quotation marks",
		"route = [10.0.0.0/8]":               "1: expected ',' or ']' after array value: a text stands in quotation marks",
		"route = [\"10.0.0.0/8\"\nmtu = 1":   "2: ",
		"password = \"hunter2":               "1: ",
		"password = \"hunter2\" \"hunter3\"": "1: ",
	} {
		_, err := Parse([]byte(text))
		var at *SyntaxError
		require.True(t, errors.As(err, &at), "%q: %v", text, err)
		said := fmt.Sprintf("%d: %s", at.Line, at.What)
		assert.True(t, strings.HasPrefix(said, want), "%q: %s", text, said)
		assert.NotContains(t, said, "hunter")
		assert.NotContains(t, said, "\n")
	}
}

// FuzzParse: whatever a file holds, it is entries or a mistake in a line of it, and what is written
// of the entries is read as the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"server = \"a\"\nroute = [\"b\", 'c']\nmtu = 1_400\nx = 1e3\ny = true", "[a]\nb = 1", "a.b = 1", "a = {b = 1}", "a = 2026-01-01T00:00:00Z",
		"a = \"\"\"\n\\\n  b\"\"\"", "\ufeffa = 1", "a = [\n# x\n]\n", "'' = 1", "a = 'x'\r\nb = \"\\u00e9\"", "a = inf", "[[a]]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := Parse([]byte(text))
		if err != nil {
			var at *SyntaxError
			require.ErrorAs(t, err, &at)
			require.GreaterOrEqual(t, at.Line, 1)
			require.LessOrEqual(t, at.Line, strings.Count(text, "\n")+1)
			return
		}
		var pairs []Pair
		for _, e := range entries {
			require.GreaterOrEqual(t, e.Line, 1)
			require.LessOrEqual(t, e.Line, strings.Count(text, "\n")+1)
			if e.Value.List {
				pairs = append(pairs, Pair{e.Key, append([]string{}, e.Value.Items...)})
			} else {
				pairs = append(pairs, Pair{e.Key, e.Value.Items[0]})
			}
		}
		written, err := Encode("again", pairs)
		require.NoError(t, err)
		again, err := Parse(written)
		require.NoError(t, err)
		require.Len(t, again, len(entries))
		for i, e := range again {
			require.Equal(t, entries[i].Key, e.Key)
			require.Equal(t, entries[i].Value.List, e.Value.List)
			require.Equal(t, len(entries[i].Value.Items), len(e.Value.Items))
			for n, item := range entries[i].Value.Items {
				require.Equal(t, item, e.Value.Items[n])
			}
		}
	})
}
