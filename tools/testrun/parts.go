package main

import (
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// ciphers are the packages with assembly, and the one above them.
var ciphers = []string{"./arc4/...", "./mppe/..."}

// interopTag guards the tests that boot the guest, so that a plain
// `go test ./...` stays quick.
const interopTag = "interop"

func lint(t *tally) {
	files, err := exec.Command("git", "ls-files", "*.go").Output()
	if err != nil {
		t.fail("gofmt", fmt.Sprintf("git ls-files: %v\n", err))
	} else {
		args := append([]string{"-l"}, existing(strings.Fields(string(files)))...)
		output, err := exec.Command("gofmt", args...).CombinedOutput()
		if err != nil || len(output) > 0 {
			t.fail("gofmt", "not formatted (gofmt -w them):\n"+string(output))
		} else {
			t.pass()
			fmt.Fprintln(t.out, "ok   gofmt")
		}
	}
	t.check("go vet", exec.Command("go", "vet", "./..."))
	t.check("go vet -tags interop", exec.Command("go", "vet", "-tags", interopTag, "./interop/..."))
	t.check("go vet -tags purego", exec.Command("go", "vet", "-tags", "purego", "./arc4/...", "./mppe/..."))
	t.check("go vet -tags noplot", exec.Command("go", "vet", "-tags", "noplot", "./speed/...", "./cmd/..."))
	t.check("staticcheck", exec.Command("go", "tool", "staticcheck", "./..."))
	t.check("staticcheck -tags interop", exec.Command("go", "tool", "staticcheck", "-tags", interopTag, "./interop/..."))
}

// existing leaves out files that git knows and the work tree no longer has.
func existing(files []string) []string {
	var kept []string
	for _, f := range files {
		if _, err := os.Stat(f); err == nil {
			kept = append(kept, f)
		}
	}
	return kept
}

func unit(t *tally) {
	goTest{args: []string{"-race", "-timeout", "20m", "./..."}}.run(t)
	// The race detector allocates by itself, so what counts allocations is run again.
	goTest{label: "norace", args: []string{"./arc4/...", "./mppe/...", "./speed/...", "./tunnel/..."}}.run(t)
}

func purego(t *tally) {
	t.check("purego go build", exec.Command("go", "build", "-tags", "purego", "./..."))
	goTest{label: "purego", args: append([]string{"-tags", "purego"}, ciphers...)}.run(t)
}

// systems are those the project is built for; "mips, softfloat" is what
// routers of that family need.
var systems = []struct{ os, arch, mips string }{
	{"linux", "amd64", ""},
	{"linux", "arm64", ""},
	{"linux", "arm", ""},
	{"linux", "mips", "softfloat"},
	{"linux", "mipsle", "softfloat"},
	{"linux", "riscv64", ""},
	{"darwin", "arm64", ""},
	{"freebsd", "amd64", ""},
}

func cross(t *tally) {
	for _, s := range systems {
		cmd := exec.Command("go", "build", "./...")
		cmd.Env = append(os.Environ(), crossEnv(s.os, s.arch, s.mips)...)
		t.check("build "+s.os+"/"+s.arch, cmd)
	}
}

func crossEnv(goos, goarch, mips string) []string {
	env := []string{"CGO_ENABLED=0", "GOOS=" + goos, "GOARCH=" + goarch}
	if mips != "" {
		env = append(env, "GOMIPS="+mips)
	}
	return env
}

func interop(t *tally) {
	goTest{
		args: []string{"-tags", interopTag, "-count=1", "-timeout", "25m", "./interop/..."},
		show: regexp.MustCompile(`\| |TABLE`),
	}.run(t)
}

// events reads lines of `go test -json`, passing over what is not one.
func events(lines string) iter.Seq[event] {
	return func(yield func(event) bool) {
		for line := range strings.Lines(lines) {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && !yield(e) {
				return
			}
		}
	}
}
