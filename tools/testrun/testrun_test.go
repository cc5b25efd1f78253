package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tools/internal/emulated"
)

const pkg = "github.com/arc4tun/arc4tun/arc4"

func TestGoTestCounts(t *testing.T) {
	lines := strings.Join([]string{
		`{"Action":"pass","Package":"` + pkg + `","Test":"TestA/one"}`,
		`{"Action":"pass","Package":"` + pkg + `","Test":"TestA"}`,
		`{"Action":"output","Package":"` + pkg + `","Test":"TestB","Output":"=== RUN   TestB\n"}`,
		`{"Action":"output","Package":"` + pkg + `","Test":"TestB","Output":"    b_test.go:3: no such CPU\n"}`,
		`{"Action":"skip","Package":"` + pkg + `","Test":"TestB"}`,
		`{"Action":"output","Package":"` + pkg + `","Test":"TestC","Output":"    c_test.go:9: want 1, got 2\n"}`,
		`{"Action":"fail","Package":"` + pkg + `","Test":"TestC"}`,
		`{"Action":"fail","Package":"` + pkg + `","Elapsed":1.5}`,
	}, "\n")
	var out bytes.Buffer
	sum := &tally{out: &out}
	goTest{label: "mips"}.read(sum, strings.NewReader(lines))
	require.Equal(t, 2, sum.passed)
	require.Equal(t, []string{"mips arc4 TestC"}, sum.failed)
	require.Equal(t, []skipped{{"arc4 TestB", "mips arc4 TestB: b_test.go:3: no such CPU"}}, sum.skipped)
	require.Contains(t, out.String(), "want 1, got 2")
	require.Contains(t, out.String(), "FAIL mips arc4: 1 failed (1.5 s)")
}

func TestGoTestPackageFailures(t *testing.T) {
	for _, c := range []struct{ name, lines, shown string }{
		{"does not build",
			`{"Action":"build-output","ImportPath":"x","Output":"undefined: y\n"}` + "\n" +
				`{"Action":"fail","Package":"` + pkg + `","FailedBuild":"x"}`,
			"undefined: y"},
		{"ends early",
			`{"Action":"output","Package":"` + pkg + `","Output":"panic: test timed out\n"}` + "\n" +
				`{"Action":"fail","Package":"` + pkg + `"}`,
			"panic: test timed out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			sum := &tally{out: &out}
			goTest{}.read(sum, strings.NewReader(c.lines))
			require.Equal(t, []string{"arc4"}, sum.failed)
			require.Contains(t, out.String(), c.shown)
		})
	}
}

// TestGoTestElsewhere: go takes -C only as the first of its flags.
func TestGoTestElsewhere(t *testing.T) {
	require.Equal(t, []string{"test", "-json", "-race", "./..."}, goTest{args: []string{"-race", "./..."}}.command())
	require.Equal(t, []string{"test", "-C", "packaging/pack", "-json", "-count=1", "./..."}, goTest{args: []string{"-C", "packaging/pack", "-count=1", "./..."}}.command())
}

func TestConclude(t *testing.T) {
	for _, c := range []struct {
		name string
		sum  tally
		good bool
	}{
		{"all passed", tally{passed: 3}, true},
		{"nothing ran", tally{}, false},
		{"a failure", tally{passed: 3, failed: []string{"x"}}, false},
		{"a skip", tally{passed: 3, skipped: []skipped{{"x", "x: why"}}}, true},
		{"a skip under CI that ran elsewhere", tally{passed: 3, skipped: []skipped{{"x", "race x: why"}}, ran: map[string]bool{"x": true}, ci: true}, true},
		{"a skip under CI", tally{passed: 3, skipped: []skipped{{"x", "x: why"}}, ci: true}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			c.sum.out = &out
			require.Equal(t, c.good, c.sum.conclude())
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			require.Regexp(t, `^\d+ passed, \d+ failed, \d+ skipped$`, lines[len(lines)-1])
		})
	}
}

