package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChoose(t *testing.T) {
	all, err := choose("")
	require.NoError(t, err)
	assert.Equal(t, contenders, all)
	some, err := choose("gre-xsk,wireguard-go")
	require.NoError(t, err)
	require.Len(t, some, 2)
	assert.Equal(t, reference, some[0].name, "in the table's order")
	_, err = choose("veth,openvpn")
	assert.ErrorContains(t, err, `there is no "openvpn": give some of veth, veth-plain, wireguard-go`)
}

func TestMedian(t *testing.T) {
	id := func(f float64) float64 { return f }
	for _, tc := range []struct {
		name string
		in   []float64
		want float64
	}{
		{"nothing", nil, 0}, {"one", []float64{3}, 3}, {"two", []float64{1, 4}, 2.5}, {"three", []float64{9, 1, 2}, 2},
	} {
		assert.Equal(t, tc.want, median(tc.in, id), tc.name)
	}
}

func TestPercentile(t *testing.T) {
	var hundred []int
	for i := range 100 {
		hundred = append(hundred, 100-i)
	}
	for _, tc := range []struct {
		name string
		in   []int
		p    int
		want int
	}{
		{"nothing", nil, 99, 0}, {"one", []int{7}, 99, 7}, {"p50 of a hundred", hundred, 50, 50}, {"p99 of a hundred", hundred, 99, 99},
		{"p99 of few is the highest", []int{1, 2, 3}, 99, 3}, {"p50 of three", []int{3, 1, 2}, 50, 2},
	} {
		assert.Equal(t, tc.want, percentile(tc.in, tc.p), tc.name)
	}
}

func TestReport(t *testing.T) {
	of, err := choose("wireguard-go,arc4-raw,arc4-xsk")
	require.NoError(t, err)
	r := newResults(of)
	ms := func(values ...int) (all []time.Duration) {
		for _, v := range values {
			all = append(all, time.Duration(v)*time.Millisecond)
		}
		return all
	}
	// The machine halves its speed in the second round, for everybody.
	for _, share := range []float64{1, 0.5, 1} {
		r.add(0, measurement{bits: 3e9 * share, cpu: 5, pings: ms(1, 2, 3), small: 1000})
		r.add(1, measurement{bits: 1.5e9 * share, cpu: 9, pings: ms(1, 1, 9), retransmits: 4})
		r.add(2, measurement{bits: 2.4e9 * share, cpu: 6, pings: ms(1, 1, 4), busy: 0.2})
	}
	got := r.report("a machine")
	assert.Equal(t, 3, got.Rounds)
	assert.InDelta(t, 0.2, got.Busy, 1e-9)
	assert.Equal(t, row{Name: "arc4-xsk", Says: "arc4 --io xsk", Megabits: 2400, Ratio: 0.8, CPU: 6, Ping50: 1, Ping99: 4, PingRatio: 4.0 / 3}, got.Rows[2])

	var out bytes.Buffer
	require.NoError(t, got.write(&out))
	for _, want := range []string{
		"a machine\nmedians of 3 rounds",
		"arc4-raw      1500             0.50       9.0            4         1.00    9.00                  -\n",
		"arc4-xsk      arc4 --io xsk\n",
		"Others kept up to 20% of the processors busy",
		"arc4-xsk reaches 0.80 of wireguard-go's throughput; the bar is 0.6: reached",
		"its ping p99 under load is 1.33 times wireguard-go's; the bar is 2.0: reached",
	} {
		assert.Contains(t, out.String(), want)
	}
}

func TestReportWithoutTheReference(t *testing.T) {
	of, err := choose("gre-raw")
	require.NoError(t, err)
	r := newResults(of)
	r.add(0, measurement{bits: 1e9})
	got := r.report("a machine")
	assert.Zero(t, got.Rows[0].Ratio)
	assert.Empty(t, got.bars())
}

func TestParseFlow(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     flow
		err      string
	}{
		{"TCP", `{"end":{"sum_sent":{"retransmits":3},"sum_received":{"bytes":1000,"seconds":2}}}`, flow{bytes: 1000, seconds: 2, retransmits: 3}, ""},
		{"UDP", `{"end":{"sum":{"packets":100,"lost_packets":40,"seconds":2}}}`, flow{packets: 60, seconds: 2}, ""},
		{"an error", `{"error":"unable to connect"}`, flow{}, "iperf3: unable to connect"},
		{"nothing", `{"end":{}}`, flow{}, "iperf3: nothing arrived"},
		{"no JSON", `oops`, flow{}, "iperf3 wrote no JSON: invalid character 'o' looking for beginning of value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseFlow([]byte(tc.in))
			assert.Equal(t, tc.want, got)
			if tc.err != "" {
				assert.EqualError(t, err, tc.err)
			}
		})
	}
}

func TestParseTicks(t *testing.T) {
	got, err := parseTicks(strings.NewReader("cpu  10 20 30 1000 5 6 7 8 0 0\ncpu0 1 2 3 4\n"))
	require.NoError(t, err)
	assert.Equal(t, ticks{busy: 10 + 30 + 6 + 7, nice: 20, all: 1086}, got)
	for _, bad := range []string{"", "cpu 1 2\n", "cpu0 1 2 3 4 5 6 7 8 9\n", "cpu a b c d e f g h i\n"} {
		_, err := parseTicks(strings.NewReader(bad))
		assert.ErrorContains(t, err, "/proc/stat", bad)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"end":{"sum":{"packets":100,"lost_packets":40,"seconds":2}}}`))
	f.Add([]byte("cpu  10 20 30 1000 5 6 7 8 0 0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := parseFlow(b); err == nil {
			assert.Positive(t, got.seconds)
		}
		_, _ = parseTicks(bytes.NewReader(b))
	})
}

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, 2)
	p.step("one")
	p.step("two")
	p.end()
	assert.Equal(t, "one\ntwo\n", out.String())
}
