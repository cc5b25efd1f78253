package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// flow is what iperf3 says of one it has sent.
type flow struct {
	bytes       float64 // that arrived
	seconds     float64
	retransmits float64
	packets     float64 // of UDP, that arrived
}

// parseFlow reads what iperf3 --json prints.
func parseFlow(b []byte) (flow, error) {
	var r struct {
		Error string `json:"error"`
		End   struct {
			Sent struct {
				Retransmits float64 `json:"retransmits"`
			} `json:"sum_sent"`
			Received struct {
				Bytes   float64 `json:"bytes"`
				Seconds float64 `json:"seconds"`
			} `json:"sum_received"`
			Sum struct {
				Packets float64 `json:"packets"`
				Lost    float64 `json:"lost_packets"`
				Seconds float64 `json:"seconds"`
			} `json:"sum"`
		} `json:"end"`
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return flow{}, fmt.Errorf("iperf3 wrote no JSON: %w", err)
	}
	if r.Error != "" {
		return flow{}, errors.New("iperf3: " + r.Error)
	}
	f := flow{bytes: r.End.Received.Bytes, seconds: r.End.Received.Seconds, retransmits: r.End.Sent.Retransmits}
	if r.End.Sum.Packets > 0 {
		f.packets, f.seconds = r.End.Sum.Packets-r.End.Sum.Lost, r.End.Sum.Seconds
	}
	if f.seconds <= 0 || f.bytes <= 0 && f.packets <= 0 {
		return flow{}, errors.New("iperf3: nothing arrived")
	}
	return f, nil
}

// ticks is the time of all processors together, in units of 10 ms (proc(5), USER_HZ): what work
// took, with and without that of a low priority, which is somebody else's.
type ticks struct{ busy, nice, all uint64 }

const ticksPerSecond = 100

// parseTicks reads the first line of /proc/stat: user nice system idle iowait irq softirq steal ...
func parseTicks(r io.Reader) (ticks, error) {
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return ticks{}, fmt.Errorf("/proc/stat: %w", err)
	}
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return ticks{}, fmt.Errorf("/proc/stat: %q is not the sum of all processors", strings.TrimSpace(line))
	}
	var t ticks
	for i, f := range fields[1:9] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return ticks{}, fmt.Errorf("/proc/stat: %w", err)
		}
		t.all += n
		// What a hypervisor gave to others (steal) is not ours, nor is idle time.
		switch i {
		case 3, 4, 7:
		case 1:
			t.nice += n
		default:
			t.busy += n
		}
	}
	return t, nil
}
