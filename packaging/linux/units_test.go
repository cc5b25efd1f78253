//go:build packages

package linux

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var units = []string{"arc4@.service", "arc4-serve.service"}

// instance is a unit's name as systemd takes one.
func instance(unit string) string { return strings.Replace(unit, "@.", "@office.", 1) }

// TestUnits: systemd understands every line of what is in a package.
func TestUnits(t *testing.T) {
	tool(t, "systemd-analyze")
	system := t.TempDir()
	output(t, "dpkg-deb", "-x", ours(t, "deb"), system)
	require.NoError(t, os.Mkdir(filepath.Join(system, "bin"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(system, "bin/kill"), nil, 0o755))
	for _, unit := range units {
		t.Run(unit, func(t *testing.T) {
			verify := []string{"verify", "--root=" + system, "--man=no", "--recursive-errors=no", instance(unit)}
			assert.Empty(t, output(t, "systemd-analyze", verify...))
		})
	}
	t.Run("a mistake is seen", func(t *testing.T) {
		path := filepath.Join(system, "usr/lib/systemd/system/arc4-serve.service")
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), "\nPrivateTmp=", "\nPrivateTnp=", 1)), 0o644))
		out, _ := exec.Command("systemd-analyze", "verify", "--root="+system, "--man=no", "--recursive-errors=no", "arc4-serve.service").CombinedOutput()
		assert.Contains(t, string(out), "Unknown key")
	})
}

// mostExposed is what `systemd-analyze security` may say of a unit at most, from 0 to 10.
const mostExposed = 3.0

// TestExposure: the units give away little of the system.
func TestExposure(t *testing.T) {
	tool(t, "systemd-analyze")
	level := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+) `)
	for _, unit := range units {
		t.Run(unit, func(t *testing.T) {
			says := output(t, "systemd-analyze", "security", "--offline=true", "--no-pager", filepath.Join("systemd", unit))
			found := level.FindStringSubmatch(says)
			require.NotNil(t, found, says)
			exposure, err := strconv.ParseFloat(found[1], 64)
			require.NoError(t, err)
			t.Logf("%s: %s", unit, found[1])
			assert.LessOrEqual(t, exposure, mostExposed, says)
		})
	}
}

// TestNothingStarts: the packages enable no service and have nothing to be served as they come.
func TestNothingStarts(t *testing.T) {
	text, err := os.ReadFile("etc/serve.toml")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		assert.Regexp(t, `^(#.*)?\n$`, line)
	}
	text, err = os.ReadFile("etc/chap-secrets")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		assert.Regexp(t, `^#.*\n$`, line)
	}
}

// TestServeKeys: what the configuration offers are flags of arc4 serve.
func TestServeKeys(t *testing.T) {
	text, err := os.ReadFile("etc/serve.toml")
	require.NoError(t, err)
	keys := regexp.MustCompile(`(?m)^#([a-z0-9-]+) = `).FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(keys), 10)
	help := output(t, "go", "run", "-C", root, "./cmd/arc4", "serve", "--help")
	for _, key := range keys {
		assert.Contains(t, help, "\n  --"+key[1]+" ")
	}
}

// TestWhatEndsAClient: whether there is another attempt arc4 connect decides alone. One that starts
// it again for its exit code would have an account locked by a password that is refused.
func TestWhatEndsAClient(t *testing.T) {
	text, err := os.ReadFile("systemd/arc4@.service")
	require.NoError(t, err)
	require.Equal(t, []string{"Restart=on-abnormal"}, regexp.MustCompile(`(?m)^Restart(ForceExitStatus)?=.*$`).FindAllString(string(text), -1))
	text, err = os.ReadFile("openrc/arc4")
	require.NoError(t, err)
	require.NotRegexp(t, `(?m)^(supervisor|respawn_\w+)=`, string(text))
}

// TestScripts: the shells that run them can read them.
func TestScripts(t *testing.T) {
	tool(t, "busybox")
	scripts, err := filepath.Glob("scripts/*/*")
	require.NoError(t, err)
	openrc, err := filepath.Glob("openrc/*")
	require.NoError(t, err)
	require.Len(t, append(scripts, openrc...), 11)
	for _, script := range append(scripts, openrc...) {
		output(t, "dash", "-n", script)
		output(t, "busybox", "sh", "-n", script)
	}
}
