//go:build interop && linux

package interop

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// build is where build.sh puts what the guest needs, and where logs go.
var build, _ = filepath.Abs("../build/interop")

// cpus holds the CPUs that no guest runs on: a guest is pinned to one, and no
// two guests share one.
var cpus = make(chan int, runtime.NumCPU())

func TestMain(m *testing.M) {
	for cpu := range cap(cpus) {
		cpus <- cpu
	}
	os.Exit(m.Run())
}

// prepare skips the test where the guest cannot run, and builds, once.
func prepare(t *testing.T) {
	t.Helper()
	if missing := missing(); len(missing) > 0 {
		why := "real peers need " + strings.Join(missing, ", ") + "; see interop/README.md"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	if err := buildOnce(); err != nil {
		t.Fatal(err)
	}
}

// missing lists in words what the guest needs and this machine lacks.
func missing() []string {
	var lacks []string
	if os.Geteuid() != 0 {
		lacks = append(lacks, "root")
	}
	if runtime.GOARCH != "amd64" {
		lacks = append(lacks, "an amd64 machine, not "+runtime.GOARCH)
	}
	release, _ := os.ReadFile("/etc/os-release")
	if s := string(release); !strings.Contains(s, "\nID=debian\n") || !strings.Contains(s, `VERSION_ID="12"`) {
		lacks = append(lacks, "Debian 12")
	}
	for _, tool := range []string{"linux.uml", "pppd", "pptpd", "pptp", "iperf3", "ip", "ping", "ethtool", "modprobe", "busybox", "taskset", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			lacks = append(lacks, tool)
		}
	}
	if _, err := os.Stat("/usr/include/pppd/pppd.h"); err != nil {
		lacks = append(lacks, "ppp-dev")
	}
	return lacks
}

var buildOnce = sync.OnceValue(func() error {
	output, err := exec.Command("./build.sh").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build.sh: %w\n%s", err, output)
	}
	return nil
})

// guest runs a scenario in a guest of its own and turns its checks into
// subtests. Every name in want must have had a check, so that a scenario that
// quietly does less is noticed.
func guest(t *testing.T, limit time.Duration, want []string, scenario ...string) {
	t.Helper()
	prepare(t)
	cpu := <-cpus
	defer func() { cpus <- cpu }()

	logs := filepath.Join(build, "logs", strings.ReplaceAll(t.Name(), "/", "-"))
	if err := os.RemoveAll(logs); err != nil {
		t.Fatal(err)
	}
	args := []string{"-t", strconv.Itoa(int(limit.Seconds())), "-c", strconv.Itoa(cpu), "-o", logs}
	cmd := exec.Command("./run.sh", append(args, scenario...)...)
	cmd.Env = append(os.Environ(), "INTEROP_BUILD="+build)
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errout strings.Builder
	cmd.Stderr = &errout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := report(t, output)
	status := 0
	if err := cmd.Wait(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatal(err)
		}
		status = exit.ExitCode()
	}
	if status != 0 {
		t.Errorf("run.sh %s: exit status %d\n%slogs: %s", strings.Join(scenario, " "), status, errout.String(), logs)
	}
	for _, name := range want {
		if !seen[name] {
			t.Errorf("no check %q: the scenario ended before it", name)
		}
	}
}

// report makes a subtest of every PASS and FAIL line, and a log line of every
// other. What follows a FAIL line (the ends of logs) is printed with the parent.
func report(t *testing.T, output io.Reader) map[string]bool {
	seen := map[string]bool{}
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		verdict, rest, _ := strings.Cut(lines.Text(), " ")
		if verdict != "PASS" && verdict != "FAIL" {
			t.Log(lines.Text())
			continue
		}
		name, detail, _ := strings.Cut(rest, " ")
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			if verdict == "FAIL" {
				t.Error(detail)
			} else if detail != "" {
				t.Log(detail)
			}
		})
	}
	return seen
}

// variants are the policies a call is made under; the last four must be refused.
var variants = []string{"mppe128", "mppe128-stateful", "mppe40", "mppe40-stateful",
	"nomppe", "chapmd5", "pap", "eap", "wrongpass", "wronguser", "eap-wrongpass", "eap-wronguser"}

// checksOf are the checks that every variant must have had when one of the two
// sides is a real peer.
func checksOf(variants ...string) []string {
	var names []string
	for _, v := range variants {
		checks := []string{"up", "settled", "pings", "burst", "tcp", "intact", "exit", "client-gone", "server-alive", "server-gone"}
		if strings.HasSuffix(v, "wrongpass") || strings.HasSuffix(v, "wronguser") {
			checks = []string{"refused", "tried", "client-gone", "server-alive", "server-gone"}
		}
		for _, c := range checks {
			names = append(names, v+"."+c)
		}
	}
	return names
}

// traced are the checks that compare our trace with pppd's, of the variants that come up.
var traced = []string{"mppe128.trace", "mppe128-stateful.trace", "mppe40.trace", "mppe40-stateful.trace", "nomppe.trace", "chapmd5.trace", "pap.trace", "eap.trace"}

// verdict has speeds and delays judged, for a machine on which nothing else runs: make bench-guest.
var verdict = flag.Bool("verdict", false, "judge how fast things are")

