package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Profile is a row of arc4 list.
type Profile struct {
	Name   string    `json:"name"`
	State  string    `json:"state"`
	File   string    `json:"file"` // empty: it has gone
	PID    int       `json:"pid,omitempty"`
	Since  time.Time `json:"since,omitzero"` // of the state
	Device string    `json:"device,omitempty"`
	Local  string    `json:"local,omitempty"`
	Remote string    `json:"remote,omitempty"`
	Server string    `json:"server,omitempty"` // its outer address
	Reason string    `json:"reason,omitempty"` // why it is not up
}

// Take has the row say what a run says of itself.
func (p *Profile) Take(s status.Snapshot) {
	p.Device = s.Process.Device
	if c := s.Client; c != nil {
		p.State, p.Since, p.Reason = c.State, c.Since, c.Reason
	}
	if s.Way != nil {
		p.Server = s.Way.Server
	}
	for _, session := range s.Sessions {
		if session.Local.IsValid() {
			p.Local = session.Local.String()
		}
		if session.Remote.IsValid() {
			p.Remote = session.Remote.String()
		}
	}
}

// WriteProfiles writes what people read.
func WriteProfiles(out io.Writer, rows []Profile) error {
	t := newTable("profile", "state", "since", "device", "local", "file")
	for _, p := range rows {
		since := "-"
		if !p.Since.IsZero() {
			since = p.Since.Local().Format(time.DateTime)
		}
		t.add(p.Name, p.State, since, cmp.Or(printable(p.Device), "-"), cmp.Or(p.Local, "-"), cmp.Or(p.File, "(gone)"))
	}
	var b strings.Builder
	t.write(&b)
	_, err := io.WriteString(out, strings.TrimPrefix(b.String(), "\n"))
	if err != nil {
		return err
	}
	for _, p := range rows {
		if p.Reason != "" && p.State != status.Up {
			if _, err := fmt.Fprintf(out, "%s: %s\n", p.Name, printable(p.Reason)); err != nil {
				return err
			}
		}
	}
	return nil
}
