package openwrt

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// browsers are the headless ones that are looked for.
var browsers = []string{"chromium-headless-shell", "chromium", "google-chrome"}

// scene is one visit of LuCI's page: what the interface's options were, and what is typed.
type scene struct {
	Before map[string]string `json:"before"`
	Typed  map[string]string `json:"typed"`
}

// outcome is what became of it; see play in testdata/luci/double.js.
type outcome struct {
	Name, Ifname, Package       string
	Patterns, Codes             []string
	Floating, Virtual, Contains bool
	Secret, Options             []string
	Labels                      int
	Choices                     map[string][]string
	Shown, Problems, After      map[string]string
}

// browse plays scenes in a headless browser.
func browse(t *testing.T, scenes []scene) []outcome {
	t.Helper()
	browser := ""
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		labtest.Skip(t, "none of %s is there", strings.Join(browsers, ", "))
	}
	double, err := os.ReadFile("testdata/luci/double.js")
	require.NoError(t, err)
	page, err := os.ReadFile("luci-proto-arc4/htdocs/luci-static/resources/protocol/arc4.js")
	require.NoError(t, err)
	source, err := json.Marshal(string(page)) // which escapes < and so ends no script
	require.NoError(t, err)
	list, err := json.Marshal(scenes)
	require.NoError(t, err)
	document := fmt.Sprintf("<!doctype html><meta charset=utf-8><body></body><script>\n%s\n"+
		"let text;\ntry { text = JSON.stringify(%s.map((scene) => play(%s, scene))); } catch (e) { text = 'failed: ' + e.stack; }\n"+
		"document.body.innerHTML = '<pre></pre>';\ndocument.querySelector('pre').textContent = text;\n</script>", double, list, source)
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	require.NoError(t, os.WriteFile(file, []byte(document), 0o644))
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir="+dir, "--dump-dom", "file://"+file).Output()
	require.NoError(t, err)
	text := regexp.MustCompile(`(?s)<pre>(.*)</pre>`).FindSubmatch(out)
	require.NotNil(t, text, string(out))
	var all []outcome
	require.NoError(t, json.Unmarshal([]byte(html.UnescapeString(string(text[1]))), &all), string(text[1]))
	require.Len(t, all, len(scenes))
	return all
}