// TestTable runs the finding that began the project: each tunnel lives through a link that
// reorders, and carries TCP. How much of it is for make bench-guest to judge.
func TestTable(t *testing.T) {
	t.Run("link=free", func(t *testing.T) {
		guest(t, 6*time.Minute, []string{"raw.carries", "arc4.carries", "kernel.carries", "arc4.alive", "kernel.alive"},
			"table", "--rows", "3ms,3ms1", "--time", "2")
	})
	t.Run("link=60mbit", func(t *testing.T) {
		guest(t, 4*time.Minute, []string{"raw.carries", "arc4.carries", "kernel.carries", "arc4.alive", "kernel.alive"},
			"table", "--rows", "3ms,3ms1", "--time", "2", "--link", "60mbit")
	})
}

// TestSpeed runs the tunnels side by side on a link without impairment: each carries TCP, by the
// way of sending that it was told to take.
func TestSpeed(t *testing.T) {
	guest(t, 3*time.Minute, []string{"arc4-raw.goes", "arc4-packet.goes", "wireguard-go.carries", "pptp.carries", "arc4-raw.carries", "arc4-packet.carries"},
		"speed", "--time", "2", "--rounds", "1", "--flood", "0", "--cols", "wireguard-go,pptp,arc4-raw,arc4-packet")
}

func TestClient(t *testing.T) {
	for _, server := range []string{"pptpd", "kernel"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			want := append(append(checksOf(variants...), traced...), "no-timer", "wrongpass.exit", "wrongpass.words", "wronguser.exit", "wronguser.words",
				"eap-wrongpass.exit", "eap-wrongpass.words", "eap-wronguser.exit", "eap-wronguser.words")
			guest(t, 5*time.Minute, want, append([]string{"call", "arc4", server}, variants...)...)
		})
	}
}

func TestServer(t *testing.T) {
	for _, client := range []string{"kernel", "pptp"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			guest(t, 5*time.Minute, append(append(checksOf(variants...), traced...), "no-timer"), append([]string{"call", client, "arc4"}, variants...)...)
		})
	}
}

// TestPeers calls real peers with real peers: when this fails, the guest is at
// fault and not the project.
func TestPeers(t *testing.T) {
	for _, pair := range [][2]string{{"kernel", "pptpd"}, {"pptp", "kernel"}} {
		t.Run(pair[0]+"-"+pair[1], func(t *testing.T) {
			t.Parallel()
			some := []string{"mppe128", "wrongpass"}
			guest(t, 2*time.Minute, checksOf(some...), append([]string{"call", "--time", "1", pair[0], pair[1]}, some...)...)
		})
	}
}

// TestDecrypt records calls of real peers, among themselves and with ours, and deciphers them:
// every packet inside comes out.
func TestDecrypt(t *testing.T) {
	for name, calls := range map[string][]string{
		"peers": {"kernel,pptpd,mppe128", "kernel,pptpd,mppe128-stateful", "pptp,kernel,mppe40"},
		"ours":  {"arc4,pptpd,mppe128-stateful", "arc4,kernel,mppe40-stateful", "pptp,arc4,mppe128"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, call := range calls {
				for _, check := range []string{"up", "decrypted", "same", "all", "wrong"} {
					want = append(want, strings.ReplaceAll(call, ",", "-")+"."+check)
				}
			}
			guest(t, 4*time.Minute, want, append([]string{"decrypt"}, calls...)...)
		})
	}
}

// TestBackends calls arc4 serve with arc4 connect on each backend by name.
func TestBackends(t *testing.T) {
	for _, backend := range []string{"reference", "u32", "unrolled", "amd64"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			guest(t, time.Minute, []string{"mppe128.up", "mppe128.intact", "mppe128.server-exit"},
				"call", "--time", "1", "--flags", "--backend "+backend, "arc4", "arc4", "mppe128")
		})
	}
}

// TestOuterAddress calls a server that calls itself by its public address.
func TestOuterAddress(t *testing.T) {
	t.Parallel()
	guest(t, time.Minute, []string{"outer.up", "outer.acknowledged", "outer.behind", "outer.exit"}, "outer")
}

// TestPeerLeaves has a real peer end its link by itself.
func TestPeerLeaves(t *testing.T) {
	t.Parallel()
	guest(t, time.Minute, []string{"leaves.up", "leaves.believed", "leaves.words"}, "leaves")
}

// TestCheck has arc4 check look at real peers, in order and not.
func TestCheck(t *testing.T) {
	t.Parallel()
	guest(t, 2*time.Minute, []string{
		"check.pptpd.exit", "check.pptpd.says", "check.pptpd.mtu", "check.nobody.trip", "check.wrongpass.says", "check.noway.says", "check.noway.received",
		"check.clear.says", "check.kernel.exit", "check.unchanged",
	}, "check")
}

// TestForged throws forged packets at a live call.
func TestForged(t *testing.T) {
	t.Parallel()
	want := []string{"forged.kernel-falls", "forged.client-alive", "forged.server-alive", "forged.exit"}
	for _, at := range []string{"client", "server"} {
		for _, attack := range []string{"sweep", "aimed", "jump", "clear", "replay", "broken"} {
			want = append(want, "forged."+at+"."+attack)
		}
	}
	guest(t, 3*time.Minute, want, "forged")
}
