//go:build !noprofiles

package main

import (
	"context"
	"encoding/json"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/background"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/profile"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

const listLong = `list shows the profiles that there are, and those that run whose file has gone, with the state of each:

    down          nobody runs it
    connecting    an attempt goes on
    up            packets pass
    waiting       packets do not pass until one asks for the tunnel (--on-demand)
    reconnecting  packets do not pass, and it tries again by itself
    running       a process runs it that does not say here how it is (--status-socket)
    killed        whoever ran it was killed: "arc4 down NAME" removes what is left, as does the next "arc4 up NAME"
    failed        systemd says so of its service

--json writes an array with an object for each: name, state, file, and where there is such pid, since, device, local,
remote, server, and the reason of what is not up. What another
user runs is not seen here: what root runs, root alone sees.`

func newListCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:        "list",
		SuggestFor: []string{"ls"},
		Short:      "List the profiles, and which of them are up",
		Long:       listLong,
		Example: `  arc4 list
  arc4 list --json | jq -r '.[] | select(.state == "up") | .name'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := listProfiles(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), rows)
			}
			if len(rows) == 0 {
				return say(cmd, "no profiles in %s: \"arc4 help profile\" tells how to write one", cmdline.AnyOf(profile.Dirs()))
			}
			return report.WriteProfiles(cmd.OutOrStdout(), rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "an array of objects instead of a table")
	return cmd
}

func writeJSON(out io.Writer, rows []report.Profile) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(rows)
}

// listProfiles collects them, by name.
func listProfiles(ctx context.Context) ([]report.Profile, error) {
	dir := status.DefaultDir()
	results, _ := status.FetchAll(ctx, dir) // that nothing runs is no mistake here
	names := append(profile.Names(profile.Dirs()), background.Names(dir)...)
	slices.Sort(names)
	rows := []report.Profile{}
	for _, name := range slices.Compact(names) {
		r := &profileRun{name: name, dir: dir}
		if _, path, err := findProfile(name); err == nil {
			r.path = path
		}
		now, err := r.running()
		if err != nil {
			return nil, err
		}
		row := report.Profile{Name: name, State: "down", File: r.path, PID: now.PID}
		switch {
		case now.PID != 0:
			row.State, row.File = "running", fileOf(now)
			at := slices.IndexFunc(results, func(x status.Result) bool {
				return x.Err == nil && x.Snapshot.Process.PID == now.PID && x.Snapshot.Process.Profile == name
			})
			if at >= 0 {
				row.Take(results[at].Snapshot)
			}
		case now.Killed:
			row.State = "killed"
		case r.managed() && background.Failed(name):
			row.State = "failed"
		}
		rows = append(rows, row)
	}
	return rows, nil
}
