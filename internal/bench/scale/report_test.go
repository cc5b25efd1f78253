package scale

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWriteTable(t *testing.T) {
	report := Report{
		Backend: "u32",
		Rows: []Row{{
			Sessions: 10, SetUp: time.Second, SetUpCPU: 20 * time.Millisecond, TearDown: 2 * time.Second, Idle: 51200, Busy: 102400,
			Packets: 1_000_000, Bytes: 1000, Duration: 4 * time.Second, CPU: 8 * time.Second, Least: 90_000, Most: 120_000,
		}},
		Receive: []ReceiveRow{
			{Sessions: 64, Readers: 1, Cores: 1, Packets: 1000, Bytes: 1400, Duration: 10 * time.Millisecond, CPU: 10 * time.Millisecond},
			{Sessions: 64, Readers: 2, Cores: 2, Packets: 1000, Bytes: 1400, Duration: 5 * time.Millisecond, CPU: 11 * time.Millisecond},
			{Sessions: 64, Readers: 1, Cores: 1, Sockets: true, Packets: 1000, Bytes: 1400, Duration: 20 * time.Millisecond, CPU: 20 * time.Millisecond},
			{Sessions: 64, Readers: 4, Cores: 2, Sockets: true, Packets: 1000, Bytes: 1400, Duration: 8 * time.Millisecond, CPU: 12 * time.Millisecond},
		},
	}
	var w strings.Builder
	require.NoError(t, report.WriteTable(&w))
	assert.Contains(t, w.String(), "       10         10       2.00       50.0      100.0       2000      250.0       8.00     0.75       2.00\n")
	assert.Contains(t, w.String(), "        2          2       lists          200       2.00      11.00\n")
	assert.Contains(t, w.String(), "        4          2     sockets          125       2.50      12.00\n")
}
