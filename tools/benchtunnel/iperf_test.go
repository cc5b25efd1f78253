package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

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
