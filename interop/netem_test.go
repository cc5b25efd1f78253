//go:build interop && linux

package interop

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/link"
)

// setting is a link in the words that netem and the emulated link have in common. Delays may differ
// by slack, which is what the guest may add in one train and not in another.
type setting struct {
	name, spec string
	slack      time.Duration
}

var settings = []setting{
	{"constant", "delay 100ms", 2 * time.Millisecond}, // what it adds to 100 ms is the guest's own
	{"origin", "delay 3ms 1ms", 200 * time.Microsecond},
	{"uniform", "delay 100ms 40ms", 2 * time.Millisecond},
	{"normal", "delay 100ms 20ms distribution normal", 2 * time.Millisecond},
	{"pareto", "delay 100ms 20ms distribution pareto", 2 * time.Millisecond},
	{"loss", "delay 20ms loss 10%", 2 * time.Millisecond},
	{"duplicate", "delay 20ms duplicate 10%", 2 * time.Millisecond},
	{"reorder", "delay 50ms reorder 25%", 2 * time.Millisecond},
	{"rate", "rate 1mbit limit 50", 2 * time.Millisecond},
}

const (
	trainLength = 2000
	probeData   = 200            // bytes of UDP data
	probeWire   = probeData + 42 // with the headers of UDP, IP and Ethernet, as netem counts
	replays     = 10             // of the same train through the emulated link, under different seeds
	deepest     = 5              // standard deviations by which a count may be off
	ksLimit     = 0.09           // of the distance of two distributions: 0.055 is chance, once in 100,000
	shareLimit  = 0.05           // of the difference of two shares
	extentLimit = 0.2            // of that of two extents of disorder, in proportion
	tries       = 3              // on a busy machine the guest may stand still for longer than any slack
)

// TestNetem sends the same train of packets through netem, in the guest, and through the emulated
// link, computed from the same times of sending. Delays must have the same distribution, and so
// must what became of the packets and of their order. The guest's own lateness, which depends on
// the machine, is measured with a constant delay and put on top of the computed delays; how alike
// those are is judged where nothing else runs: with -verdict, by make bench-guest.
func TestNetem(t *testing.T) {
	left := settings
	for try := range tries {
		var differ []setting
		complaints := netem(t, try, left)
		for _, s := range left {
			if len(complaints[s.name]) > 0 {
				differ = append(differ, s)
				t.Logf("try %d: %s: %s", try+1, s.spec, strings.Join(complaints[s.name], "; "))
			}
		}
		if t.Failed() || len(differ) == 0 {
			return
		}
		if left = differ; left[0].name != settings[0].name {
			left = append([]setting{settings[0]}, left...)
		}
	}
	t.Errorf("the emulated link differs from netem in every one of %d tries", tries)
}

// netem sends a train for each setting, the first of which tells the guest's lateness, and says
// what differs.
func netem(t *testing.T, try int, settings []setting) (complaints map[string][]string) {
	args := []string{"netem", "--count", fmt.Sprint(trainLength), "--size", fmt.Sprint(probeData)}
	var want []string
	for _, s := range settings {
		args = append(args, s.name+"="+s.spec)
		want = append(want, s.name+".sent", s.name+".received")
	}
	complaints = make(map[string][]string)
	t.Run(fmt.Sprintf("try%d", try+1), func(t *testing.T) {
		guest(t, 3*time.Minute, want, args...)
		if t.Failed() {
			return
		}
		logs := filepath.Join(build, "logs", strings.ReplaceAll(t.Name(), "/", "-"))
		var noise []float64
		for i, s := range settings {
			real := readTrain(t, logs, s.name)
			if i == 0 {
				for _, d := range real.delays() {
					noise = append(noise, d-0.1)
				}
			}
			complaints[s.name] = compare(t, s, real, noise, *verdict)
		}
	})
	return complaints
}

