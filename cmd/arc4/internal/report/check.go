//go:build !nocheck

package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/diagnosis"
)

// Check shows the steps of `arc4 check` as they are taken: a line each, or one JSON object in the
// end.
type Check struct {
	out      io.Writer
	server   string
	json     bool
	terminal bool // what goes on now is shown on the line that its verdict takes
	verdicts map[diagnosis.Step]diagnosis.Verdict
	err      error
}

// NewCheck begins the report on a server.
func NewCheck(out io.Writer, server string, asJSON bool) *Check {
	c := &Check{out: out, server: server, json: asJSON, verdicts: make(map[diagnosis.Step]diagnosis.Verdict)}
	if file, is := out.(*os.File); is {
		c.terminal = !asJSON && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
	}
	return c
}

func (c *Check) print(format string, args ...any) {
	if c.err != nil || c.json {
		return
	}
	if _, err := fmt.Fprintf(c.out, format, args...); err != nil {
		c.err = fmt.Errorf("cannot write the report: %w", err)
	}
}

const clearLine = "\r\x1b[K"

// Begin says what is being tried, on a terminal.
func (c *Check) Begin(s diagnosis.Step) {
	if c.terminal {
		c.print(clearLine+"...   %s", s)
	}
}

// remedyIndent puts a remedy below the text that it is about.
const remedyIndent = "                    "

// Verdict shows what became of a step.
func (c *Check) Verdict(v diagnosis.Verdict) {
	c.verdicts[v.Step] = v
	if c.terminal {
		c.print(clearLine)
	}
	c.print("%-4s  %-12s  %s\n", v.State, v.Step, v.Text)
	if v.Remedy != "" {
		c.print(remedyIndent+"%s\n", v.Remedy)
	}
}

// checkJSON is the report as an object; its text is in the help of the command.
type checkJSON struct {
	Server      string     `json:"server"`
	ExitCode    int        `json:"exit_code"`
	Interrupted bool       `json:"interrupted,omitempty"`
	Steps       []stepJSON `json:"steps"`
	Path        *pathJSON  `json:"path,omitempty"`
}

type stepJSON struct {
	Step   string `json:"step"`
	State  string `json:"state"`
	Text   string `json:"text,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

type pathJSON struct {
	MTU       int     `json:"mtu"` // the largest IP packet in the tunnel that passes whole, bytes
	Echoes    int     `json:"echoes"`
	Returned  int     `json:"returned"`
	LostThere int     `json:"lost_there"`
	LateBack  int     `json:"late_back"`
	LateThere int     `json:"late_there"`
	Median    float64 `json:"rtt_median_ms"`
	P95       float64 `json:"rtt_p95_ms"`
}

// End says what was not tried, or writes the object.
func (c *Check) End(f *diagnosis.Facts, code int, interrupted bool) error {
	if c.json {
		return c.object(f, code, interrupted)
	}
	if c.terminal {
		c.print(clearLine)
	}
	var left []string
	for _, s := range diagnosis.Steps() {
		if _, tried := c.verdicts[s]; !tried {
			left = append(left, s.String())
		}
	}
	why := ""
	if interrupted {
		why = "interrupted; "
	}
	if len(left) > 0 {
		c.print("%-4s  %snot tried: %s\n", diagnosis.Skipped, why, strings.Join(left, ", "))
	}
	return c.err
}

func (c *Check) object(f *diagnosis.Facts, code int, interrupted bool) error {
	o := checkJSON{Server: c.server, ExitCode: code, Interrupted: interrupted}
	for _, s := range diagnosis.Steps() {
		v, tried := c.verdicts[s]
		if !tried {
			v = diagnosis.Verdict{State: diagnosis.Skipped, Text: "not tried"}
		}
		state := strings.ToLower(v.State.String())
		if v.State == diagnosis.Skipped {
			state = "skipped"
		}
		o.Steps = append(o.Steps, stepJSON{s.String(), state, v.Text, v.Remedy})
	}
	if p := &f.Path; p.Sent > 0 {
		o.Path = &pathJSON{p.Largest, p.Sent, p.Returned, p.LostThere, p.Late, p.LateThere, inMilliseconds(p.Median), inMilliseconds(p.Percent)}
	}
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(o)
}

func inMilliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