func TestCheckShowsTheEndsOfAFailure(t *testing.T) {
	var out bytes.Buffer
	sum := &tally{out: &out}
	sum.check("words", exec.Command("sh", "-c", "seq 200; exit 3"))
	require.Equal(t, []string{"words"}, sum.failed)
	require.Contains(t, out.String(), "exit status 3")
	require.Contains(t, out.String(), "lines left out")
	require.Regexp(t, `(?m)^1$`, out.String())
	require.Regexp(t, `(?m)^200$`, out.String())
	require.NotRegexp(t, `(?m)^100$`, out.String())
	sum.check("well", exec.Command("true"))
	require.Equal(t, 1, sum.passed)
}

func TestFuzzTargets(t *testing.T) {
	list := `{"Action":"output","Package":"a","Output":"FuzzOne\n"}` + "\n" +
		`{"Action":"output","Package":"a","Output":"ok  \ta\t0.1s\n"}` + "\n" +
		`{"Action":"output","Package":"b","Output":"FuzzTwo\n"}`
	require.Equal(t, []fuzzTarget{{"a", "FuzzOne"}, {"b", "FuzzTwo"}}, fuzzTargets(list))
}

func TestRanOut(t *testing.T) {
	require.True(t, ranOut("--- FAIL: FuzzX\n    context deadline exceeded\n"))
	require.False(t, ranOut("context deadline exceeded\nFailing input written to x\n"))
	require.False(t, ranOut("--- FAIL: FuzzX\n    want 1\n"))
}

func TestChoose(t *testing.T) {
	all, err := choose(nil)
	require.NoError(t, err)
	require.Len(t, all, len(parts))
	two, err := choose([]string{"fuzz", "lint"})
	require.NoError(t, err)
	require.Equal(t, "fuzz", two[0].name)
	_, err = choose([]string{"nonsense"})
	require.ErrorContains(t, err, `no part "nonsense"; there are lint, unit`)
}

func TestQemuSteps(t *testing.T) {
	qemu, err := choose([]string{"qemu"})
	require.NoError(t, err)
	command := []string{"/usr/bin/qemu-x-static", "-cpu", "y"}
	for _, c := range []struct {
		machine         string
		run, skip, mppe bool
	}{
		{"mips", false, false, true},
		{"mipsle", false, true, true},
		{"arm64", false, true, true},
		{"mips-4Kc", true, false, false},
	} {
		t.Run(c.machine, func(t *testing.T) {
			m, err := emulated.Find(c.machine)
			require.NoError(t, err)
			var tests []string
			for _, s := range qemu[0].steps {
				if !s.on(m) {
					continue
				}
				env, args := s.onMachine(m, command).words()
				require.Equal(t, m.Env(), env)
				if args[1] == "test" && args[len(args)-1] != "./internal/rtnetlink" && !slices.Contains(args, "./internal/proxy") {
					tests = append(tests, strings.Join(args, "|"))
				}
			}
			require.Len(t, tests, 1, "every test of the ciphers once")
			args := tests[0]
			require.Contains(t, args, "-exec|/usr/bin/qemu-x-static -cpu y|")
			require.Contains(t, args, "-count=1")
			require.Equal(t, c.run, strings.Contains(args, "-run|"+processorTests))
			require.Equal(t, c.skip, strings.Contains(args, "-skip|"+models))
			require.Equal(t, c.mppe, strings.Contains(args, "./mppe/..."))
		})
	}
}

// TestCommands holds every command of the table to what can be typed: a program, and no word left
// in capitals once its step has been filled in.
func TestCommands(t *testing.T) {
	for _, p := range parts {
		require.NotEmpty(t, p.steps, p.name)
		for _, s := range p.steps {
			env, args := s.words()
			_, err := exec.LookPath(args[0])
			require.NoError(t, err, s.run)
			for _, e := range env {
				require.Regexp(t, `^[A-Z0-9_]+=\S+$`, e, s.run)
			}
			for _, a := range args {
				if regexp.MustCompile(`[A-Z]{4,}`).MatchString(a) {
					require.True(t, s.how != nil || s.on != nil, "%s: what is %s?", s.run, a)
				}
				if dir, ok := strings.CutPrefix(a, "./"); ok {
					require.DirExists(t, filepath.Join("../..", strings.TrimSuffix(dir, "...")), s.run)
				}
			}
		}
	}
}

