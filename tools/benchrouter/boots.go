package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/malta"
)

// boot is a job that brings figures, in a guest of its own.
type boot struct {
	name   string // of the part of the table
	job    malta.Job
	prefix string // before the figures' names
}

// boots are the jobs, of so many rounds each; server is a file for [malta.Job.Server].
func boots(rounds int, server string) []boot {
	n := strconv.Itoa(rounds)
	return []boot{
		{"tunnels", malta.Job{Script: "tunnels", Args: []string{n}, Memory: 192}, ""},
		{"ciphers", malta.Job{Script: "ciphers", Args: []string{n}, Memory: 64}, ""},
		{"start", malta.Job{Script: "start", Args: []string{n}, Memory: 64, XZ: true}, ""},
		{"memory", malta.Job{Script: "memory", Memory: 64, XZ: true}, "64-"},
		{"memory", malta.Job{Script: "memory", Memory: 48, XZ: true}, "48-"},
		{"memory", malta.Job{Script: "alone", Memory: 64, XZ: true, Server: server}, "alone-64-"},
		{"memory", malta.Job{Script: "alone", Memory: 48, XZ: true, Server: server}, "alone-48-"},
		// The kernel keeps no pages free for large allocations to come.
		{"memory", malta.Job{Script: "alone", Args: []string{"3", "0"}, Memory: 48, XZ: true, Server: server}, "alone-48-unboosted-"},
	}
}

// run boots and adds the figures to f.
func (b boot) run(ctx context.Context, r *malta.Router, program string, f figures, say func(string)) error {
	b.job.Files = map[string]string{"arc4": program}
	b.job.Counted, b.job.Limit = true, 40*time.Minute
	done, err := r.Run(ctx, b.job, func(line string) {
		if !strings.HasPrefix(line, "SPEED ") {
			say(line)
		}
	}, say)
	if err != nil {
		return err
	}
	if err := f.read(b.prefix, done.Lines); err != nil {
		return fmt.Errorf("%s: %w", b.name, err)
	}
	if done.Status != 0 {
		say(fmt.Sprintf("%s ended with exit status %d", b.name, done.Status))
	}
	return nil
}

// read takes the figures of what a job printed: lines `RESULT name figure`, and `SPEED` with the
// report of arc4 speed as JSON. A figure that a job could not take is none.
func (f figures) read(prefix string, lines []string) error {
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "RESULT":
			name, text, _ := strings.Cut(rest, " ")
			if value, err := strconv.ParseFloat(text, 64); err == nil {
				f[prefix+name] = append(f[prefix+name], value)
			}
		case "SPEED":
			if err := f.readSpeed(rest); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f figures) readSpeed(text string) error {
	var report struct {
		Results []struct {
			Bytes          int     `json:"bytes"`
			BytesPerSecond float64 `json:"bytes_per_second"`
		} `json:"results"`
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		return fmt.Errorf("arc4 speed said %.60q: %w", text, err)
	}
	for _, r := range report.Results {
		name := "arc4-" + strconv.Itoa(r.Bytes)
		f[name] = append(f[name], r.BytesPerSecond)
	}
	return nil
}
