package nmplugin

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sent = "DATA_KEY=gateway\nDATA_VAL=192.0.2.1\n\nDATA_KEY=password-flags\nDATA_VAL=%\n\nSECRET_KEY=password\nSECRET_VAL=won der\n=land\n\nDONE\nQUIT\n"

func TestDialog(t *testing.T) {
	outside := func(title, text, value, ask string) string {
		return "[VPN Plugin UI]\nVersion=2\nTitle=VPN " + title + "\nDescription=" + text + "\n\n[password]\nValue=" + value + "\nLabel=Password\nIsSecret=true\nShouldAsk=" + ask + "\n"
	}
	for _, tc := range []struct {
		name, flags string
		d           Dialog
		want        string
		err         string
	}{
		{name: "kept", flags: "1", d: Dialog{External: true, Ask: true}, want: outside("a", "The VPN a asks for a password.", `won der\nland`, "false")},
		{name: "refused", flags: "1", d: Dialog{External: true, Ask: true, Again: true, Message: "691: wrong"}, want: outside("a", "691: wrong", `won der\nland`, "true")},
		{name: "asked each time", flags: "2", d: Dialog{External: true, Ask: true}, want: outside("a", "The VPN a asks for a password.", "", "true")},
		{name: "nobody may be asked", flags: "2", d: Dialog{External: true}, want: outside("a", "The VPN a asks for a password.", "", "false")},
		{name: "not needed", flags: "4", d: Dialog{External: true, Ask: true}, want: outside("a", "The VPN a asks for a password.", "", "false")},
		{name: "what there is", flags: "0", want: "password\nwon der\nland\n\n\n"},
		{name: "nothing to give, and no window", flags: "2", d: Dialog{Ask: true}, err: ErrNobodyToAsk.Error()},
		{name: "refused, and no window", flags: "0", d: Dialog{Ask: true, Again: true}, err: ErrNobodyToAsk.Error()},
		{name: "no flags", flags: "banana", err: `password-flags "banana": must be a number`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.d.Name, tc.d.Secret, tc.d.Label = "a", "password", "Password"
			var out strings.Builder
			err := tc.d.Answer(strings.NewReader(strings.Replace(sent, "%", tc.flags, 1)), &out)
			if tc.err != "" {
				require.EqualError(t, err, tc.err)
				assert.Empty(t, out.String())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, out.String())
		})
	}
	require.ErrorContains(t, Dialog{}.Answer(strings.NewReader("DATA_KEY=a\n"), io.Discard), "ends before DONE")
}

func TestKeyfileValue(t *testing.T) {
	for text, want := range map[string]string{"plain": "plain", " a": `\sa`, "a\nb\tc\rd\\": `a\nb\tc\rd\\`, "a\xffb": "a\uFFFDb"} {
		assert.Equal(t, want, keyfileValue(text))
	}
}

// FuzzDialog: whatever a client sends, the answer has one question, on lines of its own.
func FuzzDialog(f *testing.F) {
	f.Add(sent, "office")
	f.Add("DATA_VAL=x\n=y\n=\nSECRET_VAL=\nDONE", "a\n[b]")
	f.Fuzz(func(t *testing.T, in, name string) {
		var out strings.Builder
		d := Dialog{Name: name, Secret: "password", Label: "Password", External: true, Ask: true}
		if d.Answer(strings.NewReader(in), &out) != nil {
			return
		}
		groups := 0
		for line := range strings.Lines(out.String()) {
			if strings.HasPrefix(line, "[") {
				groups++
			}
		}
		require.Equal(t, 2, groups, out.String())
	})
}