func TestStepWords(t *testing.T) {
	s := step{run: "A=b C=d go test -run '^(x|y)$' -exec EMULATOR -v=true PACKAGE"}
	env, args := s.with("EMULATOR", "/bin/e -c d", "PACKAGE", "./p").words()
	require.Equal(t, []string{"A=b", "C=d"}, env)
	require.Equal(t, []string{"go", "test", "-run", "^(x|y)$", "-exec", "/bin/e -c d", "-v=true", "./p"}, args)
}

func TestStepChecks(t *testing.T) {
	for _, c := range []struct {
		name   string
		s      step
		passed int
		failed []string
	}{
		{"passes", step{run: "true"}, 1, nil},
		{"fails", step{run: "false x", as: "here"}, 0, []string{"here false x"}},
		{"environment", step{run: "TESTRUN_X=1 printenv TESTRUN_X"}, 1, nil},
		{"another way", step{run: "false", how: func(t *tally, s step) { t.pass() }}, 1, nil},
		{"no such tests", step{run: "go test ./nowhere", as: "here"}, 0, []string{"here ./nowhere"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sum := &tally{out: new(bytes.Buffer)}
			c.s.check(sum)
			require.Equal(t, c.passed, sum.passed)
			require.Equal(t, c.failed, sum.failed)
		})
	}
}

func TestMessageFaults(t *testing.T) {
	for _, c := range []struct{ name, message, want string }{
		{"good", "mppe: check the count\n\nA forged one moved the chain.\n", ""},
		{"several packages", "mppe, tunnel/ppp: check the count\n\nWhy.\n", ""},
		{"no package", "check the count\n\nWhy.\n", "is not `package: what changes`"},
		{"nothing changes", "mppe:\n\nWhy.\n", "is not `package: what changes`"},
		{"longest", "mppe: " + strings.Repeat("ä", 66) + "\n\nWhy.\n", ""},
		{"too long", "mppe: " + strings.Repeat("ä", 67) + "\n\nWhy.\n", "has more than 72 characters"},
		{"a full stop", "mppe: check the count.\n\nWhy.\n", "ends in a full stop"},
		{"no body", "mppe: check the count\n", "has no body"},
		{"no empty line", "mppe: check the count\nand more\n", "goes on without an empty line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			const other = "1234567\narc4: be there\n\nAs before.\n\x00"
			faults := messageFaults(other + "89abcde\n" + c.message + "\x00" + other)
			if c.want == "" {
				require.Empty(t, faults)
				return
			}
			require.Equal(t, 1, strings.Count(faults, "\n"), faults)
			require.Contains(t, faults, c.want)
			require.True(t, strings.HasPrefix(faults, "89abcde "), faults)
		})
	}
	require.Empty(t, messageFaults(""))
}

// TestCommitMessagesWithoutHistory has neither a history nor one that begins early enough.
func TestCommitMessagesWithoutHistory(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"no repository", "another history"} {
		t.Run(name, func(t *testing.T) {
			if name == "another history" {
				require.NoError(t, exec.Command("git", "init", "-q").Run())
				require.NoError(t, exec.Command("git", "-c", "user.name=x", "-c", "user.email=x@example.net",
					"commit", "-q", "--allow-empty", "-m", "no form at all").Run())
			}
			var out bytes.Buffer
			sum := &tally{out: &out}
			commitMessages(sum, step{run: "git log"})
			require.Empty(t, sum.failed)
			require.Empty(t, sum.skipped)
			require.Contains(t, out.String(), "not read")
		})
	}
}
