package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
	"github.com/arc4tun/arc4tun/internal/features"
	"github.com/arc4tun/arc4tun/internal/memory"
)

func TestMain(m *testing.M) {
	program := func() {
		// A script may say how much memory the machine has left.
		if n, err := strconv.ParseUint(os.Getenv("TEST_MEMORY_AVAILABLE"), 10, 64); err == nil {
			readMemory = func() memory.Machine { return memory.Machine{Total: 1 << 30, Available: n} }
		}
		// And a file how long the machine has been suspended, which may change.
		if name := os.Getenv("TEST_SUSPENDED_FILE"); name != "" {
			timeSuspended = func() time.Duration {
				b, _ := os.ReadFile(name)
				d, _ := time.ParseDuration(strings.TrimSpace(string(b)))
				return d
			}
		}
		main()
	}
	// With the links by which NetworkManager starts it.
	testscript.Main(m, map[string]func(){"arc4": program, "nm-arc4-service": program, "nm-arc4-auth-dialog": program})
}

// TestScripts runs the command lines in testdata/script against this binary.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:       "testdata/script",
		Cmds:      map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": scriptExits},
		Condition: condition,
	})
}

// condition knows "[libcrypto]": OpenSSL is built in; "[tunnel]": this user may open what a tunnel
// needs; and "[built:FEATURE]": no build tag has left that out.
func condition(name string) (bool, error) {
	if feature, is := strings.CutPrefix(name, "built:"); is {
		for _, f := range features.All() {
			if strings.ReplaceAll(f.Name, " ", "") == feature {
				return f.Built, nil
			}
		}
	}
	switch name {
	case "tunnel":
		return mayTunnel() == nil, nil
	case libcrypto.Name:
		return libcrypto.Built, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// scriptExits is the script command "exits CODE PROGRAM [ARG...]": the program must end with the
// code. What it prints can then be looked at with stdout and stderr.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("cannot run %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("%s ended with code %d, not %d", fmt.Sprint(args[1:]), got, want)
	}
}
