package tunnels

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/internal/lab/link"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func backend(t *testing.T, name string) *arc4.Backend {
	t.Helper()
	b, err := arc4.Lookup(name)
	require.NoError(t, err)
	return b
}

// watcher notes what it is told.
type watcher struct {
	began []string
	ended int
}

func (w *watcher) Begin(what string, _ time.Duration) { w.began = append(w.began, what) }
func (w *watcher) End()                               { w.ended++ }

func TestRunMeasuresEveryCell(t *testing.T) {
	w := &watcher{}
	cfg := Config{
		Rows:    []Row{{0, 0, SmallWindow}, {5 * time.Millisecond, 2 * time.Millisecond, SmallWindow}},
		Columns: []Column{Raw, Drop, Order}, Backends: []*arc4.Backend{backend(t, "u32")},
		Both: true, Delays: false, Duration: 50 * time.Millisecond, Count: 2,
		Link: link.Config{Rate: 50e6, Seed: 1}, Lab: lab.Config{Mode: lab.Userspace, Why: "a test"}, Observer: w,
	}
	assert.Equal(t, 2*3*2*2*50*time.Millisecond, cfg.Total())
	r, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, "userspace", r.Mode)
	assert.True(t, r.completed())
	assert.Len(t, r.Cells, 2*3*2)
	assert.Len(t, w.began, 2*3*2*2)
	assert.Equal(t, len(w.began), w.ended)
	for _, c := range r.Cells {
		assert.Len(t, c.Samples, 2)
		assert.Positive(t, c.BitsPerSecond, "%v %s", c.Row, c.Column)
		assert.Equal(t, c.Column != Raw, c.Window.Accepted > 0, "%v %s: %+v", c.Row, c.Column, c.Window)
	}
	var table bytes.Buffer
	require.NoError(t, r.WriteTable(&table))
	assert.Contains(t, table.String(), "upload")
}

func TestRunMeasuresDelaysOfEachLinkOnce(t *testing.T) {
	cfg := Config{
		Rows:    []Row{{0, 0, SmallWindow}, {0, 0, LargeWindow}},
		Columns: []Column{Raw}, Backends: []*arc4.Backend{backend(t, "u32")},
		Delays: true, Duration: 10 * time.Millisecond, Count: 1, Lab: lab.Config{Mode: lab.Userspace},
	}
	assert.Equal(t, 2*10*time.Millisecond+probing, cfg.Total())
	r, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Len(t, r.Delays, 1)
	assert.Positive(t, r.Delays[0].Received)
	assert.True(t, r.completed())
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	r, err := Run(ctx, Config{
		Rows: DefaultRows(), Columns: Columns(), Backends: []*arc4.Backend{backend(t, "u32")},
		Duration: time.Minute, Count: 1, Lab: lab.Config{Mode: lab.Userspace},
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.False(t, r.completed())
}

// made is a report as Run makes it, without the work.
func made(t *testing.T) *Report {
	rows := []Row{{3 * time.Millisecond, 0, SmallWindow}, {3 * time.Millisecond, time.Millisecond, LargeWindow}}
	r := &Report{Mode: "kernel", Why: "a test", Congestion: "cubic", Config: Config{
		Omit: -1,
		Rows: rows, Columns: []Column{Raw, Drop, Order}, Backends: []*arc4.Backend{backend(t, "u32")}, Delays: true, Duration: time.Second, Count: 1,
	}}
	rates := []float64{500e6, 237e6, 242e6, 200e6, 4.354e6, 190e6}
	for i, row := range rows {
		for k, column := range r.Config.Columns {
			rate := rates[3*i+k]
			r.Cells = append(r.Cells, Cell{Row: row, Column: column, Backend: "u32", BitsPerSecond: rate, Samples: []float64{rate}})
		}
	}
	r.Delays = []DelayCell{{Row: rows[0], Column: Order, Sent: 1000, Received: 990, Overtaken: 5, P50: 3100 * time.Microsecond, P90: 4 * time.Millisecond, P99: 5 * time.Millisecond}}
	return r
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, made(t).WriteTable(&out))
	assert.Equal(t, strings.TrimLeft(`
network  kernel mode (a test)
tunnel   MS-CHAPv2, MPPE-128 stateless, RC4 by u32, reorder window of 2048 packets
link     emulated in this process: no limit to its rate, nothing lost; delay and jitter one way, in the direction of the data
traffic  one TCP connection (cubic), 1s each after 20 delays

download               window        raw       drop      order   Mbit/s
3ms                      256k        500        237        242
3ms±1ms                    8m        200       4.35        190

one-way delay                      p50 ms    p90 ms    p99 ms overtaken      lost
3ms                       order      3.10      4.00      5.00      0.5%      1.0%

At 3ms±1ms/8m the window gives 95% of what TCP has without a tunnel; dropping what is late, as the stock kernel driver does, 2%.
`, "\n"), out.String())
}

func TestTableOfBackends(t *testing.T) {
	r := made(t)
	r.Config.Backends = append(r.Config.Backends, backend(t, "reference"))
	r.Config.Rows, r.Config.Columns, r.Delays = r.Config.Rows[:1], []Column{Order}, nil
	var out bytes.Buffer
	require.NoError(t, r.WriteTable(&out))
	assert.Contains(t, out.String(), `
download, 3ms          window      order   Mbit/s
u32                      256k        242
reference                256k          -
`)
}

func TestTableOfWhatWasNotMeasured(t *testing.T) {
	r := made(t)
	r.Cells, r.Delays = r.Cells[:1], nil
	var out bytes.Buffer
	require.NoError(t, r.WriteTable(&out))
	assert.Contains(t, out.String(), "500          -          -")
	assert.False(t, r.completed())
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, made(t).WriteJSON(&out, "v1"))
	var got struct {
		Version string
		Cells   []struct {
			Row, Column, Backend, Direction string
			BitsPerSecond                   float64 `json:"bits_per_second"`
			WindowBytes                     int     `json:"window_bytes"`
		}
		Delays []struct{ P99 float64 }
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	assert.Equal(t, "v1", got.Version)
	require.Len(t, got.Cells, 6)
	last := got.Cells[5]
	assert.Equal(t, []any{"3ms±1ms/8m", "order", "u32", "download", 190e6, LargeWindow},
		[]any{last.Row, last.Column, last.Backend, last.Direction, last.BitsPerSecond, last.WindowBytes})
	assert.InDelta(t, 0.005, got.Delays[0].P99, 1e-9)
}

func TestChart(t *testing.T) {
	b := made(t).Chart()
	assert.Equal(t, []string{"3ms", "3ms±1ms/8m"}, b.Groups)
	require.Len(t, b.Series, 3)
	assert.Equal(t, []float64{242, 190}, b.Series[2].Values)
	var out bytes.Buffer
	require.NoError(t, b.Write(&out, "svg"))

	r := made(t)
	r.Config.Backends = append(r.Config.Backends, backend(t, "reference"))
	b = r.Chart()
	assert.Equal(t, []string{"u32", "reference"}, b.Groups)
	assert.Len(t, b.Series, 6)
}