// TestLuCIPage: what the page shows of an interface, what it takes, and what is in the
// configuration afterwards.
func TestLuCIPage(t *testing.T) {
	minimal := map[string]string{"server": "vpn.example.net", "username": "alice", "password": "wonderland"}
	with := func(more ...string) map[string]string {
		all := make(map[string]string)
		for name, value := range minimal {
			all[name] = value
		}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	type values = map[string]string
	tests := []struct {
		name            string
		before, typed   values
		shown, problems values
		after           values
	}{
		{"a new one", nil, minimal, values{"server": ""}, nil, minimal},
		{"nothing typed", nil, nil, nil, values{"server": "required", "username": "required", "password": "required"}, values{}},
		{"nothing changed", with("keepalive", "5 10", "mtu", "1380", "mppe", "allow", "authfail", "1"), nil,
			values{"_keepalive_failures": "5", "_keepalive_interval": "10", "mtu": "1380", "mppe": "allow", "authfail": "1"}, nil,
			with("keepalive", "5 10", "mtu", "1380", "mppe", "allow", "authfail", "1")},
		{"as pppd had it", with("keepalive", "5,10"), values{"_keepalive_failures": "6"}, values{"_keepalive_failures": "5", "_keepalive_interval": "10"}, nil, with("keepalive", "6 10")},
		{"one number", with("keepalive", "5"), nil, values{"_keepalive_failures": "5", "_keepalive_interval": "5"}, nil, with("keepalive", "5")},
		{"an interval alone", minimal, values{"_keepalive_interval": "20"}, values{"_keepalive_failures": ""}, nil, with("keepalive", "4 20")},
		{"failures alone", minimal, values{"_keepalive_failures": "3"}, nil, nil, with("keepalive", "3 5")},
		{"no echo", minimal, values{"_keepalive_failures": "0", "_keepalive_interval": "5"}, nil, nil, with("keepalive", "0 5")},
		{"keepalive taken out", with("keepalive", "5 10"), values{"_keepalive_failures": "", "_keepalive_interval": ""}, nil, nil, minimal},
		{"a port", minimal, values{"server": "192.0.2.1:11723"}, nil, nil, with("server", "192.0.2.1:11723")},
		{"no host", minimal, values{"server": "a host"}, nil, values{"server": "Expecting: a host name or IPv4 address, and perhaps a port"}, minimal},
		{"IPv6", minimal, values{"server": "2001:db8::1"}, nil, values{"server": "Expecting: a host name or IPv4 address, and perhaps a port"}, minimal},
		{"out of range", minimal, values{"mtu": "9000", "holdoff": "0", "_keepalive_interval": "0"}, nil,
			values{"mtu": "range(576, 1500)", "holdoff": "range(1, 86400)", "_keepalive_interval": "min(1)"}, minimal},
		{"PAP with encryption", minimal, values{"auth": "pap"}, nil, values{"auth": "CHAP and PAP give no encryption keys: allow clear text too"}, minimal},
		{"PAP without", minimal, values{"auth": "pap", "mppe": "off"}, nil, nil, with("auth", "pap", "mppe", "off")},
		{"all switches", minimal, values{"authfail": "1", "persist": "1", "trace": "1", "ipv6": "1", "holdoff": "20", "reorder_policy": "immediate", "mtu": "1400"}, nil, nil,
			with("authfail", "1", "persist", "1", "trace", "1", "ipv6", "1", "holdoff", "20", "reorder_policy", "immediate", "mtu", "1400")},
		{"switches off", with("authfail", "1", "persist", "1"), values{"authfail": "0", "persist": "0"}, nil, nil, minimal},
		{"what is in a password", minimal, values{"password": `a'b"c<script>\`}, nil, nil, with("password", `a'b"c<script>\`)},
	}
	var scenes []scene
	for _, test := range tests {
		scenes = append(scenes, scene{test.before, test.typed})
	}
	all := browse(t, scenes)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, want := range test.shown {
				assert.Equal(t, want, all[i].Shown[name], name)
			}
			if test.problems == nil {
				test.problems = values{}
			}
			assert.Equal(t, test.problems, all[i].Problems)
			assert.Equal(t, test.after, all[i].After)
		})
	}
	checkProtocol(t, all[0])
}

// checkProtocol holds what the page registers to the handler.
func checkProtocol(t *testing.T, o outcome) {
	t.Helper()
	assert.Equal(t, "arc4", o.Name)
	assert.Equal(t, "arc4-vpn", o.Ifname, "as arc4.sh names it")
	assert.Equal(t, []string{"^arc4-.+$"}, o.Patterns)
	assert.Equal(t, "arc4", o.Package)
	assert.True(t, o.Floating && o.Virtual && o.Contains)
	assert.Equal(t, []string{"password"}, o.Secret, "and nothing else is hidden")
	assert.Equal(t, len(o.Options), o.Labels, "every option is on the page")
	handler, err := os.ReadFile("arc4/files/arc4.sh")
	require.NoError(t, err)
	for _, option := range o.Options {
		if name := strings.TrimPrefix(option, "_"); name != option {
			option = "keepalive" // which two fields are
		}
		assert.Regexp(t, `proto_config_add_[a-z]+ "`+option+`"`, string(handler), "netifd passes nothing else on")
	}
	for _, code := range o.Codes {
		assert.Contains(t, string(handler), code)
	}
	for _, m := range regexp.MustCompile(`proto_notify_error "\$config" ([A-Z_]+)`).FindAllSubmatch(handler, -1) {
		if code := string(m[1]); code != "CONNECT_FAILED" { // which LuCI knows
			assert.Contains(t, o.Codes, code)
		}
	}
}
