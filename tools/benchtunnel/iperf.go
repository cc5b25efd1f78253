package main

import (
	"encoding/json"
	"errors"
	"fmt"
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
