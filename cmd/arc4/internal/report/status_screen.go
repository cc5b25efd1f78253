package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

// StatusScreen writes one look after the other.
type StatusScreen struct {
	Out    io.Writer
	JSON   bool
	Watch  bool
	Redraw bool // on a terminal: each look in the place of the last

	last   []status.Result
	lastAt time.Time
}

func (s *StatusScreen) Show(results []status.Result, now time.Time) error {
	var block bytes.Buffer
	if s.JSON {
		if err := WriteJSON(&block, results, s.Watch); err != nil {
			return err
		}
	} else {
		if s.Redraw {
			// Home and erase: written together with the block, so that the screen does not flicker.
			block.WriteString("\x1b[H\x1b[2J")
		} else if s.last != nil {
			block.WriteString("\n")
		}
		if s.Watch {
			fmt.Fprintf(&block, "%s\n", now.Format(time.RFC3339))
		}
		WriteTables(&block, results, s.last, now.Sub(s.lastAt), s.Watch)
	}
	s.last, s.lastAt = results, now
	_, err := s.Out.Write(block.Bytes())
	return err
}

// WriteJSON writes an array of snapshots: on one line when more follow.
func WriteJSON(out io.Writer, results []status.Result, oneLine bool) error {
	snapshots := []status.Snapshot{}
	for _, r := range results {
		if r.Err == nil {
			snapshots = append(snapshots, r.Snapshot)
		}
	}
	e := json.NewEncoder(out)
	if !oneLine {
		e.SetIndent("", "  ")
	}
	return e.Encode(snapshots)
}