// compare holds a train through netem against replays of it, and says what differs; in their
// delays, if those are to be judged.
func compare(t *testing.T, s setting, real train, noise []float64, judgeDelays bool) (differs []string) {
	var delays []float64
	var overtaken, extent, missing, doubled float64
	chance := rand.New(rand.NewPCG(1, 2))
	for seed := range uint64(replays) {
		ours := replay(t, s.spec, seed+1, real.sent)
		for _, d := range ours.delays() {
			delays = append(delays, d+noise[chance.IntN(len(noise))])
		}
		overtaken += ours.overtaken() / replays
		extent += ours.extent() / replays
		missing += float64(ours.missing()) / replays
		doubled += float64(ours.doubled()) / replays
	}
	theirs := real.delays()
	t.Logf("%s: delay p10 %.1f p50 %.1f p90 %.1f p99 %.1f ms, ours %.1f %.1f %.1f %.1f", s.spec,
		1e3*at(theirs, .1), 1e3*at(theirs, .5), 1e3*at(theirs, .9), 1e3*at(theirs, .99),
		1e3*at(delays, .1), 1e3*at(delays, .5), 1e3*at(delays, .9), 1e3*at(delays, .99))
	near := func(what string, theirs, ours, limit float64) {
		t.Logf("%s: %s %.3f, ours %.3f", s.spec, what, theirs, ours)
		if math.Abs(theirs-ours) > limit {
			differs = append(differs, fmt.Sprintf("%s %.3f, ours %.3f", what, theirs, ours))
		}
	}
	n := float64(len(real.sent))
	if apart := distance(theirs, delays, s.slack.Seconds()); judgeDelays {
		near("distance of the delays' distributions", apart, 0, ksLimit)
	} else {
		t.Logf("%s: distance of the delays' distributions %.3f", s.spec, apart)
	}
	near("share of packets that others overtook", real.overtaken(), overtaken, shareLimit)
	near("packets that overtook those", real.extent(), extent, 1+extentLimit*extent)
	near("packets lost", float64(real.missing()), missing, deviations(missing, n))
	near("packets doubled", float64(real.doubled()), doubled, deviations(doubled, n))
	return differs
}

// deviations is how far two counts of n chances may be apart, of which about count came true; where
// the queue and not chance decides, a share of them all.
func deviations(count, n float64) float64 {
	share := count / n
	return 1 + max(deepest*math.Sqrt(n*share*(1-share)), 0.02*n*min(1, count))
}

// train is what was sent, and what came, in its order. Times are nanoseconds.
type train struct {
	sent     []int64
	arrivals []arrival
}

type arrival struct {
	number int
	at     int64
}

func readTrain(t *testing.T, logs, name string) train {
	var tr train
	for _, line := range readLines(t, filepath.Join(logs, "netem-"+name+".sent")) {
		require.Equal(t, len(tr.sent), line.number)
		tr.sent = append(tr.sent, line.at)
	}
	require.Len(t, tr.sent, trainLength)
	tr.arrivals = readLines(t, filepath.Join(logs, "netem-"+name+".received"))
	require.NotEmpty(t, tr.arrivals)
	return tr
}

func readLines(t *testing.T, file string) (all []arrival) {
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var a arrival
		_, err := fmt.Sscan(lines.Text(), &a.number, &a.at)
		require.NoError(t, err, lines.Text())
		all = append(all, a)
	}
	return all
}

// replay sends a train through the emulated link.
func replay(t *testing.T, spec string, seed uint64, sent []int64) train {
	cfg, err := link.Parse(fmt.Sprintf("%s seed %d", spec, seed))
	require.NoError(t, err)
	if !strings.Contains(spec, "limit") {
		cfg.Limit = 200_000
	}
	l, err := link.New(cfg)
	require.NoError(t, err)
	tr := train{sent: sent}
	drain := func(until int64) {
		for {
			next, ok := l.Next()
			if !ok || next.UnixNano() > until {
				return
			}
			l.Due(next, func(p []byte) {
				tr.arrivals = append(tr.arrivals, arrival{int(p[0])<<8 | int(p[1]), next.UnixNano()})
			})
		}
	}
	packet := make([]byte, probeWire)
	for i, at := range sent {
		drain(at)
		packet[0], packet[1] = byte(i>>8), byte(i)
		l.Send(time.Unix(0, at), packet)
	}
	drain(math.MaxInt64)
	return tr
}

// delays of all that came, in seconds.
func (tr train) delays() (all []float64) {
	for _, a := range tr.arrivals {
		all = append(all, time.Duration(a.at-tr.sent[a.number]).Seconds())
	}
	return all
}

