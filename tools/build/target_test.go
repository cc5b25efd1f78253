package main

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/features"
)

func amd64Env(name string) (string, error) {
	return map[string]string{"GOOS": "darwin", "GOARCH": "amd64", "GOROOT": "/go"}[name], nil
}

func TestTarget(t *testing.T) {
	tags := "-tags " + strings.Join(features.RouterTags(), ",")
	for _, test := range []struct {
		name     string
		target   target
		prepared []string
		env      string
		args     string
	}{
		{"this machine", target{}, nil, "CGO_ENABLED=0 GOOS=darwin GOARCH=amd64",
			"build -trimpath -ldflags -s -w -o bin/arc4-amd64 ./cmd/arc4"},
		{"a router", target{goarch: "mipsle", router: true, version: "v1.2.3"}, []string{"-modfile", "/tmp/go.mod", "-overlay", "/tmp/overlay.json"},
			"CGO_ENABLED=0 GOOS=linux GOARCH=mipsle GOWORK=off GOFIPS140=off GOMIPS=softfloat",
			"build -trimpath -ldflags -s -w -X main.version=v1.2.3 -R 16384 SMALLER " + tags + " -modfile /tmp/go.mod -overlay /tmp/overlay.json -o bin/arc4-router-mipsle ./cmd/arc4"},
		{"a router with arm", target{goarch: "arm", router: true}, nil, "CGO_ENABLED=0 GOOS=linux GOARCH=arm GOWORK=off GOFIPS140=off GOARM=5",
			"build -trimpath -ldflags -s -w SMALLER " + tags + " -o bin/arc4-router-arm ./cmd/arc4"},
		{"a newer arm", target{goos: "linux", goarch: "arm", goarm: "7", symbols: true, output: "x"}, nil,
			"CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=7", "build -trimpath -ldflags  -o x ./cmd/arc4"},
		{"all packages", target{goos: "linux", goarch: "mips64", packages: []string{"./..."}}, []string{"-overlay", "o"},
			"CGO_ENABLED=0 GOOS=linux GOARCH=mips64 GOMIPS64=softfloat", "build -trimpath -ldflags -s -w -overlay o ./..."},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.NoError(t, test.target.complete(amd64Env))
			require.Equal(t, test.env, strings.Join(test.target.environment(), " "))
			args := strings.Join(test.target.arguments(test.prepared), " ")
			require.Equal(t, test.args, strings.Replace(args, strings.Join(compileSmaller(), " "), "SMALLER", 1))
		})
	}
}

func TestTargetRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		target target
		want   string
	}{
		{"arm's version for MIPS", target{goarch: "mips", goarm: "7"}, "-goarm 7: is for -goarch arm, and this is mips"},
		{"no version of arm", target{goarch: "arm", goarm: "8"}, "-goarm 8: must be 5, 6 or 7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.EqualError(t, test.target.complete(amd64Env), test.want)
		})
	}
	broken := errors.New("go env: not found")
	require.ErrorIs(t, (&target{}).complete(func(string) (string, error) { return "", broken }), broken)
}

// TestSupported: who names what Go has not hears what it has.
func TestSupported(t *testing.T) {
	platforms := func() ([]string, error) {
		return []string{"darwin/arm64", "linux/arm", "linux/mipsle"}, nil
	}
	for _, test := range []struct{ goos, goarch, want string }{
		{"linux", "mipsle", ""},
		{"linux", "sparc", "GOARCH=sparc: is no processor that Go builds for on linux; give one of arm, mipsle"},
		{"linux", "arm64", "GOARCH=arm64: is no processor that Go builds for on linux; give one of arm, mipsle"},
		{"openwrt", "mipsle", "GOOS=openwrt: is no system that Go builds for; `go tool dist list` has all"},
	} {
		t.Run(test.goos+"/"+test.goarch, func(t *testing.T) {
			err := (&target{goos: test.goos, goarch: test.goarch}).supported(platforms)
			if test.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, test.want)
			}
		})
	}
	broken := errors.New("go: not found")
	require.ErrorIs(t, (&target{}).supported(func() ([]string, error) { return nil, broken }), broken)
	list, err := goPlatforms()
	require.NoError(t, err)
	require.Contains(t, list, "linux/mipsle")
}

// dependencies are the packages that a target's program is compiled from. The working directory is
// the repository's root.
func dependencies(t *testing.T, target target) []string {
	t.Helper()
	require.NoError(t, target.complete(goEnv))
	prepared, err := prepare(target, t.TempDir())
	require.NoError(t, err)
	args := append([]string{"list", "-deps"}, prepared...)
	if target.router {
		args = append(args, "-tags", strings.Join(features.RouterTags(), ","))
	}
	cmd := exec.Command("go", append(args, "./cmd/arc4")...)
	cmd.Env = append(os.Environ(), target.environment()...)
	out, err := cmd.Output()
	require.NoError(t, err, "%v%s", cmd, said(err))
	return strings.Fields(string(out))
}

// TestColdPackages: each is one that a router's build has, or the argument does nothing.
func TestColdPackages(t *testing.T) {
	t.Chdir("../..")
	list := target{goarch: "mipsle", router: true}
	linked := dependencies(t, list)
	for _, cold := range coldPackages {
		prefix, many := strings.CutSuffix(cold, "...")
		assert.True(t, slices.ContainsFunc(linked, func(p string) bool {
			return p == cold || many && strings.HasPrefix(p+"/", prefix)
		}), "%s is in no router's build", cold)
	}
}
