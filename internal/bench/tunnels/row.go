package tunnels

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab/link"
)

// Row is a link and the TCP window used over it.
type Row struct {
	Delay, Jitter time.Duration // one way, of the direction that is measured
	Window        int           // the largest TCP window in bytes
}

// The windows of the usual rows, in bytes.
const (
	SmallWindow = 256 << 10
	LargeWindow = 8 << 20
)

// What a row may have.
const (
	MaxDelay  = 10 * time.Second
	MinWindow = 4 << 10
	MaxWindow = 64 << 20
)

// DefaultRows are the usual ones.
func DefaultRows() []Row {
	const ms = time.Millisecond
	return []Row{
		{0, 0, SmallWindow}, {3 * ms, 0, SmallWindow}, {3 * ms, ms, SmallWindow},
		{200 * ms, 0, SmallWindow}, {200 * ms, 50 * ms, SmallWindow},
		{200 * ms, 0, LargeWindow}, {200 * ms, 50 * ms, LargeWindow},
	}
}

// none is the delay of the perfect link.
const none = "none"

// ParseRow reads a row: "none" or a delay, with its jitter behind "±" or "+-", and
// its TCP window behind "/", such as 3ms, 3ms±1ms, 200ms+-50ms/8m. Without one the
// window is SmallWindow. The error names what cannot be.
func ParseRow(text string) (Row, error) {
	r := Row{Window: SmallWindow}
	path, window, given := strings.Cut(text, "/")
	if given {
		var err error
		if r.Window, err = parseWindow(window); err != nil {
			return Row{}, fmt.Errorf("row %q: %w", text, err)
		}
	}
	if path == none {
		return r, nil
	}
	delay, jitter, jitters := strings.Cut(strings.Replace(path, "+-", "±", 1), "±")
	var err error
	if r.Delay, err = time.ParseDuration(delay); err != nil {
		return Row{}, fmt.Errorf("row %q: want %s, or a delay such as 3ms, with its jitter such as 3ms±1ms, and a TCP window such as /256k", text, none)
	}
	if jitters {
		// "3±1ms" has the unit of the jitter; that is left to people's papers.
		if r.Jitter, err = time.ParseDuration(jitter); err != nil {
			return Row{}, fmt.Errorf("row %q: jitter %q: want a duration with its unit, such as 1ms", text, jitter)
		}
	}
	switch {
	case r.Delay < 0 || r.Delay > MaxDelay:
		return Row{}, fmt.Errorf("row %q: delay %v: must be 0s to %v", text, r.Delay, MaxDelay)
	case r.Jitter < 0 || r.Jitter > r.Delay:
		return Row{}, fmt.Errorf("row %q: jitter %v: must not exceed the delay: no packet arrives before it was sent", text, r.Jitter)
	}
	return r, nil
}

func parseWindow(text string) (int, error) {
	number, unit := strings.ToLower(text), 1
	for suffix, size := range map[string]int{"k": 1 << 10, "m": 1 << 20} {
		if n, ok := strings.CutSuffix(strings.TrimSuffix(number, "b"), suffix); ok {
			number, unit = n, size
			break
		}
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > MaxWindow/unit || n*unit < MinWindow {
		return 0, fmt.Errorf("TCP window %q: want %s to %s, such as 256k or 8m", text, windowText(MinWindow), windowText(MaxWindow))
	}
	return n * unit, nil
}

func windowText(n int) string {
	switch {
	case n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + "m"
	case n%(1<<10) == 0:
		return strconv.Itoa(n>>10) + "k"
	}
	return strconv.Itoa(n)
}

// String is the text that [ParseRow] reads.
func (r Row) String() string {
	text := r.Path()
	if r.Window != SmallWindow {
		text += "/" + windowText(r.Window)
	}
	return text
}

// Path is the row without its window.
func (r Row) Path() string {
	switch {
	case r.Delay == 0:
		return none
	case r.Jitter == 0:
		return r.Delay.String()
	}
	return r.Delay.String() + "±" + r.Jitter.String()
}

// over gives the row's link: base with the row's delay.
func (r Row) over(base link.Config) link.Config {
	base.Delay, base.Jitter = r.Delay, r.Jitter
	return base
}