// overtaken is the share of packets that came after one that was sent later (RFC 4737 section
// 4.1.1).
func (tr train) overtaken() float64 {
	last, n := -1, 0
	for _, a := range tr.arrivals {
		if a.number < last {
			n++
		}
		last = max(last, a.number)
	}
	return float64(n) / float64(len(tr.arrivals))
}

// extent is by how many packets those were overtaken on average (RFC 4737 section 4.2.1).
func (tr train) extent() float64 {
	var extents []float64
	for i, a := range tr.arrivals {
		before := 0
		for _, b := range tr.arrivals[:i] {
			if b.number > a.number {
				before++
			}
		}
		if before > 0 {
			extents = append(extents, float64(before))
		}
	}
	return mean(extents)
}

func (tr train) missing() int { return len(tr.sent) - tr.distinct() }
func (tr train) doubled() int { return len(tr.arrivals) - tr.distinct() }

func (tr train) distinct() int {
	seen := make(map[int]bool)
	for _, a := range tr.arrivals {
		seen[a.number] = true
	}
	return len(seen)
}

// distance is the largest difference between the distributions of two samples (that of Kolmogorov
// and Smirnov), where values that differ by no more than slack count as equal.
func distance(a, b []float64, slack float64) float64 {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return max(exceeds(a, b, slack), exceeds(b, a, slack))
}

// exceeds is by how much at most a larger share of a than of b is small, with b's values made
// smaller by slack.
func exceeds(a, b []float64, slack float64) (d float64) {
	k := 0
	for i, x := range a {
		if i+1 < len(a) && a[i+1] == x {
			continue // equal ones count together
		}
		for k < len(b) && b[k]-slack <= x {
			k++
		}
		d = max(d, float64(i+1)/float64(len(a))-float64(k)/float64(len(b)))
	}
	return d
}

// at is a quantile.
func at(all []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// mean of nothing is 0.
func mean(all []float64) float64 {
	sum := 0.0
	for _, v := range all {
		sum += v
	}
	return sum / max(1, float64(len(all)))
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		name  string
		a, b  []float64
		slack float64
		want  float64
	}{
		{"the same", []float64{1, 2, 3}, []float64{3, 2, 1}, 0, 0},
		{"apart", []float64{1, 2}, []float64{3, 4}, 0, 1},
		{"half", []float64{1, 3}, []float64{3, 4}, 0, 0.5},
		{"ties", []float64{1, 1, 1, 2}, []float64{1, 2, 2, 2}, 0, 0.5},
		{"within the slack", []float64{1, 2}, []float64{1.5, 2.5}, 0.6, 0},
		{"beyond the slack", []float64{1, 2}, []float64{1.5, 2.9}, 0.6, 0.5},
	} {
		assert.InDelta(t, tc.want, distance(tc.a, tc.b, tc.slack), 1e-9, tc.name)
		assert.InDelta(t, tc.want, distance(tc.b, tc.a, tc.slack), 1e-9, tc.name+", turned round")
	}
}

// TestCompareNoticesAnotherLink: what TestNetem rests on tells one link from another.
func TestCompareNoticesAnotherLink(t *testing.T) {
	sent := make([]int64, trainLength)
	for i := range sent {
		sent[i] = int64(i) * int64(time.Millisecond)
	}
	for _, s := range settings {
		assert.Empty(t, compare(t, s, replay(t, s.spec, 99, sent), []float64{0}, true), "the same link: %s", s.spec)
	}
	for _, tc := range []struct{ real, ours string }{
		{"delay 3ms 1ms", "delay 3ms 1500us"},
		{"delay 100ms 40ms", "delay 100ms 30ms"},
		{"delay 100ms 20ms distribution normal", "delay 100ms 20ms distribution pareto"},
		{"delay 20ms loss 10%", "delay 20ms loss 5%"},
		{"delay 20ms duplicate 10%", "delay 20ms duplicate 5%"},
		{"delay 50ms reorder 25%", "delay 50ms reorder 50%"},
		{"rate 1mbit limit 50", "rate 1mbit limit 100"},
		{"rate 1mbit limit 50", "rate 2mbit limit 50"},
	} {
		s := setting{"", tc.ours, time.Millisecond / 5}
		assert.NotEmpty(t, compare(t, s, replay(t, tc.real, 99, sent), []float64{0}, true), "%s for %s", tc.ours, tc.real)
	}
}
