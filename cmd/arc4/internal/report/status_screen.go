package report

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

// StatusScreen writes one look after the other.
type StatusScreen struct {
	Out   io.Writer
	JSON  bool
	Watch bool
	// Size is that of the terminal in columns and lines, where each look is drawn in the place of
	// the last; nil: Out is none.
	Size func() (width, height int)

	last   []status.Result
	lastAt time.Time
}

func (s *StatusScreen) Show(results []status.Result, now time.Time) error {
	var block bytes.Buffer
	if s.JSON {
		if err := WriteJSON(&block, results, s.Watch); err != nil {
			return err
		}
	} else if !s.Watch {
		WriteTables(&block, results)
	} else if rows := watchRows(results, s.last, now.Sub(s.lastAt)); s.Size == nil {
		writeLines(&block, rows, now)
	} else {
		if s.last == nil {
			block.WriteString("\x1b[2J")
		}
		width, height := s.Size()
		writeScreen(&block, rows, now, width, height)
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
